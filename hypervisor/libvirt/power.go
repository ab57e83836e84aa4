package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// askAgain is how often a guest is asked to shut down: one that is still booting misses the first times.
const askAgain = 5 * time.Second

// Start brings a machine up, paused.
func (d *Driver) Start(ctx context.Context, name string) error {
	return d.on(ctx, "start", name, func(l *lv.Libvirt, dom lv.Domain) error {
		m, err := machine(l, dom)
		if err != nil || m.State.On() {
			return err
		}
		if d.test { // it knows no paused start; there is no guest that could run meanwhile
			if err := l.DomainCreate(dom); err != nil {
				return startError(l, dom, err)
			}
			return l.DomainSuspend(dom)
		}
		_, err = l.DomainCreateWithFlags(dom, uint32(lv.DomainStartPaused))
		return startError(l, dom, err)
	})
}

// startError forgives that someone else started the machine at the same time.
func startError(l *lv.Libvirt, dom lv.Domain, err error) error {
	if err != nil {
		if m, e := machine(l, dom); e == nil && m.State.On() {
			return nil
		}
	}
	return err
}

// Resume lets a paused machine run.
func (d *Driver) Resume(ctx context.Context, name string) error {
	return d.switchTo(ctx, "resume", name, hypervisor.StateRunning, func(l *lv.Libvirt, dom lv.Domain) error { return l.DomainResume(dom) })
}

// Pause holds a running machine.
func (d *Driver) Pause(ctx context.Context, name string) error {
	return d.switchTo(ctx, "pause", name, hypervisor.StatePaused, func(l *lv.Libvirt, dom lv.Domain) error { return l.DomainSuspend(dom) })
}

func (d *Driver) switchTo(ctx context.Context, op, name string, want hypervisor.State, fn func(*lv.Libvirt, lv.Domain) error) error {
	return d.on(ctx, op, name, func(l *lv.Libvirt, dom lv.Domain) error {
		m, err := machine(l, dom)
		switch {
		case err != nil:
			return err
		case m.State == want:
			return nil
		case m.State != hypervisor.StateRunning && m.State != hypervisor.StatePaused:
			return fmt.Errorf("%w: the machine is %s", hypervisor.ErrState, m.State)
		}
		return fn(l, dom)
	})
}

// Destroy turns a machine off at once.
func (d *Driver) Destroy(ctx context.Context, name string) error {
	err := d.on(ctx, "destroy", name, func(l *lv.Libvirt, dom lv.Domain) error {
		m, err := machine(l, dom)
		if err != nil || !m.State.On() {
			return err
		}
		err = l.DomainDestroy(dom)
		if isCode(err, lv.ErrOperationInvalid) { // it went off meanwhile
			return nil
		}
		return err
	})
	if errors.Is(err, hypervisor.ErrNotFound) {
		return nil
	}
	return err
}

// Stop asks the guest to shut down, and turns the machine off when grace is over.
func (d *Driver) Stop(ctx context.Context, name string, grace time.Duration) error {
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	events := d.hub.watch(watch, name)
	deadline := time.NewTimer(max(grace, 0))
	defer deadline.Stop()
	ask := time.NewTicker(askAgain)
	defer ask.Stop()
	for {
		m, err := d.Get(ctx, name)
		switch {
		case errors.Is(err, hypervisor.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !m.State.On():
			return nil
		case grace <= 0 || m.State == hypervisor.StatePaused || m.State == hypervisor.StateCrashed:
			return d.Destroy(ctx, name) // no guest is there to listen
		case m.State == hypervisor.StateRunning:
			err := d.on(ctx, "stop", name, func(l *lv.Libvirt, dom lv.Domain) error {
				if d.test {
					return l.DomainShutdown(dom)
				}
				return l.DomainShutdownFlags(dom, lv.DomainShutdownAcpiPowerBtn)
			})
			if err != nil && !errors.Is(err, hypervisor.ErrState) && !errors.Is(err, hypervisor.ErrNotFound) {
				return err
			}
		}
		off := false
		for !off {
			select {
			case e, ok := <-events:
				if !ok {
					return ctx.Err()
				}
				off = e.Machine == name && e.Kind == hypervisor.EventState && !e.State.On() || e.Kind == hypervisor.EventResync
			case <-deadline.C:
				return d.Destroy(ctx, name)
			case <-ask.C:
				off = true // look and ask again
			case <-ctx.Done():
				return fmt.Errorf("stop %s: %w", name, ctx.Err())
			}
		}
	}
}

// Reboot asks the guest to restart, and resets it when grace is over. The emulator, and with it the machine's
// interfaces, stays.
func (d *Driver) Reboot(ctx context.Context, name string, grace time.Duration) error {
	m, err := d.Get(ctx, name)
	if err != nil {
		return err
	}
	if m.State != hypervisor.StateRunning && m.State != hypervisor.StatePaused {
		return fmt.Errorf("reboot %s: %w: the machine is %s", name, hypervisor.ErrState, m.State)
	}
	if d.test {
		return d.on(ctx, "reboot", name, func(l *lv.Libvirt, dom lv.Domain) error { return l.DomainReboot(dom, 0) })
	}
	if m.State == hypervisor.StatePaused || grace <= 0 {
		return d.reset(ctx, name)
	}
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	events := d.hub.watch(watch, name)
	<-events // the first one says that those from now on are delivered
	err = d.on(ctx, "reboot", name, func(l *lv.Libvirt, dom lv.Domain) error {
		return l.DomainReboot(dom, lv.DomainRebootAcpiPowerBtn)
	})
	if err != nil {
		return err
	}
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	for {
		select {
		case e, ok := <-events:
			switch {
			case !ok:
				return ctx.Err()
			case e.Machine != name:
			case e.Kind == hypervisor.EventReboot:
				return nil
			case e.Kind == hypervisor.EventState && !e.State.On():
				return fmt.Errorf("reboot %s: %w: the machine went off", name, hypervisor.ErrState)
			}
		case <-deadline.C:
			return d.reset(ctx, name)
		case <-ctx.Done():
			return fmt.Errorf("reboot %s: %w", name, ctx.Err())
		}
	}
}

func (d *Driver) reset(ctx context.Context, name string) error {
	return d.on(ctx, "reset", name, func(l *lv.Libvirt, dom lv.Domain) error {
		if err := l.DomainReset(dom, 0); err != nil {
			return err
		}
		if m, err := machine(l, dom); err == nil && m.State == hypervisor.StatePaused {
			return l.DomainResume(dom)
		}
		return nil
	})
}
