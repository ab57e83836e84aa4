package nft

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/aureole-cloud/aureole/netfw/link"
)

// namespace makes an empty namespace for a test or benchmark.
func namespace(tb testing.TB) *link.Namespace {
	tb.Helper()
	name := fmt.Sprintf("nft-test-%d-%s", pid(), tb.Name())
	for i := range name {
		if name[i] == '/' {
			name = name[:i] + "-" + name[i+1:]
		}
	}
	ns, err := link.EnsureNamespace(name)
	if err != nil {
		tb.Fatal("the tests make network namespaces, for which they need root: ", err)
	}
	tb.Cleanup(func() {
		ns.Close()
		if err := link.RemoveNamespace(name); err != nil {
			tb.Error(err)
		}
	})
	return ns
}

func addr(k int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24+uint32(k)+10)
	return netip.AddrFrom4(b)
}

// tenRules are ten rules that differ with k.
func tenRules(k int) []Rule {
	rules := make([]Rule, 0, 10)
	for r := range 10 {
		rules = append(rules, Rule{Protocol: TCP, From: 1000 + r, To: 1000 + r + k%100, CIDR: netip.MustParsePrefix("10.0.0.0/8")})
	}
	return rules
}

// crowd is a firewall of many taps: each has a group of its own with ten rules, and all are in one.
func crowd(taps int) Firewall {
	f := Firewall{Uplink: true, Metadata: true, Groups: []Group{{ID: "sg-all", Ingress: tenRules(0), Egress: []Rule{{Protocol: Any, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}}}}
	for k := range taps {
		id := fmt.Sprintf("sg-%d", k)
		f.Groups = append(f.Groups, Group{ID: id, Ingress: tenRules(k)})
		f.Taps = append(f.Taps, Tap{Name: fmt.Sprintf("aut%06x", k), MAC: net.HardwareAddr{2, 0, 0, 0, byte(k >> 8), byte(k)},
			Addrs: []Translation{{IP: addr(k)}}, Groups: []string{"sg-all", id}})
	}
	return f
}

func BenchmarkFirewall(b *testing.B) {
	for _, taps := range []int{2, 2000, 5000} {
		b.Run(fmt.Sprintf("load/taps=%d", taps), func(b *testing.B) {
			f := crowd(taps)
			for b.Loop() {
				b.StopTimer()
				ns := namespace(b)
				t := New("bench", ns.FD())
				b.StartTimer()
				if err := t.Apply(f); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := t.Remove(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
		loaded := func(b *testing.B) (*Table, Firewall) {
			f := crowd(taps)
			t := New("bench", namespace(b).FD())
			if err := t.Apply(f); err != nil {
				b.Fatal(err)
			}
			return t, f
		}
		apply := func(b *testing.B, t *Table, f Firewall) {
			if err := t.Apply(f); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("rules of one tap/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			for k := 0; b.Loop(); k++ {
				f.Groups[taps].Ingress = tenRules(k)
				apply(b, t, f)
			}
		})
		b.Run(fmt.Sprintf("rules of the group of all/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			for k := 0; b.Loop(); k++ {
				f.Groups[0].Ingress = tenRules(k)
				apply(b, t, f)
			}
		})
		b.Run(fmt.Sprintf("one tap joins a group/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			for k := 0; b.Loop(); k++ {
				f.Taps[0].Groups = [][]string{{"sg-all"}, {"sg-all", "sg-1"}}[k%2]
				apply(b, t, f)
			}
		})
		b.Run(fmt.Sprintf("one tap comes and goes/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			less := f
			less.Taps, less.Groups = f.Taps[:taps-1], f.Groups[:taps]
			for k := 0; b.Loop(); k++ {
				apply(b, t, [...]Firewall{less, f}[k%2])
			}
		})
		b.Run(fmt.Sprintf("a public address moves/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			public := netip.MustParseAddr("203.0.113.5")
			for k := 0; b.Loop(); k++ {
				f.Taps[k%2].Addrs = []Translation{{IP: addr(k % 2), Public: public, Source: public}}
				f.Taps[1-k%2].Addrs = []Translation{{IP: addr(1 - k%2)}}
				apply(b, t, f)
			}
		})
		b.Run(fmt.Sprintf("nothing changes/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			for b.Loop() {
				apply(b, t, f)
			}
		})
		b.Run(fmt.Sprintf("adoption/taps=%d", taps), func(b *testing.B) {
			t, f := loaded(b)
			for b.Loop() {
				t.Forget()
				apply(b, t, f)
			}
		})
	}
}
