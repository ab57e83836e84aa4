package blobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
		left, why = refs, fmt.Errorf("device %d: %w", d.id, errs[i])
	}
	if left == nil {
		left, why = p.onMissing(v, refs)
	}
	if left == nil {
		return nil
	}
	return &DeleteError{Refs: slices.Clone(left), Err: why}
}

// onMissing picks the blobs that have a primary on a device that is not attached but may come back.
func (p *Pool) onMissing(v *view, refs []blobref.Ref) (left []blobref.Ref, why error) {
	for _, ref := range refs {
		for _, id := range v.ring.Devices(ref.Partition) {
			if v.device(id) == nil {
				left, why = append(left, ref), errors.Join(ErrUnavailable, fmt.Errorf("device %d is not attached", id))
				break
			}
		}
	}
	return left, why
}
