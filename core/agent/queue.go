package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// queue works on keys: each by one goroutine at a time, a bounded number of keys at once. A key that is added while it is
// worked on is worked on again. A failure has its key worked on again, ever later, unless it is hurried.
//
// There are two kinds of places, as many of each: work begins in one of the first kind, and what may take long goes on in one of
// the second, so that slow work waits for slow work only.
type queue struct {
	ctx         context.Context
	work        func(ctx context.Context, key string) error
	log         *slog.Logger
	quick, slow chan struct{} // the places that are taken
	all         sync.WaitGroup

	mu struct {
		sync.Mutex
		keys   map[string]*entry
		closed bool
	}
}

type entry struct {
	again    bool // added since the work began
	failures int
	hurry    chan struct{} // ends the wait after a failure
	place    chan struct{} // of which kind the work on it has one; nil: none. Belongs to that work.
}

const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

func newQueue(ctx context.Context, parallel int, work func(context.Context, string) error, log *slog.Logger) *queue {
	q := &queue{ctx: ctx, work: work, log: log, quick: make(chan struct{}, parallel), slow: make(chan struct{}, parallel)}
	q.mu.keys = map[string]*entry{}
	return q
}

// add has a key worked on.
func (q *queue) add(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.closed {
		return
	}
	if e, ok := q.mu.keys[key]; ok {
		e.again = true
		return
	}
	e := &entry{again: true, hurry: make(chan struct{}, 1)}
	q.mu.keys[key] = e
	q.all.Go(func() { q.run(key, e) })
}

// hurry has a key worked on at once, even if it failed a moment ago: something happened by which it may succeed.
func (q *queue) hurry(key string) {
	q.add(key)
	q.mu.Lock()
	defer q.mu.Unlock()
	if e, ok := q.mu.keys[key]; ok {
		select {
		case e.hurry <- struct{}{}:
		default:
		}
	}
}

// wait returns when nothing is worked on any more. The queue's context must have ended.
func (q *queue) wait() {
	q.mu.Lock()
	q.mu.closed = true
	q.mu.Unlock()
	q.all.Wait()
}

// run works on a key until there is no more to do.
func (q *queue) run(key string, e *entry) {
	for q.next(key, e) {
		if !q.take(e, q.quick) {
			continue
		}
		select {
		case <-e.hurry: // this is the hurry
		default:
		}
		err := q.work(q.ctx, key)
		e.leave()
		if err == nil {
			e.failures = 0
			continue
		}
		if q.ctx.Err() != nil {
			continue
		}
		e.failures++
		wait := min(firstRetry<<min(e.failures-1, 12), lastRetry)
		q.log.Warn("an instance is not yet as it should be; trying again", "instance", key, "failures", e.failures, "in", wait, "error", err)
		t := time.NewTimer(wait)
		select {
		case <-q.ctx.Done():
		case <-e.hurry:
		case <-t.C:
		}
		t.Stop()
		q.mu.Lock()
		e.again = true
		q.mu.Unlock()
	}
}

// next tells whether there is work; when not, the key is forgotten.
func (q *queue) next(key string, e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !e.again || q.ctx.Err() != nil {
		delete(q.mu.keys, key)
		return false
	}
	e.again = false
	return true
}

// take waits for a place; it returns false when the queue ends first.
func (q *queue) take(e *entry, kind chan struct{}) bool {
	select {
	case <-q.ctx.Done():
		return false
	case kind <- struct{}{}:
		e.place = kind
		return true
	}
}

func (e *entry) leave() {
	if e.place != nil {
		<-e.place
		e.place = nil
	}
}

// worked is the entry of a key that is worked on.
func (q *queue) worked(key string) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.keys[key]
}

// idle runs f, which mostly waits, without taking up a place of those that work. Only the work on that key may call it.
func (q *queue) idle(key string, f func() error) error {
	e := q.worked(key)
	kind := e.place
	e.leave()
	err := f()
	if !q.take(e, kind) {
		return errors.Join(err, q.ctx.Err())
	}
	return err
}

// slowly has the rest of the work on a key, which calls it, go on in a place for slow work. It tells whether it had to wait for
// one: what is known of the key may be out of date then.
func (q *queue) slowly(key string) (waited bool, err error) {
	e := q.worked(key)
	e.leave()
	select {
	case q.slow <- struct{}{}:
		e.place = q.slow
		return false, nil
	default:
	}
	if !q.take(e, q.slow) {
		return true, q.ctx.Err()
	}
	return true, nil
}
