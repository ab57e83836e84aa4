package blobs

import (
	"context"
	"fmt"
	"sync"
)

// commitment gathers the outcomes of the copies and decides as soon as it can: won when a majority is durable, lost when that
// has become impossible or the caller has gone. Copies that finish after that are reported or removed.
type commitment struct {
	w       *Writer
	decided chan struct{}

	mu      sync.Mutex
	state   outcome
	pending int
	durable []*replica
	failed  []*replica
}

type outcome uint8

const (
	undecided outcome = iota
	won
	lost
)

// commitAll commits the copies side by side.
func (w *Writer) commitAll(ctx context.Context) error {
	c := &commitment{w: w, decided: make(chan struct{}), pending: len(w.copies)}
	// The copies behind the majority outlive the request.
	rest := context.WithoutCancel(ctx)
	if w.fan != nil {
		w.fan.commit(rest, c)
	} else {
		for _, r := range w.copies {
			w.p.background.Go(func() {
				if r.err == nil {
					r.err = r.w.Commit(rest)
				}
				c.finish(r)
			})
		}
	}
	select {
	case <-c.decided:
	case <-ctx.Done():
		c.giveUp()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == won {
		return nil
	}
	var errs []error
	for _, r := range c.failed {
		errs = append(errs, fmt.Errorf("device %d: %w", r.d.id, r.err))
	}
	return w.failure(ctx, len(c.durable), errs)
}

// finish records the outcome of a copy, r.err, and ends its use of the device.
func (c *commitment) finish(r *replica) {
	defer r.done()
	p := c.w.p
	if r.err != nil {
		p.note(r.d, r.err)
		r.w.Abort()
	}
	c.mu.Lock()
	c.pending--
	before := c.state
	if r.err == nil {
		c.durable = append(c.durable, r)
	} else {
		c.failed = append(c.failed, r)
	}
	if before == undecided {
		switch {
		case len(c.durable) >= c.w.quorum:
			c.state = won
		case len(c.durable)+c.pending < c.w.quorum:
			c.state = lost
		}
	}
	state := c.state
	var report, remove []*replica
	switch {
	case before == undecided && state == won:
		report = append(report, c.failed...)
	case before == undecided && state == lost:
		remove = append(remove, c.durable...)
	case state == won && r.err != nil:
		report = append(report, r)
	case state == lost && r.err == nil:
		remove = append(remove, r)
	}
	c.mu.Unlock()

	for _, r := range report {
		p.report(Damage{c.w.ref, r.d.id, r.err})
	}
	c.remove(remove)
	if before == undecided && state != undecided {
		close(c.decided)
	}
}

// giveUp ends the wait of a caller whose context has ended.
func (c *commitment) giveUp() {
	c.mu.Lock()
	var remove []*replica
	if c.state == undecided {
		c.state = lost
		remove = append(remove, c.durable...)
	}
	c.mu.Unlock()
	if len(remove) > 0 {
		c.w.p.background.Go(func() { c.remove(remove) })
	}
}

// remove deletes copies of a blob that did not come to be. What cannot be deleted is an orphan for the collector.
func (c *commitment) remove(rs []*replica) {
	for _, r := range rs {
		if !r.d.acquire() {
			continue
		}
		if err := r.d.dev.Delete(context.Background(), c.w.ref); err != nil {
			c.w.p.note(r.d, err)
		}
		r.d.release()
	}
}
