package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// PassResult tells what a replicator pass did.
type PassResult struct {
	Version uint64 // of the ring
	Blobs   int64  // looked at
	Copied  int64  // copies made
	Removed int64  // copies given up
	Left    int64  // copies still missing or lying elsewhere
}

// Clean reports whether every blob lies exactly where the ring wants it.
func (p PassResult) Clean() bool { return p.Left == 0 }

// ReplicateOnce goes through all partitions and brings every blob to the devices the ring gives it.
func (r *Repairer) ReplicateOnce(ctx context.Context) (PassResult, error) {
	r.passes.replicate.Lock()
	defer r.passes.replicate.Unlock()
	rg := r.pool.Ring()
	res := PassResult{Version: rg.Version()}
	for p := range rg.Partitions() {
		if err := r.replicatePartition(ctx, blobref.Partition(p), &res); err != nil {
			return res, fmt.Errorf("repair: replicate partition %d: %w", p, err)
		}
	}
	r.counters.ReplicatePasses.Add(1)
	r.counters.Misplaced.Store(res.Left)
	r.counters.PassVersion.Store(res.Version)
	if res.Clean() && r.pool.Ring().Version() == res.Version {
		r.mu.Lock()
		settled := slices.Clone(r.mu.settled)
		r.mu.Unlock()
		for _, f := range settled {
			f(res.Version)
		}
	}
	return res, nil
}

// holders are the devices that hold a blob.
type holders struct {
	ref blobref.Ref
	ids []blobref.DeviceID
}

// scan lists the blobs of a partition over all attached devices, in order of their ids. Devices that cannot be listed
// are returned too: nothing is known of them.
func (r *Repairer) scan(ctx context.Context, p blobref.Partition) (found []holders, blind []blobref.DeviceID, err error) {
	byID := make(map[blobref.ID]int)
	for _, id := range r.pool.Attached() {
		dev, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		err := dev.Each(ctx, p, p+1, func(in blob.Info) error {
			i, ok := byID[in.Ref.ID]
			if !ok {
				i = len(found)
				byID[in.Ref.ID] = i
				found = append(found, holders{ref: in.Ref})
			}
			found[i].ids = append(found[i].ids, id)
			return nil
		})
		release()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			r.log.Warn("device cannot be listed", "device", id, "err", err)
			blind = append(blind, id)
		}
	}
	slices.SortFunc(found, func(a, b holders) int { return bytes.Compare(a.ref.ID[:], b.ref.ID[:]) })
	return found, blind, nil
}

// replicatePartition pushes what is missing, then removes what lies elsewhere and is no longer needed there.
func (r *Repairer) replicatePartition(ctx context.Context, p blobref.Partition, res *PassResult) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer r.lock(p)()
	rg := r.pool.Ring() // as it is now: a device may have become a primary since the pass began
	if r.nothingToDo(rg) {
		return nil
	}
	found, blind, err := r.scan(ctx, p)
	if err != nil {
		return err
	}
	primaries := rg.Devices(p)
	var mu sync.Mutex // guards spare and res
	spare := make(map[blobref.DeviceID][]blobref.Ref)
	var g errgroup.Group
	g.SetLimit(r.cfg.ReplicateParallel)
	for _, h := range found {
		res.Blobs++
		g.Go(func() error {
			copied, missing := r.fill(ctx, h, primaries, blind)
			mu.Lock()
			defer mu.Unlock()
			res.Copied += int64(copied)
			res.Left += int64(missing)
			for _, id := range h.ids {
				if missing == 0 && !slices.Contains(primaries, id) {
					spare[id] = append(spare[id], h.ref)
				}
			}
			return nil
		})
	}
	g.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for id, refs := range spare {
		if err := r.remove(ctx, id, refs); err != nil {
			r.counters.ReplicateFailed.Add(1)
			r.log.Warn("misplaced copies could not be removed", "device", id, "partition", p, "err", err)
			res.Left += int64(len(refs))
			continue
		}
		res.Removed += int64(len(refs))
	}
	return nil
}

// nothingToDo is true for the single device that has everything.
func (r *Repairer) nothingToDo(rg *ring.Ring) bool {
	at := r.pool.Attached()
	return len(at) == 1 && len(rg.All()) == 1 && rg.All()[0].ID == at[0]
}

// fill pushes a blob to the primaries that lack it. Missing counts those that still lack it then, or may.
func (r *Repairer) fill(ctx context.Context, h holders, primaries, blind []blobref.DeviceID) (copied, missing int) {
	for _, id := range primaries {
		if slices.Contains(h.ids, id) {
			continue
		}
		if slices.Contains(blind, id) || ctx.Err() != nil {
			missing++
			continue
		}
		switch err := r.pushPatiently(ctx, h.ref, h.ids, id); {
		case err == nil:
			copied++
		case errors.Is(err, errGone):
			return copied, 0 // deleted meanwhile
		case errors.Is(err, blob.ErrBusy): // still being written: the next pass will see it
			missing++
		default:
			missing++
			if ctx.Err() == nil {
				r.counters.ReplicateFailed.Add(1)
				r.repeats.about(ctx, slog.LevelWarn, "blob could not be copied", id, "blob", h.ref.ID, "err", err)
			}
		}
	}
	return copied, missing
}

func (r *Repairer) remove(ctx context.Context, id blobref.DeviceID, refs []blobref.Ref) error {
	if err := r.pool.RemoveCopies(ctx, id, refs...); err != nil {
		return err
	}
	r.counters.RemovedCopies.Add(int64(len(refs)))
	return nil
}

// errGone: the blob was deleted while it was to be copied.
var errGone = errors.New("repair: blob is gone")

// pushPatiently pushes a blob, and waits a while for a writer that is just bringing it to the device: a write is
// acknowledged at the quorum, so under traffic every pass meets some copies that are a sync away from being there.
func (r *Repairer) pushPatiently(ctx context.Context, ref blobref.Ref, from []blobref.DeviceID, to blobref.DeviceID) error {
	const (
		step = 10 * time.Millisecond
		most = 200
	)
	for try := 0; ; try++ {
		err := r.push(ctx, ref, from, to)
		if !errors.Is(err, blob.ErrBusy) || try == most {
			return err
		}
		t := time.NewTimer(step)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// push copies a blob from the first of the sources that has a good copy to a device. Having it already is success.
func (r *Repairer) push(ctx context.Context, ref blobref.Ref, from []blobref.DeviceID, to blobref.DeviceID) error {
	dst, release, ok := r.pool.Acquire(to)
	if !ok {
		return fmt.Errorf("device %d is not attached", to)
	}
	defer release()
	var errs []error
	gone := 0
	for _, id := range from {
		src, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		err := r.copyBlob(ctx, ref, src, dst)
		release()
		switch {
		case err == nil:
			r.counters.ReplicatedBlobs.Add(1)
			r.counters.ReplicatedBytes.Add(ref.Size)
			return nil
		case errors.Is(err, blob.ErrExists):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, blob.ErrNotFound):
			gone++
		case damaged(err) == id:
			r.report(damageOf(ref, id, err))
		}
		errs = append(errs, fmt.Errorf("from device %d: %w", id, err))
	}
	if gone > 0 && gone == len(from) {
		return errGone
	}
	return errors.Join(errs...)
}

// copyBlob copies a blob with its owner note. Every byte is verified on the way, so a damaged source gives nothing.
func (r *Repairer) copyBlob(ctx context.Context, ref blobref.Ref, src, dst *blob.Device) error {
	in, err := src.Stat(ctx, ref)
	if err != nil {
		return err
	}
	rd, err := src.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer rd.Close()
	w, err := dst.Create(ctx, ref, in.Owner)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := r.replicateLimit.wait(ctx, int(ref.Size)); err != nil {
		return err
	}
	if _, err := rd.WriteRange(ctx, w, 0, rd.Size()); err != nil {
		return err
	}
	if err := w.Commit(ctx); err != nil {
		return err
	}
	// Deleted meanwhile? Then the copy must go too. A delete that comes even later makes it an orphan.
	if _, err := src.Stat(ctx, ref); errors.Is(err, blob.ErrNotFound) {
		return errors.Join(err, dst.Delete(ctx, ref))
	}
	return nil
}

// damaged is the device whose copy err calls damaged, or 0.
func damaged(err error) blobref.DeviceID {
	var ce *blob.CorruptError
	if errors.As(err, &ce) {
		return ce.Device
	}
	return 0
}
