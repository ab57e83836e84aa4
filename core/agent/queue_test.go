package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Each key is worked on by one at a time, all of them by few, and what is added meanwhile is not lost.
func TestQueue(t *testing.T) {
	const keys, parallel, adds = 10, 3, 200
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	busy, wanted, done := map[string]bool{}, map[string]int{}, map[string]int{}
	var now, most atomic.Int32
	q := newQueue(ctx, parallel, func(_ context.Context, key string) error {
		mu.Lock()
		if busy[key] {
			t.Errorf("%s is worked on twice at a time", key)
		}
		busy[key] = true
		seen := wanted[key]
		mu.Unlock()
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(time.Millisecond)
		now.Add(-1)
		mu.Lock()
		busy[key], done[key] = false, seen
		mu.Unlock()
		return nil
	}, slog.New(slog.DiscardHandler))
	for n := range adds {
		key := fmt.Sprint(n % keys)
		mu.Lock()
		wanted[key]++
		mu.Unlock()
		q.add(key)
		if n%7 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	q.all.Wait()
	for key, n := range wanted {
		if done[key] != n {
			t.Errorf("%s: the last look saw %d of %d", key, done[key], n)
		}
	}
	if most.Load() > parallel {
		t.Errorf("%d at a time", most.Load())
	}
}

// A failure is tried again, ever later, and the queue ends with its context.
func TestQueueTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var at []time.Duration
		begin := time.Now()
		q := newQueue(ctx, 1, func(context.Context, string) error {
			at = append(at, time.Since(begin))
			return errors.New("not yet")
		}, slog.New(slog.DiscardHandler))
		q.add("i-1")
		time.Sleep(time.Second)
		synctest.Wait()
		if len(at) != 3 || at[1] != 200*time.Millisecond || at[2] != 600*time.Millisecond {
			t.Errorf("tried at %v", at)
		}
		q.add("i-1") // waits for its turn
		time.Sleep(100 * time.Millisecond)
		q.hurry("i-1") // does not
		synctest.Wait()
		if len(at) != 4 || at[3] != 1100*time.Millisecond {
			t.Errorf("tried at %v", at)
		}
		cancel()
		q.wait()
		q.add("i-2") // does nothing any more
	})
}
