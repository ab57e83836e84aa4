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

// watch starts at from; an engine may refuse the very first watch of a shard.
func (f *fixture) watch(s kv.Shard, from kv.Index) kv.Watcher {
	f.Helper()
	w, err := f.st.Watch(f.ctx(), s, from)
	if errors.Is(err, kv.ErrCompacted) {
		w, err = f.st.Watch(f.ctx(), s, from)
	}
	if err != nil {
		f.Fatalf("watch from %d: %v", from, err)
	}
	f.Cleanup(w.Close)
	return w
}

func (f *fixture) next(w kv.Watcher) kv.Event {
	f.Helper()
	e, err := w.Next(f.ctx())
	if err != nil {
		f.Fatalf("next event: %v", err)
	}
	return e
}

func testWatchOrder(t *testing.T, f *fixture) {
	f.put(1, "before", "x")
	w := f.watch(1, 1)
	f.put(2, "other shard", "x")
	buf := []byte("value")
	i := f.commit(1, func(b *kv.Batch) {
		b.Put([]byte("b"), buf)
		b.Put([]byte("a"), nil)
		b.Delete([]byte("before"))
		b.Add([]byte("n"), 1)
	})
	copy(buf, "xxxxx") // the event must not share memory with the batch
	f.refused(1, kv.ErrConditionFailed, func(b *kv.Batch) { b.IfExists([]byte("no")); b.Put([]byte("c"), nil) })
	j := f.commit(1, func(b *kv.Batch) { b.Add([]byte("n"), 1) })

	e := f.next(w)
	if e.Index != i || len(e.Puts) != 2 || len(e.Deletes) != 1 {
		t.Fatalf("first event is %+v", e)
	}
	if string(e.Puts[0].Key) != "b" || string(e.Puts[0].Value) != "value" || string(e.Puts[1].Key) != "a" {
		t.Fatalf("puts are %q", e.Puts)
	}
	if string(e.Deletes[0]) != "before" {
		t.Fatalf("deletes are %q", e.Deletes)
	}
	if e = f.next(w); e.Index != j || len(e.Puts)+len(e.Deletes) != 0 {
		t.Fatalf("second event is %+v, want an empty one at %d", e, j)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if e, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("after the last event: %+v, %v", e, err)
	}
	f.put(1, "more", "x")
	if e = f.next(w); e.Index != j+1 {
		t.Fatalf("event %d after a cancelled wait, want %d", e.Index, j+1)
	}
}

// testWatchResume checks the pattern of every user: list a view, watch from its index, lose nothing.
func testWatchResume(t *testing.T, f *fixture) {
	const writers, each = 4, 40
	var wg sync.WaitGroup
	for c := range writers {
		wg.Go(func() {
			for n := range each {
				b := batch(func(b *kv.Batch) { b.Put(key("k", c), key(n)) })
				if _, err := f.st.Commit(f.ctx(), 1, b); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	defer wg.Wait()
	state := map[string]string{}
	lists := 0
	for at := kv.Index(0); at < writers*each; {
		if lists++; lists > 1000 {
			t.Fatal("a watcher never catches up")
		}
		v := f.view(1)
		rows, err := scan(v, kv.ScanOptions{}, false)
		if err != nil {
			t.Fatal(err)
		}
		clear(state)
		for _, r := range rows {
			state[r.key] = r.value
		}
		at = v.Index()
		_ = v.Close()
		w, err := f.st.Watch(f.ctx(), 1, at)
		for err == nil && at < writers*each {
			var e kv.Event
			if e, err = w.Next(f.ctx()); err != nil {
				break
			}
			if at++; e.Index != at {
				t.Fatalf("event %d, want %d", e.Index, at)
			}
			for _, p := range e.Puts {
				state[string(p.Key)] = string(p.Value)
			}
		}
		if w != nil {
			w.Close()
		}
		if err != nil && !errors.Is(err, kv.ErrCompacted) {
			t.Fatal(err)
		}
	}
	for c := range writers {
		if got, want := state[string(key("k", c))], fmt.Sprint(each-1); got != want {
			t.Errorf("key of writer %d is %q in the end, want %q", c, got, want)
		}
	}
}

func testWatchCompacted(t *testing.T, f *fixture) {
	slow := f.watch(1, 0)
	for i := range 4 * KeptEvents {
		f.put(1, fmt.Sprint(i), "x")
	}
	if e, err := slow.Next(f.ctx()); !errors.Is(err, kv.ErrCompacted) {
		t.Fatalf("a slow watcher got %+v, %v, want ErrCompacted", e, err)
	}
	if _, err := f.st.Watch(f.ctx(), 1, 1); !errors.Is(err, kv.ErrCompacted) {
		t.Fatalf("watch from 1: %v, want ErrCompacted", err)
	}
	if _, err := f.st.Watch(f.ctx(), 1, 4*KeptEvents+1); !errors.Is(err, kv.ErrCompacted) {
		t.Fatalf("watch from the future: %v, want ErrCompacted", err)
	}
	w := f.watch(1, 4*KeptEvents-1)
	if e := f.next(w); e.Index != 4*KeptEvents {
		t.Fatalf("event %d, want %d", e.Index, 4*KeptEvents)
	}
}

func testWatchEnds(t *testing.T, f *fixture) {
	w1, w2 := f.watch(1, 0), f.watch(1, 0)
	errs := make(chan error, 2)
	for _, w := range []kv.Watcher{w1, w2} {
		go func() {
			_, err := w.Next(context.Background())
			errs <- err
		}()
	}
	wait := func() {
		t.Helper()
		select {
		case err := <-errs:
			if !errors.Is(err, kv.ErrClosed) {
				t.Errorf("a blocked watcher got %v, want ErrClosed", err)
			}
		case <-time.After(patience):
			t.Fatal("a watcher still blocks")
		}
	}
	w1.Close()
	w1.Close()
	wait()
	if err := f.st.Close(); err != nil {
		t.Error(err)
	}
	wait()
	if _, err := w2.Next(context.Background()); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("watcher of a closed store: %v", err)
	}
}

func testWatchRange(t *testing.T, f *fixture) {
	f.commit(1, func(b *kv.Batch) {
		for _, k := range []string{"a", "b", "c", "d"} {
			b.Put([]byte(k), nil)
		}
	})
	w := f.watch(1, 1)
	f.commit(1, func(b *kv.Batch) { b.DeleteRange([]byte("b"), []byte("d")) })
	e := f.next(w)
	var got []string
	for _, k := range e.Deletes {
		got = append(got, string(k))
	}
	if !equal(got, []string{"b", "c"}) {
		t.Fatalf("deletes of a range are %q, want b and c", got)
	}
	// A batch that is too large to hold must end the watch, not be skipped.
	f.commit(1, func(b *kv.Batch) {
		for i := range 7 {
			b.Put(key("big", i), make([]byte, 4<<20))
		}
	})
	e, err := w.Next(f.ctx())
	if err == nil && len(e.Puts) != 7 || err != nil && !errors.Is(err, kv.ErrCompacted) {
		t.Fatalf("after a large batch: %d puts, %v", len(e.Puts), err)
	}
}
