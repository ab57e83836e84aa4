package wire

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrNotSent marks a request that certainly was not carried out: there was no connection to send it over.
var ErrNotSent = errors.New("request not sent")

// Client sends requests one after the other over a kept-alive connection. It never retries: after an error it is
// not known whether the request was carried out, and a test must know which is which. One goroutine uses it at a
// time.
type Client struct {
	Target  Target
	Timeout time.Duration // of one request; 0 is 60 s

	signer *Signer
	conn   net.Conn
	br     *bufio.Reader
	buf    []byte
}

// Close drops the connection; the next request opens one.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// Do signs r, sends it and reads the whole answer. An error means that no answer came.
func (c *Client) Do(r *Request) (*Reply, error) {
	if c.signer == nil {
		c.signer = c.Target.Signer()
	}
	if c.conn == nil {
		conn, err := c.Target.Dial()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		c.conn, c.br = conn, bufio.NewReaderSize(conn, 64<<10)
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	_ = c.conn.SetDeadline(time.Now().Add(timeout))
	if r.Host == "" {
		r.Host = c.Target.Host()
	}
	c.signer.SignV4(r, time.Now())
	c.buf = append(r.AppendHead(c.buf[:0]), r.Body...)
	_, writeErr := c.conn.Write(c.buf)
	reply, err := ReadReply(c.br, r.Method)
	if err != nil {
		c.Close()
		if writeErr != nil {
			err = writeErr
		}
		return nil, err
	}
	if reply.Closed || writeErr != nil {
		c.Close()
	}
	return reply, nil
}
