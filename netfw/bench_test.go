package netfw_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

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

// A pair is two interfaces of a network whose guests do not read, so that only the way of a packet is measured.
type pair struct {
	c    *cloud
	n    *netfw.Network
	ends [2]*guest
	next int // number of the next new flow
}

// pairAmong makes a network with so many interfaces, two of them plugged, or all.
func pairAmong(b *testing.B, c *cloud, id, cidr string, count int, all bool) *pair {
	p := &pair{c: c, n: c.network(id, cidr)}
	p.n.Groups = []netfw.Group{openGroup("sg-1")}
	crowd(p.n, count-2)
	if all {
		c.apply(p.n)
		for _, i := range p.n.Interfaces {
			_, err := c.host.PrepareTap(b.Context(), id, i.ID)
			must(b, err)
			must(b, c.host.Plug(b.Context(), id, i.ID))
		}
	}
	for k := range p.ends {
		num := guestNumber.Add(1)
		g := &guest{t: b, c: c, netID: id, iface: netfw.Interface{ID: fmt.Sprintf("eni-%017x", num), MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(num)},
			Subnet: "subnet-1", Addresses: []netfw.Address{{IP: netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + k)})}}, Groups: []string{"sg-1"}}}
		p.n.Interfaces = append(p.n.Interfaces, g.iface)
		c.apply(p.n)
		name, err := c.host.PrepareTap(b.Context(), id, g.iface.ID)
		must(b, err)
		g.tap = openTap(b, name)
		must(b, c.host.Plug(b.Context(), id, g.iface.ID))
		p.ends[k] = g
	}
	return p
}

func (p *pair) remove(b *testing.B) {
	for _, g := range p.ends {
		_ = g.tap.Close()
	}
	must(b, p.c.host.Remove(b.Context(), p.n.ID))
	delete(p.c.nets, p.n.ID)
}

func (p *pair) frame(from, to int, sport uint16) []byte {
	return append(make([]byte, vnetHeader), udp(p.ends[from].iface.MAC, link.RouterMAC[:], p.ends[from].ip(), p.ends[to].ip(), sport, 9000, "payload")...)
}

func (p *pair) write(b *testing.B, from int, f []byte) {
	if _, err := p.ends[from].tap.Write(f); err != nil {
		b.Fatal(err)
	}
}

// known sends packets of one flow that was answered.
func (p *pair) known(b *testing.B, packets int) time.Duration {
	there := p.frame(0, 1, 9000)
	p.write(b, 0, there)
	p.write(b, 1, p.frame(1, 0, 9000))
	begin := time.Now()
	for range packets {
		p.write(b, 0, there)
	}
	return time.Since(begin)
}

// fresh sends the first packets of as many flows.
func (p *pair) fresh(b *testing.B, packets int) time.Duration {
	f := p.frame(0, 1, 0)
	begin := time.Now()
	for range packets {
		binary.BigEndian.PutUint16(f[vnetHeader+34:], uint16(p.next))
		binary.BigEndian.PutUint16(f[vnetHeader+36:], uint16(10000+p.next>>16))
		p.next++
		p.write(b, 0, f)
	}
	return time.Since(begin)
}

// What a packet costs from one tap to another in a network of two interfaces, in one with the rules of many, and in one with
// the taps and routes of many too, in turns, so that what else the machine does meets all. Tracked flows are taken away after each round: with them in its table the kernel takes longer for
// every new one, wherever that is.
func BenchmarkPackets(b *testing.B) {
	const many, packets = 2000, 2000
	c := newCloud(b, netfw.Config{})
	pairs := [3]*pair{pairAmong(b, c, "vpc-b2", "10.0.0.0/16", 2, false), pairAmong(b, c, "vpc-b9", "10.0.0.0/16", many, false),
		pairAmong(b, c, "vpc-ba", "10.0.0.0/16", many, true)}
	for _, kind := range []struct {
		name string
		run  func(*pair, *testing.B, int) time.Duration
	}{{"known flow", (*pair).known}, {"new flow", (*pair).fresh}} {
		b.Run(kind.name, func(b *testing.B) {
			var took [3][]float64
			for round := 0; b.Loop(); round++ {
				for k := range pairs {
					k = (k + round) % len(pairs) // none is always the first
					d := kind.run(pairs[k], b, packets)
					took[k] = append(took[k], float64(d.Nanoseconds())/packets)
					b.StopTimer()
					flushFlows(b, pairs[k].n.ID)
					b.StartTimer()
				}
			}
			few := median(took[0])
			b.ReportMetric(few, "ns/packet-of-2")
			b.ReportMetric(median(took[1])/few, "with-2000-rules")
			b.ReportMetric(median(took[2])/few, "with-2000-taps")
		})
	}
	for _, p := range pairs {
		p.remove(b)
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// flushFlows empties a namespace's table of tracked flows.
func flushFlows(tb testing.TB, network string) {
	ns, err := link.OpenNamespace("au-" + strings.TrimPrefix(network, "vpc-"))
	must(tb, err)
	defer ns.Close()
	must(tb, ns.Handle.ConntrackTableFlush(netlink.ConntrackTable))
}

// What a change costs with few interfaces and with many.
func BenchmarkInterfaces(b *testing.B) {
	for _, count := range []int{2, 2000, 5000} {
		c := newCloud(b, netfw.Config{})
		p := pairAmong(b, c, "vpc-b9", "10.0.0.0/16", count, false)
		n := p.n
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
		p.remove(b)
	}
}
