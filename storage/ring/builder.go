package ring

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The reasons a change is refused.
var (
	// ErrNoDevice: the device is not in the ring.
	ErrNoDevice = errors.New("ring: no such device")
	// ErrNoPlace: the change would leave no device that takes data.
	ErrNoPlace = errors.New("ring: no device would be left to take data")
	// ErrInvalid: a value is out of its limits.
	ErrInvalid = errors.New("ring: invalid")
)

// Config fixes a new ring.
type Config struct {
	Power    int           // 2^Power partitions, for ever
	Replicas int           // copies of a partition
	Overload float64       // see Ring.Overload; 0.1 is ten percent
	Window   time.Duration // see Ring.Window
	Salt     uint64        // start of the hash, so that users cannot choose names that meet in one partition
}

// DefaultConfig is for a single machine with one device.
func DefaultConfig() Config {
	return Config{Power: DefaultPower, Replicas: 1, Overload: 0.1, Window: time.Hour}
}

// Validate checks the limits.
func (c Config) Validate() error {
	switch {
	case c.Power < 0 || c.Power > MaxPower:
		return fmt.Errorf("%w: partition power %d: want 0 to %d", ErrInvalid, c.Power, MaxPower)
	case c.Replicas < 1 || c.Replicas > MaxReplicas:
		return fmt.Errorf("%w: %d replicas: want 1 to %d", ErrInvalid, c.Replicas, MaxReplicas)
	case !(c.Overload >= 0) || math.IsInf(c.Overload, 0):
		return fmt.Errorf("%w: overload %v: want a finite number from 0", ErrInvalid, c.Overload)
	case c.Window < 0:
		return fmt.Errorf("%w: window %v is negative", ErrInvalid, c.Window)
	}
	return nil
}

// Builder collects changes to a ring. It is not safe for concurrent use.
type Builder struct {
	prev    *Ring // nil for a new ring
	power   uint8
	salt    uint64
	cfg     Config
	version uint64
	nextID  uint32
	devices []Device
	settled bool
}

// New starts a ring that has no devices yet.
func New(c Config) (*Builder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Window = c.Window.Truncate(time.Second) // what the encoding keeps
	return &Builder{power: uint8(c.Power), salt: c.Salt, cfg: c, nextID: 1}, nil
}

// Edit starts a change of r, which itself stays as it is.
func (r *Ring) Edit() *Builder {
	return &Builder{
		prev: r, power: r.power, salt: r.salt, version: r.version, nextID: r.nextID, devices: slices.Clone(r.devices),
		cfg: Config{Power: int(r.power), Replicas: r.replicas, Overload: r.overload, Window: r.window, Salt: r.salt},
	}
}

// Devices returns the devices as changed so far.
func (b *Builder) Devices() []Device { return slices.Clone(b.devices) }

// Add puts a new device into the ring and returns the ID it got; d.ID is ignored.
func (b *Builder) Add(d Device) (blobref.DeviceID, error) {
	if b.nextID > math.MaxUint16 {
		return 0, fmt.Errorf("%w: all device ids are used up", ErrInvalid)
	}
	if len(b.devices) >= MaxDevices {
		return 0, fmt.Errorf("%w: more than %d devices", ErrInvalid, MaxDevices)
	}
	d.ID = blobref.DeviceID(b.nextID)
	if err := checkDevice(&d); err != nil {
		return 0, err
	}
	b.nextID++
	b.devices = append(b.devices, d)
	return d.ID, nil
}

func checkDevice(d *Device) error {
	if d.ID == 0 {
		return fmt.Errorf("%w: device id 0", ErrInvalid)
	}
	if d.Weight != 0 && !(d.Weight >= MinWeight && d.Weight <= MaxWeight) {
		return fmt.Errorf("%w: device %d: weight %v: want 0 or %g to %g", ErrInvalid, d.ID, d.Weight, MinWeight, MaxWeight)
	}
	if d.State > Failed {
		return fmt.Errorf("%w: device %d: unknown state %d", ErrInvalid, d.ID, d.State)
	}
	for _, s := range []string{d.Zone, d.Node, d.Name, d.Hint} {
		if len(s) > MaxNameLen {
			return fmt.Errorf("%w: device %d: a name of more than %d bytes", ErrInvalid, d.ID, MaxNameLen)
		}
	}
	return nil
}

// Remove takes a device out of the ring; what it held is placed anew at once.
func (b *Builder) Remove(id blobref.DeviceID) error {
	i, err := b.find(id)
	if err != nil {
		return err
	}
	b.devices = slices.Delete(b.devices, i, i+1)
	return nil
}

// SetWeight changes the share of a device. Weight 0 drains it.
func (b *Builder) SetWeight(id blobref.DeviceID, w float64) error {
	return b.change(id, func(d *Device) { d.Weight = w })
}

// SetHint changes where the node finds the device.
func (b *Builder) SetHint(id blobref.DeviceID, hint string) error {
	return b.change(id, func(d *Device) { d.Hint = hint })
}

// Drain asks the device to give away all it has, one replica of a partition at a time.
func (b *Builder) Drain(id blobref.DeviceID) error {
	return b.change(id, func(d *Device) { d.State = Draining })
}

// Fail declares the device gone; what it held is placed anew at once.
func (b *Builder) Fail(id blobref.DeviceID) error {
	return b.change(id, func(d *Device) { d.State = Failed })
}

// Activate brings a draining or failed device back.
func (b *Builder) Activate(id blobref.DeviceID) error {
	return b.change(id, func(d *Device) { d.State = Active })
}

// SetReplicas changes R for all partitions.
func (b *Builder) SetReplicas(n int) error {
	return b.configure(func(c *Config) { c.Replicas = n })
}

// SetOverload changes the knob between balance and dispersion.
func (b *Builder) SetOverload(f float64) error {
	return b.configure(func(c *Config) { c.Overload = f })
}

// SetWindow changes the time in which a partition that moved is not moved again.
func (b *Builder) SetWindow(d time.Duration) error {
	return b.configure(func(c *Config) { c.Window = d.Truncate(time.Second) })
}

// Settle forgets the times of all moves: the replicator has seen that every partition is where it belongs, so
// there is nothing left to wait for.
func (b *Builder) Settle() { b.settled = true }

func (b *Builder) configure(f func(*Config)) error {
	c := b.cfg
	f(&c)
	if err := c.Validate(); err != nil {
		return err
	}
	b.cfg = c
	return nil
}

func (b *Builder) change(id blobref.DeviceID, f func(*Device)) error {
	i, err := b.find(id)
	if err != nil {
		return err
	}
	d := b.devices[i]
	f(&d)
	if err := checkDevice(&d); err != nil {
		return err
	}
	b.devices[i] = d
	return nil
}

func (b *Builder) find(id blobref.DeviceID) (int, error) {
	i := slices.IndexFunc(b.devices, func(d Device) bool { return d.ID == id })
	if i < 0 {
		return 0, fmt.Errorf("%w: %d", ErrNoDevice, id)
	}
	return i, nil
}

// Build makes the next ring and the plan of moves that leads to it. Nothing happens until somebody uses the ring: to see
// a plan before it is made, build and throw the ring away. When Plan.Pending is not zero, further steps (an Edit
// without changes, after the window or Settle) bring the ring closer to its targets.
func (b *Builder) Build(now time.Time, seed uint64) (*Ring, *Plan, error) {
	if !slices.ContainsFunc(b.devices, func(d Device) bool { return d.takes() }) {
		return nil, nil, ErrNoPlace
	}
	l := newLayout(1<<b.power, b.cfg.Replicas, b.devices, b.cfg.Overload, rand.New(rand.NewPCG(seed, b.version)), b.counts())
	nowMin := uint32(max(now.Unix()/60, 1))
	moved := make([]uint32, l.parts)
	if b.prev == nil {
		l.fresh()
	} else {
		if !b.settled {
			keepMoves(moved, b.prev.moved, nowMin, b.cfg.Window)
		}
		l.load(b.prev, moved)
		l.replaceGone()
		l.disperse()
	}
	l.balance()

	next := &Ring{
		version: b.version + 1, power: b.power, replicas: b.cfg.Replicas, width: l.width, salt: b.salt,
		overload: b.cfg.Overload, window: b.cfg.Window, nextID: b.nextID, devices: slices.Clone(b.devices),
		table: l.ids(), moved: moved,
	}
	plan := newPlan(b.prev, next)
	for _, m := range plan.Moves {
		moved[m.Partition] = nowMin
	}
	plan.Pending = l.pending()
	return next, plan, nil
}

// counts is what each device held before, so that rounding may favour what is there already.
func (b *Builder) counts() map[blobref.DeviceID]int {
	n := make(map[blobref.DeviceID]int)
	if b.prev != nil {
		for _, id := range b.prev.table {
			n[id]++
		}
	}
	return n
}

// keepMoves copies the times of moves that are still within the window, and forgets the others. A
// time in the future (a clock set back) counts as now.
func keepMoves(dst, src []uint32, now uint32, window time.Duration) {
	w := uint32(min(window/time.Minute, math.MaxUint32))
	for i, t := range src {
		if t == 0 {
			continue
		}
		if t = min(t, now); now-t < w {
			dst[i] = t
		}
	}
}
