package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/hypervisor"
)

// reconcile brings one instance from what is to what should be, as far as one look at both tells. Every change of either has
// it called again.
func (a *Agent) reconcile(ctx context.Context, id string) error {
	if isVolume(id) {
		return a.dropVolume(ctx, id)
	}
	i, err := a.cfg.Compute.Get(ctx, a.cfg.Host, id)
	if err != nil {
		return err
	}
	m, err := a.machine(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case i == nil:
		return a.clear(ctx, id, m)
	case i.Desired == compute.Terminated:
		return a.terminate(ctx, i, m)
	case i.Desired == compute.Stopped:
		return a.halt(ctx, i, m)
	case i.State == compute.Pending:
		return a.start(ctx, i, m)
	default:
		return a.keep(ctx, i, m)
	}
}

// machine looks at the machine of an instance; nil when there is none.
func (a *Agent) machine(ctx context.Context, id string) (*hypervisor.Machine, error) {
	m, err := a.hv.Get(ctx, id)
	switch {
	case errors.Is(err, hypervisor.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &m, nil
}

func on(m *hypervisor.Machine) bool { return m != nil && m.State.On() }

// keep looks after an instance that runs.
func (a *Agent) keep(ctx context.Context, i *compute.Instance, m *hypervisor.Machine) error {
	if !on(m) || m.State == hypervisor.StateCrashed {
		return a.ended(ctx, i, m)
	}
	if m.State == hypervisor.StatePaused {
		switch m.Reason {
		case hypervisor.ReasonUser: // started and not yet resumed when the server ended, or held by someone at the host
			return a.start(ctx, i, m)
		case hypervisor.ReasonIOError:
			return a.hv.Resume(ctx, i.ID)
		}
	}
	if i.Reboots > i.Rebooted {
		return a.reboot(ctx, i)
	}
	return nil
}

// ended reports that a machine that should run does not. What is left of it goes with the next look, once the store says
// that it should be stopped or terminated.
func (a *Agent) ended(ctx context.Context, i *compute.Instance, m *hypervisor.Machine) error {
	s := compute.Sight{Seen: compute.SeenDestroyed}
	reason := hypervisor.ReasonDestroyed
	if m != nil {
		reason = m.Reason
		if m.State == hypervisor.StateCrashed {
			reason = hypervisor.ReasonCrashed
			if err := a.hv.Destroy(ctx, i.ID); err != nil { // stopped means off
				return err
			}
		}
	}
	switch reason {
	case hypervisor.ReasonGuest:
		s.Seen = compute.SeenShutdown
	case hypervisor.ReasonCrashed:
		s.Seen = compute.SeenCrashed
	case hypervisor.ReasonFailed:
		s.Seen, s.Text = compute.SeenFailed, "The emulator did not come up"
	case hypervisor.ReasonNone, hypervisor.ReasonLost:
		if a.rebooted && i.State == compute.Running {
			a.log.Info("starting an instance again after the host was restarted", "instance", i.ID)
			return a.start(ctx, i, m)
		}
		if m != nil { // it ended while nobody watched: nobody is known to have taken it away
			s.Seen, s.Text = compute.SeenCrashed, "The host lost the virtual machine"
		}
	}
	if m == nil && a.rebooted && i.State == compute.Running {
		return a.start(ctx, i, m)
	}
	a.log.Info("an instance ended by itself", "instance", i.ID, "reason", reason)
	return a.report(ctx, i, s)
}

// halt stops a machine.
func (a *Agent) halt(ctx context.Context, i *compute.Instance, m *hypervisor.Machine) error {
	if on(m) {
		var err error
		if i.Force || m.State == hypervisor.StateCrashed {
			err = a.hv.Destroy(ctx, i.ID)
		} else {
			err = a.stopGently(ctx, i)
		}
		if err != nil {
			return err
		}
	}
	if err := a.unplug(ctx, i.ID); err != nil {
		return err
	}
	if m != nil {
		if err := a.hv.Undefine(ctx, i.ID); err != nil {
			return err
		}
	}
	return a.report(ctx, i, compute.Sight{Seen: compute.SeenStopped})
}

// lookEvery is how often whoever waits for a guest looks whether that is still wanted.
const lookEvery = 500 * time.Millisecond

// waitFor runs f, which waits for a guest, and breaks it off when something else is wanted of the instance. Then it is the
// turn of the next look.
func (a *Agent) waitFor(ctx context.Context, i *compute.Instance, other func(now *compute.Instance) bool, f func(context.Context) error) (brokenOff bool, err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for sleep(waiting, lookEvery) {
			now, err := a.cfg.Compute.Get(waiting, a.cfg.Host, i.ID)
			if err == nil && (now == nil || other(now)) {
				cancel()
			}
		}
	}()
	err = a.queue.idle(i.ID, func() error { return f(waiting) })
	return err != nil && waiting.Err() != nil && ctx.Err() == nil, err
}

// stopGently asks the guest to stop, but breaks off when it is to be forced after all.
func (a *Agent) stopGently(ctx context.Context, i *compute.Instance) error {
	forced, err := a.waitFor(ctx, i, func(now *compute.Instance) bool { return now.Force || now.Desired == compute.Terminated },
		func(ctx context.Context) error { return a.hv.Stop(ctx, i.ID, a.cfg.StopGrace) })
	if forced {
		return a.hv.Destroy(ctx, i.ID)
	}
	return err
}

// reboot asks the guest to restart, unless it is to stop after all.
func (a *Agent) reboot(ctx context.Context, i *compute.Instance) error {
	dropped, err := a.waitFor(ctx, i, func(now *compute.Instance) bool { return now.Desired != compute.Running },
		func(ctx context.Context) error { return a.hv.Reboot(ctx, i.ID, a.cfg.RebootGrace) })
	if dropped {
		return nil // the change of the row has it looked at again
	}
	if err != nil {
		return err
	}
	return a.report(ctx, i, compute.Sight{Seen: compute.SeenRebooted, Reboots: i.Reboots})
}

// terminate ends an instance: nothing of it may be left when that is reported.
func (a *Agent) terminate(ctx context.Context, i *compute.Instance, m *hypervisor.Machine) error {
	if on(m) {
		var err error
		if m.State == hypervisor.StateRunning || m.State == hypervisor.StateShuttingDown {
			err = a.queue.idle(i.ID, func() error { return a.hv.Stop(ctx, i.ID, a.cfg.TerminateGrace) })
		} else {
			err = a.hv.Destroy(ctx, i.ID)
		}
		if err != nil {
			return err
		}
	}
	if err := a.keepVolumes(i); err != nil {
		return err
	}
	// Nothing of this keeps an instance from ending: a full disk, least of all, to which the end gives room.
	if err := a.keepConsole(i.ID); err != nil {
		a.log.Warn("the console of an instance that ends is lost", "instance", i.ID, "error", err)
	}
	if err := a.clear(ctx, i.ID, m); err != nil {
		return err
	}
	if err := a.removeVolumes(i); err != nil {
		return err
	}
	return a.report(ctx, i, compute.Sight{Seen: compute.SeenGone})
}

// clear removes all that a host has of an instance but its volumes.
func (a *Agent) clear(ctx context.Context, id string, m *hypervisor.Machine) error {
	if on(m) {
		if err := a.hv.Destroy(ctx, id); err != nil {
			return err
		}
	}
	if err := a.unplug(ctx, id); err != nil {
		return err
	}
	if m != nil {
		if err := a.hv.Undefine(ctx, id); err != nil {
			return err
		}
	}
	return a.removeFiles(id)
}

func (a *Agent) report(ctx context.Context, i *compute.Instance, s compute.Sight) error {
	s.Boot = i.Boot
	return a.cfg.Compute.Report(ctx, i.Account, i.ID, s)
}

// refuse reports that an instance cannot be started, when trying again would not help.
func (a *Agent) refuse(ctx context.Context, i *compute.Instance, err error) error {
	a.log.Error("an instance cannot be started", "instance", i.ID, "error", err)
	if err := a.hv.Destroy(ctx, i.ID); err != nil && !errors.Is(err, hypervisor.ErrNotFound) {
		return err
	}
	return a.report(ctx, i, compute.Sight{Seen: compute.SeenFailed, Text: sentence(err)})
}

// sentence is an error as an owner may see it: without what the host is like inside.
func sentence(err error) string {
	switch {
	case errors.Is(err, hypervisor.ErrNoCapacity):
		return "The host has no room for the virtual machine"
	case errors.Is(err, errImage):
		return "The image cannot be read"
	case errors.Is(err, hypervisor.ErrInvalid):
		return "The virtual machine cannot be run on this host"
	}
	return "The virtual machine could not be started"
}

// validID guards paths: whatever is listed on the host is only worked on when it is the name of an instance.
func validID(id string) bool { return strings.HasPrefix(id, "i-") && !strings.ContainsAny(id, "/.") }

var errName = errors.New("agent: not the name of an instance")

func checkName(id string) error {
	if !validID(id) {
		return fmt.Errorf("%w: %q", errName, id)
	}
	return nil
}
