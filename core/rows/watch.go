package rows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// Watch starts a watch of the control shard from now on.
func Watch(ctx context.Context, store kv.Store) (kv.Watcher, error) {
	return watch(ctx, store, func(kv.View) error { return nil })
}

// watch runs read on a snapshot of the control shard and starts a watch right behind it.
func watch(ctx context.Context, store kv.Store, read func(kv.View) error) (kv.Watcher, error) {
	const attempts = 10 // the first watch of a shard may be refused: see kv.Store.Watch
	for range attempts {
		v, err := store.View(ctx, kv.Control)
		if err != nil {
			return nil, fmt.Errorf("reading the control shard: %w", err)
		}
		index := v.Index()
		if err := errors.Join(read(v), v.Close()); err != nil {
			return nil, err
		}
		w, err := store.Watch(ctx, kv.Control, index)
		if err == nil {
			return w, nil
		}
		if !errors.Is(err, kv.ErrCompacted) {
			return nil, fmt.Errorf("watching the control shard: %w", err)
		}
	}
	return nil, fmt.Errorf("watching the control shard: %w", kv.ErrCompacted)
}

// Invalidate tells a cache what to forget until ctx ends or the store is closed: clear is called whenever commits may have
// been missed, changed for every row that was put or deleted.
func Invalidate(ctx context.Context, store kv.Store, log *slog.Logger, clear func(), changed func(row []byte)) {
	for ctx.Err() == nil {
		err := invalidate(ctx, store, clear, changed)
		clear()
		if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
			return
		}
		if errors.Is(err, kv.ErrCompacted) {
			continue // fell too far behind: at once, since what is cached from here on is not followed
		}
		log.Warn("following changes was interrupted; the cache begins empty", "error", err)
		pause(ctx)
	}
}

func invalidate(ctx context.Context, store kv.Store, clear func(), changed func(row []byte)) error {
	w, err := Watch(ctx, store)
	if err != nil {
		return err
	}
	defer w.Close()
	clear() // what was read before the watch began
	for {
		ev, err := w.Next(ctx)
		if err != nil {
			return err
		}
		for _, p := range ev.Puts {
			changed(p.Key)
		}
		for _, row := range ev.Deletes {
			changed(row)
		}
	}
}
