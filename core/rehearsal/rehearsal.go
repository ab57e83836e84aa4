// Package rehearsal lets a change be decided on and not made: what EC2 calls a dry run.
//
// It guarantees that nothing is committed to a [Store] under a context of [Begin]: the commit fails, after everything that the
// change is refused for had its say. It knows nothing of what is changed.
package rehearsal

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// ErrDone is the failure of a commit that came so far.
var ErrDone = errors.New("rehearsal: nothing is committed")

type key struct{}

// Begin makes a context under which a Store commits nothing.
func Begin(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Store makes a store that takes part in rehearsals.
func Store(s kv.Store) kv.Store { return store{s} }

type store struct{ kv.Store }

// Commit refuses in a rehearsal.
func (r store) Commit(ctx context.Context, s kv.Shard, b *kv.Batch) (kv.Result, error) {
	if ctx.Value(key{}) != nil {
		return kv.Result{}, ErrDone
	}
	return r.Store.Commit(ctx, s, b)
}
