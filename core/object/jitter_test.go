package object_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
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

// unsureStore loses the outcome of some commits, which happened or not.
type unsureStore struct {
	kv.Store
	r *rand.Rand
}

func (u unsureStore) Commit(ctx context.Context, s kv.Shard, b *kv.Batch) (kv.Result, error) {
	switch u.r.IntN(6) {
	case 0:
		return kv.Result{}, fmt.Errorf("lost before: %w", kv.ErrUnknownOutcome)
	case 1:
		if _, err := u.Store.Commit(ctx, s, b); err != nil {
			return kv.Result{}, err
		}
		return kv.Result{}, fmt.Errorf("lost after: %w", kv.ErrUnknownOutcome)
	}
	return u.Store.Commit(ctx, s, b)
}

// TestUnknownOutcomes: a put whose outcome was lost says either that it happened, and it did, or that the outcome is
// open; whatever it is, no blob that is referred to is removed.
func TestUnknownOutcomes(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	cfg := w.cfg
	cfg.Store = unsureStore{w.store, rand.New(rand.NewPCG(1, 2))}
	s, err := object.Open(ctx, cfg)
	must(t, err)
	defer s.Close()
	sure := *w
	sure.Service = s
	outcomes := map[bool]int{}
	for i := range 150 {
		key := fmt.Sprint("k", i%7)
		data := body(i, []int{10, 2000, 9000}[i%3])
		before, _, berr := w.get("bkt", key, "")
		_, err := sure.tryPut("bkt", key, data, object.WriteConditions{})
		outcomes[err == nil]++
		got, _, gerr := w.get("bkt", key, "")
		switch {
		case err == nil && string(got) != string(data):
			t.Fatalf("put %d succeeded, but is not there: %v", i, gerr)
		case err == nil:
		case errs.KindOf(err) != errs.Unavailable:
			t.Fatalf("put %d: %v", i, err)
		case string(got) != string(before) || (gerr == nil) != (berr == nil):
			t.Fatalf("put %d failed, but changed the object", i)
		}
	}
	if outcomes[true] < 50 || outcomes[false] < 5 {
		t.Errorf("outcomes %v", outcomes)
	}
	w.collect(0)
	for i := 143; i < 150; i++ {
		if _, _, err := w.get("bkt", fmt.Sprint("k", i%7), ""); err != nil {
			t.Errorf("after collection: %v", err)
		}
	}
}
