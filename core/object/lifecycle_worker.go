package object

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// lifecycleWorker carries out lifecycle rules in the background, one bucket after the other.
type lifecycleWorker struct {
	mu   sync.Mutex // one pass at a time
	days days
	told atomic.Pointer[func(LifecycleAct)]

	total struct {
		sync.Mutex
		LifecycleResult // since the start
	}
}

// sum is what was done since the start.
func (w *lifecycleWorker) sum() LifecycleResult {
	w.total.Lock()
	defer w.total.Unlock()
	return w.total.LifecycleResult
}

// account adds what was done to the sum.
func (w *lifecycleWorker) account(r LifecycleResult) {
	w.total.Lock()
	defer w.total.Unlock()
	w.total.add(r)
}

// namesAtOnce is how many buckets are looked up together.
const namesAtOnce = 256

// tick is how often the worker looks for something to do. Real rules fall due at midnight.
func (w *lifecycleWorker) tick() time.Duration {
	if w.days >= realDay {
		return time.Minute
	}
	return max(time.Duration(w.days)/20, 10*time.Millisecond)
}

// runLifecycle is the worker; it ends with ctx.
func (s *Service) runLifecycle(ctx context.Context) {
	t := time.NewTicker(s.life.tick())
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if _, err := s.lifecycle(ctx, false); err != nil && ctx.Err() == nil {
			s.log.Warn("carrying out lifecycle rules", "err", err)
		}
	}
}

// LifecycleOnce carries out the lifecycle rules of all buckets now, whether they are due or not.
func (s *Service) LifecycleOnce(ctx context.Context) (LifecycleResult, error) {
	res, err := s.lifecycle(ctx, true)
	return res, failed("object.LifecycleOnce", "", err)
}

// lifecycle carries out the rules of the buckets that are due, or of all.
func (s *Service) lifecycle(ctx context.Context, all bool) (LifecycleResult, error) {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	var res LifecycleResult
	defer func() { s.life.account(res) }()
	var errs []error
	for from := ""; ctx.Err() == nil; {
		names, err := s.lifecycleNames(ctx, from, namesAtOnce)
		if err != nil {
			return res, errors.Join(append(errs, err)...)
		}
		for _, name := range names {
			if err := s.lifecycleOf(ctx, name, all, &res); err != nil && !errors.Is(err, errSuperseded) {
				errs = append(errs, failed("object.lifecycle", name, err))
			}
			if ctx.Err() != nil {
				break
			}
		}
		if len(names) < namesAtOnce {
			break
		}
		from = names[len(names)-1] + "\x00"
	}
	return res, errors.Join(errs...)
}

// lifecycleOf makes a pass over a bucket, or goes on with one that was interrupted.
func (s *Service) lifecycleOf(ctx context.Context, name string, all bool, res *LifecycleResult) error {
	v, err := s.kv.Get(ctx, kv.Control, lifecycleKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	p := &lifecyclePass{s: s, name: name, rev: v.Revision, days: s.life.days, done: res}
	if err := decodeRecord(v.Data, &p.state); err != nil {
		return err
	}
	if under := p.state.Started != 0 && p.state.Ended == 0; !under {
		if !all && !s.life.due(time.UnixMilli(p.state.Started), s.now()) {
			return nil
		}
		p.state.Started, p.state.Ended, p.state.Phase, p.state.Row = s.now().UnixMilli(), 0, phaseNoncurrent, nil
	}
	if _, err := p.bucket(ctx); err != nil {
		return err
	}
	res.Buckets++
	return p.run(ctx)
}

// due reports whether something may have fallen due since a pass began.
func (w *lifecycleWorker) due(began, now time.Time) bool {
	if w.days < realDay {
		return true
	}
	return now.UTC().Truncate(24 * time.Hour).After(began)
}
