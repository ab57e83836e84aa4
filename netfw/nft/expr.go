package nft

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A match is a list of expressions that must all hold.
type match = []expr.Any

// What is compared as a whole begins there: the name of an interface, which takes four words, a MAC, which takes two, and the rest.
const (
	reg     = 1
	regMAC  = unix.NFT_REG32_00 + 4
	regAddr = unix.NFT_REG32_00 + 6
)

func equal(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data} }

func differs(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: data} }

func loadMeta(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: reg} }

// storeMark makes what register 1 holds the packet's mark, which it keeps until it leaves the namespace.
func storeMark() expr.Any {
	return &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg}
}

// loadTo loads a field to a register of its own.
func loadTo(register uint32, base expr.PayloadBase, offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}
}

func load(base expr.PayloadBase, offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: base, Offset: offset, Len: length}
}

// ifname is the name of an interface as the kernel compares it.
func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func iif(name string) match { return match{loadMeta(expr.MetaKeyIIFNAME), equal(ifname(name))} }

func iifNot(name string) match { return match{loadMeta(expr.MetaKeyIIFNAME), differs(ifname(name))} }

func oif(name string) match { return match{loadMeta(expr.MetaKeyOIFNAME), equal(ifname(name))} }

func ipv4() match { return match{loadMeta(expr.MetaKeyNFPROTO), equal([]byte{unix.NFPROTO_IPV4})} }

func ipv6() match { return match{loadMeta(expr.MetaKeyNFPROTO), equal([]byte{unix.NFPROTO_IPV6})} }

func protocol(n int) match { return match{loadMeta(expr.MetaKeyL4PROTO), equal([]byte{byte(n)})} }

// looped are packets that the namespace itself sent to all and that come back on the same interface.
func looped() match { return match{loadMeta(expr.MetaKeyPKTTYPE), equal([]byte{unix.PACKET_LOOPBACK})} }

// loadAddr loads the source or the destination address of a packet of the family of a.
func loadAddr(v4, source bool) expr.Any {
	switch {
	case v4 && source:
		return load(expr.PayloadBaseNetworkHeader, 12, 4)
	case v4:
		return load(expr.PayloadBaseNetworkHeader, 16, 4)
	case source:
		return load(expr.PayloadBaseNetworkHeader, 8, 16)
	default:
		return load(expr.PayloadBaseNetworkHeader, 24, 16)
	}
}

func family(v4 bool) match {
	if v4 {
		return ipv4()
	}
	return ipv6()
}

// within holds for packets whose source or destination is in the block.
func within(p netip.Prefix, source bool) match {
	p = p.Masked()
	v4 := p.Addr().Is4()
	m := family(v4)
	addr := p.Addr().AsSlice()
	switch p.Bits() {
	case 0:
		return m
	case len(addr) * 8:
		return append(m, loadAddr(v4, source), equal(addr))
	}
	mask := net.CIDRMask(p.Bits(), len(addr)*8)
	return append(m, loadAddr(v4, source),
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: uint32(len(addr)), Mask: mask, Xor: make([]byte, len(addr))},
		equal(addr))
}

// inSet holds for packets whose source or destination is an element of the set.
func inSet(set string, v4, source bool) match {
	return append(family(v4), loadAddr(v4, source), &expr.Lookup{SourceRegister: reg, SetName: set})
}

func port(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// toPort holds for TCP or UDP packets to a port.
func toPort(proto, n int) match {
	return append(protocol(proto), load(expr.PayloadBaseTransportHeader, 2, 2), equal(port(n)))
}

func fromPort(n int) match { return match{load(expr.PayloadBaseTransportHeader, 0, 2), equal(port(n))} }

// icmp holds for ICMP or ICMPv6 packets of a type and a code, each of which may be Any.
func icmp(proto, typ, code int) match {
	m := protocol(proto)
	if typ != Any {
		m = append(m, load(expr.PayloadBaseTransportHeader, 0, 1), equal([]byte{byte(typ)}))
	}
	if code != Any {
		m = append(m, load(expr.PayloadBaseTransportHeader, 1, 1), equal([]byte{byte(code)}))
	}
	return m
}

// tracked holds for packets of flows in one of the states.
func tracked(states uint32) match {
	return match{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: native32(states), Xor: make([]byte, 4)},
		differs(make([]byte, 4)),
	}
}

func native32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func accept() expr.Any { return &expr.Verdict{Kind: expr.VerdictAccept} }

func drop() expr.Any { return &expr.Verdict{Kind: expr.VerdictDrop} }

// verdictOf takes the verdict that a map has for what register 1 holds; without an element the packet goes on.
func verdictOf(set string) expr.Any {
	return &expr.Lookup{SourceRegister: reg, SetName: set, IsDestRegSet: true, DestRegister: unix.NFT_REG_VERDICT}
}

// mapped replaces what register 1 holds by what a map has for it; without an element the rule does not match.
func mapped(set string) expr.Any {
	return &expr.Lookup{SourceRegister: reg, SetName: set, IsDestRegSet: true, DestRegister: reg}
}

func nat(kind expr.NATType) expr.Any {
	return &expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: reg}
}
