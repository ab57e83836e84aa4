package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// client is one kept-alive connection with its own signer and buffers. One goroutine uses it at a time.
type client struct {
	target wire.Target
	host   string
	signer *wire.Signer
	conn   net.Conn
	br     *bufio.Reader
	head   []byte
	buf    []byte
	req    wire.Request
	last   time.Time // when the last answer came
}

// maxIdle is how long a connection is trusted to be still open: servers close idle ones, and a request lost that way
// would be no fault of theirs.
const maxIdle = 2 * time.Second

func newClient(t wire.Target) *client {
	return &client{target: t, host: t.Host(), signer: t.Signer(), buf: make([]byte, 256<<10)}
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// answer is what the load generator looks at.
type answer struct {
	status int
	length int64 // of the body, -1 when chunked
	etag   string
	close  bool
}

// do signs and sends c.req and hands the body to sink piece by piece. The request's headers are cut back to keep so
// that the caller's next request starts from its own.
func (c *client) do(sink func([]byte) error) (answer, error) {
	now := time.Now()
	if now.Sub(c.last) > maxIdle {
		c.close()
	}
	if c.conn == nil {
		conn, err := c.target.Dial()
		if err != nil {
			return answer{}, err
		}
		c.conn = conn
		if c.br == nil {
			c.br = bufio.NewReaderSize(conn, 64<<10)
		} else {
			c.br.Reset(conn)
		}
	}
	c.req.Host = c.host
	c.signer.SignV4(&c.req, now)
	c.head = c.req.AppendHead(c.head[:0])
	if n := len(c.req.Body); n > 0 && n <= 128<<10 {
		c.head = append(c.head, c.req.Body...)
		if _, err := c.conn.Write(c.head); err != nil {
			c.close()
			return answer{}, err
		}
	} else {
		bufs := net.Buffers{c.head, c.req.Body}
		if _, err := bufs.WriteTo(c.conn); err != nil {
			c.close()
			return answer{}, err
		}
	}
	a, err := c.readHead()
	if err == nil {
		err = c.readBody(a, sink)
	}
	c.last = time.Now()
	if err != nil || a.close {
		c.close()
	}
	return a, err
}

var errHead = errors.New("cannot read the answer's head")

func (c *client) readHead() (answer, error) {
	a := answer{length: -1}
	line, err := c.br.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, errHead
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, errHead
	}
	chunked := false
	for {
		if line, err = c.br.ReadSlice('\n'); err != nil {
			return a, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		i := bytes.IndexByte(line, ':')
		if i < 0 {
			return a, errHead
		}
		name, value := line[:i], bytes.TrimSpace(line[i+1:])
		switch len(name) { // only headers of these lengths matter: cheaper than comparing them all
		case 4:
			if bytes.EqualFold(name, []byte("etag")) && c.req.Method != "GET" {
				a.etag = string(value)
			}
		case 10:
			if bytes.EqualFold(name, []byte("connection")) && bytes.EqualFold(value, []byte("close")) {
				a.close = true
			}
		case 14:
			if bytes.EqualFold(name, []byte("content-length")) {
				if a.length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
					return a, errHead
				}
			}
		case 17:
			chunked = chunked || bytes.EqualFold(name, []byte("transfer-encoding"))
		}
	}
	if a.status == 204 || a.status == 304 || c.req.Method == "HEAD" {
		a.length = 0
	} else if chunked {
		a.length = -1
	} else if a.length < 0 {
		return a, errors.New("an answer without a length")
	}
	return a, nil
}

func (c *client) readBody(a answer, sink func([]byte) error) error {
	if a.length >= 0 {
		return c.readN(a.length, sink)
	}
	for {
		line, err := c.br.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return fmt.Errorf("chunk head: %w", err)
		}
		if err := c.readN(n, sink); err != nil {
			return err
		}
		if _, err := c.br.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

func (c *client) readN(n int64, sink func([]byte) error) error {
	for n > 0 {
		k := min(n, int64(len(c.buf)))
		if _, err := io.ReadFull(c.br, c.buf[:k]); err != nil {
			return err
		}
		if sink != nil {
			if err := sink(c.buf[:k]); err != nil {
				return err
			}
		}
		n -= k
	}
	return nil
}

// reset begins a new request.
func (c *client) reset(method, path, query string) *wire.Request {
	headers := c.req.Headers[:0]
	c.req = wire.Request{Method: method, Path: path, Query: query, Headers: headers}
	return &c.req
}
