package network

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// load takes all rows of a snapshot in place of what is known.
func (s *Service) load(it kv.Iterator, index kv.Index) error {
	st := newState()
	for ok := it.First(); ok; ok = it.Next() {
		if _, err := st.put(it.Key(), it.Value(), it.Revision()); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.state = st
	s.applied(index, true)
	return nil
}

// apply takes one commit.
func (s *Service) apply(ev kv.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	s.applied(ev.Index, changed)
}

// applied notes how far the state goes, and whether the network differs from before. s.mu is held.
func (s *Service) applied(index kv.Index, changed bool) {
	s.mu.applied = max(s.mu.applied, index)
	if changed {
		s.mu.version++
		close(s.mu.changed)
		s.mu.changed = make(chan struct{})
	}
}

// Await returns when reads see commit index.
func (s *Service) Await(ctx context.Context, index kv.Index) error { return s.rows.Await(ctx, index) }

// CatchUp returns when reads see every commit that is durable now.
func (s *Service) CatchUp(ctx context.Context) error { return s.rows.CatchUp(ctx) }

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
				return rows.Failed(op, err)
			}
			continue
		}
		if err == nil {
			err = s.Await(ctx, res.Index)
		}
		return rows.Failed(op, err)
	}
	return &errs.E{Op: op, Kind: errs.Unavailable, Reason: "RequestLimitExceeded", Msg: "Request limit exceeded."}
}
