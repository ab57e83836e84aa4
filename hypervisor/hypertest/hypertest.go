// Package hypertest is the suite that every driver of package hypervisor must pass. It uses nothing but the contract, and
// a machine that the driver's own test describes.
package hypertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// Suite says what is tested and how to get it.
type Suite struct {
	// Open connects a driver of the given owner. The suite closes it.
	Open func(t *testing.T, owner string) hypervisor.Driver
	// Spec describes a small machine: with a console log in dir and, if Guests, a guest that writes Ready to its console when
	// it is up, then runs what it reads there as a shell, and shuts down at the press of the power button.
	Spec  func(t *testing.T, name, dir string) *hypervisor.Spec
	Ready string
	// Guests says that machines execute. Without, only the calls are tested.
	Guests bool
	// Patience is how long a guest may take to come up or go down.
	Patience time.Duration
	// Kill ends a running machine as a crash of its emulator would; nil if that can't be.
	Kill func(t *testing.T, name string)
	// Disk makes a disk of the given serial and size; nil if disks can't be attached.
	Disk func(t *testing.T, dir, serial string, size int64) *hypervisor.Disk
	// NIC makes an interface that exists until the test ends; nil if interfaces can't be attached.
	NIC func(t *testing.T) *hypervisor.NIC
}

// Run runs the suite.
func (s *Suite) Run(t *testing.T) {
	if s.Patience == 0 {
		s.Patience = time.Minute
	}
	t.Run("Define", s.testDefine)
	t.Run("Owners", s.testOwners)
	t.Run("Calls", s.testCalls)
	t.Run("Contexts", s.testContexts)
	t.Run("Power", s.testPower)
	t.Run("Concurrent", s.testConcurrent)
	if s.Disk != nil {
		t.Run("DevicesOff", s.testDevicesOff)
	}
	if s.Guests {
		t.Run("Guest", s.testGuest)
		t.Run("Unwilling", s.testUnwilling)
	}
}

// machine is a machine under test, with a driver of its own.
type machine struct {
	t      *testing.T
	s      *Suite
	d      hypervisor.Driver
	spec   *hypervisor.Spec
	dir    string
	events <-chan hypervisor.Event
	lists  int // how often the events said to list
}

func (s *Suite) owner(t *testing.T) string {
	return fmt.Sprintf("test-%s-%08x", strings.ReplaceAll(t.Name(), "/", "."), rand.Uint32())
}

// start makes a driver and a description, and sees to it that nothing is left.
func (s *Suite) start(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, s: s, dir: shortDir(t)}
	m.d = s.Open(t, s.owner(t))
	m.spec = s.Spec(t, fmt.Sprintf("hypertest-%08x", rand.Uint32()), m.dir)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
		defer cancel()
		if err := m.d.Destroy(ctx, m.spec.Name); err != nil {
			t.Errorf("clean up: %v", err)
		}
		if err := m.d.Undefine(ctx, m.spec.Name); err != nil {
			t.Errorf("clean up: %v", err)
		}
		if err := m.d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	m.check("prepare", m.d.Prepare(m.ctx(), m.dir))
	m.events = m.d.Watch(t.Context())
	if e := m.event("the first event"); e.Kind != hypervisor.EventResync {
		t.Fatalf("first event %+v, want a resync", e)
	}
	return m
}

// shortDir is a folder that others may pass, unlike t.TempDir's: the emulator runs as another user.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hypertest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (m *machine) ctx() context.Context {
	ctx, cancel := context.WithTimeout(m.t.Context(), m.s.Patience)
	m.t.Cleanup(cancel)
	return ctx
}

func (m *machine) check(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%s: %v", what, err)
	}
}

func (m *machine) refuse(what string, err, want error) {
	m.t.Helper()
	if !errors.Is(err, want) {
		m.t.Fatalf("%s: error %v, want %v", what, err, want)
	}
}

func (m *machine) want(state hypervisor.State, reasons ...hypervisor.Reason) {
	m.t.Helper()
	got, err := m.d.Get(m.ctx(), m.spec.Name)
	m.check("get", err)
	m.compare("get", got.State, got.Reason, state, reasons)
	if got.Name != m.spec.Name || got.UUID != m.spec.UUID {
		m.t.Fatalf("get: %+v, want name %s and UUID %s", got, m.spec.Name, m.spec.UUID)
	}
	list, err := m.d.List(m.ctx())
	m.check("list", err)
	if len(list) != 1 || list[0] != got {
		m.t.Fatalf("list: %+v, want only %+v", list, got)
	}
}

func (m *machine) compare(what string, gotState hypervisor.State, gotReason hypervisor.Reason, state hypervisor.State, reasons []hypervisor.Reason) {
	m.t.Helper()
	ok := len(reasons) == 0
	for _, r := range reasons {
		ok = ok || r == gotReason
	}
	if gotState != state || !ok {
		m.t.Fatalf("%s: %s (%s), want %s %v", what, gotState, gotReason, state, reasons)
	}
}

func (m *machine) event(what string) hypervisor.Event {
	m.t.Helper()
	select {
	case e, ok := <-m.events:
		if !ok {
			m.t.Fatalf("%s: the events ended", what)
		}
		// The first one is there at once, and another one when the driver hears the daemon, which takes a moment.
		if e.Kind == hypervisor.EventResync {
			if m.lists++; m.lists > 2 {
				m.t.Fatalf("%s: told to list for the third time", what)
			}
		}
		return e
	case <-time.After(m.s.Patience):
		m.t.Fatalf("%s: no event", what)
	}
	panic("unreachable")
}

// await passes over events until the machine has the state, or is found in it when the driver begins to hear only now.
func (m *machine) await(state hypervisor.State, reasons ...hypervisor.Reason) {
	m.t.Helper()
	for {
		e := m.event("event of state " + state.String())
		if e.Kind == hypervisor.EventResync {
			if got, err := m.d.Get(m.ctx(), m.spec.Name); err == nil && got.State == state {
				m.compare("get", got.State, got.Reason, state, reasons)
				return
			}
		}
		if e.Kind == hypervisor.EventState && e.Machine == m.spec.Name && e.State == state {
			m.compare("event", e.State, e.Reason, state, reasons)
			return
		}
	}
}

func (m *machine) awaitKind(kind hypervisor.EventKind, device string) {
	m.t.Helper()
	for {
		if e := m.event("event of a device"); e.Kind == kind && e.Machine == m.spec.Name && e.Device == device {
			return
		}
	}
}

// console collects what the machine writes, and types.
type consoleReader struct {
	t    *testing.T
	rw   io.ReadWriteCloser
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *machine) console() *consoleReader {
	m.t.Helper()
	rw, err := m.d.Console(m.t.Context(), m.spec.Name)
	m.check("console", err)
	c := &consoleReader{t: m.t, rw: rw}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := rw.Read(buf)
			c.mu.Lock()
			c.text.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *consoleReader) wait(text string, patience time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c.mu.Lock()
		found := bytes.Contains(c.text.Bytes(), []byte(text))
		c.mu.Unlock()
		if found {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Fatalf("console: no %q in\n%s", text, c.text.Bytes())
}

func (c *consoleReader) typeLine(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.rw, line+"\n"); err != nil {
		c.t.Fatalf("type: %v", err)
	}
}

// forget drops what was read so far.
func (c *consoleReader) forget() {
	c.mu.Lock()
	c.text.Reset()
	c.mu.Unlock()
}
