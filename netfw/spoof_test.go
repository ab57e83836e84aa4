package netfw_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// udp is a frame with a UDP packet.
func udp(srcMAC, dstMAC net.HardwareAddr, src, dst string, sport, dport uint16, payload string) []byte {
	b := append(append([]byte{}, dstMAC...), srcMAC...)
	b = append(b, 0x08, 0x00)
	ip := make([]byte, 20, 28+len(payload))
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(payload)))
	copy(ip[12:], netip.MustParseAddr(src).AsSlice())
	copy(ip[16:], netip.MustParseAddr(dst).AsSlice())
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	ip = binary.BigEndian.AppendUint16(ip, sport)
	ip = binary.BigEndian.AppendUint16(ip, dport)
	ip = binary.BigEndian.AppendUint16(ip, uint16(8+len(payload)))
	ip = append(ip, 0, 0)
	return append(append(b, ip...), payload...)
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// routerMAC is where guests send what is for others.
func routerMAC() net.HardwareAddr { return link.RouterMAC[:] }

// arpRequest is a frame that asks who has an address.
func arpRequest(etherSrc, sender net.HardwareAddr, senderIP, target string) []byte {
	b := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	b = append(b, etherSrc...)
	b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1)
	b = append(append(b, sender...), netip.MustParseAddr(senderIP).AsSlice()...)
	return append(append(b, 0, 0, 0, 0, 0, 0), netip.MustParseAddr(target).AsSlice()...)
}

// watch counts frames that the guest gets and that hold for f.
func (g *guest) watch(f func([]byte) bool) *atomic.Int64 {
	var n atomic.Int64
	see := func(b []byte) {
		if f(b) {
			n.Add(1)
		}
	}
	g.seen.Store(&see)
	return &n
}

// udpTo holds for UDP packets to a port.
func udpTo(port uint16) func([]byte) bool {
	return func(b []byte) bool {
		return len(b) >= 42 && b[12] == 8 && b[13] == 0 && b[23] == 17 && binary.BigEndian.Uint16(b[36:]) == port
	}
}

func arpReply(b []byte) bool { return len(b) >= 42 && b[12] == 8 && b[13] == 6 && b[21] == 2 }

// settle waits until a count has reached n, or for a while.
func settle(n *atomic.Int64, want int64) int64 {
	for end := time.Now().Add(brief); n.Load() < want && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	return n.Load()
}

func TestSpoofedPackets(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-d1", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	router := net.HardwareAddr(link.RouterMAC[:])
	other := net.HardwareAddr{2, 7, 7, 7, 7, 7}
	got := b.watch(udpTo(9000))

	a.send(udp(a.iface.MAC, router, "10.0.0.10", "10.0.0.11", 1, 9000, "good"))
	if settle(got, 1) != 1 {
		t.Fatal("an honest packet does not pass")
	}
	for _, f := range [][]byte{
		udp(other, router, "10.0.0.10", "10.0.0.11", 1, 9000, "wrong MAC"),
		udp(a.iface.MAC, router, "10.0.0.12", "10.0.0.11", 1, 9000, "wrong address"),
		udp(a.iface.MAC, router, "10.0.0.1", "10.0.0.11", 1, 9000, "the router's"),
		udp(a.iface.MAC, router, "10.0.0.11", "10.0.0.11", 1, 9000, "the victim's"),
		udp(a.iface.MAC, router, "127.0.0.1", "10.0.0.11", 1, 9000, "loopback"),
		udp(a.iface.MAC, router, "169.254.169.254", "10.0.0.11", 1, 9000, "metadata"),
		udp(a.iface.MAC, router, "0.0.0.0", "10.0.0.11", 68, 9000, "none"),
		udp(b.iface.MAC, router, "10.0.0.11", "10.0.0.11", 1, 9000, "all the victim's"),
	} {
		a.send(f)
	}
	if settle(got, 2) != 1 {
		t.Error("a forged packet passes")
	}
	// Two of them the kernel itself finds impossible, after the guard has counted.
	if s := a.status(); s.Spoofed != 8 {
		t.Errorf("%d forged packets are counted, not 8", s.Spoofed)
	}
	a.send(udp(a.iface.MAC, router, "10.0.0.10", "10.0.0.11", 1, 9000, "good"))
	if settle(got, 2) != 2 {
		t.Error("an honest packet does not pass after forged ones")
	}

	// A guest that routes for others may send what is not its own, but not by another card.
	n.Interfaces[0].AnySource = true
	c.apply(n)
	a.send(udp(a.iface.MAC, router, "10.9.9.9", "10.0.0.11", 1, 9000, "routed"))
	a.send(udp(other, router, "10.9.9.9", "10.0.0.11", 1, 9000, "wrong MAC"))
	if settle(got, 4) != 3 {
		t.Errorf("%d packets passed, not 3", got.Load())
	}
}

func TestSpoofedARP(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-d2", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1")
	b := c.guest(n, "10.0.0.11", "sg-1")
	other := net.HardwareAddr{2, 7, 7, 7, 7, 7}
	got := a.watch(arpReply)

	// The router answers for itself and for every guest, but not for who is not there.
	a.send(arpRequest(a.iface.MAC, a.iface.MAC, "10.0.0.10", "10.0.0.1"))
	a.send(arpRequest(a.iface.MAC, a.iface.MAC, "10.0.0.10", b.ip()))
	a.send(arpRequest(a.iface.MAC, a.iface.MAC, "10.0.0.10", "10.0.0.99"))
	if n := settle(got, 2); n != 2 {
		t.Fatalf("%d answers, not 2", n)
	}
	// Whoever asks whether its own address is free hears nothing.
	a.send(arpRequest(a.iface.MAC, a.iface.MAC, "0.0.0.0", "10.0.0.10"))
	for _, f := range [][]byte{
		arpRequest(other, a.iface.MAC, "10.0.0.10", "10.0.0.1"),
		arpRequest(a.iface.MAC, other, "10.0.0.10", "10.0.0.1"),
		arpRequest(a.iface.MAC, a.iface.MAC, "10.0.0.11", "10.0.0.1"),
		arpRequest(a.iface.MAC, a.iface.MAC, "10.0.0.1", "10.0.0.1"),
	} {
		a.send(f)
	}
	if n := settle(got, 3); n != 2 {
		t.Errorf("%d answers, not 2", n)
	}
	if s := a.status(); s.SpoofedARP != 4 {
		t.Errorf("%d forged messages are counted, not 4", s.SpoofedARP)
	}
}

func TestUnpluggedTapIsSilent(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-d3", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	a.listen(80)
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	b.mustReach("10.0.0.10:80")
	if _, err := c.host.PrepareTap(t.Context(), n.ID, a.iface.ID); err == nil {
		t.Error("a tap that a guest holds is made anew")
	}
	conn, err := b.dial("10.0.0.10:80")
	must(t, err)
	defer func() { _ = conn.Close() }()
	if _, ok := ask(conn); !ok {
		t.Fatal("the flow does not work")
	}
	// The interface goes while its guest runs: nothing passes, not even of known flows, and its rules are gone.
	gone := *n
	gone.Interfaces = n.Interfaces[1:]
	c.apply(&gone)
	if _, ok := ask(conn); ok {
		t.Error("a flow outlives its interface")
	}
	if _, err := c.host.PrepareTap(t.Context(), n.ID, a.iface.ID); err == nil {
		t.Error("there is a tap for an interface that is not wanted")
	}
	// It comes back, with the same address.
	a.stop()
	c.apply(n)
	a.start()
	a.static()
	a.listen(80)
	b.mustReach("10.0.0.10:80")
	// The machine stops and starts again: its tap is made anew.
	a.stop()
	a.start()
	a.static()
	a.listen(80)
	b.mustReach("10.0.0.10:80")
}
