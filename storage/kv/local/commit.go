package local

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// batchOverhead is what Pebble's form of a batch adds to an operation: kind, two lengths, prefix, revision.
const batchOverhead = 1 + 5 + 5 + fsm.PrefixLen + fsm.RevisionLen

// Commit applies b to a shard and returns when it is durable.
func (st *Store) Commit(ctx context.Context, s kv.Shard, b *kv.Batch) (kv.Result, error) {
	if err := b.Validate(); err != nil {
		return kv.Result{}, err
	}
	sh, err := st.enter(s)
	if err != nil {
		return kv.Result{}, err
	}
	defer st.leave()
	if err := ctx.Err(); err != nil {
		return kv.Result{}, err
	}
	if err := st.admit(b); err != nil {
		return kv.Result{}, err
	}
	if err := st.relieve(ctx); err != nil {
		return kv.Result{}, err
	}
	pb := st.db.NewBatchWithSize(b.Len() + (len(b.Ops)+2)*batchOverhead)
	index, err := sh.apply(ctx, pb, b)
	if err != nil {
		return kv.Result{}, sh.refuse(ctx, b, err)
	}
	if ctx.Done() == nil {
		return sh.settle(pb, index)
	}
	return sh.settleOr(ctx, pb, index)
}

// apply does what needs the shard's lock: conditions, index, Pebble's log and memtable. After an error
// nothing was changed.
func (sh *shard) apply(ctx context.Context, pb *pebble.Batch, b *kv.Batch) (kv.Index, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if err := ctx.Err(); err != nil { // the lock may have taken a while
		_ = pb.Close()
		return 0, err
	}
	if err := sh.st.Err(); err != nil {
		_ = pb.Close()
		return 0, err
	}
	event, err := sh.event(b)
	if err != nil {
		_ = pb.Close()
		return 0, err
	}
	index, err := sh.mu.machine.Apply(pb, sh.st.db, b, 0)
	if err != nil {
		_ = pb.Close()
		return 0, err
	}
	sh.removals.add(b, index, kv.Index(sh.durable.index.Load()))
	sh.issued.Store(uint64(index))
	if err := sh.st.db.ApplyNoSyncWait(pb, pebble.Sync); err != nil {
		// Pebble refuses nothing that the machine builds, so its state is in doubt.
		return 0, sh.st.guard.fail("apply", "store", fmt.Errorf("%w: %w", kv.ErrUnknownOutcome, err))
	}
	sh.tail.append(index, event)
	return index, nil
}

// settle waits until commit index is synced.
func (sh *shard) settle(pb *pebble.Batch, index kv.Index) (kv.Result, error) {
	err := pb.SyncWait()
	if failure := sh.st.guard.failure(); failure != nil {
		err = failure // the guard may have pretended the sync: see there
	}
	if err != nil {
		// Not closed: Pebble may still refer to the batch.
		return kv.Result{}, fmt.Errorf("%w: %w", kv.ErrUnknownOutcome, err)
	}
	_ = pb.Close()
	sh.durable.advance(index)
	sh.st.commits.Add(1)
	return kv.Result{Index: index}, nil
}

// settleOr is settle that ends with ctx. The wait for the sync goes on behind the caller's back.
func (sh *shard) settleOr(ctx context.Context, pb *pebble.Batch, index kv.Index) (kv.Result, error) {
	if !sh.st.gate.enter() { // the store is closing; Close waits for the caller, so wait with it
		return sh.settle(pb, index)
	}
	type outcome struct {
		res kv.Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer sh.st.leave()
		res, err := sh.settle(pb, index)
		done <- outcome{res, err}
	}()
	select {
	case o := <-done:
		return o.res, o.err
	case <-ctx.Done():
		return kv.Result{}, fmt.Errorf("%w: %w", kv.ErrUnknownOutcome, ctx.Err())
	}
}

// refuse reports why b was not applied, once the state that speaks against it is durable. The verdict tells
// of the conditions before the failed one too: they held.
func (sh *shard) refuse(ctx context.Context, b *kv.Batch, err error) error {
	var refusal *fsm.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	sh.st.conflict.Add(1)
	seen, durable := refusal.Seen, kv.Index(sh.durable.index.Load())
	for i := range b.Conds[:refusal.Cond+1] {
		seen = max(seen, sh.removals.youngest(b.Conds[i].Key, durable))
	}
	if err := sh.await(ctx, seen); err != nil {
		return err
	}
	return &refusal.ConditionError
}

// spareLen is what a batch may put while the device is short of space, if it deletes something.
const spareLen = 16 << 10

// admit refuses a batch before anything is done.
func (st *Store) admit(b *kv.Batch) error {
	if err := st.Err(); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: %w", kv.ErrNoSpace, err)
		}
		return err
	}
	full := st.guard.waiting.Load() > 0
	if !full && (!st.space.low.Load() || frees(b)) {
		return nil
	}
	st.refused.Add(1)
	return kv.ErrNoSpace
}

// frees tells whether b is likely to make room.
func frees(b *kv.Batch) bool {
	deletes, puts := 0, 0
	for i := range b.Ops {
		switch o := &b.Ops[i]; o.Kind {
		case kv.OpDelete, kv.OpDeleteRange:
			deletes++
		case kv.OpPut:
			puts += len(o.Key) + len(o.Value)
		}
	}
	return deletes > 0 && puts <= spareLen || puts == 0
}
