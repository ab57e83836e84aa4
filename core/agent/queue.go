package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// queue works on keys: each by one goroutine at a time, a bounded number of keys at once. A key that is added while it is
// worked on is worked on again. A failure has its key worked on again, ever later, unless it is hurried.
type queue struct {
	ctx   context.Context
	work  func(ctx context.Context, key string) error
	log   *slog.Logger
	slots chan struct{}
	all   sync.WaitGroup

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
}

const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

func newQueue(ctx context.Context, parallel int, work func(context.Context, string) error, log *slog.Logger) *queue {
	q := &queue{ctx: ctx, work: work, log: log, slots: make(chan struct{}, parallel)}
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
		select {
		case <-q.ctx.Done():
			continue
		case q.slots <- struct{}{}:
		}
		select {
		case <-e.hurry: // this is the hurry
		default:
		}
		err := q.work(q.ctx, key)
		<-q.slots
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

// idle runs f, which mostly waits, without taking up one of the places of those that work. Only work may call it.
func (q *queue) idle(f func() error) error {
	<-q.slots
	defer func() { q.slots <- struct{}{} }()
	return f()
}
