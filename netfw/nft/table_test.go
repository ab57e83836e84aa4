package nft

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/nftables/userdata"

	"github.com/aureole-cloud/aureole/netfw/link"
)

func pid() int { return os.Getpid() }

// ruleset is what the nft tool says of a namespace, in JSON: it cannot read all that was made by netlink as text.
func ruleset(t *testing.T, ns *link.Namespace) string {
	t.Helper()
	out, err := exec.Command("nsenter", "--net="+link.Dir+"/"+ns.Name, "nft", "-j", "list", "ruleset").CombinedOutput()
	if err != nil || !json.Valid(out) {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	return string(out)
}

func mustApply(t *testing.T, table *Table, f Firewall) {
	t.Helper()
	if err := table.Apply(f); err != nil {
		t.Fatal(err)
	}
}

// same checks that the kernel has exactly what a table freshly made in another namespace has.
func same(t *testing.T, table *Table, f Firewall) {
	t.Helper()
	fresh := New("test", second(t).FD())
	t.Cleanup(fresh.Close)
	mustApply(t, fresh, f)
	table.mu.Lock()
	defer table.mu.Unlock()
	fresh.mu.Lock()
	defer fresh.mu.Unlock()
	have, err := table.read()
	if err != nil {
		t.Fatal(err)
	}
	want, err := fresh.read()
	if err != nil {
		t.Fatal(err)
	}
	if got, wanted := describe(have), describe(want); got != wanted {
		t.Errorf("the kernel has\n%s\nwhere a fresh table has\n%s", got, wanted)
	}
}

var seconds int

func second(t *testing.T) *link.Namespace {
	t.Helper()
	seconds++
	name := fmt.Sprintf("nft-fresh-%d-%d", pid(), seconds)
	ns, err := link.EnsureNamespace(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ns.Close()
		if err := link.RemoveNamespace(name); err != nil {
			t.Error(err)
		}
	})
	return ns
}

func describe(m *mirror) string {
	var lines []string
	for o, texts := range m.chains {
		lines = append(lines, fmt.Sprintf("%d chain %s: %s", o.family, o.name, strings.Join(texts, "; ")))
	}
	for o, elements := range m.sets {
		for k, v := range elements {
			lines = append(lines, fmt.Sprintf("%d set %s: %q %q", o.family, o.name, k, v))
		}
		lines = append(lines, fmt.Sprintf("%d set %s", o.family, o.name))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Whatever way a firewall went, in the end the kernel has what it would have had at once.
func TestManyChangesLeadToTheSame(t *testing.T) {
	ns := namespace(t)
	table := New("test", ns.FD())
	t.Cleanup(table.Close)
	var f Firewall
	public := netip.MustParseAddr("203.0.113.5")
	for step := range 40 {
		n := 1 + step*7%12
		f = crowd(n)
		f.Uplink = step%5 != 0
		f.DNS = []netip.Addr{addr(1000 + step%3)}
		for k := range f.Taps {
			tap := &f.Taps[k]
			switch (step + k) % 6 {
			case 0:
				tap.Groups = tap.Groups[:1]
			case 1:
				tap.AnySource = true
			case 2:
				tap.Addrs = append(tap.Addrs, Translation{IP: netip.MustParseAddr(fmt.Sprintf("fd00::%d", k+1))})
			case 3:
				tap.MAC = net.HardwareAddr{2, 1, 1, 1, 1, byte(k)}
			case 4:
				f.Groups[k+1].Ingress = append(f.Groups[k+1].Ingress, Rule{Protocol: Any, Group: "sg-all"}, Rule{Protocol: UDP, From: 1, To: 2 + step, Group: "sg-gone"})
			}
		}
		if f.Uplink {
			f.Taps[step%n].Addrs[0].Public, f.Taps[step%n].Addrs[0].Source = public, public
		}
		if step%11 == 0 {
			table.Forget()
		}
		mustApply(t, table, f)
		if step%8 == 7 {
			same(t, table, f)
		}
	}
	if out := ruleset(t, ns); !strings.Contains(out, `"denied_in"`) {
		t.Error("nft does not list the sets")
	}
	mustApply(t, table, Firewall{})
	same(t, table, Firewall{})
	if err := table.Remove(); err != nil {
		t.Fatal(err)
	}
	if there, err := table.Exists(); err != nil || there {
		t.Errorf("the table is there: %v %v", there, err)
	}
}

func TestLargeLoadIsSplit(t *testing.T) {
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	table.limit = 16
	f := crowd(100)
	// Groups of 400 and more members and blocks: their elements do not fit into one attribute, nor into one set.
	for k := range 1500 {
		f.Groups[0].Remote = append(f.Groups[0].Remote, addr(100000+k))
		f.Groups[1].Ingress = append(f.Groups[1].Ingress, Rule{Protocol: TCP, From: 22, To: 22, CIDR: netip.PrefixFrom(addr(200000+2*k), 32)})
	}
	mustApply(t, table, f)
	table.limit = defaultLimit
	same(t, table, f)
}

// With buffers that are too small the answers of the kernel get lost, though it has done what was asked: it is asked what it has.
func TestLostAnswerIsLookedUp(t *testing.T) {
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	table.buffer = 4096
	f := crowd(150)
	mustApply(t, table, f)
	if table.mu.lost == 0 {
		t.Error("no answer was lost")
	}
	f.Taps = f.Taps[:20]
	mustApply(t, table, f)
	same(t, table, f)
}

// A unit that the kernel refuses is found, and the others are in force.
func TestOneBadUnit(t *testing.T) {
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	f := crowd(4)
	mustApply(t, table, f)
	// Taken away behind the table's back: whoever jumps to it cannot be made.
	conn, err := New("test", table.ns).dial()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn
	table.mu.Lock()
	table.mu.kernel.chains[object{inet, "i_sg-bad"}] = nil // believed to be there
	table.mu.Unlock()
	f.Groups = append(f.Groups, Group{ID: "sg-bad"})
	f.Taps[1].Groups = []string{"sg-bad"}
	f.Taps[2].Groups = []string{"sg-all"}
	err = table.Apply(f)
	if err == nil || !strings.Contains(err.Error(), "aut000001") {
		t.Fatalf("error is %v", err)
	}
	table.mu.Lock()
	m, err := table.read()
	table.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	groupsOf := func(tap string) (all []string) {
		for k := range 2 {
			if g, ok := m.sets[object{inet, place(belongs, k)}][string(ifname(tap))]; ok {
				all = append(all, m.numbers().ids[g])
			}
		}
		return all
	}
	if got := groupsOf("aut000002"); !slices.Equal(got, []string{"sg-all"}) {
		t.Errorf("the good tap has %v", got)
	}
	if got := groupsOf("aut000001"); !slices.Equal(got, []string{"sg-all", "sg-1"}) {
		t.Errorf("the bad tap has %v", got)
	}
	table.Forget()
	mustApply(t, table, f)
	same(t, table, f)
}

func TestInvalid(t *testing.T) {
	tap := func(change func(*Tap)) Firewall {
		f := crowd(1)
		change(&f.Taps[0])
		return f
	}
	group := func(r Rule) Firewall {
		f := crowd(1)
		f.Groups[0].Ingress = []Rule{r}
		return f
	}
	all := netip.MustParsePrefix("0.0.0.0/0")
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	for name, f := range map[string]Firewall{
		"tap name":           tap(func(t *Tap) { t.Name = "a name" }),
		"long tap name":      tap(func(t *Tap) { t.Name = strings.Repeat("a", 16) }),
		"uplink":             tap(func(t *Tap) { t.Name = Uplink }),
		"no MAC":             tap(func(t *Tap) { t.MAC = nil }),
		"multicast MAC":      tap(func(t *Tap) { t.MAC = net.HardwareAddr{1, 0, 0, 0, 0, 1} }),
		"no address":         tap(func(t *Tap) { t.Addrs = nil }),
		"bad address":        tap(func(t *Tap) { t.Addrs = []Translation{{IP: netip.MustParseAddr("::ffff:10.0.0.1")}} }),
		"multicast address":  tap(func(t *Tap) { t.Addrs = []Translation{{IP: netip.MustParseAddr("224.0.0.1")}} }),
		"IPv6 translation":   tap(func(t *Tap) { t.Addrs[0].Public = netip.MustParseAddr("fd00::1") }),
		"unknown group":      tap(func(t *Tap) { t.Groups = []string{"sg-x"} }),
		"bad group":          tap(func(t *Tap) { t.Groups = []string{"sg x"} }),
		"protocol":           group(Rule{Protocol: 256, CIDR: all}),
		"ports":              group(Rule{Protocol: TCP, From: 2, To: 1, CIDR: all}),
		"large port":         group(Rule{Protocol: TCP, From: 2, To: 65536, CIDR: all}),
		"code without type":  group(Rule{Protocol: ICMP, From: Any, To: 3, CIDR: all}),
		"no peer":            group(Rule{Protocol: TCP}),
		"two peers":          group(Rule{Protocol: TCP, CIDR: all, Group: "sg-all"}),
		"group with a space": group(Rule{Protocol: TCP, Group: "sg all"}),
	} {
		if err := table.Apply(f); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzComment(f *testing.F) {
	f.Add(userdata.AppendString(nil, userdata.TypeComment, "text"))
	f.Add([]byte{0, 200, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c := comment(b); len(c) > len(b) {
			t.Errorf("%q out of %q", c, b)
		}
		_, _, _ = parseRule(b)
	})
}

// Rules that were brought together allow what they allowed one by one.
func FuzzMerge(f *testing.F) {
	f.Add([]byte{0, 80, 0, 90, 10, 1, 2, 3, 8, 0, 91, 0, 95, 10, 0, 0, 0, 24}, uint16(85), uint32(0x0a010203))
	f.Fuzz(func(t *testing.T, b []byte, port uint16, peer uint32) {
		var rules []Rule
		for ; len(b) >= 9 && len(rules) < 40; b = b[9:] {
			from, to := int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3])
			if from > to {
				from, to = to, from
			}
			rules = append(rules, Rule{Protocol: TCP, From: from, To: to, CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte(b[4:8])), int(b[8])%33)})
		}
		a := netip.AddrFrom4([4]byte{byte(peer >> 24), byte(peer >> 16), byte(peer >> 8), byte(peer)})
		want := slices.ContainsFunc(rules, func(r Rule) bool { return r.From <= int(port) && int(port) <= r.To && r.CIDR.Masked().Contains(a) })
		key := string([]byte{byte(port >> 8), byte(port)})
		got := false
		for _, r := range compileRules(rules, true) {
			got = got || allows(t, r, string(a.AsSlice()), key)
		}
		if got != want {
			t.Errorf("%v: %s port %d is %v", rules, a, port, got)
		}
	})
}

// What is wrong is told again by every Apply, though nothing changed since the last, until it is mended.
func TestWrongIsToldAgain(t *testing.T) {
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	f := crowd(4)
	mustApply(t, table, f)
	mustApply(t, table, f)
	for name, wrong := range map[string]func(Firewall) Firewall{
		"the group of a tap goes": func(f Firewall) Firewall {
			f.Groups = slices.Delete(slices.Clone(f.Groups), 2, 3)
			return f
		},
		"a tap claims what is another's": func(f Firewall) Firewall {
			f.Taps = slices.Clone(f.Taps)
			f.Taps[2].Addrs = f.Taps[0].Addrs
			return f
		},
		"a tap claims what is another's, both new": func(f Firewall) Firewall {
			f.Taps = append(slices.Clone(f.Taps), crowd(6).Taps[4:]...)
			f.Groups = append(slices.Clone(f.Groups), crowd(6).Groups[5:]...)
			f.Taps[5].Addrs = f.Taps[4].Addrs
			return f
		},
		"a tap comes twice":     func(f Firewall) Firewall { f.Taps = append(slices.Clone(f.Taps), f.Taps[0]); return f },
		"a new tap comes twice": func(f Firewall) Firewall { n := crowd(5); n.Taps = append(n.Taps, n.Taps[4]); return n },
	} {
		for round := range 3 {
			if err := table.Apply(wrong(f)); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s, time %d: %v", name, round+1, err)
			}
		}
		mustApply(t, table, f)
		same(t, table, f)
	}
}
