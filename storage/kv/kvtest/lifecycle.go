package kvtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
)

func testCancelled(t *testing.T, f *fixture) {
	f.put(1, "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.st.Commit(ctx, 1, batch(func(b *kv.Batch) { b.Put([]byte("a"), []byte("2")) })); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v, want context.Canceled", err)
	}
	if _, err := f.st.Get(ctx, 1, []byte("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("get: %v, want context.Canceled", err)
	}
	if _, err := f.st.View(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("view: %v, want context.Canceled", err)
	}
	if _, err := f.st.Watch(ctx, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("watch: %v, want context.Canceled", err)
	}
	w := f.watch(1, 1)
	if _, err := w.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("next: %v, want context.Canceled", err)
	}
	f.want(1, "a", "1", 1)

	// Cancelled at any moment, a commit says "unknown" or the truth.
	acked := 0
	for i := range 200 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*time.Microsecond)
		_, err := f.st.Commit(ctx, 1, batch(func(b *kv.Batch) { b.Put(key("c", i), nil) }))
		cancel()
		switch {
		case err == nil:
			acked++
			if _, err := f.st.Get(f.ctx(), 1, key("c", i)); err != nil {
				t.Fatalf("acknowledged commit %d: %v", i, err)
			}
		case errors.Is(err, kv.ErrUnknownOutcome):
		case errors.Is(err, context.DeadlineExceeded):
			if _, err := f.st.Get(f.ctx(), 1, key("c", i)); !errors.Is(err, kv.ErrNotFound) {
				t.Fatalf("commit %d was said not to have begun, but: %v", i, err)
			}
		default:
			t.Fatalf("commit %d: %v", i, err)
		}
	}
	t.Logf("%d of 200 commits outran their deadline", acked)
}

func testClosed(t *testing.T, f *fixture) {
	f.put(1, "a", "1")
	v := f.view(1)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.st.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := f.st.Commit(f.ctx(), 1, batch(func(b *kv.Batch) { b.Put([]byte("a"), nil) })); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("commit: %v, want ErrClosed", err)
	}
	if _, err := f.st.Get(f.ctx(), 1, []byte("a")); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("get: %v, want ErrClosed", err)
	}
	if _, err := f.st.View(f.ctx(), 1); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("view: %v, want ErrClosed", err)
	}
	if _, err := f.st.Watch(f.ctx(), 1, 1); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("watch: %v, want ErrClosed", err)
	}
	if u := f.st.Usage(); u.Commits != 0 {
		t.Errorf("usage of a closed store: %+v", u)
	}
}

// testCloseUnderLoad closes a busy store: every commit must end, and what was acknowledged must be there.
func testCloseUnderLoad(t *testing.T, f *fixture) {
	const clients = 8
	var acked [clients]int
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := 1; ; n++ {
				_, err := f.st.Commit(context.Background(), kv.Shard(c%Shards), batch(func(b *kv.Batch) { b.Put(key("k", c), key(n)) }))
				if errors.Is(err, kv.ErrClosed) || errors.Is(err, kv.ErrUnknownOutcome) {
					return
				}
				if err != nil {
					t.Errorf("commit: %v", err)
					return
				}
				acked[c] = n
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := f.st.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	f.st = nil
	f.reopen()
	for c := range clients {
		got, _ := f.get(kv.Shard(c%Shards), string(key("k", c)))
		if got != fmt.Sprint(acked[c]) && got != fmt.Sprint(acked[c]+1) && acked[c] > 0 {
			t.Errorf("client %d had %d acknowledged, the store has %q", c, acked[c], got)
		}
	}
}

func testReopen(t *testing.T, f *fixture) {
	i := f.put(1, "a", "1")
	j := f.commit(1, func(b *kv.Batch) { b.Put([]byte("b"), []byte("2")); b.Add([]byte("n"), 7) })
	f.put(1, "gone", "x")
	k := f.commit(1, func(b *kv.Batch) { b.Delete([]byte("gone")) })
	f.put(Shards-1, "last", "x")
	for range 3 {
		f.reopen()
		f.want(1, "a", "1", i)
		f.want(1, "b", "2", j)
		f.want(1, "gone", "", 0)
		f.want(Shards-1, "last", "x", 1)
		if n := f.counter(1, "n"); n != 7 {
			t.Fatalf("counter is %d, want 7", n)
		}
		if v := f.view(1); v.Index() != k {
			t.Fatalf("view at %d, want %d", v.Index(), k)
		} else if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.put(1, "a", "2"); got != k+1 {
		t.Fatalf("first commit after the reopen got %d, want %d", got, k+1)
	}
	f.refused(1, kv.ErrConditionFailed, func(b *kv.Batch) { b.IfRevision([]byte("a"), i); b.Put([]byte("a"), nil) })
	if _, err := f.st.Watch(f.ctx(), 1, i); !errors.Is(err, kv.ErrCompacted) {
		t.Fatalf("watch from before the reopen: %v, want ErrCompacted", err)
	}
}

func testUsage(t *testing.T, f *fixture) {
	f.put(1, "a", "1")
	f.refused(1, kv.ErrConditionFailed, func(b *kv.Batch) { b.IfAbsent([]byte("a")); b.Put([]byte("a"), nil) })
	v, w := f.view(1), f.watch(1, 1)
	u := f.st.Usage()
	if u.Commits != 1 || u.Conflicts != 1 || u.Views != 1 || u.Watchers != 1 || u.DiskBytes == 0 || u.LogBytes == 0 {
		t.Errorf("usage %+v", u)
	}
	w.Close()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if u := f.st.Usage(); u.Views != 0 || u.Watchers != 0 {
		t.Errorf("usage %+v after closing all", u)
	}
}
