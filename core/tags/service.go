package tags

import (
	"context"
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Owner knows the resources of some kinds.
type Owner interface {
	// TagRow finds the row that exists as long as the resource does. mine is false for ids of kinds that are not this
	// owner's. An id of the owner's kinds that does not exist in the account is an *errs.E with the kind's code.
	TagRow(v kv.View, account, id string) (row []byte, mine bool, err error)
}

// Service changes tags of resources that exist.
type Service struct {
	store  kv.Store
	owners []Owner
}

// NewService makes a Service. Among them the owners know every kind of resource that can be tagged.
func NewService(store kv.Store, owners ...Owner) *Service {
	return &Service{store: store, owners: owners}
}

// InvalidID is the reason of an id of no kind that anybody owns.
const InvalidID errs.Reason = "InvalidID"

// attempts bounds how often a change begins again because others changed the same resources.
const attempts = 64

// Create adds tags to resources, or replaces their values.
func (s *Service) Create(ctx context.Context, account string, ids []string, list []Tag) error {
	add, err := New(list)
	if err != nil {
		return err
	}
	return s.change(ctx, account, ids, func(have Set) (Set, error) {
		for _, t := range add {
			have = have.with(t)
		}
		return have, have.checkCount()
	})
}

// Removal names tags to remove: those of a key, or of a key and value.
type Removal struct {
	Key   string
	Value *string // nil is any
}

// Remove removes tags from resources; those that are not there are no error. A nil list removes all that the user made.
func (s *Service) Remove(ctx context.Context, account string, ids []string, list []Removal) error {
	for _, r := range list {
		if err := check(Tag{Key: r.Key}); err != nil {
			return err
		}
	}
	return s.change(ctx, account, ids, func(have Set) (Set, error) {
		if len(list) == 0 {
			return nil, nil
		}
		for _, r := range list {
			have = have.without(r.Key, r.Value)
		}
		return have, nil
	})
}

func (s *Service) change(ctx context.Context, account string, ids []string, f func(Set) (Set, error)) error {
	for range attempts {
		b, err := s.plan(ctx, account, ids, f)
		if err != nil {
			return err
		}
		_, err = s.store.Commit(ctx, kv.Control, b)
		if !errors.Is(err, kv.ErrConditionFailed) {
			return errs.Wrap("tags.change", errs.Internal, err)
		}
	}
	return errs.New(errs.Unavailable, "", "The resources change too often; try again.")
}

// plan builds the batch of a change on one view.
func (s *Service) plan(ctx context.Context, account string, ids []string, f func(Set) (Set, error)) (_ *kv.Batch, err error) {
	v, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return nil, errs.Wrap("tags.change", errs.Internal, err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	b := new(kv.Batch)
	done := make(map[string]bool, len(ids))
	for _, id := range ids {
		if done[id] {
			continue
		}
		done[id] = true
		owned, err := s.rowOf(v, account, id)
		if err != nil {
			return nil, err
		}
		have, rev, err := read(v, account, id)
		if err != nil {
			return nil, errs.Wrap("tags.change", errs.Internal, err)
		}
		want, err := f(have)
		if err != nil {
			return nil, err
		}
		b.IfExists(owned)
		k := row(account, id)
		b.IfRevision(k, rev)
		if len(want) > 0 {
			b.Put(k, encode(want))
		} else {
			b.Delete(k)
		}
	}
	return b, nil
}

func (s *Service) rowOf(v kv.View, account, id string) ([]byte, error) {
	for _, o := range s.owners {
		row, mine, err := o.TagRow(v, account, id)
		if err != nil {
			return nil, err
		}
		if mine {
			return row, nil
		}
	}
	const shown = 64
	return nil, errs.New(errs.NotFound, InvalidID, "The ID '%s' is not valid", id[:min(len(id), shown)]).On(id)
}

// View opens a view of the rows, for [Of] and [All].
func (s *Service) View(ctx context.Context) (kv.View, error) {
	v, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	return v, nil
}
