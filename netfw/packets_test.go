package netfw_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/netfw"
)

// Frames, layer by layer.

func ether(dst, src net.HardwareAddr, kind uint16, payload []byte) []byte {
	b := append(append([]byte{}, dst...), src...)
	return append(binary.BigEndian.AppendUint16(b, kind), payload...)
}

// ip4 is an IPv4 packet; frag is the field of flags and fragment offset.
func ip4(src, dst string, proto byte, frag uint16, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], 4711)
	binary.BigEndian.PutUint16(b[6:], frag)
	copy(b[12:], netip.MustParseAddr(src).AsSlice())
	copy(b[16:], netip.MustParseAddr(dst).AsSlice())
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return append(b, payload...)
}

func ip6(src, dst string, next byte, payload []byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, next, 255
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], netip.MustParseAddr(src).AsSlice())
	copy(b[24:], netip.MustParseAddr(dst).AsSlice())
	return append(b, payload...)
}

// sum6 is the checksum of what an IPv6 packet carries, with the addresses before it.
func sum6(packet []byte) uint16 {
	all := append(append([]byte{}, packet[8:40]...), 0, 0, packet[4], packet[5], 0, 0, 0, packet[6])
	all = append(all, packet[40:]...)
	return checksum(append(all, make([]byte, len(all)%2)...))
}

func udp6(src, dst string, sport, dport uint16, payload string) []byte {
	p := ip6(src, dst, 17, segment(sport, dport, payload))
	binary.BigEndian.PutUint16(p[46:], sum6(p))
	return p
}

func icmp6(src, dst string, kind, code byte, rest []byte) []byte {
	p := ip6(src, dst, 58, append([]byte{kind, code, 0, 0}, rest...))
	binary.BigEndian.PutUint16(p[42:], sum6(p))
	return p
}

// segment is a UDP packet without a checksum.
func segment(sport, dport uint16, payload string) []byte {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, sport), dport)
	return append(binary.BigEndian.AppendUint16(b, uint16(8+len(payload))), append([]byte{0, 0}, payload...)...)
}

// syn is the first packet of a TCP connection. What is behind its header does not matter to firewalls.
func syn(src, dst string, sport, dport uint16, payload string) []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b, sport)
	binary.BigEndian.PutUint16(b[2:], dport)
	b[12], b[13], b[14] = 5<<4, 2, 0xff
	b = append(b, payload...)
	pseudo := append(append(netip.MustParseAddr(src).AsSlice(), netip.MustParseAddr(dst).AsSlice()...), 0, 6, byte(len(b)>>8), byte(len(b)))
	all := append(pseudo, b...)
	binary.BigEndian.PutUint16(b[16:], checksum(append(all, make([]byte, len(all)%2)...)))
	return ip4(src, dst, 6, 0, b)
}

func icmp4(src, dst string, kind, code byte, id uint16, payload string) []byte {
	b := append([]byte{kind, code, 0, 0, byte(id >> 8), byte(id), 0, 1}, payload...)
	binary.BigEndian.PutUint16(b[2:], checksum(append(append([]byte{}, b...), make([]byte, len(b)%2)...)))
	return ip4(src, dst, 1, 0, b)
}

// A lane is two guests of a subnet, and a third that should never see what they send each other. Of each packet it tells whether
// it arrives: behind each goes one that every rule allows, and what has not arrived before that one does not arrive.
type lane struct {
	t       *testing.T
	c       *cloud
	n       *netfw.Network
	a, b, d *guest
	mu      sync.Mutex
	frames  map[*guest][][]byte
	num     int
}

const laneMark = "0123456789abcdef"

func newLane(t *testing.T) *lane {
	t.Helper()
	l := &lane{t: t, c: newCloud(t, netfw.Config{}), frames: map[*guest][][]byte{}}
	l.n = l.c.network("vpc-c7", "10.0.0.0/16")
	l.n.CIDRs = append(l.n.CIDRs, netip.MustParsePrefix("fd00::/56"))
	l.n.Subnets[0].IPv6 = netip.MustParsePrefix("fd00::/64")
	always := cidr(netfw.UDP, 65000, 65000, "0.0.0.0/0")
	l.n.Groups = []netfw.Group{{ID: "sg-a"}, {ID: "sg-b"}, {ID: "sg-d"}, {ID: "sg-always", Ingress: []netfw.Rule{always}, Egress: []netfw.Rule{always}}}
	l.a, l.b = l.c.guest(l.n, "10.0.0.10", "sg-a", "sg-always"), l.c.guest(l.n, "10.0.0.11", "sg-b", "sg-always")
	l.d = l.c.guest(l.n, "10.0.0.12", "sg-d", "sg-always")
	for k, g := range []*guest{l.a, l.b, l.d} {
		g.static()
		g.set(l.n, func(i *netfw.Interface) {
			i.Addresses = append(i.Addresses, netfw.Address{IP: netip.MustParseAddr(fmt.Sprintf("fd00::%x", 0xa+k))})
		})
		see := func(f []byte) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.frames[g] = append(l.frames[g], bytes.Clone(f))
		}
		g.seen.Store(&see)
	}
	return l
}

// allow sets what the first guest may send and the second may get.
func (l *lane) allow(out, in []netfw.Rule) {
	l.t.Helper()
	l.n.Groups[0].Egress, l.n.Groups[1].Ingress = out, in
	l.c.apply(l.n)
}

// got tells whether a guest has got a frame with a text in it.
func (l *lane) got(g *guest, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames[g] {
		if bytes.Contains(f, []byte(text)) {
			return true
		}
	}
	return false
}

// settle waits until what the guest sent before has got as far as it will.
func (l *lane) settle(from *guest) {
	l.t.Helper()
	l.num++
	last := fmt.Sprintf("last-%06d", l.num)
	for _, to := range []*guest{l.a, l.b, l.d} {
		if to == from {
			continue
		}
		from.send(udp(from.iface.MAC, routerMAC(), from.ip(), to.ip(), uint16(l.num), 65000, last))
		for end := time.Now().Add(20 * time.Second); !l.got(to, last); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				l.t.Fatal("a packet that is always allowed does not arrive")
			}
		}
	}
}

// arrives sends a frame of the first guest's with a mark in it, which make makes, and tells whether the second gets it.
func (l *lane) arrives(make func(mark string, num uint16) []byte) bool {
	l.t.Helper()
	l.num++
	mark := fmt.Sprintf("%s-%06d", laneMark, l.num)
	l.a.send(make(mark, uint16(1024+l.num)))
	l.settle(l.a)
	if l.got(l.d, mark) {
		l.t.Error("a third guest sees what is not for it")
	}
	return l.got(l.b, mark)
}

// from4 and from6 are frames of the first guest's to the router.
func (l *lane) from4(packet []byte) []byte { return ether(routerMAC(), l.a.iface.MAC, 0x0800, packet) }

func (l *lane) from6(packet []byte) []byte { return ether(routerMAC(), l.a.iface.MAC, 0x86dd, packet) }

const (
	addrA, addrB   = "10.0.0.10", "10.0.0.11"
	addr6A, addr6B = "fd00::a", "fd00::b"
)

func TestRulesAndPackets(t *testing.T) {
	l := newLane(t)
	type frame = func(string, uint16) []byte
	udpTo := func(port uint16) frame {
		return func(m string, k uint16) []byte { return l.from4(ip4(addrA, addrB, 17, 0, segment(k, port, m))) }
	}
	tcpTo := func(port uint16) frame {
		return func(m string, k uint16) []byte { return l.from4(syn(addrA, addrB, k, port, m)) }
	}
	ping := func(kind, code byte) frame {
		return func(m string, k uint16) []byte { return l.from4(icmp4(addrA, addrB, kind, code, k, m)) }
	}
	proto := func(p byte) frame {
		return func(m string, k uint16) []byte { return l.from4(ip4(addrA, addrB, p, 0, []byte("\x00\x00\x08\x00"+m))) }
	}
	udp6To := func(port uint16) frame {
		return func(m string, k uint16) []byte { return l.from6(udp6(addr6A, addr6B, k, port, m)) }
	}
	ping6 := func(kind byte) frame {
		return func(m string, k uint16) []byte {
			return l.from6(icmp6(addr6A, addr6B, kind, 0, append([]byte{byte(k >> 8), byte(k), 0, 1}, m...)))
		}
	}
	any4, any6 := "0.0.0.0/0", "::/0"
	all := []netfw.Rule{cidr(netfw.Any, 0, 0, any4), cidr(netfw.Any, 0, 0, any6)}
	type probe struct {
		what  string
		frame frame
	}
	for _, test := range []struct {
		name           string
		out, in        []netfw.Rule
		passes, denied []probe
	}{
		{"nothing comes in", all, nil, nil, []probe{{"udp", udpTo(53)}, {"tcp", tcpTo(22)}, {"ping", ping(8, 0)}, {"esp", proto(50)}, {"udp6", udp6To(53)}, {"ping6", ping6(128)}}},
		{"nothing goes out", nil, all, nil, []probe{{"udp", udpTo(53)}, {"tcp", tcpTo(22)}, {"ping", ping(8, 0)}, {"esp", proto(50)}, {"udp6", udp6To(53)}, {"ping6", ping6(128)}}},
		{"everything", all, all, []probe{{"udp", udpTo(53)}, {"tcp", tcpTo(22)}, {"ping", ping(8, 0)}, {"esp", proto(50)}, {"gre", proto(47)}, {"udp6", udp6To(53)}, {"ping6", ping6(128)}}, nil},
		{"everything of IPv4", all, []netfw.Rule{cidr(netfw.Any, 0, 0, any4)}, []probe{{"udp", udpTo(53)}}, []probe{{"udp6", udp6To(53)}, {"ping6", ping6(128)}}},
		{"everything of IPv6", all, []netfw.Rule{cidr(netfw.Any, 0, 0, any6)}, []probe{{"udp6", udp6To(53)}, {"ping6", ping6(128)}}, []probe{{"udp", udpTo(53)}, {"ping", ping(8, 0)}}},
		{"ports", all, []netfw.Rule{cidr(netfw.UDP, 100, 200, any4), cidr(netfw.TCP, 443, 443, any4)},
			[]probe{{"first", udpTo(100)}, {"middle", udpTo(150)}, {"last", udpTo(200)}, {"one", tcpTo(443)}},
			[]probe{{"before", udpTo(99)}, {"after", udpTo(201)}, {"other protocol", tcpTo(150)}, {"before one", tcpTo(442)}, {"after one", tcpTo(444)}, {"by IPv6", udp6To(150)}}},
		{"the edges of ports", all, []netfw.Rule{cidr(netfw.UDP, 0, 0, any4), cidr(netfw.UDP, 65535, 65535, any4)}, []probe{{"0", udpTo(0)}, {"65535", udpTo(65535)}}, []probe{{"1", udpTo(1)}, {"65534", udpTo(65534)}}},
		{"ports that go out", []netfw.Rule{cidr(netfw.UDP, 100, 200, any4)}, all, []probe{{"100", udpTo(100)}}, []probe{{"99", udpTo(99)}, {"201", udpTo(201)}, {"tcp", tcpTo(150)}}},
		{"the sender's address", all, []netfw.Rule{cidr(netfw.UDP, 1, 1, "10.0.0.10/32"), cidr(netfw.UDP, 2, 2, "10.0.0.8/30"), cidr(netfw.UDP, 3, 3, "10.0.0.12/30")},
			[]probe{{"of one", udpTo(1)}, {"of a block", udpTo(2)}}, []probe{{"of another block", udpTo(3)}}},
		{"the receiver's address", []netfw.Rule{cidr(netfw.UDP, 1, 1, "10.0.0.11/32"), cidr(netfw.UDP, 2, 2, "10.0.0.10/32")}, all, []probe{{"its own", udpTo(1)}}, []probe{{"the sender's", udpTo(2)}}},
		{"ICMP: a type", all, []netfw.Rule{cidr(netfw.ICMP, 8, netfw.Any, any4)}, []probe{{"echo", ping(8, 0)}, {"its code 1", ping(8, 1)}}, []probe{{"timestamp", ping(13, 0)}, {"udp", udpTo(8)}}},
		{"ICMP: a type and a code", all, []netfw.Rule{cidr(netfw.ICMP, 8, 0, any4), cidr(netfw.ICMP, 13, 0, any4)}, []probe{{"echo", ping(8, 0)}, {"timestamp", ping(13, 0)}}, []probe{{"code 1", ping(8, 1)}, {"mask", ping(17, 0)}}},
		{"ICMP: all", all, []netfw.Rule{cidr(netfw.ICMP, netfw.Any, netfw.Any, any4)}, []probe{{"echo", ping(8, 0)}, {"timestamp", ping(13, 0)}}, []probe{{"ICMPv6", ping6(128)}, {"udp", udpTo(1)}}},
		{"ICMPv6", all, []netfw.Rule{cidr(netfw.ICMPv6, 128, 0, any6)}, []probe{{"echo", ping6(128)}}, []probe{{"ICMP", ping(8, 0)}, {"udp6", udp6To(128)}}},
		{"a protocol by its number", all, []netfw.Rule{cidr(50, 0, 0, any4)}, []probe{{"esp", proto(50)}}, []probe{{"ah", proto(51)}, {"udp", udpTo(50)}}},
		{"UDP by IPv6", all, []netfw.Rule{cidr(netfw.UDP, 53, 53, "fd00::a/128")}, []probe{{"53", udp6To(53)}}, []probe{{"54", udp6To(54)}, {"by IPv4", udpTo(53)}}},
		{"a group", all, []netfw.Rule{fromGroup(netfw.UDP, 53, 53, "sg-a")}, []probe{{"53", udpTo(53)}, {"by IPv6", udp6To(53)}}, []probe{{"54", udpTo(54)}}},
		{"a group that the sender is not in", all, []netfw.Rule{fromGroup(netfw.Any, 0, 0, "sg-d")}, nil, []probe{{"udp", udpTo(53)}, {"by IPv6", udp6To(53)}}},
		{"to a group", []netfw.Rule{fromGroup(netfw.UDP, 53, 53, "sg-b")}, all, []probe{{"53", udpTo(53)}}, []probe{{"54", udpTo(54)}}},
		{"to a group that the receiver is not in", []netfw.Rule{fromGroup(netfw.Any, 0, 0, "sg-d")}, all, nil, []probe{{"udp", udpTo(53)}}},
		{"the receiver's own group", all, []netfw.Rule{fromGroup(netfw.Any, 0, 0, "sg-b")}, nil, []probe{{"udp", udpTo(53)}}},
		{"a group of both", all, []netfw.Rule{fromGroup(netfw.UDP, 53, 53, "sg-always")}, []probe{{"53", udpTo(53)}}, []probe{{"54", udpTo(54)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l.t = t
			l.allow(test.out, test.in)
			for _, p := range test.passes {
				if !l.arrives(p.frame) {
					t.Errorf("%s does not arrive", p.what)
				}
			}
			for _, p := range test.denied {
				if l.arrives(p.frame) {
					t.Errorf("%s arrives", p.what)
				}
			}
		})
	}
}

// What a guest may not do however open the groups are.
func TestForgedFrames(t *testing.T) {
	l := newLane(t)
	l.allow([]netfw.Rule{everywhere(), cidr(netfw.Any, 0, 0, "::/0")}, []netfw.Rule{everywhere(), cidr(netfw.Any, 0, 0, "::/0")})
	l.n.Groups[2] = openGroup("sg-d")
	l.c.apply(l.n)
	broadcast := net.HardwareAddr{255, 255, 255, 255, 255, 255}
	other := net.HardwareAddr{2, 7, 7, 7, 7, 7}
	arp := func(mac net.HardwareAddr, op byte, sender net.HardwareAddr, senderIP string, target net.HardwareAddr, targetIP, mark string) []byte {
		b := append([]byte{0, 1, 8, 0, 6, 4, 0, op}, sender...)
		b = append(append(b, netip.MustParseAddr(senderIP).AsSlice()...), target...)
		return ether(mac, l.a.iface.MAC, 0x0806, append(append(b, netip.MustParseAddr(targetIP).AsSlice()...), mark...))
	}
	for _, test := range []struct {
		name    string
		frame   func(m string, k uint16) []byte
		spoofed uint64 // how many packets are counted as the forger's
		arp     uint64
	}{
		{"another's address", func(m string, k uint16) []byte { return l.from4(ip4("10.0.0.12", addrB, 17, 0, segment(k, 9, m))) }, 1, 0},
		{"another's card", func(m string, k uint16) []byte {
			return ether(routerMAC(), other, 0x0800, ip4(addrA, addrB, 17, 0, segment(k, 9, m)))
		}, 1, 0},
		{"another's address by IPv6", func(m string, k uint16) []byte { return l.from6(udp6("fd00::c", addr6B, k, 9, m)) }, 1, 0},
		{"another's card by IPv6", func(m string, k uint16) []byte {
			return ether(routerMAC(), other, 0x86dd, udp6(addr6A, addr6B, k, 9, m))
		}, 1, 0},
		{"no address by IPv6", func(m string, k uint16) []byte { return l.from6(udp6("::", addr6B, k, 9, m)) }, 1, 0},
		{"straight to the other's card", func(m string, k uint16) []byte {
			return ether(l.b.iface.MAC, l.a.iface.MAC, 0x0800, ip4(addrA, addrB, 17, 0, segment(k, 9, m)))
		}, 0, 0},
		{"to all", func(m string, k uint16) []byte {
			return ether(broadcast, l.a.iface.MAC, 0x0800, ip4(addrA, "255.255.255.255", 17, 0, segment(k, 9, m)))
		}, 0, 0},
		{"to all of the subnet", func(m string, k uint16) []byte {
			return ether(broadcast, l.a.iface.MAC, 0x0800, ip4(addrA, "10.0.0.255", 17, 0, segment(k, 9, m)))
		}, 0, 0},
		{"to one, in a frame for all", func(m string, k uint16) []byte {
			return ether(broadcast, l.a.iface.MAC, 0x0800, ip4(addrA, addrB, 17, 0, segment(k, 9, m)))
		}, 0, 0},
		{"to a multicast group", func(m string, k uint16) []byte {
			return ether(net.HardwareAddr{1, 0, 0x5e, 0, 0, 251}, l.a.iface.MAC, 0x0800, ip4(addrA, "224.0.0.251", 17, 0, segment(k, 5353, m)))
		}, 0, 0},
		{"to a multicast group by IPv6", func(m string, k uint16) []byte {
			return ether(net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, l.a.iface.MAC, 0x86dd, udp6(addr6A, "ff02::1", k, 5353, m))
		}, 0, 0},
		{"a router's advertisement", func(m string, k uint16) []byte {
			return ether(net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, l.a.iface.MAC, 0x86dd, icmp6("fe80::a", "ff02::1", 134, 0, []byte("\x40\x00\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00"+m)))
		}, 0, 0},
		{"an answer of a DHCP server to all", func(m string, k uint16) []byte {
			return ether(broadcast, l.a.iface.MAC, 0x0800, ip4(addrA, "255.255.255.255", 17, 0, segment(67, 68, m)))
		}, 0, 0},
		{"an answer of the DHCP server", func(m string, k uint16) []byte { return l.from4(ip4("10.0.0.1", addrB, 17, 0, segment(67, 68, m))) }, 1, 0},
		{"in a VLAN", func(m string, k uint16) []byte {
			return ether(routerMAC(), l.a.iface.MAC, 0x8100, append([]byte{0, 5, 8, 0}, ip4(addrA, addrB, 17, 0, segment(k, 9, m))...))
		}, 0, 0},
		{"spanning tree", func(m string, k uint16) []byte {
			return ether(net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 0}, l.a.iface.MAC, uint16(3+len(m)), append([]byte{0x42, 0x42, 3}, m...))
		}, 0, 0},
		{"to loopback", func(m string, k uint16) []byte { return l.from4(ip4(addrA, "127.0.0.1", 17, 0, segment(k, 9, m))) }, 0, 0},
		{"by way of another (source route)", func(m string, k uint16) []byte {
			p := ip4(addrA, "10.0.0.1", 17, 0, append([]byte{131, 7, 4, 10, 0, 0, 11, 0}, segment(k, 9, m)...))
			p[0], p[10], p[11] = 0x47, 0, 0
			binary.BigEndian.PutUint16(p[10:], checksum(p[:28]))
			return l.from4(p)
		}, 0, 0},
		{"an ARP answer for another, to all", func(m string, k uint16) []byte { return arp(broadcast, 2, l.a.iface.MAC, addrB, broadcast, addrB, m) }, 0, 1},
		{"an ARP answer for the router, to another", func(m string, k uint16) []byte {
			return arp(l.b.iface.MAC, 2, l.a.iface.MAC, "10.0.0.1", l.b.iface.MAC, addrB, m)
		}, 0, 0},
		{"an ARP question of its own", func(m string, k uint16) []byte { return arp(broadcast, 1, l.a.iface.MAC, addrA, broadcast, addrB, m) }, 0, 0},
		{"an advertisement as the other, by IPv6", func(m string, k uint16) []byte {
			na := append([]byte{0x60, 0, 0, 0}, netip.MustParseAddr(addr6B).AsSlice()...)
			return l.from6(icmp6(addr6B, "fd00::1", 136, 0, append(append(append(na, 2, 1), l.a.iface.MAC...), m...)))
		}, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l.t = t
			before := l.a.status()
			if l.arrives(test.frame) {
				t.Error("it arrives")
			}
			after := l.a.status()
			if after.Spoofed-before.Spoofed != test.spoofed || after.SpoofedARP-before.SpoofedARP != test.arp {
				t.Errorf("%d packets and %d ARP messages are counted, not %d and %d", after.Spoofed-before.Spoofed, after.SpoofedARP-before.SpoofedARP, test.spoofed, test.arp)
			}
			// Nobody took any of it to heart: honest packets go where they went.
			for name, honest := range map[string]func(string, uint16) []byte{
				"IPv4": func(m string, k uint16) []byte { return l.from4(ip4(addrA, addrB, 17, 0, segment(k, 9, m))) },
				"IPv6": func(m string, k uint16) []byte { return l.from6(udp6(addr6A, addr6B, k, 9, m)) },
			} {
				if !l.arrives(honest) {
					t.Errorf("an honest packet by %s does not arrive any more", name)
				}
			}
		})
	}
}

// Fragments are judged as what they are parts of; what is too long for the next link is cut up, or sent back.
func TestFragmentsAndLongPackets(t *testing.T) {
	l := newLane(t)
	only := []netfw.Rule{cidr(netfw.UDP, 9, 9, "0.0.0.0/0")}
	l.allow([]netfw.Rule{everywhere()}, only)
	long := make([]byte, 1200)
	for k := range long {
		long[k] = 'x'
	}
	pair := func(k, port uint16, mark string) (first, second []byte) {
		whole := segment(k, port, string(long)+mark)
		first, second = ip4(addrA, addrB, 17, 0x2000, whole[:800]), ip4(addrA, addrB, 17, 100, whole[800:])
		for _, p := range [][]byte{first, second} { // a datagram of its own each time
			binary.BigEndian.PutUint16(p[4:], k)
			p[10], p[11] = 0, 0
			binary.BigEndian.PutUint16(p[10:], checksum(p[:20]))
		}
		return l.from4(first), l.from4(second)
	}
	if !l.arrives(func(m string, k uint16) []byte {
		first, second := pair(k, 9, m)
		l.a.send(first)
		return second
	}) {
		t.Error("fragments of what is allowed do not arrive")
	}
	if !l.arrives(func(m string, k uint16) []byte {
		first, second := pair(k, 9, m)
		l.a.send(second)
		return first
	}) {
		t.Error("fragments in another order do not arrive")
	}
	if l.arrives(func(m string, k uint16) []byte {
		first, second := pair(k, 10, m)
		l.a.send(first)
		return second
	}) {
		t.Error("fragments of what is not allowed arrive")
	}
	if l.arrives(func(m string, k uint16) []byte { _, second := pair(k, 9, m); return second }) {
		t.Error("a fragment without the first one arrives")
	}

	tooLong := func(flags uint16) func(string, uint16) []byte {
		return func(m string, k uint16) []byte {
			p := append(bytes.Repeat([]byte{'y'}, 1600), m...)
			return l.from4(ip4(addrA, addrB, 17, flags, segment(k, 9, string(p))))
		}
	}
	if !l.arrives(tooLong(0)) {
		t.Error("a long packet that may be cut up does not arrive")
	}
	if l.arrives(tooLong(0x4000)) {
		t.Error("a long packet that may not be cut up arrives")
	}
	l.mu.Lock()
	told := false
	for _, f := range l.frames[l.a] { // ICMP: fragmentation needed, by the router, with the MTU
		told = told || len(f) > 42 && f[12] == 8 && f[13] == 0 && f[23] == 1 && f[34] == 3 && f[35] == 4 && binary.BigEndian.Uint16(f[40:]) == 1500 && bytes.Equal(f[26:30], []byte{10, 0, 0, 1})
	}
	for _, f := range l.frames[l.b] {
		if len(f) > 14+1500 {
			t.Errorf("a frame of %d bytes arrived", len(f))
		}
	}
	l.mu.Unlock()
	if !told {
		t.Error("the sender is not told that the packet was too long")
	}
}

// Groups know connections: answers pass where questions did, errors too, and revoking a rule ends nothing that has begun.
func TestAnswersPass(t *testing.T) {
	l := newLane(t)
	l.allow([]netfw.Rule{cidr(netfw.UDP, 9, 9, "0.0.0.0/0"), cidr(netfw.ICMP, 8, 0, "0.0.0.0/0")}, []netfw.Rule{everywhere()})
	question := func(port uint16) (k uint16) {
		l.arrives(func(m string, n uint16) []byte {
			k = n
			return l.from4(ip4(addrA, addrB, 17, 0, segment(n, port, m)))
		})
		return k
	}
	back := func(name string, want bool, packet func(mark string) []byte) {
		t.Helper()
		l.num++
		mark := fmt.Sprintf("back-%06d", l.num)
		l.b.send(ether(routerMAC(), l.b.iface.MAC, 0x0800, packet(mark)))
		l.settle(l.b)
		if l.got(l.a, mark) != want {
			t.Errorf("%s: it comes back: %v", name, !want)
		}
	}
	k := question(9)
	back("an answer", true, func(m string) []byte { return ip4(addrB, addrA, 17, 0, segment(9, k, m)) })
	back("an answer from another port", false, func(m string) []byte { return ip4(addrB, addrA, 17, 0, segment(10, k, m)) })
	back("an answer to another port", false, func(m string) []byte { return ip4(addrB, addrA, 17, 0, segment(9, k+1, m)) })
	// An error about the question comes from the receiver, quoting it.
	about := func(port uint16) func(string) []byte {
		return func(m string) []byte {
			quoted := ip4(addrA, addrB, 17, 0, segment(k, port, m))
			body := append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, quoted...)
			binary.BigEndian.PutUint16(body[2:], checksum(append(append([]byte{}, body...), make([]byte, len(body)%2)...)))
			return ip4(addrB, addrA, 1, 0, body)
		}
	}
	back("an error about the question", true, about(9))
	back("an error about what was never asked", false, about(11))
	back("a question the other way", false, func(m string) []byte { return ip4(addrB, addrA, 17, 0, segment(1, 9, m)) })
	l.allow(nil, nil) // all rules are revoked
	back("an answer after its rule was revoked", true, func(m string) []byte { return ip4(addrB, addrA, 17, 0, segment(9, k, m)) })
	if !l.arrives(func(m string, _ uint16) []byte { return l.from4(ip4(addrA, addrB, 17, 0, segment(k, 9, m))) }) {
		t.Error("the next packet of the flow does not arrive after its rule was revoked")
	}
	if l.arrives(func(m string, n uint16) []byte { return l.from4(ip4(addrA, addrB, 17, 0, segment(n, 9, m))) }) {
		t.Error("a new flow begins after its rule was revoked")
	}
}
