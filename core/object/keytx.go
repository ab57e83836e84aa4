package object

import (
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

const (
	// queueAfter is how many conflicts a writer meets before it queues with the others of its key: optimism is
	// cheaper until then, and the queue makes sure that everybody gets through.
	queueAfter = 2
	// maxConflicts ends a loop that cannot win; only writers on other nodes can make it this long.
	maxConflicts = 200
)

// errNoChange ends a transaction without a commit and without a failure.
var errNoChange = errors.New("object: nothing to change")

// errAgain ends an attempt whose reads do not fit together: the key changed between them.
var errAgain = errors.New("object: changed while it was read")

// keyTx is one attempt to change what a key holds: what was read, and the batch that follows from it. The batch is
// conditioned on all that the decision rests on, so either it still holds at the commit or the attempt is made again.
type keyTx struct {
	s   *Service
	ctx context.Context
	b   *bucket
	key string
	row []byte // of the current version

	cur    *record // the current version, a delete marker included; nil when there is none
	raw    []byte  // its encoding
	curRev kv.Index
	made   instance // what the batch makes the current version; zero when it makes none

	batch kv.Batch
	room  struct { // what most batches need, so that they do not grow
		conds [4]kv.Cond
		ops   [6]kv.Op
	}
	now time.Time

	bypass *iam.Principal // who asked to bypass governance retention, nil for nobody

	ends   cause    // why a version ends, if one does
	marks  cause    // why a delete marker is made, if one is
	posted int      // rows for the outbox
	last   instance // of the last of them

	acts []LifecycleAct // what lifecycle rules do, where that is logged

	// Changes of the counters, added to the batch at its end.
	versions, markers, bytes int64
	uploads, uploadBytes     int64
	released                 int64 // bytes of parts that the batch takes off its counter itself
}

// change runs fn until its batch commits. fn may run several times, on the newest state each.
func (s *Service) change(ctx context.Context, b *bucket, key string, fn func(tx *keyTx) error) error {
	for conflicts := 0; ; conflicts++ {
		if conflicts == queueAfter {
			mu := s.keys.of(b.ID, key)
			mu.Lock()
			defer mu.Unlock()
		}
		tx := keyTx{s: s, ctx: ctx, b: b, key: key, row: objectKey(b.ID, key), now: s.now()}
		tx.batch.Conds, tx.batch.Ops = tx.room.conds[:0], tx.room.ops[:0]
		if err := tx.readCurrent(); err != nil {
			return err
		}
		err := fn(&tx)
		if err != nil && !errors.Is(err, errAgain) {
			// No commit will tell whether the decision rests on a state of the bucket that is no more.
			if stale, serr := s.isStale(ctx, b); serr != nil {
				return serr
			} else if stale {
				if b, err = s.refresh(ctx, b); err != nil {
					return err
				}
				continue
			}
			if errors.Is(err, errNoChange) {
				return nil
			}
			return err
		}
		if err == nil {
			err = tx.commit()
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kv.ErrConditionFailed), errors.Is(err, errAgain):
			if conflicts >= maxConflicts {
				return errs.New(errs.Conflict, ConditionalConflict,
					"The conditional request cannot succeed due to a conflicting operation against this resource.").On(key)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if b, err = s.refresh(ctx, b); err != nil {
				return err
			}
		case errors.Is(err, kv.ErrUnknownOutcome) && ctx.Err() == nil && tx.landed():
			return nil
		default:
			return err
		}
	}
}

// readCurrent reads the current version.
func (tx *keyTx) readCurrent() error {
	v, err := tx.s.kv.Get(tx.ctx, tx.b.shard, tx.row)
	if errors.Is(err, kv.ErrNotFound) {
		tx.cur, tx.raw, tx.curRev = nil, nil, 0
		return nil
	} else if err != nil {
		return err
	}
	cur := &record{}
	if err := cur.decode(v.Data); err != nil {
		return err
	}
	tx.cur, tx.raw, tx.curRev = cur, v.Data, v.Revision
	return nil
}

// landed reports, after an unknown outcome, whether the commit made its version the current one after all.
func (tx *keyTx) landed() bool {
	return !tx.made.isZero() && tx.readCurrent() == nil && tx.cur != nil && tx.cur.instance == tx.made
}

// commit adds the conditions that every change of a key has: the bucket is as it was, the key is as it was.
func (tx *keyTx) commit() error {
	tx.batch.IfRevision(tx.b.presence, tx.b.revision)
	tx.batch.IfRevision(tx.row, tx.curRev)
	tx.addCounters()
	done, err := tx.s.within(tx.ctx, tx.b, &tx.batch, growth{
		objects: tx.versions - tx.markers, bytes: tx.bytes, parts: tx.uploadBytes - tx.released,
	})
	if err != nil {
		return err
	}
	_, err = tx.s.kv.Commit(tx.ctx, tx.b.shard, &tx.batch)
	done(err == nil || !outcomeKnown(err))
	if err == nil {
		tx.s.outbox.added(tx.posted)
	}
	return err
}

func (tx *keyTx) addCounters() {
	for _, c := range [...]struct {
		counter byte
		delta   int64
	}{
		{cntVersions, tx.versions}, {cntMarkers, tx.markers}, {cntBytes, tx.bytes},
		{cntUploads, tx.uploads}, {cntUploadBytes, tx.uploadBytes},
	} {
		if c.delta != 0 {
			tx.batch.Add(tx.b.counter(c.counter), c.delta)
		}
	}
}

// count adds n times what a version takes to the counters.
func (tx *keyTx) count(r *record, n int64) {
	tx.versions += n
	tx.bytes += n * r.size
	if r.is(flagMarker) {
		tx.markers += n
	}
}
