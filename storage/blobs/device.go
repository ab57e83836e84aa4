package blobs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// device is an attached device, its use count and its health.
type device struct {
	id  blobref.DeviceID
	dev *blob.Device

	uses    atomic.Int64 // readers, writers and others; negative once retired and idle
	retired atomic.Bool
	idle    chan struct{} // closed when retired and no longer in use
	once    sync.Once

	writing      atomic.Int64 // writers
	failed       atomic.Bool  // MarkFailed
	suspectUntil atomic.Int64 // unix nanoseconds
	fullUntil    atomic.Int64
	stalls       atomic.Int64 // writers that hang
	ioErrors     atomic.Int64
	corrupt      atomic.Int64
}

func newDevice(d *blob.Device) *device {
	return &device{id: d.ID(), dev: d, idle: make(chan struct{})}
}

// acquire counts a use; false when the device is being removed.
func (d *device) acquire() bool {
	d.uses.Add(1)
	if d.retired.Load() {
		d.release()
		return false
	}
	return true
}

func (d *device) release() {
	if d.uses.Add(-1) == 0 && d.retired.Load() {
		d.once.Do(func() { close(d.idle) })
	}
}

// retire refuses new uses and waits for the end of those there are.
func (d *device) retire(ctx context.Context) error {
	d.uses.Add(1)
	d.retired.Store(true)
	d.release()
	select {
	case <-d.idle:
		return nil
	default:
	}
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Health says how a device stands.
type Health uint8

// The healths of a device.
const (
	Healthy Health = iota
	Full           // ran out of space a short time ago
	Suspect        // had an I/O error a short time ago, or hangs
	Broken         // takes no writes any more, or was marked failed
)

// String names the health as the admin commands print it.
func (h Health) String() string {
	return [...]string{"healthy", "full", "suspect", "broken"}[h]
}

func (d *device) health() Health {
	switch {
	case d.failed.Load():
		return Broken
	case d.stalls.Load() > 0:
		return Suspect
	case d.suspectUntil.Load() == 0 && d.fullUntil.Load() == 0: // the common case reads no clock
		return Healthy
	case time.Now().UnixNano() < d.suspectUntil.Load():
		return Suspect
	case time.Now().UnixNano() < d.fullUntil.Load():
		return Full
	}
	return Healthy
}

// MarkFailed makes the pool pass over a device: it gets no writes, and reads try it last.
func (p *Pool) MarkFailed(id blobref.DeviceID) {
	if d := p.view.Load().device(id); d != nil {
		d.failed.Store(true)
	}
}

// MarkHealthy takes back MarkFailed and forgets recent errors.
func (p *Pool) MarkHealthy(id blobref.DeviceID) {
	if d := p.view.Load().device(id); d != nil {
		d.failed.Store(false)
		d.suspectUntil.Store(0)
		d.fullUntil.Store(0)
	}
}

// note remembers what an error says about the device's health.
func (p *Pool) note(d *device, err error) {
	var ce *blob.CorruptError
	switch {
	case err == nil, errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrSize), errors.Is(err, blob.ErrExists),
		errors.Is(err, blob.ErrBusy), errors.Is(err, blob.ErrTooLarge), errors.Is(err, blob.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, blob.ErrNoSpace):
		d.fullUntil.Store(time.Now().Add(p.cfg.SuspectFor).UnixNano())
	case errors.As(err, &ce):
		d.corrupt.Add(1)
	default:
		d.ioErrors.Add(1)
		if !d.failed.Load() {
			d.suspectUntil.Store(time.Now().Add(p.cfg.SuspectFor).UnixNano())
		}
		p.log.Warn("device error", "device", d.id, "err", err)
	}
}

// DeviceUsage is what metrics and admin commands show of a device.
type DeviceUsage struct {
	Device   ring.Device // zero but for the ID when the ring does not have it
	Attached bool
	Health   Health
	IOErrors int64
	Corrupt  int64 // damaged copies that reads met
	Writing  int   // blobs being written
	Blob     blob.Usage
}

// Usage reports the devices of the ring and those attached, by ID.
func (p *Pool) Usage() []DeviceUsage {
	v := p.view.Load()
	var us []DeviceUsage
	next := 0
	attached := func(below int) {
		for ; next < min(below, len(v.devices)); next++ {
			if d := v.devices[next]; d != nil {
				us = append(us, d.usage())
			}
		}
	}
	for _, rd := range v.ring.All() {
		attached(int(rd.ID))
		u := DeviceUsage{Health: Broken}
		if d := v.device(rd.ID); d != nil {
			u = d.usage()
		}
		u.Device = rd
		us = append(us, u)
		next = int(rd.ID) + 1
	}
	attached(len(v.devices))
	return us
}

func (d *device) usage() DeviceUsage {
	u := DeviceUsage{
		Device: ring.Device{ID: d.id}, Attached: true, Health: d.health(),
		IOErrors: d.ioErrors.Load(), Corrupt: d.corrupt.Load(), Writing: int(d.writing.Load()), Blob: d.dev.Usage(),
	}
	if u.Blob.Failed != nil {
		u.Health = Broken
	}
	return u
}
