package network

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// reservedLow and reservedHigh are how many addresses at the ends of a subnet no interface gets: network, router, DNS,
// one for later; broadcast.
const (
	reservedLow  = 4
	reservedHigh = 1
)

// usable is how many addresses of a subnet interfaces may have.
func usable(p netip.Prefix) int { return 1<<(32-p.Bits()) - reservedLow - reservedHigh }

// reserved reports whether an address of p is one that no interface gets.
func reserved(p netip.Prefix, a netip.Addr) bool {
	off := offset(p, a)
	return off < reservedLow || off >= 1<<(32-p.Bits())-reservedHigh
}

// pick chooses an address of p at random among those that are not taken, with low and high left out at its ends. Random,
// so that those who race seldom meet and an address that was just given up is seldom given again.
func pick(p netip.Prefix, low, high int, taken func(netip.Addr) bool) (netip.Addr, bool) {
	n := 1<<(32-p.Bits()) - low - high
	if n <= 0 {
		return netip.Addr{}, false
	}
	for i, start := 0, rand.IntN(n); i < n; i++ {
		if a := nth(p, low+(start+i)%n); !taken(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// nth is the n-th address of an IPv4 range.
func nth(p netip.Prefix, n int) netip.Addr {
	b := p.Masked().Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}

// offset undoes nth.
func offset(p netip.Prefix, a netip.Addr) int {
	base, b := p.Masked().Addr().As4(), a.As4()
	return int(binary.BigEndian.Uint32(b[:]) - binary.BigEndian.Uint32(base[:]))
}

// newMAC draws a locally administered unicast address of a host.
func newMAC() string {
	const digits = "0123456789abcdef"
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], rand.Uint64())
	raw[0] = 0x0a
	mac := make([]byte, 0, 17)
	for i, b := range raw[:6] {
		if i > 0 {
			mac = append(mac, ':')
		}
		mac = append(mac, digits[b>>4], digits[b&0xF])
	}
	return string(mac)
}
