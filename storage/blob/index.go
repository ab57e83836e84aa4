package blob

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// index maps blobs to places. It is derived from the segments and written without a sync, except for deletions and for
// what must not be undone before a file is removed. What makes that safe is that a crash keeps a prefix of the batches: entries, the
// accounts of their segments and the watermarks travel in one batch, so that a watermark never outlives its entries.
//
// Lock order: index.mu before growing.mu.
type index struct {
	db    *pebble.DB
	cache *pebble.Cache
	mu    sync.Mutex // orders the read-modify-write of entries and segment records

	fatal     func(op string, err error) error // tells the device; returns its ErrFailed
	broken    atomic.Bool                      // the engine failed under a write: it must not be called to write again
	stuck     atomic.Bool                      // and it panicked, so it may hold its locks: it cannot even be closed
	unsynced  atomic.Int64                     // bytes of regions since the last sync
	deletions atomic.Int64                     // deletions applied and not yet known to be durable

	blobs atomic.Int64
	live  atomic.Int64
}

// syncEvery bounds what a start after a power cut has to scan: the index is synced when so many bytes of regions were added.
const syncEvery = 256 << 20

// apply applies b. The engine panics when it cannot write its log; that ends writing for good but not the process.
func (x *index) apply(b *pebble.Batch, sync bool) (err error) {
	if x.broken.Load() {
		return x.fatal("index", errors.New("an earlier write failed"))
	}
	defer func() {
		if r := recover(); r != nil {
			x.stuck.Store(true)
			err = fmt.Errorf("engine panicked: %v", r)
		}
		if err == nil && x.broken.Load() {
			err = errors.New("engine failed")
		}
		if err != nil {
			x.broken.Store(true)
			err = x.fatal("write index", err)
		}
	}()
	if sync {
		return x.db.ApplyNoSyncWait(b, pebble.Sync)
	}
	return x.db.Apply(b, pebble.NoSync)
}

// wait waits for the sync of a batch applied with sync, and releases it.
func (x *index) wait(b *pebble.Batch) error {
	err := b.SyncWait()
	if err != nil || x.broken.Load() {
		x.broken.Store(true)
		return x.fatal("sync index", errors.Join(err))
	}
	return b.Close()
}

// sync makes everything applied so far durable.
func (x *index) sync() error {
	if x.broken.Load() {
		return x.fatal("index", errors.New("an earlier write failed"))
	}
	b := x.db.NewBatch()
	if err := b.LogData(nil, nil); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	if err := x.apply(b, true); err != nil {
		return err
	}
	return x.wait(b)
}

// get finds a blob. ErrNotFound when the index does not name it.
func (x *index) get(part blobref.Partition, id blobref.ID) (place, error) {
	k := blobKey(part, id)
	v, closer, err := x.db.Get(k[:])
	if errors.Is(err, pebble.ErrNotFound) {
		return place{}, ErrNotFound
	}
	if err != nil {
		return place{}, x.readError(err)
	}
	p, err := decodePlace(v)
	_ = closer.Close()
	if err != nil {
		return place{}, x.readError(err)
	}
	return p, nil
}

// readError is the error for a failed read of the index. A damaged index must be rebuilt: the device fails.
func (x *index) readError(err error) error {
	if pebble.IsCorruptionError(err) || errors.Is(err, errFormat) {
		return x.fatal("read index", err)
	}
	return fmt.Errorf("blob: read index: %w", err)
}

// putRecord adds the record of s to b. mu is held.
func (x *index) putRecord(b *pebble.Batch, s *segment) error {
	var v [segmentRecordLen]byte
	return b.Set(segmentKey(s.number), s.rec.append(v[:0]), nil)
}

// addSegment records a new segment.
func (x *index) addSegment(s *segment) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.db.NewBatch()
	defer b.Close()
	if err := x.putRecord(b, s); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	return x.apply(b, false)
}

// seal records that s is complete and ends at size.
func (x *index) seal(s *segment, size int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.db.NewBatch()
	defer b.Close()
	s.rec.state, s.rec.watermark, s.rec.end = stateSealed, size, size
	if err := x.clearTombs(b, s); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	if err := x.putRecord(b, s); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	return x.apply(b, false)
}

// clearTombs removes the tombs that the watermark has passed. mu is held.
func (x *index) clearTombs(b *pebble.Batch, s *segment) error {
	kept := s.tombs[:0]
	for _, off := range s.tombs {
		if off >= s.rec.watermark {
			kept = append(kept, off)
			continue
		}
		if err := b.Delete(pageKey(keyTomb, s.number, off), nil); err != nil {
			return err
		}
	}
	s.tombs = kept
	return nil
}

// liveIn is the number of live bytes in s.
func (x *index) liveIn(s *segment) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return s.rec.live
}

// setStuck notes that the live bytes of s could not be moved.
func (x *index) setStuck(s *segment, live int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s.stuck = live
}

// markDropped records, durably, that the file of s is to be removed, and with it everything that was durable before: the
// entries of the copies made from it.
func (x *index) markDropped(s *segment) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.rec.live > 0 {
		return fmt.Errorf("blob: index: segment %d has live blobs", s.number)
	}
	b := x.db.NewBatch()
	s.rec.state = stateDropped
	if err := x.putRecord(b, s); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	return x.applySync(b)
}

// forget removes the record of a segment whose file is gone, and what hangs on it.
func (x *index) forget(s *segment) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.db.NewBatch()
	defer b.Close()
	err := b.Delete(segmentKey(s.number), nil)
	for _, prefix := range []byte{keyQuarantined, keyTomb} {
		if err == nil {
			err = b.DeleteRange(pageKey(prefix, s.number, 0), segmentUpper(prefix, s.number), nil)
		}
	}
	if err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	return x.apply(b, false)
}

// commit adds the synced regions of s in one batch. An entry whose blob exists already, or was moved from a place where it no
// longer is, gets its own error and its region is dead.
func (x *index) commit(s *segment, entries []*entry) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	offs := make([]int64, 0, len(entries))
	added := make(map[blobref.ID]struct{}, len(entries)) // get does not see the batch
	for _, e := range entries {
		offs = append(offs, e.place.off)
		old, err := x.get(e.part, e.id)
		_, twice := added[e.id]
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case e.move && (err != nil || twice || !old.same(e.from)):
			e.err = ErrNotFound
		case !e.move && (err == nil || twice):
			e.err = ErrExists
		default:
			e.err = nil
			added[e.id] = struct{}{}
		}
	}
	b := x.db.NewBatch()
	defer b.Close()
	n, err := x.fillCommit(b, s, entries, offs)
	if err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	if x.unsynced.Add(n) < syncEvery {
		return x.apply(b, false)
	}
	x.unsynced.Store(0)
	return x.applySync(b)
}

// fillCommit builds the batch of commit and returns the bytes it adds. mu is held.
func (x *index) fillCommit(b *pebble.Batch, s *segment, entries []*entry, offs []int64) (n int64, err error) {
	touched := map[*segment]struct{}{s: {}}
	var val [placeLen]byte
	for _, e := range entries {
		if e.err != nil {
			continue
		}
		k := blobKey(e.part, e.id)
		if err := b.Set(k[:], e.place.append(val[:0]), nil); err != nil {
			return 0, err
		}
		n += e.place.region()
		x.account(s, e.place.region(), 1)
		if e.move {
			x.account(e.source, -e.from.region(), -1)
			if e.source != nil {
				touched[e.source] = struct{}{}
			}
		}
	}
	s.rec.watermark, s.rec.end = s.grow.settle(offs...)
	if err := x.clearTombs(b, s); err != nil {
		return 0, err
	}
	for t := range touched {
		if err := x.putRecord(b, t); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// applySync applies b and waits for its sync, with mu held: for the rare batches that are not worth more.
func (x *index) applySync(b *pebble.Batch) error {
	if err := x.apply(b, true); err != nil {
		return err
	}
	if err := b.SyncWait(); err != nil || x.broken.Load() {
		x.broken.Store(true)
		return x.fatal("sync index", errors.Join(err))
	}
	return nil
}

// space is the length of a segment and how much of it is dead.
func (x *index) space(s *segment) (end, dead int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	end = s.rec.end
	dead = end - s.rec.live - pageSize
	if s.rec.state == stateOpen && s.grow != nil {
		// What is under way is neither live nor dead: count only what is settled behind the watermark.
		var watermark int64
		watermark, end = s.grow.settle()
		dead = watermark - s.rec.live - pageSize
	}
	return end, max(dead, 0)
}

// account changes what is live in s, which may be nil when its record is gone. mu is held.
func (x *index) account(s *segment, bytes, blobs int64) {
	x.live.Add(bytes)
	x.blobs.Add(blobs)
	if s != nil {
		s.rec.live += bytes
		s.rec.blobs += blobs
	}
}

// removal is one blob to take out of the index.
type removal struct {
	part       blobref.Partition
	id         blobref.ID
	quarantine bool
}

// remove takes blobs out durably and returns how many there were.
func (x *index) remove(segs func(uint32) *segment, rs []removal) (int, error) {
	b := x.db.NewBatch()
	n, err := func() (int, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		n, err := x.fillRemoval(b, segs, rs)
		if err != nil || n == 0 {
			return n, err
		}
		x.deletions.Add(1)
		if err := x.apply(b, true); err != nil {
			x.deletions.Add(-1)
			return 0, err
		}
		return n, nil
	}()
	if err != nil {
		return 0, err // b may be in the engine's hands: leave it to the collector
	}
	if n == 0 {
		err := b.Close()
		// What we did not find may be a deletion that is not durable yet, and we are about to say that it is.
		if err == nil && x.deletions.Load() > 0 {
			err = x.sync()
		}
		return 0, err
	}
	err = x.wait(b)
	x.deletions.Add(-1)
	return n, err
}

// fillRemoval builds the batch of remove. mu is held.
func (x *index) fillRemoval(b *pebble.Batch, segs func(uint32) *segment, rs []removal) (int, error) {
	found := make(map[blobKeyed]place, len(rs))
	order := make([]removal, 0, len(rs))
	for _, r := range rs {
		p, err := x.get(r.part, r.id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		k := blobKeyed{r.part, r.id}
		if _, twice := found[k]; !twice {
			found[k] = p
			order = append(order, r)
		}
	}
	touched := make(map[*segment]struct{})
	for _, r := range order {
		p := found[blobKeyed{r.part, r.id}]
		k := blobKey(r.part, r.id)
		if err := b.Delete(k[:], nil); err != nil {
			return 0, err
		}
		if r.quarantine {
			q := quarantined{part: r.part, id: r.id, place: p}
			if err := b.Set(pageKey(keyQuarantined, p.segment, p.off), q.append(nil), nil); err != nil {
				return 0, err
			}
		}
		s := segs(p.segment)
		x.account(s, -p.region(), -1)
		if s == nil {
			continue
		}
		touched[s] = struct{}{}
		if p.off >= s.rec.watermark {
			s.tombs = append(s.tombs, p.off)
			if err := b.Set(pageKey(keyTomb, p.segment, p.off), nil, nil); err != nil {
				return 0, err
			}
		}
	}
	for s := range touched {
		if err := x.putRecord(b, s); err != nil {
			return 0, err
		}
	}
	return len(order), nil
}

// blobKeyed names a blob as the index does.
type blobKeyed struct {
	part blobref.Partition
	id   blobref.ID
}
