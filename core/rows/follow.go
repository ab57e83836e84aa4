package rows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// retryAfter is how long a follower waits after an error of the store before it begins again.
const retryAfter = 200 * time.Millisecond

// Memory is what a Follower keeps up to date. Its functions are called one at a time.
type Memory struct {
	Prefix string // of the rows
	What   string // they hold, for logs: "accounts"
	// Load takes the rows of a snapshot, the one that index made, in place of all that is known. When it fails, what was
	// known stays.
	Load func(rows kv.Iterator, index kv.Index) error
	// Apply takes one commit, which may have touched rows below other prefixes only.
	Apply func(kv.Event)
}

// Follower applies the commits of the control shard to a Memory. It is safe for concurrent use.
type Follower struct {
	store kv.Store
	log   *slog.Logger
	mem   Memory

	cancel  context.CancelFunc
	stopped chan struct{} // closed when run has returned

	mu struct {
		sync.Mutex
		applied kv.Index      // the memory holds every commit up to here
		moved   chan struct{} // closed and replaced when applied grows
	}
}

// Follow loads the rows and follows the store from then on, until Close or until the store is closed. ctx bounds the
// loading.
func Follow(ctx context.Context, store kv.Store, log *slog.Logger, mem Memory) (*Follower, error) {
	f := &Follower{store: store, log: log, mem: mem, stopped: make(chan struct{})}
	f.mu.moved = make(chan struct{})
	w, err := f.load(ctx)
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel = cancel
	go f.run(run, w)
	return f, nil
}

// Close stops following the store. The memory stays as it is.
func (f *Follower) Close() {
	f.cancel()
	<-f.stopped
}

// load lists all rows and starts a watch right behind them.
func (f *Follower) load(ctx context.Context) (kv.Watcher, error) {
	var index kv.Index
	w, err := watch(ctx, f.store, func(v kv.View) error {
		index = v.Index()
		return f.list(v)
	})
	if err != nil {
		return nil, err
	}
	f.advance(index)
	return w, nil
}

func (f *Follower) list(v kv.View) error {
	it := v.Scan(kv.ScanOptions{Lower: []byte(f.mem.Prefix), Upper: keys.PrefixEnd([]byte(f.mem.Prefix))})
	if err := errors.Join(f.mem.Load(it, v.Index()), it.Close()); err != nil {
		return fmt.Errorf("reading %s: %w", f.mem.What, err)
	}
	return nil
}

// run applies commits until ctx ends or the store is closed. It owns w.
func (f *Follower) run(ctx context.Context, w kv.Watcher) {
	defer close(f.stopped)
	for {
		err := f.apply(ctx, w)
		w.Close()
		if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
			return
		}
		f.log.Warn("a watch ended; listing again", "rows", f.mem.What, "error", err)
		for {
			if w, err = f.load(ctx); err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
				return
			}
			f.log.Error("rows cannot be listed", "rows", f.mem.What, "error", err)
			pause(ctx)
		}
	}
}

// apply takes events from w until it fails.
func (f *Follower) apply(ctx context.Context, w kv.Watcher) error {
	for {
		ev, err := w.Next(ctx)
		if err != nil {
			return err
		}
		f.mem.Apply(ev)
		f.advance(ev.Index)
	}
}

// advance notes how far the memory goes.
func (f *Follower) advance(index kv.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.applied = max(f.mu.applied, index)
	close(f.mu.moved)
	f.mu.moved = make(chan struct{})
}

// Await returns when the memory holds commit index.
func (f *Follower) Await(ctx context.Context, index kv.Index) error {
	for {
		f.mu.Lock()
		done, moved := f.mu.applied >= index, f.mu.moved
		f.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.stopped:
			return kv.ErrClosed
		}
	}
}

// CatchUp returns when the memory holds every commit that is durable now.
func (f *Follower) CatchUp(ctx context.Context) error {
	v, err := f.store.View(ctx, kv.Control)
	if err != nil {
		return err
	}
	index := v.Index()
	return errors.Join(v.Close(), f.Await(ctx, index))
}

// pause waits before another attempt.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(retryAfter):
	}
}
