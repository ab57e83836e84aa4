package netfw_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// A cloud is a host with the networks of one test.
type cloud struct {
	t    testing.TB
	cfg  netfw.Config
	host *netfw.Host
	nets map[string]*netfw.Network
}

func newCloud(t testing.TB, cfg netfw.Config) *cloud {
	t.Helper()
	c := &cloud{t: t, cfg: cfg, nets: map[string]*netfw.Network{}}
	c.open()
	t.Cleanup(func() {
		for id := range c.nets {
			if err := c.host.Remove(context.Background(), id); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.host.Sweep(context.Background()); err != nil {
			t.Error(err)
		}
		if err := c.host.Close(); err != nil {
			t.Error(err)
		}
		c.nothingLeft()
	})
	return c
}

func (c *cloud) open() {
	c.t.Helper()
	h, err := netfw.Open(c.t.Context(), c.cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.host = h
}

// nothingLeft looks for what a host leaves: namespaces, taps, uplinks.
func (c *cloud) nothingLeft() {
	c.t.Helper()
	names, err := link.Namespaces("au-")
	if err != nil || len(names) > 0 {
		c.t.Errorf("namespaces %v are left, %v", names, err)
	}
	links, err := link.Links(nil)
	if err != nil {
		c.t.Error(err)
	}
	for _, l := range links {
		if n := l.Attrs().Name; strings.HasPrefix(n, "aut") || strings.HasPrefix(n, "auu") {
			c.t.Errorf("link %s is left", n)
		}
	}
}

// network adds a network with one subnet, and applies it.
func (c *cloud) network(id, cidr string) *netfw.Network {
	c.t.Helper()
	p := netip.MustParsePrefix(cidr)
	n := &netfw.Network{ID: id, CIDRs: []netip.Prefix{p}, Domain: "ec2.internal",
		Subnets: []netfw.Subnet{{ID: "subnet-1", CIDR: netip.PrefixFrom(p.Addr(), 24)}}}
	c.nets[id] = n
	c.apply(n)
	return n
}

func (c *cloud) apply(n *netfw.Network) {
	c.t.Helper()
	if err := c.host.Apply(c.t.Context(), *n); err != nil {
		c.t.Fatal(err)
	}
}

// A guest is a machine: a namespace whose eth0 is connected with the tap as a virtual machine's card would be.
type guest struct {
	t     testing.TB
	c     *cloud
	netID string
	iface netfw.Interface
	ns    *link.Namespace
	tap   *os.File // the guest's end of its tap
	card  *os.File // the other side of eth0
	seen  atomic.Pointer[func([]byte)]
}

var guestNumber atomic.Int64

// guest adds a machine to a network: applied, prepared, plugged, running.
func (c *cloud) guest(n *netfw.Network, ip string, groups ...string) *guest {
	c.t.Helper()
	num := guestNumber.Add(1)
	g := &guest{t: c.t, c: c, netID: n.ID, iface: netfw.Interface{
		ID: fmt.Sprintf("eni-%017x", num), MAC: net.HardwareAddr{2, 0, 0, 0, byte(num >> 8), byte(num)}, Subnet: "subnet-1",
		Addresses: []netfw.Address{{IP: netip.MustParseAddr(ip)}}, Groups: groups}}
	n.Interfaces = append(n.Interfaces, g.iface)
	c.apply(n)
	g.start()
	return g
}

// start boots the machine.
func (g *guest) start() {
	g.t.Helper()
	ctx := g.t.Context()
	name, err := g.c.host.PrepareTap(ctx, g.netID, g.iface.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	g.tap = openTap(g.t, name)
	g.ns, err = link.EnsureNamespace("guest-" + g.iface.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(g.stop)
	must(g.t, g.ns.Do(func() error { g.card = openTap(g.t, "eth0"); return nil }))
	eth, err := g.ns.Handle.LinkByName("eth0")
	must(g.t, err)
	must(g.t, g.ns.Handle.LinkSetHardwareAddr(eth, g.iface.MAC))
	lo, err := g.ns.Handle.LinkByName("lo")
	must(g.t, err)
	must(g.t, g.ns.Handle.LinkSetUp(lo))
	must(g.t, g.ns.Handle.LinkSetUp(eth))
	go g.pump(g.tap, g.card)
	go g.pump(g.card, g.tap)
	must(g.t, g.c.host.Plug(ctx, g.netID, g.iface.ID))
}

// pump carries frames between the tap and the guest's card.
func (g *guest) pump(from, to *os.File) {
	buf := make([]byte, 70000)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if f := g.seen.Load(); f != nil && from == g.tap {
			(*f)(buf[vnetHeader:n])
		}
		_, _ = to.Write(buf[:n])
	}
}

// vnetHeader is what comes before each frame.
const vnetHeader = 10

// send puts a frame on the wire as it is, from inside of the guest.
func (g *guest) send(frame []byte) {
	g.t.Helper()
	if _, err := g.tap.Write(append(make([]byte, vnetHeader), frame...)); err != nil {
		g.t.Fatal(err)
	}
}

// static configures the guest by hand, as its operating system would after DHCP.
func (g *guest) static() *guest {
	g.t.Helper()
	eth, err := g.ns.Handle.LinkByName("eth0")
	must(g.t, err)
	a := g.iface.Addresses[0].IP
	must(g.t, g.ns.Handle.AddrAdd(eth, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	gw := netip.PrefixFrom(a, 24).Masked().Addr().Next()
	must(g.t, g.ns.Handle.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: gw.AsSlice()}))
	return g
}

func (g *guest) ip() string { return g.iface.Addresses[0].IP.String() }

func (g *guest) stop() {
	if g.tap == nil {
		return
	}
	_ = g.tap.Close()
	_ = g.card.Close()
	g.ns.Close()
	if err := link.RemoveNamespace("guest-" + g.iface.ID); err != nil {
		g.t.Error(err)
	}
	g.tap = nil
}

func openTap(t testing.TB, name string) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	must(t, err)
	req, err := unix.NewIfreq(name)
	must(t, err)
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	must(t, unix.IoctlIfreq(fd, unix.TUNSETIFF, req))
	return os.NewFile(uintptr(fd), name)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listen answers on a TCP port of the guest with what it gets.
func (g *guest) listen(port int) {
	g.t.Helper()
	must(g.t, g.ns.Do(func() error {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		g.t.Cleanup(func() { _ = l.Close() })
		go echo(l)
		return nil
	}))
}

func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			buf := make([]byte, 1024)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(append([]byte(c.RemoteAddr().String()+" "), buf[:n]...)); err != nil {
					return
				}
			}
		}()
	}
}

const brief = 400 * time.Millisecond

// dial opens a TCP connection from the guest.
func (g *guest) dial(addr string) (net.Conn, error) {
	var c net.Conn
	err := g.ns.Do(func() error {
		var err error
		c, err = net.DialTimeout("tcp", addr, brief)
		return err
	})
	return c, err
}

// reaches tells whether the guest gets an answer on a TCP port, and as whom the other side saw it.
func (g *guest) reaches(addr string) (string, bool) {
	c, err := g.dial(addr)
	if err != nil {
		return "", false
	}
	defer func() { _ = c.Close() }()
	return ask(c)
}

func ask(c net.Conn) (string, bool) {
	_ = c.SetDeadline(time.Now().Add(2 * brief))
	if _, err := c.Write([]byte("hello")); err != nil {
		return "", false
	}
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	if err != nil {
		return "", false
	}
	as, _, err := net.SplitHostPort(string(buf[:n-len(" hello")]))
	return as, err == nil
}

func (g *guest) mustReach(addr string) string {
	g.t.Helper()
	as, ok := g.reaches(addr)
	if !ok {
		g.t.Fatalf("%s does not reach %s", g.ip(), addr)
	}
	return as
}

func (g *guest) mustNotReach(addr string) {
	g.t.Helper()
	if _, ok := g.reaches(addr); ok {
		g.t.Fatalf("%s reaches %s", g.ip(), addr)
	}
}

// status is what the host sees of the guest's interface.
func (g *guest) status() netfw.Status {
	g.t.Helper()
	all, err := g.c.host.Interfaces(g.t.Context(), g.netID)
	must(g.t, err)
	for _, s := range all {
		if s.ID == g.iface.ID {
			return s
		}
	}
	g.t.Fatalf("%s is not there", g.iface.ID)
	return netfw.Status{}
}

// Groups and rules in short.

func cidr(proto, from, to int, block string) netfw.Rule {
	return netfw.Rule{Protocol: proto, From: from, To: to, CIDR: netip.MustParsePrefix(block)}
}

func fromGroup(proto, from, to int, group string) netfw.Rule {
	return netfw.Rule{Protocol: proto, From: from, To: to, Group: group}
}

func everywhere() netfw.Rule { return cidr(netfw.Any, 0, 0, "0.0.0.0/0") }

// openGroup lets everything in and out.
func openGroup(id string) netfw.Group {
	return netfw.Group{ID: id, Ingress: []netfw.Rule{everywhere()}, Egress: []netfw.Rule{everywhere()}}
}
