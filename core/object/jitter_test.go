package object_test

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// jitterStore widens the windows between a read and the commit that rests on it, as a network or a busy disk does.
type jitterStore struct{ kv.Store }

func jitter(c *object.Config) { c.Store = jitterStore{c.Store} }

func (j jitterStore) Commit(ctx context.Context, s kv.Shard, b *kv.Batch) (kv.Result, error) {
	pause()
	return j.Store.Commit(ctx, s, b)
}

func (j jitterStore) Get(ctx context.Context, s kv.Shard, key []byte) (kv.Value, error) {
	v, err := j.Store.Get(ctx, s, key)
	pause()
	return v, err
}

func pause() {
	if rand.IntN(3) == 0 {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Microsecond)
	}
}
