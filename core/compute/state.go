package compute

import (
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// The states.
const (
	Pending      State = 0
	Running      State = 16
	ShuttingDown State = 32
	Terminated   State = 48
	Stopping     State = 64
	Stopped      State = 80
)

// String is EC2's name of the state.
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case ShuttingDown:
		return "shutting-down"
	case Terminated:
		return "terminated"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Codes of state reasons.
const (
	ReasonUserShutdown  = "Client.UserInitiatedShutdown"
	ReasonGuestShutdown = "Client.InstanceInitiatedShutdown"
	ReasonInternal      = "Server.InternalError"
)

// reason makes a state reason; EC2 repeats the code in the message.
func reason(code, text string) Reason { return Reason{Code: code, Message: code + ": " + text} }

// userInitiated is the StateTransitionReason of what a user asked for.
func userInitiated(now time.Time) string {
	return "User initiated (" + now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}

// enter changes the state.
func (i *Instance) enter(s State, now time.Time) {
	if i.State != s {
		i.State, i.Changed = s, millis(now)
	}
}

// The functions below are the state machine: each is one move, takes the present time and reports whether it changed
// anything. They touch nothing but the record; who calls them commits the record and what goes with it.

// start is StartInstances.
func (i *Instance) start(now time.Time) (changed bool, err error) {
	switch i.State {
	case Pending, Running:
		return false, nil
	case Stopped:
		i.enter(Pending, now)
		i.Desired, i.Force = Running, false
		i.Boot++
		i.Rebooted = i.Reboots
		i.Launched = millis(now)
		i.Reason, i.TransText = Reason{}, ""
		return true, nil
	}
	return false, incorrectState(i, "started")
}

// stop is StopInstances.
func (i *Instance) stop(now time.Time, force bool) (changed bool, err error) {
	switch i.State {
	case Running:
		if i.NoStop {
			return false, errs.New(errs.Invalid, OperationNotPermitted,
				"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID).On(i.ID)
		}
		i.enter(Stopping, now)
		i.Desired, i.Force = Stopped, force
		i.Reason, i.TransText = reason(ReasonUserShutdown, "User initiated shutdown"), userInitiated(now)
		return true, nil
	case Stopping:
		if force && !i.Force {
			i.Force = true
			return true, nil
		}
		return false, nil
	case Stopped:
		return false, nil
	}
	return false, incorrectState(i, "stopped")
}

// reboot is RebootInstances.
func (i *Instance) reboot() (changed bool, err error) {
	switch i.State {
	case Running:
		i.Reboots++
		return true, nil
	case Pending:
		return false, nil // it boots anyhow
	}
	return false, incorrectState(i, "rebooted")
}

// terminate is TerminateInstances.
func (i *Instance) terminate(now time.Time) (changed bool, err error) {
	switch i.State {
	case ShuttingDown, Terminated:
		return false, nil
	}
	for _, protection := range []struct {
		on   bool
		name string
	}{{i.NoTerminate, "disableApiTermination"}, {i.NoStop, "disableApiStop"}} { // protection from stops protects from the end as well
		if protection.on {
			return false, errs.New(errs.Invalid, OperationNotPermitted,
				"The instance '%s' may not be terminated. Modify its '%s' instance attribute and try again.", i.ID, protection.name).On(i.ID)
		}
	}
	i.shutDown(now, reason(ReasonUserShutdown, "User initiated shutdown"), userInitiated(now))
	return true, nil
}

// shutDown begins the end.
func (i *Instance) shutDown(now time.Time, why Reason, text string) {
	i.Desired = Terminated
	i.Reason, i.TransText = why, text
	i.enter(ShuttingDown, now)
}

// Seen is what a host saw of an instance.
type Seen uint8

// The observations.
const (
	SeenRunning   Seen = iota + 1 // the guest of boot Boot runs
	SeenStopped                   // it stopped as it was asked to
	SeenShutdown                  // the guest powered itself off
	SeenCrashed                   // the guest or its emulator died
	SeenDestroyed                 // somebody else took the machine away
	SeenFailed                    // the machine cannot be started
	SeenRebooted                  // Reboots were made
	SeenGone                      // nothing of the instance is left on the host
)

// Sight is an observation with its circumstances.
type Sight struct {
	Seen    Seen
	Boot    uint32 // which start it belongs to: what comes late about an earlier one is ignored
	Reboots uint32 // of SeenRebooted
	Text    string // of SeenFailed and SeenCrashed: what went wrong, for the owner
}

// see applies an observation.
func (i *Instance) see(now time.Time, s Sight) (changed bool) {
	if s.Boot != i.Boot && s.Seen != SeenGone || i.State == Terminated {
		return false
	}
	switch s.Seen {
	case SeenRunning:
		if i.State != Pending || i.Desired != Running {
			return false
		}
		i.enter(Running, now)
		i.Ran = true
		return true
	case SeenRebooted:
		if s.Reboots <= i.Rebooted {
			return false
		}
		i.Rebooted = s.Reboots
		return true
	case SeenGone:
		if i.Desired != Terminated {
			return false
		}
		i.enter(Terminated, now)
		return true
	}
	return i.seeEnd(now, s)
}

// seeEnd applies an observation that the machine does not run.
func (i *Instance) seeEnd(now time.Time, s Sight) bool {
	switch i.State {
	case Stopping:
		i.enter(Stopped, now)
		i.Ran = true
		return true
	case Pending, Running:
	default:
		return false
	}
	switch s.Seen {
	case SeenStopped: // as was asked, and then it was asked to run again: the host starts it anew
		return false
	case SeenShutdown:
		why := reason(ReasonGuestShutdown, "Instance initiated shutdown")
		if i.ShutdownBehavior == "terminate" {
			i.shutDown(now, why, why.Code)
			return true
		}
		i.fall(now, why)
	case SeenCrashed:
		i.fall(now, reason(ReasonInternal, orText(s.Text, "The virtual machine crashed")))
	case SeenDestroyed:
		i.fall(now, reason(ReasonInternal, orText(s.Text, "The virtual machine was destroyed from outside")))
	case SeenFailed:
		why := reason(ReasonInternal, orText(s.Text, "The virtual machine could not be started"))
		if !i.Ran {
			i.shutDown(now, why, why.Code)
			return true
		}
		i.fall(now, why)
	default:
		return false
	}
	return true
}

// fall makes an instance stopped that nobody asked to stop.
func (i *Instance) fall(now time.Time, why Reason) {
	i.Desired = Stopped
	i.Reason, i.TransText = why, why.Code
	i.Ran = true
	i.enter(Stopped, now)
}

func orText(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// active tells whether the instance holds capacity of its host and counts against the quota of vCPUs.
func (i *Instance) active() bool { return i.State != Stopped && i.State != Terminated }
