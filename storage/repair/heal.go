package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
)

// ErrUnrepairable: a copy is damaged and there is no good one to take from. It is kept as it is.
var ErrUnrepairable = errors.New("repair: no good copy to repair from")

func damageOf(ref blobref.Ref, id blobref.DeviceID, err error) blobs.Damage {
	return blobs.Damage{Ref: ref, Device: id, Err: err}
}

// heal judges a reported copy again and brings the blob back to full strength. It returns whether it changed anything.
func (r *Repairer) heal(ctx context.Context, d blobs.Damage) (bool, error) {
	key := hopelessKey{d.Ref.ID, d.Device}
	if r.givenUp(key) {
		return false, nil
	}
	defer r.lock(d.Ref.Partition)()
	var bad error
	if !errors.Is(d.Err, blob.ErrNotFound) && !errors.Is(d.Err, blobs.ErrHandoff) {
		var err error
		if bad, err = r.verify(ctx, d.Device, d.Ref, nil); err != nil {
			return false, err
		}
	}
	changed := false
	if bad != nil {
		r.counters.Corrupt.Add(1)
		if err := r.replaceable(ctx, d.Ref, d.Device); err != nil {
			if errors.Is(err, ErrUnrepairable) {
				r.giveUp(key)
				r.counters.Unrepairable.Add(1)
				r.log.Error("damaged blob cannot be repaired", "blob", d.Ref.ID, "device", d.Device, "size", d.Ref.Size, "err", bad)
				err = fmt.Errorf("%w: %w", err, bad)
			}
			return false, err
		}
		if err := r.quarantine(ctx, d.Device, d.Ref); err != nil {
			return false, err
		}
		changed = true
		r.log.Warn("damaged blob set aside", "blob", d.Ref.ID, "device", d.Device, "err", bad)
	}
	copied, err := r.refill(ctx, d.Ref)
	if err != nil {
		return changed, err
	}
	if bad != nil {
		// A device whose files were taken away under it takes the new copy and loses it again: do not call that
		// repaired, and do not try for ever.
		again, err := r.verify(ctx, d.Device, d.Ref, r.replicateLimit)
		if err != nil {
			return changed, err
		}
		if again != nil {
			r.giveUp(key)
			return changed, fmt.Errorf("repair: the new copy of %s on device %d: %w", d.Ref.ID, d.Device, again)
		}
		r.counters.Repaired.Add(1)
	}
	return changed || copied > 0, nil
}

// verify reads a copy in full. bad is what is wrong with it; a copy that is not there, or on a device that is not
// attached, has nothing wrong.
func (r *Repairer) verify(ctx context.Context, id blobref.DeviceID, ref blobref.Ref, l *limiter) (bad, err error) {
	dev, release, ok := r.pool.Acquire(id)
	if !ok {
		return nil, nil
	}
	defer release()
	err = dev.Verify(ctx, ref, l.wait)
	switch {
	case err == nil, errors.Is(err, blob.ErrNotFound):
		return nil, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case damaged(err) != 0:
		return err, nil
	}
	return nil, err
}

// replaceable makes sure that some other device has a copy that is good to the last byte.
func (r *Repairer) replaceable(ctx context.Context, ref blobref.Ref, except blobref.DeviceID) error {
	for _, id := range r.pool.Attached() {
		if id == except {
			continue
		}
		dev, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		err := dev.Verify(ctx, ref, r.replicateLimit.wait)
		release()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ErrUnrepairable
}

func (r *Repairer) quarantine(ctx context.Context, id blobref.DeviceID, ref blobref.Ref) error {
	dev, release, ok := r.pool.Acquire(id)
	if !ok {
		return nil
	}
	defer release()
	if err := dev.Quarantine(ctx, ref); err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	r.counters.Quarantined.Add(1)
	return nil
}

// refill pushes a blob to the primaries that lack it.
func (r *Repairer) refill(ctx context.Context, ref blobref.Ref) (copied int, err error) {
	var have []blobref.DeviceID
	for _, id := range r.pool.Attached() {
		dev, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		if _, err := dev.Stat(ctx, ref); err == nil {
			have = append(have, id)
		}
		release()
	}
	if len(have) == 0 {
		return 0, nil // deleted meanwhile
	}
	var errs []error
	for _, id := range r.pool.Ring().Devices(ref.Partition) {
		if slices.Contains(have, id) {
			continue
		}
		switch err := r.push(ctx, ref, have, id); {
		case err == nil:
			copied++
		case errors.Is(err, errGone):
			return copied, nil
		case errors.Is(err, blob.ErrBusy): // its writer is at work: the report was early
		default:
			errs = append(errs, fmt.Errorf("to device %d: %w", id, err))
		}
	}
	return copied, errors.Join(errs...)
}
