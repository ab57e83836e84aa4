package local

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// tail holds the last events of a shard for its watchers. It begins with the first Watch: a shard that
// nobody watches copies nothing. Appending is ordered by the shard's lock; events may be held before they
// are durable, and a watcher asks progress before it takes one.
type tail struct {
	on         atomic.Bool
	maxBatches int
	maxBytes   int
	mu         struct {
		sync.Mutex
		floor  kv.Index // the events after floor are held, without a gap
		events []heldEvent
		bytes  int
	}
}

type heldEvent struct {
	kv.Event
	bytes int
	lost  bool // too large to hold
}

func (t *tail) init(maxBatches, maxBytes int) { t.maxBatches, t.maxBytes = maxBatches, maxBytes }

// start begins to hold the events after index. The shard's lock is held.
func (t *tail) start(index kv.Index) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on.Load() {
		t.mu.floor = index
		t.on.Store(true)
	}
}

// append adds the event of commit index. The shard's lock is held.
func (t *tail) append(index kv.Index, e heldEvent) {
	if !t.on.Load() {
		return
	}
	e.Index = index
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.lost {
		t.mu.floor, t.mu.bytes = index, 0
		clear(t.mu.events)
		t.mu.events = t.mu.events[:0]
		return
	}
	t.mu.events = append(t.mu.events, e)
	t.mu.bytes += e.bytes
	drop := 0
	for drop < len(t.mu.events) && (len(t.mu.events)-drop > t.maxBatches || t.mu.bytes > t.maxBytes) {
		t.mu.bytes -= t.mu.events[drop].bytes
		t.mu.floor = t.mu.events[drop].Index
		t.mu.events[drop] = heldEvent{}
		drop++
	}
	t.mu.events = t.mu.events[drop:] // append moves the rest to the front when the room at the end is used up
}

// after returns the event that follows index, if it is held.
func (t *tail) after(index kv.Index) (kv.Event, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(index - t.mu.floor)
	if index < t.mu.floor || i >= len(t.mu.events) {
		return kv.Event{}, false
	}
	return t.mu.events[i].Event, true
}

func (t *tail) covers(index kv.Index) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.on.Load() && index >= t.mu.floor
}

// event copies what watchers will see of b. The shard's lock is held, and b is not applied yet.
func (sh *shard) event(b *kv.Batch) (heldEvent, error) {
	var e heldEvent
	if !sh.tail.on.Load() {
		return e, nil
	}
	e.bytes = 64 + b.Len()
	for i := range b.Ops {
		switch o := &b.Ops[i]; o.Kind {
		case kv.OpPut:
			e.Puts = append(e.Puts, kv.KV{Key: bytes.Clone(o.Key), Value: bytes.Clone(o.Value)})
			e.bytes += 48
		case kv.OpDelete:
			e.Deletes = append(e.Deletes, bytes.Clone(o.Key))
			e.bytes += 24
		case kv.OpDeleteRange:
			if err := sh.expand(&e, o.Key, o.Value); err != nil {
				return e, err
			}
		}
		if e.bytes > sh.tail.maxBytes {
			return heldEvent{lost: true}, nil
		}
	}
	return e, nil
}

// expand adds the keys that exist in [lower, upper) to the deletes of e, until e is too large anyway.
func (sh *shard) expand(e *heldEvent, lower, upper []byte) error {
	lo, hi := fsm.UserBounds(sh.id, lower, upper)
	it, err := sh.st.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return fmt.Errorf("local: list a range: %w", err)
	}
	for ok := it.First(); ok && e.bytes <= sh.tail.maxBytes; ok = it.Next() {
		key := bytes.Clone(it.Key()[fsm.PrefixLen:])
		e.Deletes = append(e.Deletes, key)
		e.bytes += 24 + len(key)
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("local: list a range: %w", err)
	}
	return nil
}

// Watch streams the commits after from.
func (st *Store) Watch(ctx context.Context, s kv.Shard, from kv.Index) (kv.Watcher, error) {
	sh, err := st.enter(s)
	if err != nil {
		return nil, err
	}
	defer st.leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sh.mu.Lock()
	now := sh.mu.machine.Record().Index
	sh.tail.start(now)
	sh.mu.Unlock()
	if from > now || !sh.tail.covers(from) {
		return nil, fmt.Errorf("%w: shard %d at %d, asked for %d", kv.ErrCompacted, s, now, from)
	}
	st.watchers.Add(1)
	return &watcher{sh: sh, at: from, done: make(chan struct{})}, nil
}

// watcher walks the tail of a shard. Next is for one goroutine; Close may come from any.
type watcher struct {
	sh   *shard
	at   kv.Index // the last event returned
	done chan struct{}
	once sync.Once
}

func (w *watcher) Next(ctx context.Context) (kv.Event, error) {
	if err := w.wait(ctx); err != nil {
		return kv.Event{}, err
	}
	e, ok := w.sh.tail.after(w.at)
	if !ok {
		return kv.Event{}, fmt.Errorf("%w: watcher of shard %d at %d fell behind", kv.ErrCompacted, w.sh.id, w.at)
	}
	w.at = e.Index
	return e, nil
}

// wait blocks until the next event is durable.
func (w *watcher) wait(ctx context.Context) error {
	select {
	case <-w.done:
		return kv.ErrClosed
	case <-w.sh.st.closed:
		return kv.ErrClosed
	default:
	}
	p := &w.sh.durable
	for !p.reached(w.at + 1) {
		moved := p.watch()
		if p.reached(w.at + 1) {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-w.done:
			return kv.ErrClosed
		case <-w.sh.st.closed:
			return kv.ErrClosed
		case <-w.sh.st.guard.failed:
			return w.sh.st.Err()
		}
	}
	return ctx.Err()
}

func (w *watcher) Close() {
	w.once.Do(func() {
		close(w.done)
		w.sh.st.watchers.Add(-1)
	})
}
