package server

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// Ring implements adminapi.Backend.
func (b *backend) Ring(context.Context) (adminapi.Ring, error) {
	rg := b.manager.Ring()
	rep := rg.Report()
	r := adminapi.Ring{
		Version: rg.Version(), Partitions: rg.Partitions(), Replicas: rg.Replicas(), Width: rg.Width(), Quorum: rg.Quorum(),
		Balance: rep.Balance, Dispersion: rep.Dispersion, Overload: rg.Overload(), PendingMoves: rep.Misplaced,
		PendingCopy: b.pendingCopies(rg.Version()),
	}
	reports := make(map[blobref.DeviceID]ring.DeviceReport, len(rep.Devices))
	for _, d := range rep.Devices {
		reports[d.Device.ID] = d
	}
	for _, u := range b.manager.Pool().Usage() {
		if _, inRing := rg.Device(u.Device.ID); inRing {
			r.Devices = append(r.Devices, device(u, reports[u.Device.ID]))
		}
	}
	return r, nil
}

// pendingCopies is what the last pass of the replicator left to do, or -1 while none has gone over this version of the ring.
func (b *backend) pendingCopies(version uint64) int64 {
	c := b.repairer.Counters()
	if c.PassVersion.Load() != version { // stored after Misplaced
		return -1
	}
	return c.Misplaced.Load()
}

// device puts together what the ring and the pool say of a device.
func device(u blobs.DeviceUsage, rep ring.DeviceReport) adminapi.Device {
	d := adminapi.Device{
		ID: uint16(u.Device.ID), Path: u.Device.Hint, Zone: u.Device.Zone, Weight: u.Device.Weight,
		State: u.Device.State.String(), Health: u.Health.String(), Partitions: rep.Replicas, Off: rep.Off,
		Blobs: u.Blob.Blobs, Bytes: u.Blob.Live, DiskBytes: u.Blob.Disk, FreeBytes: u.Blob.Free,
	}
	if !u.Attached {
		d.Health = missing
	}
	empty := u.Attached && rep.Replicas == 0 && u.Blob.Blobs == 0 && u.Writing == 0
	d.Removable = u.Device.State == ring.Failed || empty && (u.Device.State == ring.Draining || u.Device.Weight == 0)
	return d
}

// missing is the health of a device that could not be opened.
const missing = "missing"

// deviceByID is one device as Ring shows it.
func (b *backend) deviceByID(ctx context.Context, id blobref.DeviceID) (adminapi.Device, error) {
	r, err := b.Ring(ctx)
	if err != nil {
		return adminapi.Device{}, err
	}
	for _, d := range r.Devices {
		if d.ID == uint16(id) {
			return d, nil
		}
	}
	return adminapi.Device{}, errs.New(errs.NotFound, "", "there is no device %d", id)
}

// AddDevice implements adminapi.Backend.
func (b *backend) AddDevice(ctx context.Context, n adminapi.NewDevice) (adminapi.Device, error) {
	s := (*Server)(b)
	if err := s.checkNew(n); err != nil {
		return adminapi.Device{}, err
	}
	if err := datadir.PrepareDevice(n.Path); err != nil {
		return adminapi.Device{}, &errs.E{Kind: errs.Invalid, Msg: "the folder cannot be used", Err: err}
	}
	id, _, err := b.manager.AddDevice(ctx, s.newDevice(n.Path, n.Zone, n.Weight))
	if err != nil {
		return adminapi.Device{}, ringError(err)
	}
	return b.deviceByID(ctx, id)
}

// checkNew refuses a device that cannot become one before the ring is touched.
func (s *Server) checkNew(n adminapi.NewDevice) error {
	if !filepath.IsAbs(n.Path) {
		return errs.New(errs.Invalid, "", "the folder %q is not absolute", n.Path)
	}
	if n.Weight < 0 {
		return errs.New(errs.Invalid, "", "the weight %g is negative", n.Weight)
	}
	if d := s.deviceAt(n.Path); d != nil {
		return errs.New(errs.Exists, "", "%s is device %d already", n.Path, d.ID)
	}
	have, err := datadir.ReadDevice(n.Path)
	if err == nil {
		return errs.New(errs.Conflict, "", "%s holds device %d of a server; give an empty folder", n.Path, have.ID)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return &errs.E{Kind: errs.Invalid, Msg: "the folder cannot be used", Err: err}
	}
	return nil
}

// ChangeDevice implements adminapi.Backend.
func (b *backend) ChangeDevice(ctx context.Context, c adminapi.Change) (adminapi.Device, error) {
	id := blobref.DeviceID(c.ID)
	was, err := b.deviceByID(ctx, id)
	if err != nil {
		return was, err
	}
	if c.Verb == "remove" {
		_, err := b.manager.RemoveDevice(ctx, id, false)
		return was, ringError(err)
	}
	if c.Verb == "activate" && (was.Health == missing || was.Health == blobs.Broken.String()) {
		// A disk that was repaired or mounted again.
		if err := b.manager.Reopen(ctx, id); err != nil {
			return was, ringError(err)
		}
	}
	if _, err := b.manager.Change(ctx, change(c, ring.Device{})); err != nil {
		return was, ringError(err)
	}
	return b.deviceByID(ctx, id)
}

// Plan implements adminapi.Backend.
func (b *backend) Plan(ctx context.Context, c adminapi.Change) (adminapi.Plan, error) {
	var d ring.Device
	if c.Verb == "add" {
		if c.Device == nil {
			return adminapi.Plan{}, errs.New(errs.Invalid, "", "a device to add is missing")
		}
		s := (*Server)(b)
		if err := s.checkNew(*c.Device); err != nil {
			return adminapi.Plan{}, err
		}
		d = s.newDevice(c.Device.Path, c.Device.Zone, c.Device.Weight)
	}
	next, plan, err := b.manager.Plan(ctx, change(c, d))
	if err != nil {
		return adminapi.Plan{}, ringError(err)
	}
	rep := next.Report()
	p := adminapi.Plan{Moves: len(plan.Moves), Pending: plan.Pending, Balance: rep.Balance, Dispersion: rep.Dispersion}
	for _, f := range plan.Flows() {
		p.Flows = append(p.Flows, adminapi.Flow{From: uint16(f.From), To: uint16(f.To), Replicas: f.Replicas})
	}
	return p, nil
}

// change is a change of the ring as its builder takes it; d is the device of "add".
func change(c adminapi.Change, d ring.Device) func(*ring.Builder) error {
	return func(b *ring.Builder) error {
		id := blobref.DeviceID(c.ID)
		switch c.Verb {
		case "":
			return nil
		case "add":
			_, err := b.Add(d)
			return err
		case "drain":
			return b.Drain(id)
		case "fail":
			return b.Fail(id)
		case "activate":
			return b.Activate(id)
		case "weight":
			return b.SetWeight(id, c.Weight)
		case "remove":
			return b.Remove(id)
		}
		return errs.New(errs.Invalid, "", "%q is no change of the ring", c.Verb)
	}
}

// ringError gives the failures of storage the kinds that the admin API answers by.
func ringError(err error) error {
	kind := errs.Internal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ring.ErrNoDevice):
		kind = errs.NotFound
	case errors.Is(err, ring.ErrInvalid), errors.Is(err, datadir.ErrForeign):
		kind = errs.Invalid
	case errors.Is(err, ring.ErrNoPlace), errors.Is(err, repair.ErrNotEmpty), errors.Is(err, blob.ErrLocked), errors.Is(err, datadir.ErrDeviceMissing):
		kind = errs.Conflict
	case errors.Is(err, repair.ErrClosed), errors.Is(err, blobs.ErrUnavailable):
		kind = errs.Unavailable
	}
	return errs.Wrap("admin.ring", kind, err)
}
