package netfw_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// flow opens a connection that works.
func (g *guest) flow(addr string) net.Conn {
	g.t.Helper()
	conn, err := g.dial(addr)
	must(g.t, err)
	g.t.Cleanup(func() { _ = conn.Close() })
	if _, ok := ask(conn); !ok {
		g.t.Fatalf("the flow from %s to %s does not work", g.ip(), addr)
	}
	return conn
}

// Flows end when what they were made with is gone, be it that the process that takes it away lives, or that one was killed
// before it came to ending them.
func TestFlowsEndWithWhatTheyWereMadeWith(t *testing.T) {
	ext := outside(t)
	listenIn(t, ext, 8000)
	public, other := netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("203.0.113.6")
	for _, test := range []struct {
		name   string
		before func(*netfw.Interface) // how the guest is when the flow begins
		to     string
		after  func(*netfw.Interface)
		ends   bool
	}{
		{"nothing changes", func(i *netfw.Interface) { i.Addresses[0].Public = public }, outsideAddr + ":8000", func(*netfw.Interface) {}, false},
		{"another group", func(i *netfw.Interface) { i.Addresses[0].Public = public }, outsideAddr + ":8000", func(i *netfw.Interface) { i.Groups = []string{"sg-2"} }, false},
		{"no public address", func(i *netfw.Interface) { i.Addresses[0].Public = public }, outsideAddr + ":8000",
			func(i *netfw.Interface) { i.Addresses[0].Public = netip.Addr{} }, true},
		{"another public address", func(i *netfw.Interface) { i.Addresses[0].Public = public }, outsideAddr + ":8000",
			func(i *netfw.Interface) { i.Addresses[0].Public = other }, true},
		{"a public address instead of the gateway's", func(i *netfw.Interface) { i.Addresses[0].NAT = public }, outsideAddr + ":8000",
			func(i *netfw.Interface) { i.Addresses[0].Public = other }, true},
		{"no NAT gateway, which others still have", func(i *netfw.Interface) { i.Addresses[0].NAT = public }, outsideAddr + ":8000",
			func(i *netfw.Interface) { i.Addresses[0].NAT = netip.Addr{} }, true},
		{"no default egress, which others still have", func(i *netfw.Interface) { i.Addresses[0].Egress = true }, outsideAddr + ":8000",
			func(i *netfw.Interface) { i.Addresses[0].Egress = false }, true},
		{"a public address comes, within the network", func(*netfw.Interface) {}, "10.0.0.11:80", func(i *netfw.Interface) { i.Addresses[0].Public = public }, false},
	} {
		for _, killed := range []bool{false, true} {
			name := test.name
			if killed {
				name += ", and the process is new"
			}
			t.Run(name, func(t *testing.T) {
				c := newCloud(t, netfw.Config{Masquerade: true})
				n := c.network("vpc-a5", "10.0.0.0/16")
				n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2"}}
				a := c.guest(n, "10.0.0.10", "sg-1").static()
				b := c.guest(n, "10.0.0.11", "sg-1").static()
				b.listen(80)
				b.set(n, func(i *netfw.Interface) {
					i.Addresses[0].NAT = public
					test.before(i)
					i.Addresses[0].Public = netip.Addr{}
				})
				a.set(n, test.before)
				conn := a.flow(test.to)
				if killed {
					must(t, c.host.Close())
					c.open()
				}
				a.set(n, test.after)
				if _, ok := ask(conn); ok == test.ends {
					t.Errorf("the flow goes on: %v", ok)
				}
			})
		}
	}
}

// An address that goes from one interface to another takes no flow along, though it stays in the network.
func TestFlowsDoNotGoWithTheAddress(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a6", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2", Egress: []netfw.Rule{everywhere()}}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	d := c.guest(n, "10.0.0.12", "sg-2").static()
	got := d.watch(udpTo(9000))
	drip := func() { a.send(udp(a.iface.MAC, routerMAC(), a.ip(), "10.0.0.50", 9000, 9000, "to the address")) }
	b.set(n, func(i *netfw.Interface) {
		i.Addresses = append(i.Addresses, netfw.Address{IP: netip.MustParseAddr("10.0.0.50")})
	})
	seen := b.watch(udpTo(9000))
	drip()
	if settle(seen, 1) != 1 {
		t.Fatal("the packet does not arrive")
	}
	// The flow is established: the guest answered.
	b.send(udp(b.iface.MAC, routerMAC(), "10.0.0.50", a.ip(), 9000, 9000, "answer"))
	drip()
	if settle(seen, 2) != 2 {
		t.Fatal("the second packet does not arrive")
	}
	// In one change the address goes to a guest whose groups let nothing in.
	last := len(n.Interfaces) - 1
	n.Interfaces[last-1].Addresses = n.Interfaces[last-1].Addresses[:1]
	n.Interfaces[last].Addresses = append(n.Interfaces[last].Addresses, netfw.Address{IP: netip.MustParseAddr("10.0.0.50")})
	c.apply(n)
	drip()
	if settle(got, 1) != 0 {
		t.Error("a flow goes on to the address's next owner")
	}
}

// A guest that starts anew finds no flow of its last run, whether the process that saw that one end lives or not.
func TestFlowsEndWithTheGuest(t *testing.T) {
	for name, between := range map[string]func(*cloud, *netfw.Network, *guest){
		"started again": func(*cloud, *netfw.Network, *guest) {},
		"its tap is lost, and the process is new": func(c *cloud, n *netfw.Network, g *guest) {
			ns, err := link.OpenNamespace(netfw.NamespaceName("au", n.ID))
			must(t, err)
			defer ns.Close()
			must(t, c.host.Close())
			must(t, link.DeleteLink(ns, netfw.TapName("au", g.iface.ID)))
			c.open()
			c.apply(n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, netfw.Config{})
			n := c.network("vpc-a6", "10.0.0.0/16")
			n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2", Egress: []netfw.Rule{everywhere()}}}
			a := c.guest(n, "10.0.0.10", "sg-1").static()
			b := c.guest(n, "10.0.0.11", "sg-2").static()
			got := b.watch(udpTo(9000))
			there := udp(a.iface.MAC, routerMAC(), a.ip(), b.ip(), 9000, 9000, "answer")
			a.send(there)
			if settle(got, 1) != 0 {
				t.Fatal("the group is open")
			}
			seen := a.watch(udpTo(9000))
			b.send(udp(b.iface.MAC, routerMAC(), b.ip(), a.ip(), 9000, 9000, "question"))
			if settle(seen, 1) != 1 {
				t.Fatal("the question does not arrive")
			}
			a.send(there)
			if settle(got, 1) != 1 {
				t.Fatal("the answer does not arrive")
			}
			b.stop()
			between(c, n, b)
			b.start()
			b.static()
			a.send(there)
			if settle(got, 2) != 1 {
				t.Error("a flow outlives the guest that began it")
			}
		})
	}
}

// A rule that the caller changes in the list that it gave is a change like any other.
func TestListsStayTheCallers(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a7", "10.0.0.0/16")
	n.Groups = []netfw.Group{{ID: "sg-1", Egress: []netfw.Rule{cidr(netfw.TCP, 80, 80, "0.0.0.0/0")}, Remote: []netip.Addr{netip.MustParseAddr("10.0.9.9")}},
		{ID: "sg-2", Ingress: []netfw.Rule{everywhere()}}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-2").static()
	b.listen(80)
	b.listen(81)
	a.mustReach("10.0.0.11:80")
	n.Groups[0].Egress[0].From, n.Groups[0].Egress[0].To = 81, 81
	c.apply(n)
	a.mustReach("10.0.0.11:81")
	a.mustNotReach("10.0.0.11:80")
}

// A public address that another network had for a moment is led back, though its first one never heard of that.
func TestPublicAddressComesBack(t *testing.T) {
	ext := outside(t)
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a8", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	a.listen(80)
	public := netip.MustParseAddr("203.0.113.5")
	a.set(n, func(i *netfw.Interface) { i.Addresses[0].Public = public })
	other := c.network("vpc-a9", "10.0.0.0/16")
	other.Groups = n.Groups
	b := c.guest(other, "10.0.0.10", "sg-1").static()
	b.set(other, func(i *netfw.Interface) { i.Addresses[0].Public = public })
	b.set(other, func(i *netfw.Interface) { i.Addresses[0].Public = netip.Addr{} })
	c.apply(n)
	if _, ok := reachesFrom(ext, "203.0.113.5:80"); !ok {
		t.Error("the address leads nowhere")
	}
}
