package httpd

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// listener hands out conns, refuses those beyond the limit, and survives what Accept can fail with for a while (too
// many open files); fasthttp would give up the listener.
type listener struct {
	net.Listener
	limits *Limits
	busy   []byte
	plain  bool // no TLS above: send buffers are fitted
	log    *slog.Logger
	stop   chan struct{}
	once   sync.Once

	mu struct {
		sync.Mutex
		conns map[*conn]struct{}
	}
}

func newListener(ln net.Listener, limits *Limits, busy []byte, log *slog.Logger) *listener {
	l := &listener{Listener: ln, limits: limits, busy: busy, log: log, stop: make(chan struct{})}
	l.mu.conns = make(map[*conn]struct{})
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	delay := 5 * time.Millisecond
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			l.log.Error("accept", "err", err)
			select {
			case <-l.stop:
				return nil, net.ErrClosed
			case <-time.After(delay):
			}
			delay = min(2*delay, time.Second)
			continue
		}
		c := &conn{Conn: nc, l: l, fitted: !l.plain}
		if l.remember(c) {
			return c, nil
		}
		// The socket's buffer is empty, so this does not wait.
		_ = nc.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = nc.Write(l.busy)
		_ = nc.Close()
	}
}

func (l *listener) remember(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.conns) >= l.limits.MaxConns {
		return false
	}
	l.mu.conns[c] = struct{}{}
	return true
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.mu.conns, c)
}

// Close stops accepting; open connections go on.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.stop) })
	return l.Listener.Close()
}

// severAll cuts the connections that are left.
func (l *listener) severAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.mu.conns {
		c.sever()
	}
}

func (l *listener) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.conns)
}
