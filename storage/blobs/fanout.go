package blobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
)

// Bounds of a blob that is written to several devices: at most queueLen+2 chunks are in memory at a time.
const (
	chunkSize   = 256 << 10
	queueLen    = 4
	directLimit = blob.DefaultSmallLimit // up to this size devices gather in memory, and the caller's goroutine writes all copies
)

// errStalled: a device took no data for Config.StallTimeout while the others waited.
var errStalled = errors.New("blobs: device stalled")

// chunk is a piece of a body that several writers read. The last of them returns it to the store of free ones.
type chunk struct {
	users atomic.Int32
	store *sync.Pool
	n     int
	data  [chunkSize]byte
}

// chunk takes a free chunk.
func (p *Pool) chunk() *chunk {
	c, ok := p.chunks.Get().(*chunk)
	if !ok {
		c = &chunk{store: &p.chunks}
	}
	c.n = 0
	return c
}

func (c *chunk) release() {
	if c.users.Add(-1) == 0 {
		c.store.Put(c)
	}
}

// fanout feeds the copies of one large blob, each by a goroutine of its own with a short queue.
type fanout struct {
	w      *Writer
	cur    *chunk
	lanes  []*lane
	failed atomic.Int32

	// Set before the queues are closed.
	commitment *commitment // nil to abort
	ctx        context.Context
}

// lane is the way to one copy.
type lane struct {
	r       *replica
	queue   chan *chunk
	failed  atomic.Bool // the goroutine met an error, which r.err holds once the queue is closed and drained
	stalled bool        // the feeding side has given the copy up
}

func startFanout(w *Writer) *fanout {
	f := &fanout{w: w}
	for _, r := range w.copies {
		l := &lane{r: r, queue: make(chan *chunk, queueLen)}
		f.lanes = append(f.lanes, l)
		w.p.background.Go(func() { f.run(l) })
	}
	return f
}

// run writes what comes along the lane, then commits or aborts as it is told.
func (f *fanout) run(l *lane) {
	var err error
	for c := range l.queue {
		if err == nil {
			if _, err = l.r.w.Write(c.data[:c.n]); err != nil {
				l.r.w.Abort()
				l.failed.Store(true)
				f.failed.Add(1)
			}
		}
		c.release()
	}
	if l.stalled {
		l.r.d.stalls.Add(-1)
	}
	if f.commitment == nil {
		f.w.p.note(l.r.d, err)
		l.r.w.Abort()
		l.r.done()
		return
	}
	switch {
	case err != nil:
	case l.stalled:
		err = errStalled
	default:
		err = l.r.w.Commit(f.ctx)
	}
	l.r.err = err
	f.commitment.finish(l.r)
}

// write copies b into chunks and sends the full ones.
func (f *fanout) write(b []byte) error {
	for len(b) > 0 {
		if f.cur == nil {
			f.cur = f.w.p.chunk()
		}
		n := copy(f.cur.data[f.cur.n:], b)
		f.cur.n += n
		b = b[n:]
		if f.cur.n == chunkSize {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush sends the current chunk down all lanes that still work.
func (f *fanout) flush() error {
	c := f.cur
	f.cur = nil
	if c == nil {
		return nil
	}
	c.users.Store(int32(len(f.lanes)) + 1)
	defer c.release()
	for _, l := range f.lanes {
		if l.stalled || l.failed.Load() || !f.send(l, c) {
			c.release()
		}
	}
	left := 0
	for _, l := range f.lanes {
		if !l.stalled && !l.failed.Load() {
			left++
		}
	}
	if left < f.w.quorum {
		return fmt.Errorf("blobs: write %s: %w: %d copies of %d needed", f.w.ref.ID, ErrUnavailable, left, f.w.quorum)
	}
	return nil
}

// send puts a chunk on a lane. A lane that stays full is given up, since one slow device must not stop the others.
func (f *fanout) send(l *lane, c *chunk) bool {
	select {
	case l.queue <- c:
		return true
	default:
	}
	t := time.NewTimer(f.w.p.cfg.StallTimeout)
	defer t.Stop()
	select {
	case l.queue <- c:
		return true
	case <-t.C:
		l.stalled = true
		l.r.d.stalls.Add(1)
		f.w.p.note(l.r.d, errStalled)
		return false
	}
}

// commit sends the rest and lets the lanes commit.
func (f *fanout) commit(ctx context.Context, c *commitment) {
	f.flush() // too few copies left: the commitment will find that too
	f.ctx, f.commitment = ctx, c
	f.close()
}

// abort lets the lanes abort.
func (f *fanout) abort() {
	if f.cur != nil {
		f.cur.store.Put(f.cur)
		f.cur = nil
	}
	f.close()
}

func (f *fanout) close() {
	for _, l := range f.lanes {
		close(l.queue)
	}
}
