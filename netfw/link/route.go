package link

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocol marks the routes that are ours, so that others are left alone.
const protocol = 0xae

// ensureRoutes makes the routes of a link those of the list, among those that are ours.
func ensureRoutes(h *netlink.Handle, index int, want []netlink.Route) error {
	have, err := h.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{LinkIndex: index, Protocol: protocol}, netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, r := range have {
		there[routeKey(r)] = true
	}
	wanted := map[string]bool{}
	for _, r := range want {
		wanted[routeKey(r)] = true
		if there[routeKey(r)] {
			continue
		}
		if err := h.RouteReplace(&r); err != nil {
			return fmt.Errorf("route to %s: %w", r.Dst, err)
		}
	}
	for _, r := range have {
		if wanted[routeKey(r)] {
			continue
		}
		if err := h.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("remove route to %s: %w", r.Dst, err)
		}
	}
	return nil
}

// routeKey is what makes a route another one.
func routeKey(r netlink.Route) string {
	dst := "default"
	if r.Dst != nil {
		if ones, _ := r.Dst.Mask.Size(); ones > 0 || !r.Dst.IP.IsUnspecified() {
			dst = r.Dst.String()
		}
	}
	return fmt.Sprintf("%s via %s src %s type %d", dst, r.Gw, r.Src, max(r.Type, unix.RTN_UNICAST))
}

// ensureAddr gives a link an address, if it has not got it.
func (n *Namespace) ensureAddr(l netlink.Link, a netip.Addr, ones int) error {
	have, err := n.Handle.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, h := range have {
		if fromIP(h.IP) == a {
			return nil
		}
	}
	net := bits(a)
	net.Mask = prefixMask(ones, a.BitLen())
	addr := &netlink.Addr{IPNet: net}
	if a.Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := n.Handle.AddrAdd(l, addr); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("address %s: %w", a, err)
	}
	return nil
}

// dropAddr takes an address from a link, if it has it.
func (n *Namespace) dropAddr(l netlink.Link, a netip.Addr) error {
	have, err := n.Handle.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, h := range have {
		if fromIP(h.IP) != a {
			continue
		}
		if err := n.Handle.AddrDel(l, &h); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("remove address %s: %w", a, err)
		}
	}
	return nil
}

// EnsureLocal makes the addresses those that the router itself answers at, and no others.
func (n *Namespace) EnsureLocal(addrs []netip.Addr) error {
	lo, err := n.Handle.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	have, err := n.Handle.AddrList(lo, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	want := map[netip.Addr]bool{}
	for _, a := range addrs {
		want[a] = true
		if err := n.ensureAddr(lo, a, a.BitLen()); err != nil {
			return err
		}
	}
	for _, h := range have {
		a := fromIP(h.IP)
		if want[a] || a.IsLoopback() || a.IsLinkLocalUnicast() && a.Is6() {
			continue
		}
		if err := n.Handle.AddrDel(lo, &h); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("remove address %s: %w", a, err)
		}
	}
	return nil
}

// EnsureSinks makes packets to the blocks that no longer route takes disappear: an address of the network that is nobody's
// must not leave by the uplink.
func (n *Namespace) EnsureSinks(blocks []netip.Prefix) error {
	have, err := n.Handle.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: protocol, Type: unix.RTN_BLACKHOLE}, netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TYPE)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, r := range have {
		if r.Dst != nil {
			there[r.Dst.String()] = true
		}
	}
	want := map[string]bool{}
	for _, b := range blocks {
		dst := bits(b.Masked().Addr())
		dst.Mask = prefixMask(b.Bits(), b.Addr().BitLen())
		want[dst.String()] = true
		if there[dst.String()] {
			continue
		}
		r := &netlink.Route{Dst: dst, Type: unix.RTN_BLACKHOLE, Protocol: protocol}
		if err := n.Handle.RouteReplace(r); err != nil {
			return fmt.Errorf("blackhole %s: %w", b, err)
		}
	}
	for _, r := range have {
		if r.Dst == nil || want[r.Dst.String()] {
			continue
		}
		if err := n.Handle.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("remove blackhole %s: %w", r.Dst, err)
		}
	}
	return nil
}

// A Flow is a tracked connection: its first packet's source and destination, and those of the answers, which differ from them
// where addresses are translated.
type Flow struct{ Src, Dst, ReplySrc, ReplyDst netip.Addr }

// Has tells whether an address is at either end of a flow, before or after translation.
func (f Flow) Has(a netip.Addr) bool {
	return f.Src == a || f.Dst == a || f.ReplySrc == a || f.ReplyDst == a
}

// EndFlows ends the tracked connections for which f holds, so that nothing of them passes as an answer any more.
func (n *Namespace) EndFlows(f func(Flow) bool) error {
	var errs []error
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		if _, err := n.Handle.ConntrackDeleteFilters(netlink.ConntrackTable, family, flowFilter(f)); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("end flows: %w", err))
		}
	}
	return errors.Join(errs...)
}

type flowFilter func(Flow) bool

// MatchConntrackFlow is asked for each flow of the table.
func (f flowFilter) MatchConntrackFlow(c *netlink.ConntrackFlow) bool {
	return f(Flow{fromIP(c.Forward.SrcIP), fromIP(c.Forward.DstIP), fromIP(c.Reverse.SrcIP), fromIP(c.Reverse.DstIP)})
}
