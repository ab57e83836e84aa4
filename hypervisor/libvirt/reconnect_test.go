package libvirt_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
)

// proxy stands between a driver and the daemon, and can die, return, or stop to answer, which the daemon that all tests share
// must not.
type proxy struct {
	t      *testing.T
	socket string
	work   sync.WaitGroup

	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
	deaf  bool
}

func newProxy(t *testing.T) *proxy {
	dir, err := os.MkdirTemp("", "lv") // a socket's name is short
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		p.die()
		p.work.Wait()
		os.RemoveAll(dir)
	})
	p.live()
	return p
}

func (p *proxy) live() {
	p.t.Helper()
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.l = l
	p.mu.Unlock()
	p.work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("unix", libvirt.DefaultSocket)
			if err != nil {
				p.t.Error(err)
				in.Close()
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			p.pipe(out, in)
			p.pipe(in, out)
		}
	})
}

func (p *proxy) pipe(to, from net.Conn) {
	p.work.Go(func() {
		defer to.Close()
		defer from.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			p.mu.Lock()
			deaf := p.deaf
			p.mu.Unlock()
			if n > 0 && !deaf {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
}

func (p *proxy) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.l.Close()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) hear(yes bool) {
	p.mu.Lock()
	p.deaf = !yes
	p.mu.Unlock()
}

// TestReconnect takes the daemon away: calls say so, and when it is back they work again, machines run on, and watchers
// are told to list.
func TestReconnect(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // for all, on a machine with much else to do
	defer cancel()
	owner := fmt.Sprintf("test-reconnect-%08x", rand.Uint32())
	keeper := open(t, libvirt.Test, owner) // the test driver forgets its machines when nobody is connected
	defer keeper.Close()
	name := fmt.Sprintf("reconnect-%08x", rand.Uint32())
	s := spec(name, "/tmp")
	if err := keeper.Define(ctx, s); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(keeper.Destroy(context.Background(), name), keeper.Undefine(context.Background(), name)); err != nil {
			t.Error(err)
		}
	}()
	p := newProxy(t)
	d, err := libvirt.Open(ctx, libvirt.Config{URI: libvirt.Test, Owner: owner, Socket: p.socket, CallLimit: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	events := d.Watch(ctx)
	if err := d.Start(ctx, name); err != nil {
		t.Fatal(err)
	}
	// What happens before the driver listens is told by a second word to list only.
	lists := 0
	for e := range events {
		if e.Kind == hypervisor.EventResync {
			lists++
		}
		if e.Machine == name || lists == 2 {
			break
		}
	}

	p.die()
	if _, err := d.Get(ctx, name); !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Fatalf("without the daemon: error %v, want %v", err, hypervisor.ErrUnavailable)
	}
	if err := keeper.Resume(ctx, name); err != nil { // behind its back
		t.Fatal(err)
	}
	os.Remove(p.socket)
	p.live()
	begin := time.Now()
	for e := range events {
		if e.Kind == hypervisor.EventResync {
			break
		}
	}
	t.Logf("told to list again %v after the daemon was back", time.Since(begin).Round(time.Millisecond))
	if m, err := d.Get(ctx, name); err != nil || m.State != hypervisor.StateRunning {
		t.Fatalf("after the daemon was back: %+v, %v", m, err)
	}
	if err := d.Pause(ctx, name); err != nil {
		t.Fatal(err)
	}
	for e := range events {
		if e.Machine == name && e.State == hypervisor.StatePaused {
			break
		}
	}
	if ctx.Err() != nil {
		t.Fatal("told nothing of the pause")
	}

	// A daemon that hangs holds nobody up longer than he wants, and its connection is given up.
	p.hear(false)
	short, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	begin = time.Now()
	if _, err := d.Get(short, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a daemon that hangs: error %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the caller waited %v", took)
	}
	if _, err := d.Get(ctx, name); !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Fatalf("a daemon that hangs: error %v, want %v", err, hypervisor.ErrUnavailable)
	}
	p.hear(true)
	for { // connections that heard nothing in time break one after the other
		if _, err := d.Get(ctx, name); err == nil {
			break
		} else if !errors.Is(err, hypervisor.ErrUnavailable) {
			t.Fatal(err)
		}
	}
}

// TestNoDaemon says what is missing.
func TestNoDaemon(t *testing.T) {
	t.Parallel()
	_, err := libvirt.Open(t.Context(), libvirt.Config{Owner: "nobody", Socket: "/nonexistent/libvirt-sock"})
	if !errors.Is(err, hypervisor.ErrUnavailable) {
		t.Errorf("error %v, want %v", err, hypervisor.ErrUnavailable)
	}
	for _, bad := range []libvirt.Config{{}, {Owner: "a b"}, {Owner: "x", URI: "xen:///"}, {Owner: "x", Accel: "magic"}} {
		if _, err := libvirt.Open(t.Context(), bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// BenchmarkLaunch defines and starts machines of the test driver, then lists them.
func BenchmarkLaunch(b *testing.B) {
	ctx := b.Context()
	d, err := libvirt.Open(ctx, libvirt.Config{URI: libvirt.Test, Owner: fmt.Sprintf("bench-%08x", rand.Uint32())})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	names := make(chan string, 1<<20)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			name := fmt.Sprintf("bench-%016x", rand.Uint64())
			if err := errors.Join(d.Define(ctx, spec(name, "/tmp")), d.Start(ctx, name), d.Resume(ctx, name)); err != nil {
				b.Error(err)
				return
			}
			names <- name
		}
	})
	b.StopTimer()
	begin := time.Now()
	list, err := d.List(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "launches/s")
	b.ReportMetric(float64(time.Since(begin).Microseconds())/float64(len(list)), "µs/listed")
	close(names)
	for name := range names {
		if err := errors.Join(d.Destroy(ctx, name), d.Undefine(ctx, name)); err != nil {
			b.Error(err)
		}
	}
}
