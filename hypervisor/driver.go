package hypervisor

import (
	"context"
	"errors"
	"io"
	"time"
)

// The classes of failure. Callers test them with errors.Is.
var (
	// ErrNotFound: there is no machine, disk or interface of this name.
	ErrNotFound = errors.New("hypervisor: not found")
	// ErrForeign: the name or UUID belongs to a machine of another owner; it was left alone.
	ErrForeign = errors.New("hypervisor: machine of another owner")
	// ErrInvalid: the description can't be run, on any host.
	ErrInvalid = errors.New("hypervisor: invalid description")
	// ErrState: the machine's state doesn't allow the call (a console of a machine that is off).
	ErrState = errors.New("hypervisor: wrong state")
	// ErrUnavailable: the daemon does not answer or refuses the connection. The call may have had its effect.
	ErrUnavailable = errors.New("hypervisor: unavailable")
	// ErrNoCapacity: the host has no memory or disk left for the machine.
	ErrNoCapacity = errors.New("hypervisor: out of capacity")
	// ErrUnsupported: this driver has no such thing (test instances have no console).
	ErrUnsupported = errors.New("hypervisor: not supported by this driver")
)

// Driver runs the machines of one owner on one host. All methods may be called concurrently, also for one machine; the
// guarantees are those of the package.
type Driver interface {
	// Capacity tells what the host has, and how it runs machines.
	Capacity(ctx context.Context) (Capacity, error)

	// Prepare makes a folder that will hold disks, kernels and console logs reachable for the emulator, which may run as a
	// user of its own: it grants that user, and nobody else, the right to pass through the folders on the way.
	Prepare(ctx context.Context, dir string) error

	// Define makes a machine known, off, without starting it. Defining the name again replaces the description, which a
	// running machine takes on at its next start; another UUID under the name is refused with ErrInvalid.
	Define(ctx context.Context, s *Spec) error
	// Undefine forgets a machine that is off. It is no error if there is none; ErrState if it is on.
	Undefine(ctx context.Context, name string) error

	// Start brings a machine up, paused before its first instruction. A machine that is on, paused or not, is left as it is.
	Start(ctx context.Context, name string) error
	// Resume lets a paused machine run. ErrState if it is off.
	Resume(ctx context.Context, name string) error
	// Pause holds a running machine. ErrState if it is off.
	Pause(ctx context.Context, name string) error
	// Stop asks the guest to shut down, and returns when the machine is off: by its own doing, or by force once grace is
	// over. It is no error if the machine is off or does not exist. A cut-off Stop may leave the request with the guest.
	Stop(ctx context.Context, name string, grace time.Duration) error
	// Destroy turns a machine off at once. It is no error if the machine is off or does not exist.
	Destroy(ctx context.Context, name string) error
	// Reboot asks the guest to restart, and resets it if it has not done so when grace is over. Disks, interfaces and
	// the machine's identity stay. ErrState if it is off.
	Reboot(ctx context.Context, name string, grace time.Duration) error

	// AttachDisk plugs a disk in, and keeps it in the description. A disk of the same serial and source is left as it
	// is; the serial with another source is refused with ErrInvalid.
	AttachDisk(ctx context.Context, name string, d *Disk) error
	// DetachDisk unplugs a disk, and returns when the guest let go of it. It is no error if there is no such disk.
	DetachDisk(ctx context.Context, name, serial string) error
	// ResizeDisk tells a running machine that a disk grew to size bytes, and grows the file where it has to. A
	// machine that is off is ErrState: grow the file itself.
	ResizeDisk(ctx context.Context, name, serial string, size int64) error
	// LimitDisk sets the throughput limits of a disk, at once and for later starts.
	LimitDisk(ctx context.Context, name, serial string, l Limits) error
	// AttachNIC plugs an interface in, and keeps it in the description. An interface of the same MAC and tap is left as it is.
	AttachNIC(ctx context.Context, name string, n *NIC) error
	// DetachNIC unplugs an interface, and returns when the guest let go of it. It is no error if there is no such interface.
	DetachNIC(ctx context.Context, name, mac string) error

	// Get returns one machine, or ErrNotFound.
	Get(ctx context.Context, name string) (Machine, error)
	// List returns all machines of the owner, on or off, by name.
	List(ctx context.Context) ([]Machine, error)
	// Stats returns what a running machine has used.
	Stats(ctx context.Context, name string) (Stats, error)
	// Watch delivers events from now on until ctx is done, then closes the channel. The first event is an EventResync, so
	// that a watcher that lists on EventResync misses nothing.
	Watch(ctx context.Context) <-chan Event

	// Console opens the serial console of a machine that is on, for reading and writing, until it is closed, ctx is
	// done or the machine is off. A second one takes over from the first.
	Console(ctx context.Context, name string) (io.ReadWriteCloser, error)
	// Screenshot returns the picture of the first display as PNG or PPM, with its MIME type.
	Screenshot(ctx context.Context, name string) ([]byte, string, error)

	// Close ends watchers and connections and waits for them. Machines run on.
	Close() error
}

// State is what a machine does.
type State uint8

// The states of a machine.
const (
	StateOff          State = iota // defined, not running
	StatePaused                    // in memory, not executing
	StateRunning                   // executing
	StateShuttingDown              // still executing, on its way to StateOff
	StateCrashed                   // the guest panicked or the emulator is in an error state; Destroy it
)

// String is the state's name in logs.
func (s State) String() string {
	switch s {
	case StateOff:
		return "off"
	case StatePaused:
		return "paused"
	case StateRunning:
		return "running"
	case StateShuttingDown:
		return "shutting-down"
	case StateCrashed:
		return "crashed"
	}
	return "unknown"
}

// On says whether the machine holds memory and devices of the host.
func (s State) On() bool { return s != StateOff }

// Reason says why a machine came to its state, as far as the hypervisor knows.
type Reason uint8

// The reasons of a state.
const (
	ReasonNone      Reason = iota // not told, or nothing special
	ReasonGuest                   // off: the guest shut down, by itself or because it was asked to
	ReasonDestroyed               // off: turned off by force, by this driver or behind its back
	ReasonCrashed                 // off or crashed: the guest panicked, or the emulator died
	ReasonFailed                  // off: the emulator did not come up
	ReasonLost                    // off: the daemon lost track of it, or the host went down under it
	ReasonIOError                 // paused: a disk failed; Resume when it is back
	ReasonUser                    // paused: by Start or Pause, or by someone at the host
)

// String is the reason's name in logs.
func (r Reason) String() string {
	names := [...]string{"none", "guest", "destroyed", "crashed", "failed", "lost", "io-error", "user"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// Machine is a machine as the hypervisor sees it.
type Machine struct {
	Name   string
	UUID   string
	State  State
	Reason Reason
}

// EventKind says what an event tells.
type EventKind uint8

// The kinds of events.
const (
	// EventResync: events may have been missed; list again. It names no machine.
	EventResync EventKind = iota
	// EventState: the machine has this state now, for this reason.
	EventState
	// EventReboot: the guest restarted; the state did not change.
	EventReboot
	// EventUndefined: the description is gone.
	EventUndefined
	// EventDiskDetached, EventNICDetached: the guest let go of a device, named by its serial or MAC.
	EventDiskDetached
	EventNICDetached
	// EventDiskError: an operation of the disk failed; its serial is in Device.
	EventDiskError
)

// Event tells of a change of one machine. Events of one machine arrive in the order in which they happened.
type Event struct {
	Kind    EventKind
	Machine string
	State   State  // with EventState
	Reason  Reason // with EventState
	Device  string // serial or MAC, with events of a device
	Time    time.Time
}

// Capacity is what the host offers.
type Capacity struct {
	VCPUs      int    // processors of the host that are online
	Memory     int64  // bytes of the host's memory
	MemoryFree int64  // bytes that can be given to machines now
	Arch       string // of the guests: x86_64, aarch64
	Accel      Accel
	// Hypervisor and version, for people: "qemu 7.2.0, libvirt 9.0.0".
	Version string
}

// Accel says how guests execute.
type Accel string

// The ways of execution.
const (
	AccelKVM  Accel = "kvm"  // by the processor
	AccelTCG  Accel = "tcg"  // by translation in the emulator, about 20 times slower
	AccelNone Accel = "none" // not at all: test instances
)

// Stats is what a running machine has used since it was started.
type Stats struct {
	CPUTime    time.Duration
	MemoryRSS  int64 // bytes of the host that the emulator holds
	DiskReads  uint64
	DiskWrites uint64
	ReadBytes  uint64
	WriteBytes uint64
}
