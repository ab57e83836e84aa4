package compute

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// Every call and every observation in every state: where it leads, or what EC2 says of it.
func TestStateMachine(t *testing.T) {
	now := time.Unix(1700000000, 0)
	const refused = "IncorrectInstanceState"
	calls := map[string]func(*Instance) (bool, error){
		"start":     func(i *Instance) (bool, error) { return i.start(now) },
		"stop":      func(i *Instance) (bool, error) { return i.stop(now, false) },
		"reboot":    func(i *Instance) (bool, error) { return i.reboot() },
		"terminate": func(i *Instance) (bool, error) { return i.terminate(now) },
	}
	want := map[string]map[State]string{
		"start":     {Pending: "pending", Running: "running", Stopping: refused, Stopped: "pending", ShuttingDown: refused, Terminated: refused},
		"stop":      {Pending: refused, Running: "stopping", Stopping: "stopping", Stopped: "stopped", ShuttingDown: refused, Terminated: refused},
		"reboot":    {Pending: "pending", Running: "running", Stopping: refused, Stopped: refused, ShuttingDown: refused, Terminated: refused},
		"terminate": {Pending: "shutting-down", Running: "shutting-down", Stopping: "shutting-down", Stopped: "shutting-down", ShuttingDown: "shutting-down", Terminated: "terminated"},
	}
	desired := map[State]State{Pending: Running, Running: Running, Stopping: Stopped, Stopped: Stopped, ShuttingDown: Terminated, Terminated: Terminated}
	for name, call := range calls {
		for from, to := range want[name] {
			i := &Instance{ID: "i-1", State: from, Desired: desired[from], Boot: 3}
			before := *i
			_, err := call(i)
			got := i.State.String()
			var e *errs.E
			if errors.As(err, &e) {
				got = string(e.Reason)
				if i.State != before.State || i.Desired != before.Desired {
					t.Errorf("%s of %s was refused and changed something", name, from)
				}
			}
			if got != to {
				t.Errorf("%s of %s: %s, want %s", name, from, got, to)
			}
		}
	}
}

func TestObservations(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for _, tc := range []struct {
		name    string
		i       Instance
		s       Sight
		state   State
		desired State
		reason  string
		changed bool
	}{
		{"boots", Instance{State: Pending, Desired: Running}, Sight{Seen: SeenRunning}, Running, Running, "", true},
		{"an earlier boot", Instance{State: Pending, Desired: Running, Boot: 2}, Sight{Seen: SeenShutdown, Boot: 1}, Pending, Running, "", false},
		{"boots, but is to end", Instance{State: ShuttingDown, Desired: Terminated}, Sight{Seen: SeenRunning}, ShuttingDown, Terminated, "", false},
		{"powers off", Instance{State: Running, Desired: Running}, Sight{Seen: SeenShutdown}, Stopped, Stopped, ReasonGuestShutdown, true},
		{"powers off for good", Instance{State: Running, Desired: Running, ShutdownBehavior: "terminate"}, Sight{Seen: SeenShutdown}, ShuttingDown, Terminated, ReasonGuestShutdown, true},
		{"crashes", Instance{State: Running, Desired: Running, ShutdownBehavior: "terminate"}, Sight{Seen: SeenCrashed}, Stopped, Stopped, ReasonInternal, true},
		{"is destroyed", Instance{State: Running, Desired: Running}, Sight{Seen: SeenDestroyed}, Stopped, Stopped, ReasonInternal, true},
		{"never came up", Instance{State: Pending, Desired: Running}, Sight{Seen: SeenFailed}, ShuttingDown, Terminated, ReasonInternal, true},
		{"did not come up again", Instance{State: Pending, Desired: Running, Ran: true}, Sight{Seen: SeenFailed}, Stopped, Stopped, ReasonInternal, true},
		{"stops as asked", Instance{State: Stopping, Desired: Stopped, Reason: Reason{Code: ReasonUserShutdown}}, Sight{Seen: SeenStopped}, Stopped, Stopped, ReasonUserShutdown, true},
		{"powers off while it stops", Instance{State: Stopping, Desired: Stopped, Reason: Reason{Code: ReasonUserShutdown}}, Sight{Seen: SeenShutdown}, Stopped, Stopped, ReasonUserShutdown, true},
		{"stopped already", Instance{State: Stopped, Desired: Stopped}, Sight{Seen: SeenStopped}, Stopped, Stopped, "", false},
		{"is gone", Instance{State: ShuttingDown, Desired: Terminated, Reason: Reason{Code: ReasonUserShutdown}}, Sight{Seen: SeenGone}, Terminated, Terminated, ReasonUserShutdown, true},
		{"gone, but wanted", Instance{State: Running, Desired: Running}, Sight{Seen: SeenGone}, Running, Running, "", false},
		{"over", Instance{State: Terminated, Desired: Terminated}, Sight{Seen: SeenRunning}, Terminated, Terminated, "", false},
		{"rebooted", Instance{State: Running, Desired: Running, Reboots: 2}, Sight{Seen: SeenRebooted, Reboots: 2}, Running, Running, "", true},
		{"rebooted, known", Instance{State: Running, Desired: Running, Reboots: 2, Rebooted: 2}, Sight{Seen: SeenRebooted, Reboots: 2}, Running, Running, "", false},
	} {
		i := tc.i
		changed := i.see(now, tc.s)
		if i.State != tc.state || i.Desired != tc.desired || i.Reason.Code != tc.reason || changed != tc.changed {
			t.Errorf("%s: %s, to be %s, reason %q, changed %v; want %s, %s, %q, %v", tc.name,
				i.State, i.Desired, i.Reason.Code, changed, tc.state, tc.desired, tc.reason, tc.changed)
		}
	}
}

func TestProtectedInstancesStay(t *testing.T) {
	now := time.Unix(1700000000, 0)
	i := &Instance{State: Running, Desired: Running, NoTerminate: true, NoStop: true}
	if _, err := i.terminate(now); errs.ReasonOf(err) != OperationNotPermitted {
		t.Errorf("terminate: %v", err)
	}
	if _, err := i.stop(now, true); errs.ReasonOf(err) != OperationNotPermitted {
		t.Errorf("stop: %v", err)
	}
	i.NoTerminate = false
	if _, err := i.terminate(now); errs.ReasonOf(err) != OperationNotPermitted || !strings.Contains(err.Error(), "'disableApiStop'") {
		t.Errorf("terminate what must not be stopped: %v", err)
	}
	if i.State != Running || i.Desired != Running {
		t.Errorf("state %s, to be %s", i.State, i.Desired)
	}
}
