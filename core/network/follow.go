package network

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

// load lists all rows into a new state and starts a watch right behind them.
func (s *Service) load(ctx context.Context) (kv.Watcher, error) {
	const attempts = 10 // the first watch of a shard may be refused: see kv.Store.Watch
	for range attempts {
		st, index, err := s.list(ctx)
		if err != nil {
			return nil, err
		}
		w, err := s.store.Watch(ctx, kv.Control, index)
		if errors.Is(err, kv.ErrCompacted) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("network: watching the control shard: %w", err)
		}
		s.mu.Lock()
		s.mu.state = st
		s.advance(index, true)
		s.mu.Unlock()
		return w, nil
	}
	return nil, fmt.Errorf("network: watching the control shard: %w", kv.ErrCompacted)
}

// list reads all rows of one snapshot.
func (s *Service) list(ctx context.Context) (*state, kv.Index, error) {
	view, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return nil, 0, fmt.Errorf("network: reading networks: %w", err)
	}
	defer view.Close()
	st := newState()
	it := view.Scan(kv.ScanOptions{Lower: []byte(rowPrefix), Upper: rowsEnd()})
	var bad error
	for ok := it.First(); ok && bad == nil; ok = it.Next() {
		_, bad = st.put(it.Key(), it.Value(), it.Revision())
	}
	if err := errors.Join(it.Close(), bad); err != nil {
		return nil, 0, fmt.Errorf("network: reading networks: %w", err)
	}
	return st, view.Index(), nil
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
		s.log.Warn("watch of networks ended; listing again", "error", err)
		for {
			if w, err = s.load(ctx); err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
				return
			}
			s.log.Error("networks cannot be listed", "error", err)
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
		changed := false
		// What goes before what comes: an address may move from one row to another in one commit, never the reverse.
		for _, row := range ev.Deletes {
			changed = s.mu.state.remove(row) || changed
		}
		for _, p := range ev.Puts {
			ours, err := s.mu.state.put(p.Key, p.Value, ev.Index)
			if err != nil { // a bad row makes its own resource stale, never the rest
				s.log.Error("network row is unreadable", "error", err)
			}
			changed = ours || changed
		}
		s.advance(ev.Index, changed)
		s.mu.Unlock()
	}
}

// advance notes how far the state goes, and whether the network differs from before. s.mu is held.
func (s *Service) advance(index kv.Index, changed bool) {
	s.mu.applied = max(s.mu.applied, index)
	close(s.mu.moved)
	s.mu.moved = make(chan struct{})
	if changed {
		close(s.mu.changed)
		s.mu.changed = make(chan struct{})
	}
}

// Await returns when reads see commit index.
func (s *Service) Await(ctx context.Context, index kv.Index) error {
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

// CatchUp returns when reads see every commit that is durable now.
func (s *Service) CatchUp(ctx context.Context) error {
	view, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return err
	}
	index := view.Index()
	return errors.Join(view.Close(), s.Await(ctx, index))
}

// attempts bounds how often a change is decided anew when others changed the same rows.
const attempts = 32

// change decides on a change and commits it, as often as others win a race. decide runs with s.mu read-locked: it must
// not block, nor call what locks. The memory holds the change when change returns.
func (s *Service) change(ctx context.Context, op, account string, decide func(*Tx) error) error {
	if err := s.Ensure(ctx, account); err != nil {
		return err
	}
	return s.commit(ctx, op, account, nil, decide)
}

// commit is change without making sure of the default VPC. prepare, if there is one, runs before each attempt, unlocked.
func (s *Service) commit(ctx context.Context, op, account string, prepare func() error, decide func(*Tx) error) error {
	for range attempts {
		if prepare != nil {
			if err := prepare(); err != nil {
				return err
			}
		}
		b := &kv.Batch{}
		tx := s.Begin(b, account)
		s.mu.RLock()
		err := decide(tx)
		s.mu.RUnlock()
		if err != nil {
			return err
		}
		tx.Flush()
		if len(b.Ops) == 0 {
			return nil // what was asked for is so already
		}
		res, err := s.store.Commit(ctx, kv.Control, b)
		if errors.Is(err, kv.ErrConditionFailed) {
			if err := s.CatchUp(ctx); err != nil {
				return storeError(op, err)
			}
			continue
		}
		if err == nil {
			err = s.Await(ctx, res.Index)
		}
		return storeError(op, err)
	}
	return &errs.E{Op: op, Kind: errs.Unavailable, Reason: "RequestLimitExceeded", Msg: "Request limit exceeded."}
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
