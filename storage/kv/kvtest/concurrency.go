package kvtest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// testIncrements counts with read, decide, commit: no increment may be lost.
func testIncrements(t *testing.T, f *fixture) {
	const clients, each = 8, 25
	k := []byte("n")
	increment := func() error {
		v, err := f.st.Get(f.ctx(), 1, k)
		var n int64
		switch {
		case err == nil:
			if n, err = kv.DecodeCounter(v.Data); err != nil {
				return err
			}
		case !errors.Is(err, kv.ErrNotFound):
			return err
		}
		_, err = f.st.Commit(f.ctx(), 1, batch(func(b *kv.Batch) {
			b.IfRevision(k, v.Revision)
			b.Put(k, kv.EncodeCounter(n+1))
		}))
		return err
	}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for done := 0; done < each; {
				switch err := increment(); {
				case err == nil:
					done++
				case !errors.Is(err, kv.ErrConditionFailed):
					t.Errorf("increment: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := f.counter(1, "n"); n != clients*each {
		t.Fatalf("counted %d, want %d", n, clients*each)
	}
}

// testOneWinner lets many create the same key: one may succeed, and losers must see the winner's value.
func testOneWinner(t *testing.T, f *fixture) {
	for round := range 20 {
		var wins atomic.Int32
		var wg sync.WaitGroup
		k := key("round", round)
		for c := range 8 {
			wg.Go(func() {
				mine := key("client", c)
				_, err := f.st.Commit(f.ctx(), 1, batch(func(b *kv.Batch) { b.IfAbsent(k); b.Put(k, mine) }))
				switch {
				case err == nil:
					wins.Add(1)
				case errors.Is(err, kv.ErrConditionFailed):
					v, err := f.st.Get(f.ctx(), 1, k)
					if err != nil || string(v.Data) == string(mine) {
						t.Errorf("loser reads %q, %v", v.Data, err)
					}
				default:
					t.Errorf("commit: %v", err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, wins.Load())
		}
	}
}

// testAdds adds from many sides under a limit: every success counts, and the limit holds at any moment.
func testAdds(t *testing.T, f *fixture) {
	const clients, each, limit = 8, 30, 100
	var added atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				_, err := f.st.Commit(f.ctx(), 1, batch(func(b *kv.Batch) {
					b.Add([]byte("quota"), 1)
					b.IfCounterAtMost([]byte("quota"), limit)
					b.Add([]byte("all"), 1)
				}))
				switch {
				case err == nil:
					added.Add(1)
				case !errors.Is(err, kv.ErrConditionFailed):
					t.Errorf("add: %v", err)
				}
				if n := f.counter(1, "quota"); n > limit {
					t.Errorf("quota is %d, over its limit %d", n, limit)
				}
			}
		})
	}
	wg.Wait()
	if q, a := f.counter(1, "quota"), f.counter(1, "all"); q != limit || a != q || added.Load() != q {
		t.Fatalf("quota %d, other counter %d, acknowledged %d, want %d each", q, a, added.Load(), limit)
	}
}
