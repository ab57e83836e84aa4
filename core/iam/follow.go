package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// retryAfter is how long the follower waits after an error of the store before it lists again.
const retryAfter = 200 * time.Millisecond

// load lists all rows into a new directory and starts a watch right behind them.
func (s *Service) load(ctx context.Context) (kv.Watcher, error) {
	const attempts = 10 // the first watch of a shard may be refused: see kv.Store.Watch
	for range attempts {
		dir, index, err := s.list(ctx)
		if err != nil {
			return nil, err
		}
		w, err := s.store.Watch(ctx, kv.Control, index)
		if errors.Is(err, kv.ErrCompacted) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("iam: watching the control shard: %w", err)
		}
		s.mu.Lock()
		s.mu.dir = dir
		s.advance(index)
		s.mu.Unlock()
		return w, nil
	}
	return nil, fmt.Errorf("iam: watching the control shard: %w", kv.ErrCompacted)
}

// list reads all rows of one snapshot.
func (s *Service) list(ctx context.Context) (*directory, kv.Index, error) {
	view, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return nil, 0, fmt.Errorf("iam: reading accounts: %w", err)
	}
	defer view.Close()
	dir := newDirectory(s.sealer)
	it := view.Scan(kv.ScanOptions{Lower: []byte(rowPrefix), Upper: rowsEnd()})
	var bad error
	for ok := it.First(); ok && bad == nil; ok = it.Next() {
		bad = dir.put(it.Key(), it.Value(), it.Revision())
	}
	if err := errors.Join(it.Close(), bad); err != nil {
		return nil, 0, fmt.Errorf("iam: reading accounts: %w", err)
	}
	return dir, view.Index(), nil
}

// follow applies the store's commits until Close or until the store is closed. It owns w.
func (s *Service) follow(ctx context.Context, w kv.Watcher) {
	defer close(s.stopped)
	for {
		err := s.apply(ctx, w)
		w.Close()
		if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
			return
		}
		s.log.Warn("watch of accounts ended; listing again", "error", err)
		for {
			if w, err = s.load(ctx); err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
				return
			}
			s.log.Error("accounts cannot be listed", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryAfter):
			}
		}
	}
}

// apply takes events from w until it fails.
func (s *Service) apply(ctx context.Context, w kv.Watcher) error {
	for {
		ev, err := w.Next(ctx)
		if err != nil {
			return err
		}
		s.mu.Lock()
		for _, p := range ev.Puts {
			if !ours(p.Key) {
				continue
			}
			// A bad row makes its own users unknown, never the rest.
			if err := s.mu.dir.put(p.Key, p.Value, ev.Index); err != nil {
				s.log.Error("account row is unreadable", "error", err)
			}
		}
		for _, row := range ev.Deletes {
			if ours(row) {
				s.mu.dir.remove(row)
			}
		}
		s.advance(ev.Index)
		s.mu.Unlock()
	}
}

// advance notes how far the directory goes. s.mu is held.
func (s *Service) advance(index kv.Index) {
	s.mu.applied = max(s.mu.applied, index)
	close(s.mu.moved)
	s.mu.moved = make(chan struct{})
}

// await returns when the directory holds commit index.
func (s *Service) await(ctx context.Context, index kv.Index) error {
	for {
		s.mu.RLock()
		done, moved := s.mu.applied >= index, s.mu.moved
		s.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stopped:
			return kv.ErrClosed
		}
	}
}

// commit makes a change and returns when the directory holds it. When a condition failed it returns
// kv.ErrConditionFailed with the directory caught up, so that the caller can decide again.
func (s *Service) commit(ctx context.Context, op string, b *kv.Batch) error {
	res, err := s.store.Commit(ctx, kv.Control, b)
	if errors.Is(err, kv.ErrConditionFailed) {
		view, verr := s.store.View(ctx, kv.Control)
		if verr != nil {
			return storeError(op, verr)
		}
		index := view.Index()
		if cerr := errors.Join(view.Close(), s.await(ctx, index)); cerr != nil {
			return storeError(op, cerr)
		}
		return err
	}
	if err == nil {
		err = s.await(ctx, res.Index)
	}
	return storeError(op, err)
}

// storeError gives an error of the store its kind.
func storeError(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kv.ErrNoSpace):
		return errs.Wrap(op, errs.NoSpace, err)
	case errors.Is(err, kv.ErrClosed), errors.Is(err, kv.ErrUnknownOutcome):
		return errs.Wrap(op, errs.Unavailable, err)
	}
	return errs.Wrap(op, errs.Internal, err)
}
