package netfw_test

import (
	"context"
	rtnl "github.com/vishvananda/netlink"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// flood sends packets to a port of another guest as fast as it goes, until stopped, and returns how many.
func (g *guest) flood(to string, port uint16) (stop func() int64) {
	var n atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	frame := append(make([]byte, vnetHeader), udp(g.iface.MAC, link.RouterMAC[:], g.ip(), to, 1, port, "flood")...)
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := g.tap.Write(frame); err == nil {
				n.Add(1)
			}
		}
	}()
	return func() int64 { close(done); <-ended; return n.Load() }
}

// generation is the number of transactions that the firewall of a namespace has seen.
func generation(t *testing.T, ns *link.Namespace) uint32 {
	t.Helper()
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: ns.FD()})
	must(t, err)
	defer func() { _ = c.Close() }()
	m, err := c.Execute(netlink.Message{Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN, Flags: netlink.Request},
		Data: []byte{0, 0, 0, 0}})
	must(t, err)
	ad, err := netlink.NewAttributeDecoder(m[0].Data[4:])
	must(t, err)
	for ad.Next() {
		if ad.Type() == unix.NFTA_GEN_ID {
			return binaryutil.BigEndian.Uint32(ad.Bytes())
		}
	}
	t.Fatal("no generation")
	return 0
}

func TestRestartChangesNothingOnTheWire(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-e1", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2", Ingress: []netfw.Rule{cidr(netfw.UDP, 9000, 9000, "10.0.0.10/32"), fromGroup(netfw.TCP, 80, 80, "sg-1")}}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-2").static()
	b.listen(80)
	conn, err := a.dial("10.0.0.11:80")
	must(t, err)
	defer func() { _ = conn.Close() }()
	if _, ok := ask(conn); !ok {
		t.Fatal("the flow does not work")
	}
	ns, err := link.OpenNamespace(netfw.NamespaceName("au", n.ID))
	must(t, err)
	defer ns.Close()
	before := generation(t, ns)
	links := listing(t, ns)

	got := b.watch(udpTo(9000))
	stop := a.slow("10.0.0.11", 9000)
	for range 5 {
		// As after kill -9: nothing was closed in order. (Close lets go of descriptors and ends services.)
		must(t, c.host.Close())
		c.open()
		c.apply(n)
		if left, err := c.host.Sweep(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("swept %v, %v", left, err)
		}
		for _, g := range []*guest{a, b} {
			must(t, c.host.Plug(t.Context(), n.ID, g.iface.ID))
			if s := g.status(); s.State != netfw.Plugged || !s.Carrier {
				t.Errorf("state after the restart: %+v", s)
			}
		}
	}
	sent := stop()
	if n := settle(got, sent); n != sent {
		t.Errorf("%d of %d packets arrived", n, sent)
	}
	if _, ok := ask(conn); !ok {
		t.Error("a flow did not outlive the restart")
	}
	if after := generation(t, ns); after != before {
		t.Errorf("the firewall changed %d times", after-before)
	}
	if now := listing(t, ns); now != links {
		t.Errorf("links and routes were\n%s\nand are\n%s", links, now)
	}

	// What an earlier process left and nobody wants goes with the first change, and what is missing comes back.
	must(t, exec.Command("nsenter", "--net="+link.Dir+"/"+ns.Name, "nft", "add chain inet aureole stray; add rule inet aureole i_sg-2 accept; delete element inet aureole m4_sg-1 { 10.0.0.10 }").Run())
	must(t, c.host.Close())
	c.open()
	c.apply(n)
	a.mustReach("10.0.0.11:80")
	b.listen(81)
	a.mustNotReach("10.0.0.11:81")
	out, err := exec.Command("nsenter", "--net="+link.Dir+"/"+ns.Name, "nft", "list", "chains").CombinedOutput()
	if err != nil || strings.Contains(string(out), "stray") {
		t.Errorf("a stray chain is left: %v", err)
	}
}

// slow sends packets one by one, a thousand a second, until stopped, and returns how many.
func (g *guest) slow(to string, port uint16) (stop func() int64) {
	var n int64
	done, ended := make(chan struct{}), make(chan struct{})
	frame := udp(g.iface.MAC, link.RouterMAC[:], g.ip(), to, 1, port, "drip")
	go func() {
		defer close(ended)
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				g.send(frame)
				n++
			}
		}
	}()
	return func() int64 { close(done); <-ended; return n }
}

var operState = regexp.MustCompile(` state [A-Z]+|NO-CARRIER,`)

// listing is all that iproute2 knows of a namespace.
func listing(t *testing.T, ns *link.Namespace) string {
	t.Helper()
	var all strings.Builder
	for _, what := range []string{"link", "-4 addr", "-4 route show table all", "neigh show nud permanent"} {
		out, err := exec.Command("nsenter", append([]string{"--net=" + link.Dir + "/" + ns.Name, "ip"}, strings.Fields(what)...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v %s", what, err, out)
		}
		// The kernel notes a new carrier some time later.
		lines := strings.Split(operState.ReplaceAllString(string(out), ""), "\n")
		slices.Sort(lines)
		all.WriteString(strings.Join(lines, "\n"))
	}
	return all.String()
}

func TestLeftoversGo(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-e2", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	waiting := n.Interfaces[1]
	waiting.ID, waiting.MAC = "eni-000000000000e2e2e", net.HardwareAddr{2, 8, 8, 8, 8, 8}
	waiting.Addresses = []netfw.Address{{IP: b.iface.Addresses[0].IP.Next()}}
	n.Interfaces = append(n.Interfaces, waiting)
	c.apply(n)
	tap, err := c.host.PrepareTap(t.Context(), n.ID, waiting.ID)
	must(t, err)
	other := c.network("vpc-e3", "10.0.0.0/16")
	must(t, c.host.Apply(t.Context(), *other))

	// The process dies, and meanwhile a guest, a waiting tap and a whole network are given up.
	must(t, c.host.Close())
	c.open()
	n.Interfaces = n.Interfaces[1:2]
	c.apply(n)
	left, err := c.host.Leftovers(t.Context())
	must(t, err)
	if want := 3; len(left) != want {
		t.Errorf("leftovers are %v, not %d", left, want)
	}
	swept, err := c.host.Sweep(t.Context())
	must(t, err)
	if len(swept) != len(left) {
		t.Errorf("swept %v of %v", swept, left)
	}
	if l, err := link.Find(nil, tap); err != nil || l != nil {
		t.Errorf("the waiting tap is left: %v %v", l, err)
	}
	ns, err := link.OpenNamespace(netfw.NamespaceName("au", n.ID))
	must(t, err)
	defer ns.Close()
	if l, err := link.Find(ns, netfw.TapName("au", a.iface.ID)); err != nil || l != nil {
		t.Errorf("the given up tap is left: %v %v", l, err)
	}
	out, err := exec.Command("nsenter", "--net="+link.Dir+"/"+ns.Name, "nft", "-j", "list", "ruleset").CombinedOutput()
	if err != nil || strings.Contains(string(out), netfw.TapName("au", a.iface.ID)) || strings.Contains(string(out), "10.0.0.10") {
		t.Errorf("the firewall still knows the guest that was given up: %v", err)
	}
	delete(c.nets, other.ID)
	if _, err := c.host.Interfaces(context.Background(), other.ID); err == nil {
		t.Error("a swept network is there")
	}
}

// A chain that is deleted and made anew in one transaction lets packets through in between. Ours are refilled in place: no
// packet that neither the old nor the new rules allow may arrive while they are replaced.
func TestReplacementLetsNothingThrough(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-e4", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2"}, {ID: "sg-3"}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-2").static()
	forbidden := b.watch(udpTo(9000))
	stop := a.flood("10.0.0.11", 9000)
	time.Sleep(50 * time.Millisecond)
	rules := func(k int) []netfw.Rule {
		// All different, and none for the port that is flooded.
		return []netfw.Rule{cidr(netfw.TCP, 1+k, 100+k, "0.0.0.0/0"), cidr(netfw.UDP, 100+k, 8999, "0.0.0.0/0"), fromGroup(netfw.UDP, 9001, 9100+k, "sg-1")}
	}
	const rounds = 100
	for k := range rounds {
		n.Groups[1].Ingress = rules(k)
		n.Groups[2].Ingress = rules(2 * k)
		n.Interfaces[1].Groups = [][]string{{"sg-2"}, {"sg-3", "sg-2"}}[k%2] // the guest's own chain changes too
		c.apply(n)
	}
	sent := stop()
	if got := settle(forbidden, 1); got != 0 {
		t.Errorf("%d of %d forbidden packets passed in %d replacements", got, sent, rounds)
	}
	if s := b.status(); s.DeniedIn < uint64(sent)/2 {
		t.Errorf("only %d of %d packets met the rules", s.DeniedIn, sent)
	}
	t.Logf("%d packets in %d replacements", sent, rounds)

	// The other way round: what both the old and the new rules allow is never dropped.
	n.Groups[1].Ingress = []netfw.Rule{cidr(netfw.UDP, 9000, 9000, "0.0.0.0/0")}
	c.apply(n)
	allowed := b.watch(udpTo(9000))
	var total int64
	for k := range 50 {
		n.Groups[1].Ingress = append(rules(k), cidr(netfw.UDP, 9000, 9000, "0.0.0.0/0"))
		// Every packet is a new flow, so that none passes as an answer.
		done := make(chan struct{})
		go func() {
			defer close(done)
			for p := range 100 {
				a.send(udp(a.iface.MAC, link.RouterMAC[:], a.ip(), "10.0.0.11", uint16(1024+100*k+p), 9000, "allowed"))
			}
		}()
		c.apply(n)
		<-done
		total += 100
	}
	if got := settle(allowed, total); got != total {
		t.Errorf("%d of %d allowed packets arrived", got, total)
	}
}

// What a process that was killed in the middle left half made is finished or made anew.
func TestHalfMadeThings(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	const id, eni = "vpc-00000000000e5e5e5", "eni-00000000000e5e5e5"
	// A name without a namespace, an uplink whose other end is elsewhere, a tap without an alias.
	must(t, os.MkdirAll(link.Dir, 0o755))
	must(t, os.WriteFile(link.Dir+"/"+netfw.NamespaceName("au", id), nil, 0o444))
	attrs := rtnl.NewLinkAttrs()
	attrs.Name = "auu000000e5e5e5"
	must(t, rtnl.LinkAdd(&rtnl.Veth{LinkAttrs: attrs, PeerName: "aside"}))
	must(t, link.CreateTap(netfw.TapName("au", eni), "", 1400))
	n := c.network(id, "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	n.Interfaces = append(n.Interfaces, netfw.Interface{ID: eni, MAC: net.HardwareAddr{2, 5, 5, 5, 5, 5}, Subnet: "subnet-1",
		Addresses: []netfw.Address{{IP: netip.MustParseAddr("10.0.0.11")}}, Groups: []string{"sg-1"}})
	c.apply(n)
	tap, err := c.host.PrepareTap(t.Context(), id, eni)
	must(t, err)
	if l, err := link.Find(nil, tap); err != nil || l == nil || l.Attrs().Alias == "" {
		t.Errorf("the tap is %v, %v", l, err)
	}
	// The process dies between moving the tap and setting it up.
	ns, err := link.OpenNamespace(netfw.NamespaceName("au", id))
	must(t, err)
	defer ns.Close()
	must(t, link.MoveTap(ns, tap))
	must(t, c.host.Close())
	c.open()
	c.apply(n)
	must(t, c.host.Plug(t.Context(), id, eni))
	if left, err := c.host.Leftovers(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
	a.mustNotReach("10.0.0.11:80")
	if !a.pings("10.0.0.1") {
		t.Error("the router does not answer")
	}
}
