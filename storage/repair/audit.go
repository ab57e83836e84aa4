package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// AuditResult tells what a scrub found.
type AuditResult struct {
	Blobs        int64 // copies read
	Bytes        int64
	Corrupt      int64 // damaged copies
	Repaired     int64
	Unrepairable int64 // damaged copies without a good one elsewhere
	Unreadable   int64 // copies whose state is unknown because the device failed to read
}

// AuditOnce reads every copy of every blob once, at the audit rate, and repairs what it can. It starts at a random
// partition, so that restarts do not leave the same ones for last.
func (r *Repairer) AuditOnce(ctx context.Context) (AuditResult, error) {
	r.passes.audit.Lock()
	defer r.passes.audit.Unlock()
	var res AuditResult
	parts := r.pool.Ring().Partitions()
	first := rand.IntN(parts)
	for i := range parts {
		if err := r.auditPartition(ctx, blobref.Partition((first+i)%parts), &res); err != nil {
			return res, fmt.Errorf("repair: audit: %w", err)
		}
	}
	r.counters.AuditPasses.Add(1)
	r.counters.Lost.Store(res.Unrepairable)
	return res, nil
}

func (r *Repairer) auditPartition(ctx context.Context, p blobref.Partition, res *AuditResult) error {
	for _, id := range r.pool.Attached() {
		dev, release, ok := r.pool.Acquire(id)
		if !ok {
			continue
		}
		// Verify without the partition's lock: only what is bad is looked at again by heal, which takes it.
		err := dev.Each(ctx, p, p+1, func(in blob.Info) error { return r.auditBlob(ctx, id, in.Ref, res) })
		release()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			res.Unreadable++
			r.log.Warn("device cannot be listed", "device", id, "err", err)
		}
	}
	return nil
}

// auditBlob returns only errors that end the audit.
func (r *Repairer) auditBlob(ctx context.Context, id blobref.DeviceID, ref blobref.Ref, res *AuditResult) error {
	bad, err := r.verify(ctx, id, ref, r.auditLimit)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	res.Blobs++
	res.Bytes += ref.Size
	r.counters.AuditedBlobs.Add(1)
	r.counters.AuditedBytes.Add(ref.Size)
	switch {
	case err != nil:
		res.Unreadable++
		r.repeats.about(ctx, slog.LevelWarn, "blob cannot be audited", id, "blob", ref.ID, "err", err)
	case bad != nil:
		res.Corrupt++
		changed, err := r.heal(ctx, damageOf(ref, id, bad))
		switch {
		case err == nil && changed:
			res.Repaired++
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil, errors.Is(err, ErrUnrepairable): // nil: given up a short time ago
			res.Unrepairable++
		default:
			res.Unreadable++
			r.repeats.about(ctx, slog.LevelError, "repair of a damaged blob failed", id, "blob", ref.ID, "err", err)
		}
	}
	return nil
}
