package hypertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
)

func (s *Suite) testDefine(t *testing.T) {
	m := s.start(t)
	_, err := m.d.Get(m.ctx(), m.spec.Name)
	m.refuse("get before define", err, hypervisor.ErrNotFound)
	m.check("undefine before define", m.d.Undefine(m.ctx(), m.spec.Name))

	m.check("define", m.d.Define(m.ctx(), m.spec))
	m.want(hypervisor.StateOff)
	m.check("define again", m.d.Define(m.ctx(), m.spec))
	m.spec.VCPUs = 2
	m.check("define differently", m.d.Define(m.ctx(), m.spec))
	m.want(hypervisor.StateOff)

	other := *m.spec
	other.UUID = hypervisor.UUIDFor("ec2", "someone else")
	m.refuse("define with another UUID", m.d.Define(m.ctx(), &other), hypervisor.ErrInvalid)
	other = *m.spec
	other.Memory = 12345
	m.refuse("define without sense", m.d.Define(m.ctx(), &other), hypervisor.ErrInvalid)
	m.want(hypervisor.StateOff)

	m.check("undefine", m.d.Undefine(m.ctx(), m.spec.Name))
	m.check("undefine again", m.d.Undefine(m.ctx(), m.spec.Name))
	_, err = m.d.Get(m.ctx(), m.spec.Name)
	m.refuse("get after undefine", err, hypervisor.ErrNotFound)
	for {
		if e := m.event("event of undefine"); e.Kind == hypervisor.EventUndefined && e.Machine == m.spec.Name {
			break
		}
	}
}

func (s *Suite) testOwners(t *testing.T) {
	m := s.start(t)
	m.check("define", m.d.Define(m.ctx(), m.spec))
	stranger := s.Open(t, s.owner(t))
	defer stranger.Close()
	events := stranger.Watch(t.Context())
	<-events
	list, err := stranger.List(m.ctx())
	if err != nil || len(list) != 0 {
		t.Fatalf("a stranger's list: %v, %v, want none", list, err)
	}
	name := m.spec.Name
	_, err = stranger.Get(m.ctx(), name)
	for what, err := range map[string]error{
		"get": err, "start": stranger.Start(m.ctx(), name), "resume": stranger.Resume(m.ctx(), name),
		"stop": stranger.Stop(m.ctx(), name, time.Second), "destroy": stranger.Destroy(m.ctx(), name),
		"reboot": stranger.Reboot(m.ctx(), name, time.Second), "undefine": stranger.Undefine(m.ctx(), name),
		"define": stranger.Define(m.ctx(), m.spec),
	} {
		m.refuse("a stranger's "+what, err, hypervisor.ErrForeign)
	}
	m.check("start", m.d.Start(m.ctx(), name))
	m.await(hypervisor.StatePaused)
	for quiet := time.After(100 * time.Millisecond); quiet != nil; {
		select {
		case e := <-events:
			if e.Kind != hypervisor.EventResync {
				t.Fatalf("a stranger heard of %+v", e)
			}
		case <-quiet:
			quiet = nil
		}
	}
}

// testCalls makes the calls that a machine that is absent or off refuses, or takes as done.
func (s *Suite) testCalls(t *testing.T) {
	m := s.start(t)
	name := m.spec.Name
	for what, err := range map[string]error{
		"start": m.d.Start(m.ctx(), name), "resume": m.d.Resume(m.ctx(), name), "pause": m.d.Pause(m.ctx(), name),
		"reboot":      m.d.Reboot(m.ctx(), name, time.Second),
		"resize disk": m.d.ResizeDisk(m.ctx(), name, "none", 1<<30), "limit disk": m.d.LimitDisk(m.ctx(), name, "none", hypervisor.Limits{}),
	} {
		m.refuse(what+" of none", err, hypervisor.ErrNotFound)
	}
	m.check("stop of none", m.d.Stop(m.ctx(), name, time.Second))
	m.check("destroy of none", m.d.Destroy(m.ctx(), name))
	m.check("detach a disk of none", m.d.DetachDisk(m.ctx(), name, "none"))
	m.check("detach an interface of none", m.d.DetachNIC(m.ctx(), name, "02:00:00:00:00:01"))

	m.check("define", m.d.Define(m.ctx(), m.spec))
	_, stats := m.d.Stats(m.ctx(), name)
	for what, err := range map[string]error{
		"resume": m.d.Resume(m.ctx(), name), "pause": m.d.Pause(m.ctx(), name), "reboot": m.d.Reboot(m.ctx(), name, time.Second), "stats": stats,
	} {
		m.refuse(what+" of a machine that is off", err, hypervisor.ErrState)
	}
	m.check("stop of a machine that is off", m.d.Stop(m.ctx(), name, time.Second))
	m.check("destroy of a machine that is off", m.d.Destroy(m.ctx(), name))
	m.check("detach no disk", m.d.DetachDisk(m.ctx(), name, "none"))
	m.check("detach no interface", m.d.DetachNIC(m.ctx(), name, "02:00:00:00:00:01"))
	m.refuse("limit no disk", m.d.LimitDisk(m.ctx(), name, "none", hypervisor.Limits{}), hypervisor.ErrNotFound)
	m.refuse("attach no disk", m.d.AttachDisk(m.ctx(), name, &hypervisor.Disk{}), hypervisor.ErrInvalid)
	m.refuse("attach no interface", m.d.AttachNIC(m.ctx(), name, &hypervisor.NIC{}), hypervisor.ErrInvalid)
	m.want(hypervisor.StateOff)

	c, err := m.d.Capacity(m.ctx())
	m.check("capacity", err)
	if c.VCPUs < 1 || c.Memory < 1<<20 || c.MemoryFree < 1 || c.MemoryFree > c.Memory || c.Arch == "" || c.Version == "" {
		t.Fatalf("capacity %+v", c)
	}
	if (c.Accel != hypervisor.AccelNone) != s.Guests {
		t.Fatalf("capacity: acceleration %q, guests %v", c.Accel, s.Guests)
	}
}

func (s *Suite) testContexts(t *testing.T) {
	m := s.start(t)
	m.check("define", m.d.Define(m.ctx(), m.spec))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.d.List(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("list: error %v, want %v", err, context.Canceled)
	}
	if err := m.d.Start(ctx, m.spec.Name); !errors.Is(err, context.Canceled) {
		t.Fatalf("start: error %v, want %v", err, context.Canceled)
	}
	for range m.d.Watch(ctx) { // ends
	}
	m.want(hypervisor.StateOff)
}

func (s *Suite) testPower(t *testing.T) {
	m := s.start(t)
	name := m.spec.Name
	m.check("define", m.d.Define(m.ctx(), m.spec))
	m.check("start", m.d.Start(m.ctx(), name))
	m.want(hypervisor.StatePaused, hypervisor.ReasonUser)
	m.await(hypervisor.StatePaused, hypervisor.ReasonUser)
	m.check("start again", m.d.Start(m.ctx(), name))
	m.want(hypervisor.StatePaused)
	m.refuse("undefine a machine that is on", m.d.Undefine(m.ctx(), name), hypervisor.ErrState)

	m.check("resume", m.d.Resume(m.ctx(), name))
	m.await(hypervisor.StateRunning)
	m.check("resume again", m.d.Resume(m.ctx(), name))
	m.want(hypervisor.StateRunning)
	_, err := m.d.Stats(m.ctx(), name)
	m.check("stats", err)
	m.check("start a running machine", m.d.Start(m.ctx(), name))
	m.want(hypervisor.StateRunning)
	m.check("pause", m.d.Pause(m.ctx(), name))
	m.await(hypervisor.StatePaused)
	m.check("pause again", m.d.Pause(m.ctx(), name))
	m.want(hypervisor.StatePaused)

	// Another driver of the same owner takes over what runs.
	m.check("define while on", m.d.Define(m.ctx(), m.spec))
	m.want(hypervisor.StatePaused)
	m.check("destroy", m.d.Destroy(m.ctx(), name))
	m.await(hypervisor.StateOff, hypervisor.ReasonDestroyed)
	m.check("destroy again", m.d.Destroy(m.ctx(), name))
	m.want(hypervisor.StateOff, hypervisor.ReasonDestroyed)

	m.check("start once more", m.d.Start(m.ctx(), name))
	m.check("stop a paused machine", m.d.Stop(m.ctx(), name, s.Patience))
	m.want(hypervisor.StateOff)
}

// testConcurrent makes many calls at once: each succeeds, and the last word is that of the caller.
func (s *Suite) testConcurrent(t *testing.T) {
	m := s.start(t)
	m.check("define", m.d.Define(m.ctx(), m.spec))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := m.d.Define(m.ctx(), m.spec); err != nil {
				t.Errorf("define: %v", err)
			}
			if err := m.d.Start(m.ctx(), m.spec.Name); err != nil {
				t.Errorf("start: %v", err)
			}
			if _, err := m.d.List(m.ctx()); err != nil {
				t.Errorf("list: %v", err)
			}
		})
	}
	wg.Wait()
	m.want(hypervisor.StatePaused)
	for range 4 {
		wg.Go(func() {
			if err := m.d.Destroy(m.ctx(), m.spec.Name); err != nil {
				t.Errorf("destroy: %v", err)
			}
		})
	}
	wg.Wait()
	m.want(hypervisor.StateOff)
}

// testDevicesOff changes the devices of a machine that is off.
func (s *Suite) testDevicesOff(t *testing.T) {
	m := s.start(t)
	name := m.spec.Name
	m.check("define", m.d.Define(m.ctx(), m.spec))
	serial := fmt.Sprintf("vol%017x", rand.Uint64())
	disk := s.Disk(t, m.dir, serial, 16<<20)
	m.check("attach disk", m.d.AttachDisk(m.ctx(), name, disk))
	m.check("attach disk again", m.d.AttachDisk(m.ctx(), name, disk))
	other := *disk
	other.Path += ".other"
	m.refuse("attach another disk of the same serial", m.d.AttachDisk(m.ctx(), name, &other), hypervisor.ErrInvalid)
	m.check("limit disk", m.d.LimitDisk(m.ctx(), name, serial, hypervisor.Limits{IOPS: 100}))
	m.refuse("resize disk of a machine that is off", m.d.ResizeDisk(m.ctx(), name, serial, 64<<20), hypervisor.ErrState)
	m.check("detach disk", m.d.DetachDisk(m.ctx(), name, serial))
	m.check("detach disk again", m.d.DetachDisk(m.ctx(), name, serial))
	m.refuse("limit the disk that is gone", m.d.LimitDisk(m.ctx(), name, serial, hypervisor.Limits{IOPS: 100}), hypervisor.ErrNotFound)
	nic := &hypervisor.NIC{Tap: "hypertest-none", MAC: "02:00:00:00:00:01", MTU: 1450}
	m.check("attach interface", m.d.AttachNIC(m.ctx(), name, nic))
	m.check("attach interface again", m.d.AttachNIC(m.ctx(), name, nic))
	moved := *nic
	moved.Tap = "hypertest-other"
	m.refuse("attach another interface of the same MAC", m.d.AttachNIC(m.ctx(), name, &moved), hypervisor.ErrInvalid)
	m.check("detach interface", m.d.DetachNIC(m.ctx(), name, nic.MAC))
	m.check("detach interface again", m.d.DetachNIC(m.ctx(), name, nic.MAC))
}
