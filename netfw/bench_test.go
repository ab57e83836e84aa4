package netfw_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// crowd adds interfaces without guests to a network, each with a group of its own of ten rules.
func crowd(n *netfw.Network, interfaces int) {
	n.Subnets[0].CIDR = n.CIDRs[0]
	for k := range interfaces {
		g := netfw.Group{ID: fmt.Sprintf("sg-c%d", k)}
		for r := range 10 {
			g.Ingress = append(g.Ingress, cidr(netfw.TCP, 1000+20*r, 1000+20*r+k%10, "10.0.0.0/8"))
		}
		n.Groups = append(n.Groups, g)
		n.Interfaces = append(n.Interfaces, netfw.Interface{ID: fmt.Sprintf("eni-%017x", 1<<32+k), MAC: net.HardwareAddr{2, 1, 0, 0, byte(k >> 8), byte(k)},
			Subnet: "subnet-1", Groups: []string{g.ID, "sg-1"},
			Addresses: []netfw.Address{{IP: netip.AddrFrom4([4]byte{10, 0, byte(16 + k>>8), byte(k)})}}})
	}
}

// What a packet costs from one tap to another, and what a change costs, with few interfaces and with many. The receiver does not
// read, so that only the way is measured.
func BenchmarkInterfaces(b *testing.B) {
	for _, count := range []int{2, 2000} {
		c := newCloud(b, netfw.Config{})
		n := c.network("vpc-b9", "10.0.0.0/16")
		n.Groups = []netfw.Group{openGroup("sg-1")}
		crowd(n, count-2)
		var ends [2]*guest
		for k := range ends {
			num := guestNumber.Add(1)
			g := &guest{t: b, c: c, netID: n.ID, iface: netfw.Interface{ID: fmt.Sprintf("eni-%017x", num), MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(num)},
				Subnet: "subnet-1", Addresses: []netfw.Address{{IP: netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + k)})}}, Groups: []string{"sg-1"}}}
			n.Interfaces = append(n.Interfaces, g.iface)
			c.apply(n)
			name, err := c.host.PrepareTap(b.Context(), n.ID, g.iface.ID)
			must(b, err)
			g.tap = openTap(b, name)
			must(b, c.host.Plug(b.Context(), n.ID, g.iface.ID))
			ends[k] = g
		}
		frame := func(from, to int, sport uint16) []byte {
			return append(make([]byte, vnetHeader), udp(ends[from].iface.MAC, link.RouterMAC[:], ends[from].ip(), ends[to].ip(), sport, 9000, "payload")...)
		}
		write := func(b *testing.B, g *guest, f []byte) {
			if _, err := g.tap.Write(f); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("known flow/interfaces=%d", count), func(b *testing.B) {
			there := frame(0, 1, 9000)
			write(b, ends[0], there)
			write(b, ends[1], frame(1, 0, 9000))
			for b.Loop() {
				write(b, ends[0], there)
			}
		})
		b.Run(fmt.Sprintf("new flow/interfaces=%d", count), func(b *testing.B) {
			f := frame(0, 1, 0)
			for k := 0; b.Loop(); k++ {
				// Every source port and address of the peer's port once.
				binary.BigEndian.PutUint16(f[vnetHeader+34:], uint16(k))
				binary.BigEndian.PutUint16(f[vnetHeader+36:], uint16(10000+k>>16))
				write(b, ends[0], f)
			}
		})
		b.Run(fmt.Sprintf("apply without a change/interfaces=%d", count), func(b *testing.B) {
			for b.Loop() {
				c.apply(n)
			}
		})
		b.Run(fmt.Sprintf("apply one group/interfaces=%d", count), func(b *testing.B) {
			for k := 0; b.Loop(); k++ {
				n.Groups[0].Ingress = []netfw.Rule{everywhere(), cidr(netfw.TCP, 1+k%1000, 2000, "10.0.0.0/8")}
				c.apply(n)
			}
		})
		for _, g := range ends {
			_ = g.tap.Close()
		}
		must(b, c.host.Remove(b.Context(), n.ID))
		delete(c.nets, n.ID)
	}
}
