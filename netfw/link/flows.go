package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of the kernel's interface to tracked connections: linux/netfilter/nfnetlink_conntrack.h.
const (
	ctGet       = 1
	ctDelete    = 2
	ctaOrig     = 1 // CTA_TUPLE_ORIG
	ctaReply    = 2 // CTA_TUPLE_REPLY
	ctaZone     = 18
	ctaFilter   = 25
	ctaID       = 12
	ctaTupleIP  = 1
	filterOrig  = 1 // CTA_FILTER_ORIG_FLAGS
	filterReply = 2 // CTA_FILTER_REPLY_FLAGS
	filterSrc   = 1 // CTA_FILTER_F_CTA_IP_SRC
	filterDst   = 2 // CTA_FILTER_F_CTA_IP_DST
)

// few is up to how many addresses the kernel is asked for the flows of each: it goes through its table four times for one, which
// costs less than telling the process all of it, but not for any number.
const few = 4

// EndFlowsOf is EndFlows for those flows that have one of some addresses at an end. The kernel picks them out.
func (n *Namespace) EndFlowsOf(addrs []netip.Addr, f func(Flow) bool) error {
	if len(addrs) > few {
		return n.EndFlows(f)
	}
	if len(addrs) == 0 {
		return nil
	}
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: n.FD()})
	if err != nil {
		return fmt.Errorf("end flows: %w", err)
	}
	defer func() { _ = conn.Close() }()
	for _, a := range addrs {
		for _, tuple := range []uint16{ctaOrig, ctaReply} {
			for _, end := range []uint32{filterSrc, filterDst} {
				if err := endFlows(conn, a, tuple, end, f); err != nil {
					return fmt.Errorf("end flows of %s: %w", a, err)
				}
			}
		}
	}
	return nil
}

func ctMessage(kind uint16, flags netlink.HeaderFlags, a netip.Addr, attrs []byte) netlink.Message {
	family := byte(unix.AF_INET)
	if a.Is6() {
		family = unix.AF_INET6
	}
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_CTNETLINK<<8 | kind), Flags: netlink.Request | flags},
		Data:   append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attrs...),
	}
}

// endFlows ends those with an address at one end of one direction's packets.
func endFlows(conn *netlink.Conn, a netip.Addr, tuple uint16, end uint32, f func(Flow) bool) error {
	ae := netlink.NewAttributeEncoder()
	ae.Nested(tuple, func(ae *netlink.AttributeEncoder) error {
		ae.Nested(ctaTupleIP, func(ae *netlink.AttributeEncoder) error {
			ae.Bytes(ipAttr(a, end), a.AsSlice())
			return nil
		})
		return nil
	})
	ae.Nested(ctaFilter, func(ae *netlink.AttributeEncoder) error {
		for k, t := range map[uint16]uint16{filterOrig: ctaOrig, filterReply: ctaReply} {
			flags := uint32(0)
			if t == tuple {
				flags = end
			}
			ae.Uint32(k, flags)
		}
		return nil
	})
	attrs, err := ae.Encode()
	if err != nil {
		return err
	}
	found, err := conn.Execute(ctMessage(ctGet, netlink.Dump, a, attrs))
	if err != nil {
		return err
	}
	for _, m := range found {
		flow, name, err := parseFlow(m.Data)
		if err != nil {
			return err
		}
		if !f(flow) {
			continue
		}
		if _, err := conn.Execute(ctMessage(ctDelete, netlink.Acknowledge, a, name)); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// ipAttr is the type of an address within a tuple: CTA_IP_V4_SRC and those after it.
func ipAttr(a netip.Addr, end uint32) uint16 {
	if a.Is6() {
		return uint16(2 + end)
	}
	return uint16(end)
}

// parseFlow takes a flow out of a message, and the attributes by which it is deleted: its first tuple, its id and its zone, so
// that none which took its place meanwhile goes.
func parseFlow(data []byte) (flow Flow, name []byte, err error) {
	if len(data) < 4 {
		return flow, nil, errors.New("short message")
	}
	ad, err := netlink.NewAttributeDecoder(data[4:])
	if err != nil {
		return flow, nil, err
	}
	ad.ByteOrder = binary.BigEndian
	var keep []netlink.Attribute
	for ad.Next() {
		switch ad.Type() {
		case ctaOrig:
			keep = append(keep, netlink.Attribute{Type: ctaOrig | unix.NLA_F_NESTED, Data: ad.Bytes()})
			ad.Nested(func(ad *netlink.AttributeDecoder) error { flow.Src, flow.Dst = ends(ad); return nil })
		case ctaReply:
			ad.Nested(func(ad *netlink.AttributeDecoder) error { flow.ReplySrc, flow.ReplyDst = ends(ad); return nil })
		case ctaID, ctaZone:
			keep = append(keep, netlink.Attribute{Type: ad.Type(), Data: ad.Bytes()})
		}
	}
	if err := ad.Err(); err != nil {
		return flow, nil, err
	}
	name, err = netlink.MarshalAttributes(keep)
	return flow, name, err
}

// ends are the source and the destination of a tuple.
func ends(ad *netlink.AttributeDecoder) (src, dst netip.Addr) {
	for ad.Next() {
		if ad.Type() != ctaTupleIP {
			continue
		}
		ad.Nested(func(ad *netlink.AttributeDecoder) error {
			for ad.Next() {
				a, _ := netip.AddrFromSlice(ad.Bytes())
				switch ad.Type() {
				case 1, 3:
					src = a
				case 2, 4:
					dst = a
				}
			}
			return nil
		})
	}
	return src, dst
}
