package libvirt

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// callsPerConnection stays below the five that libvirtd serves of one client.
const callsPerConnection = 4

// dialLimit bounds the making of a connection.
const dialLimit = 10 * time.Second

// pool spreads calls over a few connections, which are made when they are needed and made again when they broke.
type pool struct {
	cfg    Config
	slots  chan *connection
	conns  []*connection
	ctx    context.Context
	cancel context.CancelFunc
	calls  sync.WaitGroup
}

func newPool(cfg Config) *pool {
	p := &pool{cfg: cfg, slots: make(chan *connection, cfg.Connections*callsPerConnection)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range cfg.Connections {
		p.conns = append(p.conns, &connection{cfg: cfg})
	}
	for range callsPerConnection {
		for _, c := range p.conns {
			p.slots <- c
		}
	}
	return p
}

// do runs fn on a connection. When ctx ends first do returns, and fn goes on by itself until it is answered or its
// connection is cut.
func (p *pool) do(ctx context.Context, fn func(*lv.Libvirt) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *connection
	select {
	case c = <-p.slots:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return fmt.Errorf("%w: the driver is closed", hypervisor.ErrUnavailable)
	}
	if p.ctx.Err() != nil {
		p.slots <- c
		return fmt.Errorf("%w: the driver is closed", hypervisor.ErrUnavailable)
	}
	done := make(chan error, 1)
	p.calls.Add(1)
	go func() {
		defer p.calls.Done()
		defer func() { p.slots <- c }()
		watchdog := time.AfterFunc(p.cfg.CallLimit, func() {
			p.cfg.Log.Warn("libvirt does not answer; cutting the connection", "limit", p.cfg.CallLimit)
			c.cut()
		})
		defer watchdog.Stop()
		l, err := c.get()
		if err != nil {
			done <- err
			return
		}
		done <- fn(l)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close cuts the connections and waits until no call is left.
func (p *pool) close() {
	p.cancel()
	for _, c := range p.conns {
		c.close()
	}
	p.calls.Wait()
}

// connection is one connection to the daemon, or the lack of one.
type connection struct {
	cfg Config
	mu  struct {
		sync.Mutex
		l      *lv.Libvirt
		closed bool
	}
	raw struct { // apart from mu, which is held while a connection is made
		sync.Mutex
		conn net.Conn
	}
}

// get returns the connection, after making one if there is none.
func (c *connection) get() (*lv.Libvirt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed {
		return nil, fmt.Errorf("%w: the driver is closed", hypervisor.ErrUnavailable)
	}
	if c.mu.l != nil && c.mu.l.IsConnected() {
		return c.mu.l, nil
	}
	c.cut() // whatever is left of the old one
	limit := time.AfterFunc(dialLimit, c.cut)
	defer limit.Stop()
	l := lv.NewWithDialer(c)
	err := l.ConnectToURI(lv.ConnectURI(c.cfg.URI))
	if err == nil {
		_, err = l.ConnectGetLibVersion()
	}
	if err != nil {
		c.cut()
		return nil, fmt.Errorf("%w: connect to libvirt at %s: %w", hypervisor.ErrUnavailable, c.cfg.Socket, err)
	}
	c.mu.l = l
	return l, nil
}

// Dial makes the socket's connection, and keeps it so that it can be cut under the library.
func (c *connection) Dial() (net.Conn, error) {
	conn, err := net.DialTimeout("unix", c.cfg.Socket, dialLimit)
	if err != nil {
		return nil, err
	}
	c.raw.Lock()
	c.raw.conn = conn
	c.raw.Unlock()
	return conn, nil
}

func (c *connection) cut() {
	c.raw.Lock()
	defer c.raw.Unlock()
	if c.raw.conn != nil {
		c.raw.conn.Close()
		c.raw.conn = nil
	}
}

// close cuts the connection for good, and waits until the library has noticed.
func (c *connection) close() {
	c.cut()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.closed = true
	c.cut()
	if c.mu.l != nil {
		<-c.mu.l.Disconnected()
	}
}
