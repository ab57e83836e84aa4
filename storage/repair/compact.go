package repair

import (
	"context"
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// When less of a device is free than this share, space counts for more than bandwidth: less dead segments are
// rewritten too.
const (
	lowSpace     = 0.1
	lowSpaceDead = 0.1
)

// CompactOnce returns dead space of all devices, one after the other.
func (r *Repairer) CompactOnce(ctx context.Context) error {
	r.passes.compact.Lock()
	defer r.passes.compact.Unlock()
	var errs []error
	for _, id := range r.pool.Attached() {
		if err := r.compactDevice(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("repair: compact device %d: %w", id, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

func (r *Repairer) compactDevice(ctx context.Context, id blobref.DeviceID) error {
	dev, release, ok := r.pool.Acquire(id)
	if !ok {
		return nil
	}
	defer release()
	u := dev.Usage()
	if u.Failed != nil || u.Dead < r.cfg.CompactMinDead {
		return nil
	}
	o := blob.CompactOptions{MinDead: r.cfg.CompactDead, Limit: r.compactLimit.wait}
	if u.Total > 0 && float64(u.Free) < lowSpace*float64(u.Total) {
		o.MinDead = min(o.MinDead, lowSpaceDead)
	}
	stats, err := dev.Compact(ctx, o)
	r.counters.CompactRuns.Add(1)
	r.counters.CompactReclaimed.Add(stats.Reclaimed)
	if stats.Segments > 0 {
		r.log.Info("compacted", "device", id, "segments", stats.Segments, "moved", stats.Moved, "reclaimed", stats.Reclaimed)
	}
	for _, ref := range stats.Corrupt {
		r.report(damageOf(ref, id, &blob.CorruptError{Ref: ref, Device: id, Reason: "met by the compactor"}))
	}
	return err
}
