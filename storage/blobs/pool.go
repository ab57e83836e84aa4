package blobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// MaxBlob is the most bytes of one blob; larger bodies are several blobs.
const MaxBlob = 64 << 20

// Config of a Pool.
type Config struct {
	SuspectFor   time.Duration // how long a device is passed over for writes after an I/O error
	StallTimeout time.Duration // how long a write waits for one slow device while the others could go on
	Logger       *slog.Logger  // nil discards
}

// DefaultConfig suits disks of all kinds.
func DefaultConfig() Config {
	return Config{SuspectFor: 30 * time.Second, StallTimeout: 10 * time.Second}
}

// Validate checks the limits.
func (c Config) Validate() error {
	if c.SuspectFor < 0 || c.StallTimeout <= 0 {
		return fmt.Errorf("blobs: config: suspect for %v, stall timeout %v: want positive times", c.SuspectFor, c.StallTimeout)
	}
	return nil
}

// Damage is what is wrong with one copy: it is missing, corrupt, or was never written.
type Damage struct {
	Ref    blobref.Ref
	Device blobref.DeviceID
	Err    error
}

// Pool is the view over the devices. All methods are safe for concurrent use.
type Pool struct {
	cfg    Config
	log    *slog.Logger
	view   atomic.Pointer[view]
	damage atomic.Pointer[func(Damage)]
	pins   pins
	moves  atomic.Uint64 // counts calls of RemoveCopies
	chunks sync.Pool
	closed atomic.Bool

	mu         sync.Mutex     // serializes changes of view
	background sync.WaitGroup // copies of large blobs, commits that go on after the quorum, their clean-up
}

// view is one consistent state of placement and devices. It is immutable.
type view struct {
	ring    *ring.Ring
	devices []*device // by ID; nil where there is none
}

func (v *view) device(id blobref.DeviceID) *device {
	if int(id) < len(v.devices) {
		return v.devices[id]
	}
	return nil
}

// New makes a pool over devices that are open. Devices of the ring without an entry count as down.
func New(cfg Config, r *ring.Ring, devs map[blobref.DeviceID]*blob.Device) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("blobs: no ring")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pool{cfg: cfg, log: cfg.Logger}
	v := &view{ring: r}
	for id, d := range devs {
		if d.ID() != id {
			return nil, fmt.Errorf("blobs: device %d was given as %d", d.ID(), id)
		}
		v.attach(newDevice(d))
	}
	p.view.Store(v)
	return p, nil
}

func (v *view) attach(d *device) {
	if n := int(d.id) + 1 - len(v.devices); n > 0 {
		v.devices = append(v.devices, make([]*device, n)...)
	}
	v.devices[d.id] = d
}

// change swaps the view for a changed copy.
func (p *Pool) change(f func(v *view)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.view.Load()
	v := &view{ring: old.ring, devices: slices.Clone(old.devices)}
	f(v)
	p.view.Store(v)
}

// Ring is the ring in use.
func (p *Pool) Ring() *ring.Ring { return p.view.Load().ring }

// SetRing swaps the ring. Writers that have begun go on where they began. An older version than the one in use is ignored.
func (p *Pool) SetRing(r *ring.Ring) {
	p.change(func(v *view) {
		if r.Version() > v.ring.Version() {
			v.ring = r
		}
	})
}

// AddDevice attaches an open device, replacing one with the same ID, which must have been removed before.
func (p *Pool) AddDevice(d *blob.Device) error {
	var err error
	p.change(func(v *view) {
		if v.device(d.ID()) != nil {
			err = fmt.Errorf("blobs: device %d is attached already", d.ID())
			return
		}
		v.attach(newDevice(d))
	})
	return err
}

// RemoveDevice detaches a device and waits until nobody uses it any more, so that it may be closed. When ctx
// ends first the device stays detached but is still in use.
func (p *Pool) RemoveDevice(ctx context.Context, id blobref.DeviceID) (*blob.Device, error) {
	var d *device
	p.change(func(v *view) {
		if d = v.device(id); d != nil {
			v.devices[id] = nil
		}
	})
	if d == nil {
		return nil, fmt.Errorf("blobs: device %d: %w", id, ErrNotFound)
	}
	if err := d.retire(ctx); err != nil {
		return nil, fmt.Errorf("blobs: device %d is still in use: %w", id, err)
	}
	return d.dev, nil
}

// Attached lists the devices that are attached, in order.
func (p *Pool) Attached() []blobref.DeviceID {
	var ids []blobref.DeviceID
	for _, d := range p.view.Load().devices {
		if d != nil {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// Acquire gives the use of a device until release is called; false when it is not attached.
func (p *Pool) Acquire(id blobref.DeviceID) (dev *blob.Device, release func(), ok bool) {
	d := p.view.Load().device(id)
	if d == nil || !d.acquire() {
		return nil, nil, false
	}
	return d.dev, d.release, true
}

// Writing counts the blobs being written to a device. It is exact for a device that the ring in use gives no data: once it
// is 0 it stays 0.
func (p *Pool) Writing(id blobref.DeviceID) int {
	if d := p.view.Load().device(id); d != nil {
		return int(d.writing.Load())
	}
	return 0
}

// PartitionOf hashes the parts of a name to a partition of the ring.
func (p *Pool) PartitionOf(parts ...[]byte) blobref.Partition {
	return p.view.Load().ring.PartitionOf(parts...)
}

// OnDamage sets who is told of damage met by reads and writes; it must not block. There is one receiver.
func (p *Pool) OnDamage(f func(Damage)) { p.damage.Store(&f) }

func (p *Pool) report(d Damage) {
	if f := p.damage.Load(); f != nil {
		(*f)(d)
	}
}

// Close refuses new blobs and waits for what goes on in the background. All writers must have ended. The devices stay open.
func (p *Pool) Close() error {
	p.closed.Store(true)
	p.background.Wait()
	return nil
}
