package netfw_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// A world is all that a host should have: networks, and which of the interfaces are plugged (the others wait, prepared).
type world struct {
	Networks []netfw.Network
	Plugged  map[string]bool
}

// What every world has, so that its flows can be watched while everything else comes and goes.
const (
	keptVPC    = "vpc-000000000000000aa"
	keptGroup  = "sg-000000000000000aa"
	keptA      = "eni-00000000000000a0a"
	keptB      = "eni-00000000000000a0b"
	keptPublic = "203.0.113.10"
	groupCount = 5
)

func group(k int) string { return fmt.Sprintf("sg-%017x", 1+k) }

// randomWorld is a world of up to three networks. Addresses, public ones too, are taken by one interface now and another then.
func randomWorld(r *rand.Rand) world {
	w := world{Plugged: map[string]bool{keptA: true, keptB: true}}
	public := r.Perm(12)
	for v, id := range []string{keptVPC, "vpc-000000000000000bb", "vpc-000000000000000cc"} {
		if v > 0 && r.IntN(3) == 0 {
			continue
		}
		n := netfw.Network{ID: id, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00::/56")}, Domain: "ec2.internal",
			Subnets: []netfw.Subnet{{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), IPv6: netip.MustParsePrefix("fd00::/64")}}}
		if v > 0 {
			n.MTU, n.NoDNS = []int{0, 1450}[r.IntN(2)], r.IntN(2) == 0
		}
		if r.IntN(2) == 0 {
			n.Subnets = append(n.Subnets, netfw.Subnet{ID: "subnet-2", CIDR: netip.MustParsePrefix("10.0.1.0/24")})
		}
		if v == 0 {
			keep := netfw.Group{ID: keptGroup, Egress: []netfw.Rule{everywhere()}, Ingress: []netfw.Rule{cidr(netfw.UDP, 9000, 9001, "0.0.0.0/0")}}
			n.Groups = append(n.Groups, keep)
		}
		for k := range groupCount {
			g := netfw.Group{ID: group(k)}
			for range r.IntN(4) {
				g.Ingress = append(g.Ingress, randomRule(r))
				g.Egress = append(g.Egress, randomRule(r))
			}
			n.Groups = append(n.Groups, g)
		}
		if v == 0 {
			for k, id := range []string{keptA, keptB} {
				i := netfw.Interface{ID: id, MAC: net.HardwareAddr{2, 0, 0, 0xa, 0, byte(k)}, Subnet: "subnet-1", Groups: append(someGroups(r), keptGroup),
					Addresses: []netfw.Address{{IP: netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", 10+k))}}}
				if id == keptA {
					i.Addresses[0].Public = netip.MustParseAddr(keptPublic)
				}
				n.Interfaces = append(n.Interfaces, i)
			}
		}
		last := r.Perm(12)
		for k := range r.IntN(6) {
			i := netfw.Interface{ID: fmt.Sprintf("eni-%015x%02x", 0xb+v, k), MAC: net.HardwareAddr{2, 0, 0, byte(0xb + v), byte(r.IntN(2)), byte(k)}, Subnet: "subnet-1",
				Groups: someGroups(r), AnySource: r.IntN(4) == 0}
			a := netfw.Address{IP: netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", 20+last[k]))}
			switch r.IntN(4) {
			case 0:
				a.Public, public = netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", 20+public[0])), public[1:]
				if len(public) == 0 {
					public = []int{40 + 10*v + k}
				}
			case 1:
				a.NAT = netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", 200+v))
			case 2:
				a.Egress = true
			}
			i.Addresses = []netfw.Address{a}
			if r.IntN(3) == 0 {
				i.Addresses = append(i.Addresses, netfw.Address{IP: netip.MustParseAddr(fmt.Sprintf("fd00::%x", 0x20+last[k]))})
			}
			w.Plugged[i.ID] = r.IntN(3) > 0
			n.Interfaces = append(n.Interfaces, i)
		}
		w.Networks = append(w.Networks, n)
	}
	return w
}

func someGroups(r *rand.Rand) []string {
	var out []string
	for _, k := range r.Perm(groupCount)[:1+r.IntN(3)] {
		out = append(out, group(k))
	}
	return out
}

func randomRule(r *rand.Rand) netfw.Rule {
	proto := []int{netfw.TCP, netfw.UDP, netfw.ICMP, netfw.Any, 50}[r.IntN(5)]
	from := 1 + r.IntN(100)
	if r.IntN(2) == 0 {
		return fromGroup(proto, from, from+r.IntN(50), group(r.IntN(groupCount)))
	}
	return cidr(proto, from, from+r.IntN(50), []string{"0.0.0.0/0", "10.0.0.0/28", "192.0.2.0/24", "::/0"}[r.IntN(4)])
}

// killConfig is how all processes of the test open the host.
func killConfig() netfw.Config { return netfw.Config{Masquerade: true} }

// bring makes the host what the world says, as an agent does after its start or while it runs.
func bring(ctx context.Context, h *netfw.Host, w world) error {
	for _, n := range w.Networks {
		if err := h.Apply(ctx, n); err != nil {
			return err
		}
	}
	return plugAll(ctx, h, w)
}

func plugAll(ctx context.Context, h *netfw.Host, w world) error {
	for _, n := range w.Networks {
		all, err := h.Interfaces(ctx, n.ID)
		if err != nil {
			return err
		}
		for _, s := range all {
			if !w.Plugged[s.ID] {
				if _, err := h.PrepareTap(ctx, n.ID, s.ID); err != nil {
					return err
				}
				continue
			}
			err := h.Plug(ctx, n.ID, s.ID)
			if errors.Is(err, netfw.ErrNoTap) {
				if _, err = h.PrepareTap(ctx, n.ID, s.ID); err == nil {
					err = h.Plug(ctx, n.ID, s.ID)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// The roles that this test program plays when it is started by itself.
const (
	roleVar       = "NETFW_TEST_ROLE"
	roleServer    = "server"    // adopts what is there, and changes it at random when told to, until it is killed
	rolePlain     = "plain"     // opens the host and puts a guest on it, with the privileges that it was given
	roleReference = "reference" // makes a world on a host of its own, and tells what that looks like
)

func playRole(role string) error {
	ctx := context.Background()
	if role == rolePlain {
		return playPlain(ctx)
	}
	in := json.NewDecoder(os.Stdin)
	var w world
	if err := in.Decode(&w); err != nil {
		return err
	}
	if role == roleReference {
		if err := becomeHost(); err != nil {
			return err
		}
	}
	h, err := netfw.Open(ctx, killConfig())
	if err != nil {
		return err
	}
	for _, n := range w.Networks {
		if err := h.Apply(ctx, n); err != nil {
			return err
		}
	}
	if _, err := h.Sweep(ctx); err != nil {
		return err
	}
	if err := plugAll(ctx, h, w); err != nil {
		return err
	}
	if role == roleReference {
		s, err := snapshot()
		fmt.Print(s)
		return err
	}
	fmt.Println("adopted")
	var seed uint64
	if err := in.Decode(&seed); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for {
		next := randomWorld(r)
		r.Shuffle(len(next.Networks), func(a, b int) { next.Networks[a], next.Networks[b] = next.Networks[b], next.Networks[a] })
		for _, n := range w.Networks {
			if !slices.ContainsFunc(next.Networks, func(o netfw.Network) bool { return o.ID == n.ID }) {
				if err := h.Remove(ctx, n.ID); err != nil {
					return err
				}
			}
		}
		if err := bring(ctx, h, next); err != nil {
			return err
		}
		w = next
	}
}

// snapshot is all that the kernel has of the host's networks, in words that do not depend on how it came to be: without numbers
// of links, handles, counters and whatever the kernel chose by chance.
func snapshot() (string, error) {
	var all strings.Builder
	names, err := link.Namespaces("au-")
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	for _, ns := range append([]string{""}, names...) {
		var enter []string
		if ns != "" {
			enter = []string{"nsenter", "--net=" + link.Dir + "/" + ns}
		}
		for _, what := range []string{
			"ip -o link", "ip -o -4 addr", "ip -4 route show table all proto 174", "ip -6 route show table all proto 174", "ip neigh show nud permanent",
			"ip -o -6 addr show to fe80::1", "sysctl -a --pattern ^net.ipv4.(ip_forward$|conf.(all|default|au.*|uplink).(forwarding|proxy_arp|rp_filter|send_redirects|accept_redirects)|neigh.au.*.proxy_delay)",
			"nft -j list ruleset",
		} {
			args := append(slices.Clone(enter), strings.Fields(what)...)
			out, err := exec.Command(args[0], args[1:]...).Output()
			if err != nil {
				return "", fmt.Errorf("%v: %w", args, err)
			}
			text := string(out)
			if strings.HasPrefix(what, "nft") {
				if text, err = normalRules(out); err != nil {
					return "", err
				}
			}
			var lines []string
			for line := range strings.Lines(chance.Replace(text)) {
				if ns == "" && !strings.HasPrefix(what, "nft") && !ours.MatchString(line) {
					continue // the host's own
				}
				if line = byChance.ReplaceAllStringFunc(strings.TrimRight(line, " \n"), neutral); line != "" {
					lines = append(lines, line)
				}
			}
			slices.Sort(lines)
			fmt.Fprintf(&all, "== %s %s\n%s\n", ns, what, strings.Join(lines, "\n"))
		}
	}
	return all.String(), nil
}

var (
	chance   = strings.NewReplacer(" linkdown", "", "NO-CARRIER,", "", ",LOWER_UP", "", " dead", "", " state UNKNOWN", "", " state DOWN", "", " state UP", "")
	ours     = regexp.MustCompile(`\bau[tu][0-9a-f]+\b`)
	byChance = regexp.MustCompile(`^\d+: |@if\d+|link-netns(id)? \S+|([0-9a-f]{2}:){5}[0-9a-f]{2}|100\.64\.0\.\d+`)
)

// neutral is a word for what differs without meaning anything. Addresses of cards count if they are the guests' or the router's.
func neutral(s string) string {
	switch {
	case strings.HasPrefix(s, "02:00:00:"), s == net.HardwareAddr(link.RouterMAC[:]).String():
		return s
	case strings.HasPrefix(s, "100.64."):
		return "EGRESS"
	case strings.Count(s, ":") == 5:
		return "MAC"
	}
	return ""
}

// normalRules are the rules, sets and elements that nft lists, one a line.
func normalRules(out []byte) (string, error) {
	var list struct {
		Nftables []map[string]any `json:"nftables"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return "", err
	}
	var lines []string
	place := map[string]int{}
	for _, o := range list.Nftables {
		for kind, v := range o {
			m, ok := v.(map[string]any)
			if !ok || kind == "metainfo" {
				continue
			}
			delete(m, "handle")
			head := fmt.Sprint(kind, " ", m["family"], " ", m["table"], " ", m["chain"])
			if kind == "rule" { // the order within a chain counts
				place[head]++
				head += fmt.Sprint(" ", place[head])
			}
			elems, _ := m["elem"].([]any)
			delete(m, "elem")
			b, err := json.Marshal(m)
			if err != nil {
				return "", err
			}
			lines = append(lines, head+" "+string(b))
			for _, e := range elems {
				b, err := json.Marshal(e)
				if err != nil {
					return "", err
				}
				lines = append(lines, fmt.Sprint("element of ", m["family"], " ", m["table"], " ", m["name"], " ", counts.ReplaceAllString(string(b), "")))
			}
		}
	}
	return strings.Join(lines, "\n"), nil
}

var counts = regexp.MustCompile(`"counter":\{"bytes":\d+,"packets":\d+\},?`)
