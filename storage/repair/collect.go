package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
)

// Entry is one deletion that the domain has committed.
type Entry struct {
	Key  []byte // names the entry to the domain
	Refs []blobref.Ref
}

// Source gives the collector its work. The domain writes an entry in the commit that makes blobs superfluous, with the time
// from which on it is due: long enough for readers that read the record before to have pinned what they need.
type Source interface {
	// Due lists at most max entries that are due at now, oldest first.
	Due(ctx context.Context, now time.Time, max int) ([]Entry, error)
	// Done removes entries whose blobs are gone. Doing that again after a crash is harmless.
	Done(ctx context.Context, entries []Entry) error
}

// Liveness tells whether the record that owner names refers to the blob. It must see all commits; an error means "not known".
type Liveness interface {
	Live(ctx context.Context, owner blobref.Owner, ref blobref.Ref) (bool, error)
}

// CollectResult tells what a round of the collector did.
type CollectResult struct {
	Entries   int // done
	Blobs     int // deleted
	Postponed int // entries left for later because of a pin or a device that is down
}

// CollectOnce works off all entries that are due.
func (r *Repairer) CollectOnce(ctx context.Context, now time.Time) (CollectResult, error) {
	r.passes.collect.Lock()
	defer r.passes.collect.Unlock()
	var res CollectResult
	if r.source == nil {
		return res, nil
	}
	// Entries that must wait stay at the head of what is due; ask for so many more to see those behind them.
	const most = 1 << 16
	for ask := r.cfg.CollectBatch; ; {
		entries, err := r.source.Due(ctx, now, ask)
		if err != nil {
			return res, fmt.Errorf("repair: collector entries: %w", err)
		}
		done, err := r.collect(ctx, entries)
		if err != nil {
			return res, err
		}
		res.Entries += len(done)
		for _, e := range done {
			res.Blobs += len(e.Refs)
		}
		res.Postponed = len(entries) - len(done)
		if len(done) > 0 {
			if err := r.source.Done(ctx, done); err != nil {
				return res, fmt.Errorf("repair: collector entries done: %w", err)
			}
			r.counters.CollectedEntries.Add(int64(len(done)))
		}
		if len(entries) < ask || ask >= most {
			r.counters.CollectPostponed.Add(int64(res.Postponed))
			return res, nil
		}
		ask = min(res.Postponed+r.cfg.CollectBatch, most)
	}
}

// collectOrRest returns the work of the collector's worker: after rounds in which everything had to wait it sits out
// more and more of them.
func (r *Repairer) collectOrRest() func(context.Context) error {
	const most = 16
	rest, pause := 0, 1
	return func(ctx context.Context) error {
		if rest > 0 {
			rest--
			return nil
		}
		res, err := r.CollectOnce(ctx, time.Now())
		if err != nil || res.Entries == 0 && res.Postponed > 0 {
			rest, pause = pause, min(2*pause, most)
		} else {
			pause = 1
		}
		return err
	}
}

// collect deletes the blobs of entries and returns the entries that are finished.
func (r *Repairer) collect(ctx context.Context, entries []Entry) ([]Entry, error) {
	var done []Entry
	var refs []blobref.Ref
	for _, e := range entries {
		if slices.ContainsFunc(e.Refs, r.pool.Pinned) {
			continue
		}
		done = append(done, e)
		refs = append(refs, e.Refs...)
	}
	err := r.pool.Delete(ctx, refs...)
	var left *blobs.DeleteError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil:
	case errors.As(err, &left):
		r.log.Warn("blobs not fully deleted", "blobs", len(left.Refs), "err", left.Err)
		down := make(map[blobref.ID]bool, len(left.Refs))
		for _, ref := range left.Refs {
			down[ref.ID] = true
		}
		done = slices.DeleteFunc(done, func(e Entry) bool {
			return slices.ContainsFunc(e.Refs, func(ref blobref.Ref) bool { return down[ref.ID] })
		})
	default:
		return nil, fmt.Errorf("repair: collect: %w", err)
	}
	for _, e := range done {
		r.counters.CollectedBlobs.Add(int64(len(e.Refs)))
	}
	return done, nil
}

// OrphanResult tells what a search for orphans did.
type OrphanResult struct {
	Checked int64 // blobs whose owner was asked
	Removed int64
	Unknown int64 // blobs whose owner could not be asked
}

// CollectOrphansOnce asks the owner of every blob that is older than the grace period and deletes those that are disowned.
func (r *Repairer) CollectOrphansOnce(ctx context.Context, now time.Time) (OrphanResult, error) {
	r.passes.orphan.Lock()
	defer r.passes.orphan.Unlock()
	var res OrphanResult
	if r.liveness == nil {
		return res, nil
	}
	for _, id := range r.pool.Attached() {
		dev, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		err := dev.Each(ctx, 0, 0, func(in blob.Info) error {
			if now.Sub(in.Created) < r.cfg.OrphanGrace || r.pool.Pinned(in.Ref) || !r.asks(in.Ref, id) {
				return nil
			}
			return r.orphan(ctx, dev, in.Ref, &res)
		})
		release()
		if err != nil {
			return res, fmt.Errorf("repair: orphans of device %d: %w", id, err)
		}
	}
	return res, nil
}

// asks picks one device to ask for a blob that lies on several: the first that holds it.
func (r *Repairer) asks(ref blobref.Ref, id blobref.DeviceID) bool {
	for _, first := range r.pool.Ring().Devices(ref.Partition) {
		if first == id {
			return true
		}
		dev, release, ok := r.pool.Acquire(first)
		if !ok {
			continue
		}
		rd, err := dev.Open(context.Background(), ref)
		if err == nil {
			rd.Close()
		}
		release()
		if err == nil {
			return false
		}
	}
	return true
}

// orphan deletes a blob if its owner disowns it. It returns only errors that end the search.
func (r *Repairer) orphan(ctx context.Context, dev *blob.Device, ref blobref.Ref, res *OrphanResult) error {
	if err := r.orphanLimit.wait(ctx, 1); err != nil {
		return err
	}
	in, err := dev.Stat(ctx, ref)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil
	case err != nil: // a damaged header: the owner is not known here, another copy may tell
		res.Unknown++
		return ctx.Err()
	}
	res.Checked++
	r.counters.OrphansChecked.Add(1)
	live, err := r.liveness.Live(ctx, in.Owner, ref)
	if err != nil {
		res.Unknown++
		r.log.Warn("owner of a blob could not be asked", "blob", ref.ID, "err", err)
		return ctx.Err()
	}
	if live || r.pool.Pinned(ref) {
		return nil
	}
	// A device that is down keeps its copy: it is found again as an orphan there.
	var left *blobs.DeleteError
	if err := r.pool.Delete(ctx, ref); err != nil && !errors.As(err, &left) {
		return err
	}
	res.Removed++
	r.counters.OrphansRemoved.Add(1)
	r.log.Info("orphan removed", "blob", ref.ID, "size", ref.Size)
	return ctx.Err()
}
