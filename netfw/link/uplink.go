package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The ends of an uplink call each other by these addresses, which neither has: they only name neighbours.
var (
	hostEnd  = netip.AddrFrom4([4]byte{169, 254, 1, 1})
	innerEnd = netip.AddrFrom4([4]byte{169, 254, 1, 2})
)

func prefixMask(ones, size int) net.IPMask { return net.CIDRMask(ones, size) }

// EnsureUplink joins the namespace with that of the process by a pair of interfaces: outer is the name outside, inner the one
// inside, where it becomes the default route. The alias of the outer end says whose it is.
func (n *Namespace) EnsureUplink(outer, inner, alias string, mtu int) error {
	out, err := Find(nil, outer)
	if err != nil {
		return err
	}
	in, err := Find(n, inner)
	if err != nil {
		return err
	}
	if out != nil && in == nil {
		// The other end is in a namespace that is gone or going.
		if err := netlink.LinkDel(out); err != nil && !missing(err) {
			return fmt.Errorf("delete old uplink %s: %w", outer, err)
		}
		out = nil
	}
	if out == nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = outer, mtu
		pair := &netlink.Veth{LinkAttrs: attrs, PeerName: inner, PeerMTU: uint32(mtu), PeerNamespace: netlink.NsFd(n.FD())}
		if err := netlink.LinkAdd(pair); err != nil {
			return fmt.Errorf("make uplink %s: %w", outer, err)
		}
		if out, err = netlink.LinkByName(outer); err != nil {
			return err
		}
		if in, err = n.Handle.LinkByName(inner); err != nil {
			return err
		}
	}
	if out.Attrs().Alias != alias {
		if err := netlink.LinkSetAlias(out, alias); err != nil {
			return fmt.Errorf("alias of %s: %w", outer, err)
		}
	}
	err = set([]Sysctl{
		{"ipv4/conf/" + outer + "/forwarding", "1"},
		{"ipv4/conf/" + outer + "/rp_filter", "0"},
		{"ipv4/conf/" + outer + "/send_redirects", "0"},
		{"ipv4/conf/" + outer + "/accept_redirects", "0"},
		{"ipv6/conf/" + outer + "/disable_ipv6", "1"},
	})
	if err != nil {
		return err
	}
	if err := n.Do(func() error { return set([]Sysctl{{"ipv4/conf/" + inner + "/proxy_arp", "0"}}) }); err != nil {
		return err
	}
	for _, end := range []struct {
		ns       *Namespace
		h        *netlink.Handle
		l        netlink.Link
		peer     netip.Addr
		peerLink netlink.Link
	}{{nil, handle(nil), out, innerEnd, in}, {n, n.Handle, in, hostEnd, out}} {
		if err := SetMTU(end.ns, end.l, mtu); err != nil {
			return err
		}
		if end.l.Attrs().Flags&unix.IFF_UP == 0 {
			if err := end.h.LinkSetUp(end.l); err != nil {
				return fmt.Errorf("bring up %s: %w", end.l.Attrs().Name, err)
			}
		}
		e := &netlink.Neigh{LinkIndex: end.l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip(end.peer), HardwareAddr: end.peerLink.Attrs().HardwareAddr}
		if err := end.h.NeighSet(e); err != nil {
			return fmt.Errorf("neighbour of %s: %w", end.l.Attrs().Name, err)
		}
	}
	return ensureRoutes(n.Handle, in.Attrs().Index, []netlink.Route{{
		LinkIndex: in.Attrs().Index, Gw: ip(hostEnd), Flags: int(netlink.FLAG_ONLINK), Protocol: protocol,
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	}})
}

// EnsurePublic makes addresses, and no others, lead to the uplink of the name outer.
func EnsurePublic(outer string, addrs []netip.Addr) error {
	l, err := netlink.LinkByName(outer)
	if err != nil {
		return fmt.Errorf("uplink %s: %w", outer, err)
	}
	want := make([]netlink.Route, 0, len(addrs))
	for _, a := range addrs {
		want = append(want, netlink.Route{LinkIndex: l.Attrs().Index, Dst: bits(a), Gw: ip(innerEnd), Flags: int(netlink.FLAG_ONLINK), Protocol: protocol})
	}
	return ensureRoutes(handle(nil), l.Attrs().Index, want)
}

// Public lists the addresses within a block that lead to an uplink, by the name of the uplink.
func Public(block netip.Prefix) (map[netip.Addr]string, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return nil, err
	}
	out := map[netip.Addr]string{}
	names := map[int]string{}
	for _, r := range routes {
		if r.Dst == nil || !block.Contains(fromIP(r.Dst.IP)) {
			continue
		}
		name, ok := names[r.LinkIndex]
		if !ok {
			l, err := netlink.LinkByIndex(r.LinkIndex)
			if err != nil {
				if missing(err) {
					continue
				}
				return nil, err
			}
			name = l.Attrs().Name
			names[r.LinkIndex] = name
		}
		out[fromIP(r.Dst.IP)] = name
	}
	return out, nil
}

// AllowForwarding lets the host forward what comes in by the interfaces of its default routes, so that answers from outside
// reach the uplinks.
func AllowForwarding() error {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range routes {
		if l, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			errs = append(errs, set([]Sysctl{{"ipv4/conf/" + l.Attrs().Name + "/forwarding", "1"}}))
		}
	}
	return errors.Join(errs...)
}
