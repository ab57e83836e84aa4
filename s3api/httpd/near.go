package httpd

import (
	"net"
	"time"
)

// The send buffer of a connection to a client nearby.
//
// The kernel lets a send buffer grow to several megabytes, which a path of many milliseconds needs and a short one does not:
// there the bytes of a large answer wait in it, are pushed out of the processor's caches by those behind them, and have to be
// fetched from memory by whoever takes them. With no more than a path can hold they cost both sides less (docs/performance.md).
//
// TLS writes records of 16 KiB, and waiting for room for every few of them costs the server more than the caches give back; it is left
// alone.
//
// nearBuffer in nearTrip is 15 Gbit/s, so it holds no connection back; one with a longer trip is left to the kernel.
const (
	nearTrip   = 200 * time.Microsecond
	nearBuffer = 384 << 10
	fitAfter   = 1 << 20 // bytes of answers before a connection is looked at: most never come so far
)

// fitBuffer bounds the send buffer of a connection whose client is near. It does so once.
func (c *conn) fitBuffer() {
	c.fitted = true
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		return
	}
	if trip := shortestTrip(tcp); trip > 0 && trip <= nearTrip {
		_ = tcp.SetWriteBuffer(nearBuffer) // or it stays as it is
	}
}
