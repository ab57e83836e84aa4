package ec2api

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// networkSource hands out records that package network holds in memory, in order, with their tags. R is the record, T the form
// in which it is answered.
type networkSource[R, T any] struct {
	after func(account, id string, n int) []*R // records behind an id
	get   func(id string) *R                   // of whatever account; nil when there is none
	id    func(*R) (id, account string)
	show  func(*R, tags.Set) T

	candidates map[string]func(value string) []string
}

// atOnce is how many records are taken from memory at a time while a page is looked for.
const atOnce = 256

// source makes the source of a listing.
func (n networkSource[R, T]) source(ctx context.Context, s *Server, c *Call) *source[T] {
	walk := func(after string, yield func(T) bool) error {
		return s.withTags(ctx, c, func(tagged *tags.Cursor) error {
			size := 0 // all of one moment
			if c.common.MaxResults != nil || model.Val(c.common.NextToken) != "" {
				size = atOnce
			}
			for {
				part := n.after(c.Account(), after, size)
				for _, r := range part {
					after, _ = n.id(r)
					set, err := tagged.Of(after)
					if err != nil {
						return err
					}
					if !yield(n.show(r, set)) {
						return nil
					}
				}
				if size == 0 || len(part) < size {
					return nil
				}
			}
		})
	}
	find := func(ids []string, yield func(T) bool) error {
		return s.withTags(ctx, c, func(tagged *tags.Cursor) error {
			for _, id := range ids {
				r := n.get(id)
				if r == nil {
					continue
				}
				if _, account := n.id(r); account != c.Account() {
					continue
				}
				set, err := tagged.Of(id)
				if err != nil {
					return err
				}
				if !yield(n.show(r, set)) {
					return nil
				}
			}
			return nil
		})
	}
	return &source[T]{walk: walk, find: find, candidates: n.candidates}
}

// withTags runs f with the tags of the account's resources.
func (s *Server) withTags(ctx context.Context, c *Call, f func(*tags.Cursor) error) error {
	v, err := s.tags.View(ctx)
	if err != nil {
		return err
	}
	tagged := tags.NewCursor(v, c.Account())
	return errors.Join(f(tagged), tagged.Close(), v.Close())
}
