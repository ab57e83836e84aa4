package hypertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// testGuest leads one guest through all that a machine can live through.
func (s *Suite) testGuest(t *testing.T) {
	t.Parallel()
	m := s.start(t)
	name := m.spec.Name
	m.check("define", m.d.Define(m.ctx(), m.spec))
	begin := time.Now()
	m.check("start", m.d.Start(m.ctx(), name))
	started := time.Since(begin)
	c := m.console()
	log, err := hypervisor.TailConsole(m.spec.ConsoleLog, 1<<16)
	m.check("console log", err)
	if len(log) > 0 {
		t.Fatalf("a machine that was not resumed wrote %q", log)
	}
	m.check("resume", m.d.Resume(m.ctx(), name))
	m.await(hypervisor.StateRunning)
	c.wait(s.Ready, s.Patience)
	stats, err := m.d.Stats(m.ctx(), name)
	m.check("stats", err)
	t.Logf("start %v, up %v, %v of CPU, RSS %d MiB", started.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond),
		stats.CPUTime.Round(time.Millisecond), stats.MemoryRSS>>20)
	if stats.CPUTime == 0 || stats.MemoryRSS == 0 {
		t.Errorf("stats %+v", stats)
	}

	s.identity(m, c)
	s.devices(m, c)

	// A second console takes over, and the log has it all.
	c2 := m.console()
	c2.typeLine("echo se''cond")
	c2.wait("second", s.Patience)
	log, err = hypervisor.TailConsole(m.spec.ConsoleLog, 1<<16)
	m.check("console log", err)
	if !bytes.Contains(log, []byte(s.Ready)) || !bytes.Contains(log, []byte("second")) {
		t.Fatalf("console log: %q", log)
	}

	// Another driver of the same owner, as after a restart of the server, finds the machine and rules it.
	c2.forget()
	m.check("reboot", m.d.Reboot(m.ctx(), name, s.Patience))
	m.awaitKind(hypervisor.EventReboot, "")
	c2.wait(s.Ready, s.Patience)
	m.want(hypervisor.StateRunning)

	m.check("stop", m.d.Stop(m.ctx(), name, s.Patience))
	m.await(hypervisor.StateOff, hypervisor.ReasonGuest)
	m.want(hypervisor.StateOff, hypervisor.ReasonGuest)
	_, err = m.d.Console(m.ctx(), name)
	m.refuse("console of a machine that is off", err, hypervisor.ErrState)

	// By itself.
	m.check("start", m.d.Start(m.ctx(), name))
	c = m.console()
	m.check("resume", m.d.Resume(m.ctx(), name))
	c.wait(s.Ready, s.Patience)
	c.typeLine("poweroff -f")
	m.await(hypervisor.StateOff, hypervisor.ReasonGuest)
	m.want(hypervisor.StateOff, hypervisor.ReasonGuest)
}

func (s *Suite) identity(m *machine, c *consoleReader) {
	for file, want := range map[string]string{
		"product_uuid": m.spec.UUID, "sys_vendor": m.spec.Identity.Manufacturer, "product_name": m.spec.Identity.Product,
		"product_serial": m.spec.UUID, "chassis_asset_tag": m.spec.Identity.Asset,
	} {
		c.typeLine("echo ''" + file + "=$(cat /sys/class/dmi/id/" + file + ")")
		c.wait(file+"="+want, s.Patience)
	}
}

// devices plugs a disk and an interface into a running guest, and out.
func (s *Suite) devices(m *machine, c *consoleReader) {
	name := m.spec.Name
	if s.Disk != nil {
		serial := fmt.Sprintf("vol%017x", rand.Uint64()>>4)
		disk := s.Disk(m.t, m.dir, serial, 16<<20)
		m.check("attach disk", m.d.AttachDisk(m.ctx(), name, disk))
		m.check("attach disk again", m.d.AttachDisk(m.ctx(), name, disk))
		// The guest sees the disk by its serial, of the right size, and it holds what is written.
		find := `d=$(for b in /sys/block/vd*; do [ "$(cat $b/serial)" = ` + serial + ` ] && echo ${b##*/}; done); `
		c.typeLine("d=; while [ -z \"$d\" ]; do " + find + "sleep 0.1; done; echo size=$(cat /sys/block/$d/size)") // it takes a moment
		c.wait("size=32768", s.Patience)
		m.check("limit disk", m.d.LimitDisk(m.ctx(), name, serial, hypervisor.Limits{IOPS: 1000, Bytes: 100 << 20}))
		m.check("resize disk", m.d.ResizeDisk(m.ctx(), name, serial, 32<<20))
		c.typeLine("until [ $(cat /sys/block/$d/size) = 65536 ]; do sleep 0.1; done; echo size=$(cat /sys/block/$d/size)")
		c.wait("size=65536", s.Patience)
		m.check("detach disk", m.d.DetachDisk(m.ctx(), name, serial))
		m.awaitKind(hypervisor.EventDiskDetached, serial)
		m.check("detach disk again", m.d.DetachDisk(m.ctx(), name, serial))
		c.typeLine(find + "echo gone=[$d]")
		c.wait("gone=[]", s.Patience)
	}
	if s.NIC != nil {
		nic := s.NIC(m.t)
		m.check("attach interface", m.d.AttachNIC(m.ctx(), name, nic))
		m.check("attach interface again", m.d.AttachNIC(m.ctx(), name, nic))
		c.typeLine("sleep 1; echo mac=$(cat /sys/class/net/eth*/address)")
		c.wait("mac="+nic.MAC, s.Patience)
		m.check("detach interface", m.d.DetachNIC(m.ctx(), name, nic.MAC))
		m.awaitKind(hypervisor.EventNICDetached, nic.MAC)
		m.check("detach interface again", m.d.DetachNIC(m.ctx(), name, nic.MAC))
	}
}

// testUnwilling has a guest that hears nothing: force comes when grace is over. Then its emulator dies.
func (s *Suite) testUnwilling(t *testing.T) {
	t.Parallel()
	m := s.start(t)
	name := m.spec.Name
	m.check("define", m.d.Define(m.ctx(), m.spec))
	run := func() *consoleReader {
		t.Helper()
		m.check("start", m.d.Start(m.ctx(), name))
		c := m.console()
		m.check("resume", m.d.Resume(m.ctx(), name))
		c.wait(s.Ready, s.Patience)
		return c
	}
	c := run()
	c.typeLine("killall acpid; echo de''af")
	c.wait("deaf", s.Patience)
	c.forget()
	begin := time.Now()
	m.check("reboot", m.d.Reboot(m.ctx(), name, time.Second))
	if d := time.Since(begin); d < time.Second {
		t.Errorf("reset after %v, before grace was over", d)
	}
	c.wait(s.Ready, s.Patience)
	// The reset must not leave a reboot in wait: a guest that goes off now stays off.
	c.typeLine("poweroff -f")
	m.await(hypervisor.StateOff, hypervisor.ReasonGuest)
	time.Sleep(300 * time.Millisecond)
	m.want(hypervisor.StateOff, hypervisor.ReasonGuest)

	c = run()
	c.typeLine("killall acpid; echo de''af")
	c.wait("deaf", s.Patience)
	m.check("stop", m.d.Stop(m.ctx(), name, time.Second))
	m.await(hypervisor.StateOff, hypervisor.ReasonDestroyed)
	m.want(hypervisor.StateOff, hypervisor.ReasonDestroyed)

	if s.Kill != nil {
		m.check("start", m.d.Start(m.ctx(), name))
		m.check("resume", m.d.Resume(m.ctx(), name))
		m.await(hypervisor.StateRunning)
		begin := time.Now()
		s.Kill(t, name)
		m.await(hypervisor.StateOff, hypervisor.ReasonCrashed)
		t.Logf("the death of an emulator is known after %v", time.Since(begin).Round(time.Millisecond))
		m.want(hypervisor.StateOff, hypervisor.ReasonCrashed)
	}
}
