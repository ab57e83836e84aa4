package blobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// Delete removes all copies of blobs, wherever they lie. A *DeleteError names those that may have a copy on a device that is
// down; the caller remembers them and tries again. Devices that the ring calls failed are not waited for: what comes
// back with them is an orphan, and orphans are collected. Pins are the collector's business.
func (p *Pool) Delete(ctx context.Context, refs ...blobref.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	v := p.view.Load()
	var devs []*device
	for _, d := range v.devices {
		if d != nil && d.acquire() {
			defer d.release()
			devs = append(devs, d)
		}
	}
	errs := make([]error, len(devs))
	if len(devs) == 1 {
		errs[0] = devs[0].dev.Delete(ctx, refs...)
	} else {
		var wg sync.WaitGroup
		for i, d := range devs {
			wg.Go(func() { errs[i] = d.dev.Delete(ctx, refs...) })
		}
		wg.Wait()
	}

	var left []blobref.Ref
	var why error
	for i, d := range devs {
		if errs[i] == nil {
			continue
		}
		p.note(d, errs[i])
		if rd, ok := v.ring.Device(d.id); !ok || rd.State == ring.Failed {
			continue
		}
		for _, ref := range refs {
			if !slices.Contains(left, ref) && mayHold(ctx, d, ref) {
				left, why = append(left, ref), fmt.Errorf("device %d: %w", d.id, errs[i])
			}
		}
	}
	for _, ref := range refs {
		if id := missing(v, ref.Partition); id != 0 && !slices.Contains(left, ref) {
			left, why = append(left, ref), fmt.Errorf("%w: device %d is not attached", ErrUnavailable, id)
		}
	}
	if left == nil {
		return nil
	}
	return &DeleteError{Refs: left, Err: why}
}

// RemoveCopies removes the copies of blobs on one device that are superfluous because other devices have them too. Unlike a
// direct removal it is safe for readers who have looked at the others before those got their copies: they look again.
func (p *Pool) RemoveCopies(ctx context.Context, id blobref.DeviceID, refs ...blobref.Ref) error {
	dev, release, ok := p.Acquire(id)
	if !ok {
		return fmt.Errorf("%w: device %d is not attached", ErrUnavailable, id)
	}
	defer release()
	p.moves.Add(1)
	return dev.Delete(ctx, refs...)
}

// mayHold reports whether a device that could not delete has a copy, as far as it can tell.
func mayHold(ctx context.Context, d *device, ref blobref.Ref) bool {
	r, err := d.dev.Open(ctx, ref)
	if err == nil {
		_ = r.Close()
	}
	return !errors.Is(err, blob.ErrNotFound)
}

// missing is a primary of the partition that is not attached but may come back, or 0.
func missing(v *view, p blobref.Partition) blobref.DeviceID {
	for _, id := range v.ring.Devices(p) {
		if v.device(id) == nil {
			return id
		}
	}
	return 0
}
