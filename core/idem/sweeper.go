package idem

import (
	"context"
	"log/slog"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// Sweeper removes old records, every so often.
type Sweeper struct {
	cancel  context.CancelFunc
	stopped chan struct{}
}

const sweepEvery = time.Hour

// StartSweeper begins at once; Stop it before the store is closed.
func StartSweeper(s kv.Store, log *slog.Logger) *Sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Sweeper{cancel, make(chan struct{})}
	go func() {
		defer close(w.stopped)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			if _, err := Sweep(ctx, s, time.Now().Add(-Retention)); err != nil && ctx.Err() == nil {
				log.Error("sweep of client tokens", "err", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

// Stop waits for a sweep under way.
func (w *Sweeper) Stop() {
	w.cancel()
	<-w.stopped
}
