package httpd

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// conn is a client's connection with deadlines that move with progress.
//
// Deadlines are lazy: limit is when the client is out of time, and the socket's own deadline (armed) is at or before it.
// When the socket's deadline fires early it is armed again for what is left, so that a busy connection sets a timer
// once in a while rather than several times per request.
//
// One goroutine reads and writes; Close and linger may come from another.
type conn struct {
	net.Conn
	l *listener

	readLimit, readArmed time.Time
	writeArmed           time.Time
	inBody               bool
	sinceMove            int // bytes of the body since readLimit was last moved

	sent   int64 // bytes of answers
	fitted bool  // fitBuffer was called, or need not be

	unread atomic.Bool // input is left that the client may still be sending: linger before closing
	closed atomic.Bool
}

// SetReadDeadline is how fasthttp says which wait begins: for the next request or for the rest of its header. Whatever
// belonged to the request before has been read by then.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.inBody = false
	c.unread.Store(false)
	return c.limitRead(t)
}

// SetDeadline sets the read deadline; writes always have their own.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: every write has WriteIdle to make progress.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

func (c *conn) limitRead(t time.Time) error {
	c.readLimit = t
	if t.IsZero() || (!c.readArmed.IsZero() && !t.Before(c.readArmed)) {
		return nil
	}
	return c.armRead(t)
}

func (c *conn) armRead(t time.Time) error {
	c.readArmed = t
	return c.Conn.SetReadDeadline(t)
}

// startBody says that what is read from here on is a body.
func (c *conn) startBody() {
	c.inBody = true
	c.sinceMove = 0
	_ = c.limitRead(time.Now().Add(c.l.limits.BodyIdle))
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 && c.inBody {
			if c.sinceMove += n; c.sinceMove >= c.l.limits.MinProgress {
				c.sinceMove = 0
				_ = c.limitRead(time.Now().Add(c.l.limits.BodyIdle))
			}
		}
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if !c.readLimit.IsZero() && !time.Now().Before(c.readLimit) {
			c.readArmed = time.Time{} // the socket's deadline has passed and must be set before the next read
			return 0, err
		}
		if c.closed.Load() {
			return 0, net.ErrClosed
		}
		if err := c.armRead(c.readLimit); err != nil {
			return 0, err
		}
	}
}

func (c *conn) Write(p []byte) (int, error) {
	idle := c.l.limits.WriteIdle
	if now := time.Now(); c.writeArmed.Sub(now) < idle/2 {
		c.writeArmed = now.Add(idle)
		if err := c.Conn.SetWriteDeadline(c.writeArmed); err != nil {
			return 0, err
		}
	}
	if !c.fitted && c.sent >= fitAfter {
		c.fitBuffer()
	}
	written := 0
	for {
		n, err := c.Conn.Write(p[written:])
		written += n
		c.sent += int64(n)
		if n == 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		c.writeArmed = time.Now().Add(idle)
		if err := c.Conn.SetWriteDeadline(c.writeArmed); err != nil {
			return written, err
		}
	}
}

// Close ends the connection. When the client may still be sending, a bare close would answer its bytes with a reset
// that can overtake our last answer; so our side is shut first and some of the input is drained.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	defer c.l.forget(c)
	if c.unread.Load() {
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_ = c.Conn.SetReadDeadline(time.Now().Add(c.l.limits.LingerTime))
			_, _ = io.CopyN(io.Discard, c.Conn, int64(c.l.limits.LingerBytes))
		}
	}
	return c.Conn.Close()
}

// sever closes at once.
func (c *conn) sever() { _ = c.Conn.Close() }
