package network

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// once is change for what makes one thing under a client token: the token is recorded in the commit that makes it, and who
// comes with the token again gets the id of what it made.
func (s *Service) once(ctx context.Context, op, account string, tok idem.Token, decide func(*Tx) (string, error)) (string, error) {
	var id string
	if !tok.Given() {
		err := s.change(ctx, op, account, func(tx *Tx) (err error) { id, err = decide(tx); return err })
		return id, err
	}
	prepare := func() error {
		view, err := s.store.View(ctx, kv.Control)
		if err != nil {
			return rows.Failed(op, err)
		}
		defer view.Close()
		made, seen, err := tok.Lookup(view)
		if err == nil && seen && len(made) > 0 {
			id, err = made[0], errSeen
		}
		return err
	}
	if err := s.Ensure(ctx, account); err != nil {
		return "", err
	}
	err := s.commit(ctx, op, account, prepare, func(tx *Tx) error {
		made, err := decide(tx)
		id = made
		tok.Record(tx.b, made)
		return err
	})
	if errors.Is(err, errSeen) {
		return id, rows.Failed(op, s.CatchUp(ctx))
	}
	return id, err
}

// errSeen: the client token was used before.
var errSeen = errors.New("network: client token seen")

// made returns what once made, or says that it is gone since.
func made[T any](s *Service, k ids.Kind, id string, t func(*state) *table[T]) (*T, error) {
	if v := lookUp(s, id, t); v != nil {
		return v, nil
	}
	return nil, notFound(k, id)
}
