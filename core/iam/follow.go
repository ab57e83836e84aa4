package iam

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// load takes all rows of a snapshot in place of what is known.
func (s *Service) load(it kv.Iterator, _ kv.Index) error {
	dir := newDirectory(s.sealer)
	for ok := it.First(); ok; ok = it.Next() {
		if err := dir.put(it.Key(), it.Value(), it.Revision()); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.dir = dir
	return nil
}

// apply takes one commit.
func (s *Service) apply(ev kv.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
}

// commit makes a change and returns when the directory holds it. When a condition failed it returns
// kv.ErrConditionFailed with the directory caught up, so that the caller can decide again.
func (s *Service) commit(ctx context.Context, op string, b *kv.Batch) error {
	res, err := s.store.Commit(ctx, kv.Control, b)
	if errors.Is(err, kv.ErrConditionFailed) {
		if cerr := s.rows.CatchUp(ctx); cerr != nil {
			return rows.Failed(op, cerr)
		}
		return err
	}
	if err == nil {
		err = s.rows.Await(ctx, res.Index)
	}
	return rows.Failed(op, err)
}
