package compute

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// retryAfter is how long a follower waits after a failure before it begins again.
const retryAfter = 500 * time.Millisecond

// follow runs f at once and whenever rows of a prefix were written, until ctx ends. f reads for itself what there is to do;
// what is written while it runs makes it run again. A failure makes it run again a little later.
func (s *Service) follow(ctx context.Context, prefix string, f func(context.Context) error) {
	for ctx.Err() == nil {
		err := s.followOnce(ctx, prefix, f)
		if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
			return
		}
		if err != nil && !errors.Is(err, kv.ErrCompacted) {
			s.log.Error("background work failed; it is tried again", "rows", prefix, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

func (s *Service) followOnce(ctx context.Context, prefix string, f func(context.Context) error) error {
	w, err := rows.Watch(ctx, s.kv)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		if err := f(ctx); err != nil {
			return err
		}
		for {
			ev, err := w.Next(ctx)
			if err != nil {
				return err
			}
			if touches(ev, prefix) {
				break
			}
		}
	}
}

func touches(ev kv.Event, prefix string) bool {
	for _, p := range ev.Puts {
		if strings.HasPrefix(string(p.Key), prefix) {
			return true
		}
	}
	return false
}
