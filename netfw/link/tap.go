package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// RouterMAC is the address of the router on every tap, the same on all hosts: what a guest has learnt stays true when it moves.
var RouterMAC = [6]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x01}

// linkLocalRouter is the router's address for IPv6 on every tap.
var linkLocalRouter = netip.MustParseAddr("fe80::1")

// CreateTap makes a persistent tap in the namespace of the process, down. Its alias says whose it is.
func CreateTap(name, alias string, mtu int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	tap := &netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP, Flags: unix.IFF_VNET_HDR | unix.IFF_NO_PI}
	if err := netlink.LinkAdd(tap); err != nil {
		return fmt.Errorf("make tap %s: %w", name, err)
	}
	for _, fd := range tap.Fds {
		_ = fd.Close()
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("tap %s: %w", name, err)
	}
	err = errors.Join(netlink.LinkSetAlias(l, alias), netlink.LinkSetMTU(l, mtu))
	if err != nil {
		return errors.Join(fmt.Errorf("set up tap %s: %w", name, err), netlink.LinkDel(l))
	}
	return nil
}

// DeleteLink removes a link of a namespace; nil means the one of the process. What is not there is no error.
func DeleteLink(n *Namespace, name string) error {
	h := handle(n)
	l, err := h.LinkByName(name)
	if missing(err) {
		return nil
	}
	if err == nil {
		err = h.LinkDel(l)
	}
	if err != nil && !missing(err) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

func handle(n *Namespace) *netlink.Handle {
	if n == nil {
		return &netlink.Handle{} // the namespace of the calling thread
	}
	return n.Handle
}

// missing tells that a link was not found or has gone meanwhile.
func missing(err error) bool {
	var nf netlink.LinkNotFoundError
	return errors.As(err, &nf) || errors.Is(err, unix.ENODEV)
}

// Find looks for a link in a namespace; nil means that of the process. It returns nil when there is none.
func Find(n *Namespace, name string) (netlink.Link, error) {
	l, err := handle(n).LinkByName(name)
	if missing(err) {
		return nil, nil
	}
	return l, err
}

// Links lists all links of a namespace; nil means that of the process.
func Links(n *Namespace) ([]netlink.Link, error) { return handle(n).LinkList() }

// SetMTU gives a link of a namespace another MTU, if it has not got it; nil means the namespace of the process.
func SetMTU(n *Namespace, l netlink.Link, mtu int) error {
	if l.Attrs().MTU == mtu {
		return nil
	}
	if err := handle(n).LinkSetMTU(l, mtu); err != nil {
		return fmt.Errorf("set MTU of %s: %w", l.Attrs().Name, err)
	}
	return nil
}

// MoveTap moves a tap from the namespace of the process into n. It arrives down.
func MoveTap(n *Namespace, name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("tap %s: %w", name, err)
	}
	if l.Attrs().Flags&unix.IFF_UP != 0 {
		if err := netlink.LinkSetDown(l); err != nil {
			return fmt.Errorf("take tap %s down: %w", name, err)
		}
	}
	if err := netlink.LinkSetNsFd(l, n.FD()); err != nil {
		return fmt.Errorf("move tap %s into %s: %w", name, n.Name, err)
	}
	return nil
}

// A Host is an address behind a tap, and the router's address in its subnet.
type Host struct {
	Addr    netip.Addr
	Gateway netip.Addr // the source of what the router itself sends there; may be zero
}

// EnsureTap makes a tap that is in the namespace one that guests can talk through: the router's MAC, up, a permanent neighbour
// and a route for each of its addresses, and for no others.
func (n *Namespace) EnsureTap(l netlink.Link, guest net.HardwareAddr, hosts []Host, mtu int) error {
	name := l.Attrs().Name
	if string(l.Attrs().HardwareAddr) != string(RouterMAC[:]) {
		if err := n.Handle.LinkSetHardwareAddr(l, RouterMAC[:]); err != nil {
			return fmt.Errorf("set MAC of %s: %w", name, err)
		}
	}
	if err := SetMTU(n, l, mtu); err != nil {
		return err
	}
	if l.Attrs().Flags&unix.IFF_UP == 0 {
		if err := n.Handle.LinkSetUp(l); err != nil {
			return fmt.Errorf("bring up %s: %w", name, err)
		}
	}
	// Answer for others at once. Only the first namespace has a default for this.
	if err := n.Do(func() error { return set([]Sysctl{{"ipv4/neigh/" + name + "/proxy_delay", "0"}}) }); err != nil {
		return err
	}
	ensure := n.dropAddr
	if slices.ContainsFunc(hosts, func(h Host) bool { return h.Addr.Is6() }) {
		ensure = func(l netlink.Link, a netip.Addr) error { return n.ensureAddr(l, a, 64) }
	}
	if err := ensure(l, linkLocalRouter); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := n.ensureNeighbours(l, guest, hosts); err != nil {
		return fmt.Errorf("neighbours of %s: %w", name, err)
	}
	if err := n.ensureHostRoutes(l, hosts); err != nil {
		return fmt.Errorf("routes of %s: %w", name, err)
	}
	return nil
}

func ip(a netip.Addr) net.IP {
	if !a.IsValid() {
		return nil
	}
	return net.IP(a.AsSlice())
}

func fromIP(b net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

func (n *Namespace) ensureNeighbours(l netlink.Link, guest net.HardwareAddr, hosts []Host) error {
	index := l.Attrs().Index
	have, err := n.Handle.NeighList(index, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	right := map[netip.Addr]bool{}
	for _, h := range hosts {
		right[h.Addr] = false
	}
	for _, e := range have {
		if e.State&netlink.NUD_PERMANENT == 0 {
			continue
		}
		a := fromIP(e.IP)
		if _, wanted := right[a]; wanted {
			right[a] = e.HardwareAddr.String() == guest.String()
		} else if !a.IsMulticast() {
			if err := n.Handle.NeighDel(&e); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
	}
	for _, h := range hosts {
		if right[h.Addr] {
			continue
		}
		e := &netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, IP: ip(h.Addr), HardwareAddr: guest}
		if err := n.Handle.NeighSet(e); err != nil {
			return err
		}
	}
	return nil
}

func bits(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: ip(a), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

func (n *Namespace) ensureHostRoutes(l netlink.Link, hosts []Host) error {
	want := make([]netlink.Route, 0, len(hosts))
	for _, h := range hosts {
		want = append(want, netlink.Route{LinkIndex: l.Attrs().Index, Dst: bits(h.Addr), Src: ip(h.Gateway), Protocol: protocol, Scope: scopeOf(h.Addr)})
	}
	return ensureRoutes(n.Handle, l.Attrs().Index, want)
}

func scopeOf(a netip.Addr) netlink.Scope {
	if a.Is4() {
		return netlink.SCOPE_LINK
	}
	return netlink.SCOPE_UNIVERSE
}
