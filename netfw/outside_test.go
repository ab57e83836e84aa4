package netfw_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// outside makes a machine beyond the host: it reaches 203.0.113.0/24 by the host, which has its default route there.
func outside(t *testing.T) *link.Namespace {
	t.Helper()
	name := fmt.Sprintf("outside-%d", os.Getpid())
	ns, err := link.EnsureNamespace(name)
	must(t, err)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "ext0"
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns.FD())}))
	t.Cleanup(func() {
		must(t, link.DeleteLink(nil, "ext0"))
		ns.Close()
		must(t, link.RemoveNamespace(name))
	})
	up := func(h *netlink.Handle, name, addr string) netlink.Link {
		l, err := h.LinkByName(name)
		must(t, err)
		must(t, h.LinkSetUp(l))
		a, err := netlink.ParseAddr(addr)
		must(t, err)
		must(t, h.AddrAdd(l, a))
		return l
	}
	host := &netlink.Handle{}
	ext := up(host, "ext0", hostAddr+"/24")
	eth := up(ns.Handle, "eth0", outsideAddr+"/24")
	must(t, host.RouteAdd(&netlink.Route{LinkIndex: ext.Attrs().Index, Gw: net.ParseIP(outsideAddr)}))
	_, pool, err := net.ParseCIDR("203.0.113.0/24")
	must(t, err)
	must(t, ns.Handle.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: pool, Gw: net.ParseIP(hostAddr)}))
	lo, err := ns.Handle.LinkByName("lo")
	must(t, err)
	must(t, ns.Handle.LinkSetUp(lo))
	return ns
}

func listenIn(t *testing.T, ns *link.Namespace, port int) {
	t.Helper()
	must(t, ns.Do(func() error {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = l.Close() })
		go echo(l)
		return nil
	}))
}

func reachesFrom(ns *link.Namespace, addr string) (string, bool) {
	var c net.Conn
	dial := func() error {
		var err error
		c, err = net.DialTimeout("tcp", addr, brief)
		return err
	}
	var err error
	if ns == nil {
		err = dial()
	} else {
		err = ns.Do(dial)
	}
	if err != nil {
		return "", false
	}
	defer func() { _ = c.Close() }()
	return ask(c)
}

// set gives the guest's address other properties, and applies.
func (g *guest) set(n *netfw.Network, change func(*netfw.Interface)) {
	g.t.Helper()
	for k := range n.Interfaces {
		if n.Interfaces[k].ID == g.iface.ID {
			n.Interfaces[k].Addresses = append([]netfw.Address(nil), n.Interfaces[k].Addresses...)
			change(&n.Interfaces[k])
			g.iface = n.Interfaces[k]
		}
	}
	g.c.apply(n)
}

func TestPublicAddresses(t *testing.T) {
	ext := outside(t)
	listenIn(t, ext, 8000)
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-b1", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	other := c.network("vpc-b2", "10.0.0.0/16")
	other.Groups = []netfw.Group{openGroup("sg-1")}
	d := c.guest(other, "10.0.0.10", "sg-1").static()
	for _, g := range []*guest{a, b, d} {
		g.listen(80)
	}
	a.mustNotReach(outsideAddr + ":8000")

	eip := netip.MustParseAddr("203.0.113.5")
	a.set(n, func(i *netfw.Interface) { i.Addresses[0].Public = eip })
	if as := a.mustReach(outsideAddr + ":8000"); as != "203.0.113.5" {
		t.Errorf("the outside sees the guest as %s", as)
	}
	if as, ok := reachesFrom(ext, "203.0.113.5:80"); !ok || as != outsideAddr {
		t.Errorf("from the outside: %v, seen as %s", ok, as)
	}
	if as, ok := reachesFrom(nil, "203.0.113.5:80"); !ok || as != hostAddr {
		t.Errorf("from the host: %v, seen as %s", ok, as)
	}
	// Within the network too, packets to a public address go by the uplink, and come from one.
	b.mustNotReach("203.0.113.5:80")
	b.set(n, func(i *netfw.Interface) { i.Addresses[0].Public = netip.MustParseAddr("203.0.113.6") })
	if as := b.mustReach("203.0.113.5:80"); as != "203.0.113.6" {
		t.Errorf("a guest of the same network is seen as %s", as)
	}
	d.mustNotReach("203.0.113.5:80")
	d.set(other, func(i *netfw.Interface) { i.Addresses[0].Public = netip.MustParseAddr("203.0.113.7") })
	if as := d.mustReach("203.0.113.5:80"); as != "203.0.113.7" {
		t.Errorf("a guest of another network is seen as %s", as)
	}

	// The address moves to another guest of another network; flows of the old one end.
	conn, err := a.dial(outsideAddr + ":8000")
	must(t, err)
	defer func() { _ = conn.Close() }()
	if _, ok := ask(conn); !ok {
		t.Fatal("the flow does not work")
	}
	a.set(n, func(i *netfw.Interface) { i.Addresses[0].Public = netip.Addr{} })
	if _, ok := ask(conn); ok {
		t.Error("a flow outlives the address it was made with")
	}
	if _, ok := reachesFrom(ext, "203.0.113.5:80"); ok {
		t.Error("an address that is nobody's answers")
	}
	d.set(other, func(i *netfw.Interface) { i.Addresses[0].Public = eip })
	if as := d.mustReach(outsideAddr + ":8000"); as != "203.0.113.5" {
		t.Errorf("the outside sees the new owner as %s", as)
	}
	a.mustNotReach(outsideAddr + ":8000")
	if _, ok := reachesFrom(ext, "203.0.113.7:80"); ok {
		t.Error("the address that was given up answers")
	}
}

func TestEgressWithoutPublicAddress(t *testing.T) {
	ext := outside(t)
	listenIn(t, ext, 8000)
	c := newCloud(t, netfw.Config{Masquerade: true})
	n := c.network("vpc-b3", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	d := c.guest(n, "10.0.0.12", "sg-1").static()
	a.set(n, func(i *netfw.Interface) { i.Addresses[0].NAT = netip.MustParseAddr("203.0.113.9") })
	b.set(n, func(i *netfw.Interface) { i.Addresses[0].Egress = true })
	// Public addresses are hidden behind the host's own.
	if as := a.mustReach(outsideAddr + ":8000"); as != hostAddr {
		t.Errorf("the outside sees the guest behind the NAT gateway as %s", as)
	}
	if as := b.mustReach(outsideAddr + ":8000"); as != hostAddr {
		t.Errorf("the outside sees the guest with default egress as %s", as)
	}
	d.mustNotReach(outsideAddr + ":8000")
	b.listen(80)
	if _, ok := reachesFrom(nil, "100.64.0.1:80"); ok {
		t.Error("default egress lets packets in")
	}
	// Nobody's addresses of the network do not leave it.
	a.mustNotReach("10.0.200.1:80")
}

func TestNetworksApart(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	var guests []*guest
	for _, id := range []string{"vpc-c1", "vpc-c2"} {
		n := c.network(id, "10.0.0.0/16")
		n.Groups = []netfw.Group{openGroup("sg-1")}
		guests = append(guests, c.guest(n, "10.0.0.10", "sg-1").static(), c.guest(n, "10.0.0.11", "sg-1").static())
	}
	guests[1].listen(80)
	guests[2].listen(81)
	guests[0].mustReach("10.0.0.11:80")
	guests[2].mustNotReach("10.0.0.11:80")
	guests[3].mustReach("10.0.0.10:81")
	guests[1].mustNotReach("10.0.0.10:81")
	if _, ok := reachesFrom(nil, "10.0.0.11:80"); ok {
		t.Error("the host reaches a private address")
	}
}
