package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/errors/oserror"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// CompactOptions bounds one run of the compactor.
type CompactOptions struct {
	// MinDead is the dead share of a segment from which on it is rewritten; 0 is 0.5.
	MinDead float64
	// MaxSegments ends the run after so many segments; 0 is no bound.
	MaxSegments int
	// Limit is called before n bytes are read; nil is no limit.
	Limit func(ctx context.Context, n int) error
}

// CompactStats tells what a run did.
type CompactStats struct {
	Segments  int           // segments removed
	Moved     int           // blobs copied
	Copied    int64         // bytes of bodies copied
	Reclaimed int64         // bytes of the removed files
	Corrupt   []blobref.Ref // live blobs that could not be copied; their segments stay
}

// moveBatch bounds how many copied blobs, and bytes, wait for one sync.
const (
	moveBatchBlobs = 32
	moveBatchBytes = 32 << 20
)

// Compact copies the live regions of mostly dead segments into an active one and removes the files. A copy takes effect when
// it is durable and the blob was not deleted meanwhile; a file goes when the index that no longer needs it is durable. Runs
// exclude each other.
func (d *Device) Compact(ctx context.Context, o CompactOptions) (CompactStats, error) {
	d.compactMu.Lock()
	defer d.compactMu.Unlock()
	if o.MinDead <= 0 {
		o.MinDead = 0.5
	}
	var st CompactStats
	d.retireDead(o.MinDead)
	for i, s := range d.candidates(o.MinDead) {
		if o.MaxSegments > 0 && i >= o.MaxSegments {
			break
		}
		if err := d.compactSegment(ctx, s, o, &st); err != nil {
			return st, fmt.Errorf("blob: compact segment %d: %w", s.number, err)
		}
	}
	return st, nil
}

// retireDead takes mostly dead active segments off their lanes, once they are worth it, so that they can be compacted.
func (d *Device) retireDead(minDead float64) {
	if d.enter() != nil {
		return
	}
	defer d.leave()
	for i := range d.lanes {
		l := &d.lanes[i]
		l.mu.Lock()
		if s := l.active; s != nil && d.failed() == nil {
			idle, _ := s.grow.idle()
			end, dead := d.index.space(s)
			if idle && dead >= min(d.opts.SegmentSize/16, 16<<20) && float64(dead) >= minDead*float64(end) {
				d.retire(l)
			}
		}
		l.mu.Unlock()
	}
}

// candidates lists the segments worth compacting, those that give most first.
func (d *Device) candidates(minDead float64) []*segment {
	type candidate struct {
		s    *segment
		dead float64
	}
	var all []candidate
	for _, s := range d.segments() {
		if dead, ok := d.index.compactable(s); ok && dead >= minDead {
			all = append(all, candidate{s, dead})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(-cmp.Compare(a.dead, b.dead), cmp.Compare(a.s.number, b.s.number))
	})
	out := make([]*segment, len(all))
	for i, c := range all {
		out[i] = c.s
	}
	return out
}

// compactable reports the dead share of a segment, and whether the compactor may touch it.
func (x *index) compactable(s *segment) (dead float64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case s.rec.live == 0 && s.missing:
		return 1, true
	case s.missing || s.rec.state == stateOpen:
		return 0, false
	case s.rec.live > 0 && s.stuck == s.rec.live:
		return 0, false
	}
	return 1 - float64(s.rec.live)/float64(max(s.rec.end-pageSize, 1)), true
}

// compactSegment empties one segment and removes it.
func (d *Device) compactSegment(ctx context.Context, s *segment, o CompactOptions, st *CompactStats) error {
	if live := d.index.liveIn(s); live > 0 {
		if err := d.moveLive(ctx, s, o, st); err != nil {
			return err
		}
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if err := d.failed(); err != nil {
		return err
	}
	if live := d.index.liveIn(s); live > 0 {
		// What is left could not be copied. Until that changes there is no use in trying again.
		return d.noteStuck(ctx, s, live, st)
	}
	end, _ := d.index.space(s)
	if err := d.index.markDropped(s); err != nil {
		return err
	}
	if err := d.removeSegment(s); err != nil {
		return err
	}
	st.Segments++
	if !s.missing {
		st.Reclaimed += end
	}
	return nil
}

// moveLive copies what is live in s. A blob that does not verify stays where it is.
func (d *Device) moveLive(ctx context.Context, s *segment, o CompactOptions, st *CompactStats) error {
	h, err := d.handles.acquire(s.number)
	if oserror.IsNotExist(err) {
		return nil // all of it is stuck
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer d.handles.put(h)
	m := mover{d: d, s: s, h: h, o: o, st: st}
	defer m.abort()
	sc := scanner{file: h.file, nonce: s.rec.nonce, buf: make([]byte, 64*pageSize)}
	if err := sc.each(ctx, pageSize, func(off int64, h *header) error { return m.region(ctx, off, h) }); err != nil {
		return err
	}
	return m.commit(ctx)
}

// mover copies the live regions of one segment in batches.
type mover struct {
	d       *Device
	s       *segment
	h       *handle
	o       CompactOptions
	st      *CompactStats
	writers []*Writer
	bytes   int64
}

func (m *mover) region(ctx context.Context, off int64, h *header) error {
	d := m.d
	p := place{segment: m.s.number, off: off, size: h.size, ownerLen: len(h.owner), created: h.created}
	now, err := d.index.get(h.partition, h.id)
	if errors.Is(err, ErrNotFound) || err == nil && !now.same(p) {
		return nil // dead
	}
	if err != nil {
		return err
	}
	if now != p {
		return nil // the header differs from the index: left for noteStuck
	}
	if m.o.Limit != nil {
		if err := m.o.Limit(ctx, int(p.region())); err != nil {
			return err
		}
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if err := d.failed(); err != nil {
		return err
	}
	head := *h
	head.kind, head.owner = kindCopy, cloneOwner(h.owner)
	w, err := d.newWriter(head)
	if err != nil {
		return err
	}
	w.move = &entry{move: true, from: p, source: m.s}
	r := Reader{d: d, h: m.h, ref: h.ref(), place: p, seed: blockSeed(h.id)}
	if _, err := r.WriteRange(ctx, w, 0, p.size); err != nil {
		w.Abort()
		var ce *CorruptError
		if errors.As(err, &ce) {
			return nil // left for noteStuck
		}
		return err
	}
	m.writers = append(m.writers, w)
	m.bytes += p.size
	if len(m.writers) >= moveBatchBlobs || m.bytes >= moveBatchBytes {
		return m.flush(ctx)
	}
	return nil
}

// commit commits what is left.
func (m *mover) commit(ctx context.Context) error {
	if err := m.d.enter(); err != nil {
		return err
	}
	defer m.d.leave()
	return m.flush(ctx)
}

// flush commits the batch: the entries of one segment in one round of the group commit. life is held.
func (m *mover) flush(ctx context.Context) error {
	defer m.abort()
	rounds := make(map[*segment][]*entry)
	for _, w := range m.writers {
		e, err := w.finish(ctx)
		if err != nil {
			return err
		}
		rounds[w.seg] = append(rounds[w.seg], e)
	}
	var first error
	for s, es := range rounds {
		for _, e := range es[:len(es)-1] {
			e.wake = nil // the last one waits for all
		}
		m.d.commit(s, es...)
		for _, e := range es {
			switch {
			case e.err == nil:
				m.st.Moved++
				m.st.Copied += e.place.size
			case errors.Is(e.err, ErrNotFound): // deleted meanwhile
			case first == nil:
				first = e.err
			}
		}
	}
	for _, w := range m.writers {
		w.seg = nil // settled
	}
	return first
}

// abort releases the writers, and gives up those that are not committed.
func (m *mover) abort() {
	for _, w := range m.writers {
		w.Abort()
	}
	m.writers, m.bytes = m.writers[:0], 0
}

// noteStuck reports the live blobs of a segment that could not be copied.
func (d *Device) noteStuck(ctx context.Context, s *segment, live int64, st *CompactStats) error {
	var refs []blobref.Ref
	next, upper := []byte{keyBlob}, []byte{keyBlob + 1}
	page := make([]Info, 0, eachPage)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if page, err = d.pageLocked(page[:0], next, upper); err != nil {
			return err
		}
		for _, i := range page {
			if i.Segment == s.number {
				refs = append(refs, i.Ref)
			}
		}
		if len(page) < eachPage {
			break
		}
		k := blobKey(page[len(page)-1].Ref.Partition, page[len(page)-1].Ref.ID)
		next = append(k[:], 0)
	}
	d.corrupt.Add(uint64(len(refs)))
	st.Corrupt = append(st.Corrupt, refs...)
	d.index.setStuck(s, live)
	d.log.Warn("segment holds damaged blobs and stays", "segment", s.number, "blobs", len(refs), "bytes", live)
	return nil
}

// removeSegment removes a dropped segment: the file first, since its record is what brings the next start back here.
func (d *Device) removeSegment(s *segment) error {
	d.handles.remove(s.number)
	if err := d.fs.Remove(d.segmentPath(s.number)); err != nil && !oserror.IsNotExist(err) {
		return fmt.Errorf("remove segment %d: %w", s.number, err)
	}
	if err := d.syncDir(); err != nil {
		return err
	}
	if err := d.index.forget(s); err != nil {
		return err
	}
	d.segs.Lock()
	delete(d.segs.m, s.number)
	d.segs.Unlock()
	return nil
}
