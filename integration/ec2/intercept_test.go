package ec2

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Procedures of libvirt's protocol (src/remote/remote_protocol.x).
const (
	procDestroy  = 12
	procReboot   = 27
	procResume   = 28
	procCreate   = 196
	procUndefine = 231
	procShutdown = 258
	procDefine   = 350
)

// moment is when in the course of a call something happens.
type moment int

const (
	before moment = iota // it has not reached libvirt
	during               // libvirt has it
	after                // libvirt has answered, which its caller does not know
)

// intercept stands between a server and libvirtd, and does something at a moment of a call. It lets nothing of the call
// through after that moment.
type intercept struct {
	t      *testing.T
	socket string
	l      net.Listener
	work   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	armed *trap
}

type trap struct {
	proc uint32
	when moment
	do   func()
	seen map[uint32]bool // serials of calls that were let through
}

const (
	libvirtSocket = "/var/run/libvirt/libvirt-sock"
	remoteProgram = 0x20008086
	typeCall      = 0
	typeReply     = 1
	headerSize    = 28
	largestPacket = 32 << 20
)

func newIntercept(t *testing.T) *intercept {
	t.Helper()
	dir, err := os.MkdirTemp("", "lv") // the name of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	p := &intercept{t: t, socket: filepath.Join(dir, "s")}
	if p.l, err = net.Listen("unix", p.socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.work.Wait()
		os.RemoveAll(dir)
	})
	p.work.Go(p.accept)
	return p
}

// at has something done, once, at a moment of the next call of a procedure.
func (p *intercept) at(proc uint32, when moment, do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = &trap{proc: proc, when: when, do: do, seen: map[uint32]bool{}}
}

func (p *intercept) disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = nil
}

func (p *intercept) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", libvirtSocket)
		if err != nil {
			p.t.Error(err)
			in.Close()
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.work.Go(func() { p.pipe(out, in) })
		p.work.Go(func() { p.pipe(in, out) })
	}
}

// pipe passes packets on until one end is gone or the trap went off.
func (p *intercept) pipe(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(size[:])
		if n < headerSize || n > largestPacket {
			p.t.Errorf("a packet of %d bytes", n)
			return
		}
		packet := make([]byte, n)
		copy(packet, size[:])
		if _, err := io.ReadFull(from, packet[4:]); err != nil {
			return
		}
		do, pass := p.judge(packet)
		if pass {
			if _, err := to.Write(packet); err != nil {
				return
			}
		}
		if do != nil {
			do()
			return
		}
	}
}

// judge tells what to do about a packet, and whether it gets through first.
func (p *intercept) judge(packet []byte) (do func(), pass bool) {
	field := func(n int) uint32 { return binary.BigEndian.Uint32(packet[4*n:]) }
	program, proc, kind, serial := field(1), field(3), field(4), field(5)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.armed
	if t == nil || program != remoteProgram || proc != t.proc {
		return nil, true
	}
	switch {
	case kind == typeCall && t.when == after:
		t.seen[serial] = true
		return nil, true
	case kind == typeCall, kind == typeReply && t.when == after && t.seen[serial]:
		p.armed = nil
		return t.do, t.when == during
	}
	return nil, true
}
