// Package dhcp gives guests their addresses.
//
// It guarantees that a guest is given what its interface has and nothing else: who asks is known by the interface that the
// packet came in on, never by what the packet says, so one guest cannot ask for another. Nothing is kept: a lease follows from
// the interface, and the server may be restarted at any time.
//
// It needs a socket made by Listen inside of the namespace that the guests' interfaces are in, and permanent neighbours for
// their addresses, because a guest without an address cannot be asked for its MAC. It may not know where leases come from.
package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// A Lease is what one interface is given.
type Lease struct {
	MAC      net.HardwareAddr
	Addr     netip.Addr
	Subnet   netip.Prefix
	Router   netip.Addr
	DNS      []netip.Addr
	NTP      []netip.Addr
	Domain   string
	Hostname string
	MTU      int
	// Metadata is the address of the metadata service, to which a route is given. Zero: none.
	Metadata netip.Addr
}

// leaseTime is how long a lease holds before it has to be asked for again.
const leaseTime = time.Hour

// A Lookup finds the lease of the interface of an index.
type Lookup func(index int) (Lease, bool)

// Listen opens the socket of a server. It has to be called inside of the namespace.
func Listen(ctx context.Context) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var serr error
		err := c.Control(func(fd uintptr) { serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1) })
		return errors.Join(err, serr)
	}}
	return lc.ListenPacket(ctx, "udp4", ":67")
}

// Serve answers until the socket is closed.
func Serve(conn net.PacketConn, lookup Lookup, log *slog.Logger) error {
	p := ipv4.NewPacketConn(conn)
	if err := p.SetControlMessage(ipv4.FlagInterface, true); err != nil {
		return fmt.Errorf("learn interfaces: %w", err)
	}
	buf := make([]byte, 2048)
	for {
		n, cm, _, err := p.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		if cm == nil {
			continue
		}
		lease, ok := lookup(cm.IfIndex)
		if !ok {
			continue
		}
		reply, to := Answer(buf[:n], lease)
		if reply == nil {
			continue
		}
		out := &ipv4.ControlMessage{IfIndex: cm.IfIndex, Src: lease.Router.AsSlice()}
		if _, err := p.WriteTo(reply.ToBytes(), out, &net.UDPAddr{IP: to.AsSlice(), Port: dhcpv4.ClientPort}); err != nil {
			log.Debug("DHCP answer not sent", "addr", lease.Addr, "err", err)
		}
	}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// Answer makes the reply to a message of the guest that has the lease, and says where to send it. Nil means that none is due.
func Answer(b []byte, lease Lease) (*dhcpv4.DHCPv4, netip.Addr) {
	m, err := dhcpv4.FromBytes(b)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootRequest || !m.GatewayIPAddr.IsUnspecified() || m.ClientHWAddr.String() != lease.MAC.String() {
		return nil, netip.Addr{}
	}
	server := net.IP(lease.Router.AsSlice())
	kind := dhcpv4.MessageTypeAck
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		kind = dhcpv4.MessageTypeOffer
	case dhcpv4.MessageTypeRequest:
		if id := m.ServerIdentifier(); id != nil && !id.IsUnspecified() && !id.Equal(server) {
			return nil, netip.Addr{} // it took another server's offer
		}
		asked := m.RequestedIPAddress()
		if asked == nil || asked.IsUnspecified() {
			asked = m.ClientIPAddr
		}
		if !asked.IsUnspecified() && !asked.Equal(lease.Addr.AsSlice()) {
			kind = dhcpv4.MessageTypeNak
		}
	case dhcpv4.MessageTypeInform:
	default:
		return nil, netip.Addr{} // released, declined: the address stays the interface's
	}
	r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server)))
	if err != nil {
		return nil, netip.Addr{}
	}
	if kind == dhcpv4.MessageTypeNak {
		r.ClientIPAddr = net.IPv4zero
		return r, broadcast
	}
	to := lease.Addr
	if m.IsBroadcast() && m.ClientIPAddr.IsUnspecified() {
		// Only if it has to be: the kernel loops a broadcast back to us.
		to = broadcast
	}
	if m.MessageType() != dhcpv4.MessageTypeInform {
		r.YourIPAddr = lease.Addr.AsSlice()
		r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(leaseTime))
	}
	describe(r, lease)
	return r, to
}

// describe adds what the lease says beside the address.
func describe(r *dhcpv4.DHCPv4, lease Lease) {
	r.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(lease.Subnet.Bits(), 32)))
	r.UpdateOption(dhcpv4.OptRouter(lease.Router.AsSlice()))
	// Who understands classless routes ignores the router option, so the default route is among them.
	routes := []*dhcpv4.Route{{Dest: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, Router: lease.Router.AsSlice()}}
	if lease.Metadata.IsValid() {
		routes = append(routes, &dhcpv4.Route{Dest: &net.IPNet{IP: lease.Metadata.AsSlice(), Mask: net.CIDRMask(32, 32)}, Router: lease.Router.AsSlice()})
	}
	r.UpdateOption(dhcpv4.OptClasslessStaticRoute(routes...))
	if len(lease.DNS) > 0 {
		r.UpdateOption(dhcpv4.OptDNS(ips(lease.DNS)...))
	}
	if len(lease.NTP) > 0 {
		r.UpdateOption(dhcpv4.OptNTPServers(ips(lease.NTP)...))
	}
	if lease.Domain != "" {
		r.UpdateOption(dhcpv4.OptDomainName(lease.Domain))
	}
	if lease.Hostname != "" {
		r.UpdateOption(dhcpv4.OptHostName(lease.Hostname))
	}
	if lease.MTU != 0 {
		r.UpdateOption(dhcpv4.Option{Code: dhcpv4.OptionInterfaceMTU, Value: dhcpv4.Uint16(lease.MTU)})
	}
}

func ips(addrs []netip.Addr) []net.IP {
	out := make([]net.IP, len(addrs))
	for i, a := range addrs {
		out[i] = a.AsSlice()
	}
	return out
}
