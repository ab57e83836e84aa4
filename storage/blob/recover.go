package blob

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// restore opens the index, or makes it again from the segments, and settles what the last run left open.
func (d *Device) restore(ctx context.Context) error {
	rebuild, err := d.openIndex()
	if err != nil {
		return err
	}
	err = d.recoverSegments(ctx, rebuild)
	if isIndexDamage(err) && !rebuild {
		d.log.Warn("blob index is damaged, making it again", "err", err)
		if err := d.index.close(); err != nil {
			d.log.Warn("closing the damaged index failed", "err", err)
		}
		for _, s := range d.segs.m {
			if s.grow != nil {
				_ = s.grow.file.Close()
			}
		}
		clear(d.segs.m)
		if err := d.setIndexAside(); err != nil {
			return err
		}
		if rebuild, err = d.openIndex(); err == nil {
			err = d.recoverSegments(ctx, rebuild)
		}
	}
	return err
}

func isIndexDamage(err error) bool {
	return errors.Is(err, errDamagedIndex) || errors.Is(err, errFormat) || pebble.IsCorruptionError(err)
}

// openIndex opens the index and reports whether it must be filled from the segments.
func (d *Device) openIndex() (rebuild bool, err error) {
	if _, err := d.fs.Stat(d.damageMark()); err == nil {
		d.log.Warn("blob index was found damaged, making it again")
		if err := d.setIndexAside(); err != nil {
			return false, err
		}
		if err := d.fs.Remove(d.damageMark()); err != nil {
			return false, fmt.Errorf("remove damage mark: %w", err)
		}
	}
	for attempt := 0; ; attempt++ {
		d.failure.Store(nil)
		d.index, err = openIndex(d.opts, d.indexDir(), d.indexFailed)
		if errors.Is(err, errDamagedIndex) && attempt == 0 {
			d.log.Warn("blob index is damaged, making it again", "err", err)
			if err := d.setIndexAside(); err != nil {
				return false, err
			}
			continue
		}
		if err != nil {
			return false, err
		}
		_, closer, err := d.index.db.Get([]byte{keyMeta})
		switch {
		case err == nil:
			return false, closer.Close()
		case errors.Is(err, pebble.ErrNotFound):
			// New, or an earlier filling was cut short. What that has put in is right, but not whether segments were dropped since.
			if err := d.index.db.DeleteRange([]byte{0}, []byte{0xff}, pebble.NoSync); err != nil {
				return false, fmt.Errorf("clear index: %w", err)
			}
			return true, nil
		case attempt == 0 && pebble.IsCorruptionError(err):
			_ = d.index.close()
			if err := d.setIndexAside(); err != nil {
				return false, err
			}
		default:
			return false, fmt.Errorf("read index: %w", err)
		}
	}
}

func (d *Device) damageMark() string { return d.indexDir() + ".rebuild" }

// indexFailed is told about failures of the index. Damage met while running is marked, so that the next start makes the
// index again. The mark is a hint and needs no sync: without it the damage is met again.
func (d *Device) indexFailed(op string, err error) error {
	if isIndexDamage(err) && d.failure.Load() == nil {
		if f, err := d.fs.Create(d.damageMark(), vfs.WriteCategoryUnspecified); err == nil {
			_ = f.Close()
		}
	}
	return d.fail(op, err)
}

// setIndexAside moves a damaged index away, keeping the last one.
func (d *Device) setIndexAside() error {
	aside := d.indexDir() + ".damaged"
	if err := d.fs.RemoveAll(aside); err != nil {
		return fmt.Errorf("remove old damaged index: %w", err)
	}
	if err := d.fs.Rename(d.indexDir(), aside); err != nil && !oserror.IsNotExist(err) {
		return fmt.Errorf("set index aside: %w", err)
	}
	return syncFolder(d.fs, d.opts.Dir)
}

// recoverSegments brings files and records together and scans the tails.
func (d *Device) recoverSegments(ctx context.Context, rebuild bool) error {
	start := time.Now()
	if err := d.loadRecords(); err != nil {
		return fmt.Errorf("%w: %w", errDamagedIndex, err)
	}
	names, err := d.fs.List(d.segmentDir())
	if err != nil {
		return fmt.Errorf("list segments: %w", err)
	}
	present := make(map[uint32]bool, len(names))
	for _, name := range names {
		n, ok := parseSegmentName(name)
		if !ok {
			d.log.Warn("unknown file among the segments", "name", name)
			continue
		}
		present[n] = true
		d.segs.next = max(d.segs.next, n+1)
	}
	if err := d.finishDrops(present); err != nil {
		return err
	}
	for n := range present {
		if d.segs.m[n] == nil {
			if err := d.adopt(n); err != nil {
				return err
			}
		}
	}
	numbers := slices.Sorted(maps.Keys(d.segs.m))
	for _, n := range numbers {
		s := d.segs.m[n]
		d.segs.next = max(d.segs.next, n+1)
		s.missing = !present[n]
		d.index.live.Add(s.rec.live)
		d.index.blobs.Add(s.rec.blobs)
		if s.missing {
			d.log.Error("segment file is gone", "segment", n, "blobs", s.rec.blobs)
		}
	}
	for _, n := range numbers {
		s := d.segs.m[n]
		if s.missing || s.rec.state != stateOpen {
			continue
		}
		if err := d.recoverSegment(ctx, s, rebuild); err != nil {
			if ctx.Err() != nil || errors.Is(err, ErrFailed) || isIndexDamage(err) {
				return err
			}
			// One unreadable segment must not keep the others from being served.
			d.log.Error("segment cannot be read to its end", "segment", n, "err", err)
		}
	}
	d.pickActive(numbers)
	if rebuild {
		b := d.index.db.NewBatch()
		if err := b.Set([]byte{keyMeta}, []byte{recordVersion}, nil); err != nil {
			return fmt.Errorf("complete index: %w", err)
		}
		if err := d.index.applySync(b); err != nil {
			return err
		}
		d.log.Info("blob index made from segments", "segments", len(numbers), "blobs", d.index.blobs.Load(), "took", time.Since(start))
	}
	return nil
}

// loadRecords reads the segment records and tombs.
func (d *Device) loadRecords() error {
	it, err := d.index.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keySegment}, UpperBound: []byte{keyTomb + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		k := it.Key()
		if k[0] == keyTomb {
			n, off, err := decodePageKey(keyTomb, k)
			if err != nil {
				return err
			}
			if s := d.segs.m[n]; s != nil {
				s.tombs = append(s.tombs, off)
			}
			continue
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		rec, err := decodeSegmentRecord(v)
		if err != nil {
			return err
		}
		if len(k) != 5 {
			return fmt.Errorf("%w: segment key of %d bytes", errFormat, len(k))
		}
		n := uint32(k[1])<<24 | uint32(k[2])<<16 | uint32(k[3])<<8 | uint32(k[4])
		d.segs.m[n] = &segment{number: n, rec: rec}
	}
	return it.Error()
}

// finishDrops removes what the compactor had begun to remove.
func (d *Device) finishDrops(present map[uint32]bool) error {
	for n, s := range d.segs.m {
		if s.rec.state != stateDropped {
			continue
		}
		if err := d.removeSegment(s); err != nil {
			return err
		}
		delete(present, n)
	}
	return nil
}

// adopt takes in a segment file that the index does not know.
func (d *Device) adopt(n uint32) error {
	f, err := d.openSegment(n)
	if err != nil {
		d.log.Error("segment cannot be opened", "segment", n, "err", err)
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		d.log.Error("segment cannot be examined", "segment", n, "err", err)
		return nil
	}
	page := make([]byte, 2*pageSize)
	got, _ := f.ReadAt(page, 0)
	h, err := decodeSegmentHeader(page[:got])
	switch {
	case err == nil && (h.device != d.opts.Device || h.number != n):
		d.log.Error("segment file is not this device's, ignored", "segment", n, "of device", uint16(h.device), "as", h.number)
		return nil
	case errors.Is(err, ErrNewerFormat):
		return fmt.Errorf("segment %d: %w", n, err)
	case err != nil && st.Size() <= pageSize:
		// Nothing goes into a segment before its header is durable: a start of one that a crash cut off.
		if err := d.fs.Remove(d.segmentPath(n)); err != nil {
			return fmt.Errorf("remove unfinished segment %d: %w", n, err)
		}
		return nil
	case err != nil:
		// The header is damaged. What opens the first region, right behind it, was not chosen by a user.
		first, ferr := decodeHeader(page[min(pageSize, got):got])
		if ferr != nil {
			d.log.Error("segment has lost its header, ignored", "segment", n, "err", err)
			return nil
		}
		h.nonce = first.nonce
	}
	d.segs.m[n] = &segment{number: n, rec: segmentRecord{class: h.class, nonce: h.nonce, watermark: pageSize, end: pageSize}}
	return nil
}

// recoverSegment scans an open segment from its watermark on and leaves it growing, or sealed.
func (d *Device) recoverSegment(ctx context.Context, s *segment, rebuild bool) (err error) {
	f, err := d.fs.OpenReadWrite(d.segmentPath(s.number), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() {
		if s.grow == nil {
			_ = f.Close()
		}
	}()
	// What is read below may still be only in the page cache; the index must not get ahead of the disk.
	if err := f.SyncData(); err != nil {
		return d.fail("sync segment", err)
	}
	buf := d.bufs.get(fourBlocks)
	defer d.bufs.put(buf)
	t := &tail{d: d, s: s, file: f, rebuild: rebuild, buf: buf.p, pending: make(map[blobKeyed]place), touched: map[*segment]struct{}{s: {}}}
	sc := scanner{file: f, nonce: s.rec.nonce, buf: make([]byte, 64*pageSize)}
	if err := sc.each(ctx, s.rec.watermark, t.region); err != nil {
		return errors.Join(err, t.flush()) // what was found counts; the watermark stays
	}
	if err := t.settle(sc.end); err != nil {
		return err
	}
	if sc.skipped > 0 && t.found > 0 {
		d.log.Warn("segment has regions without a header", "segment", s.number, "skipped", sc.skipped)
	}
	if t.found+t.dead > 0 && !rebuild {
		d.log.Info("segment recovered", "segment", s.number, "blobs", t.found, "dead", t.dead, "end", sc.end)
	}
	s.grow = newGrowing(f, sc.end)
	return nil
}

// pickActive goes on appending to the youngest unsealed segment of each class and seals the others.
func (d *Device) pickActive(numbers []uint32) {
	for _, n := range slices.Backward(numbers) {
		s := d.segs.m[n]
		if s == nil || s.grow == nil {
			continue
		}
		if l := &d.lanes[s.rec.class]; l.active == nil {
			l.active = s
			continue
		}
		s.grow.retired = true
		d.sealIfDone(s)
	}
}

// tail settles the regions that a scan finds behind the watermark.
type tail struct {
	d       *Device
	s       *segment
	file    vfs.File
	rebuild bool // the index is new: it knows nothing about what was committed
	buf     []byte

	pending     map[blobKeyed]place
	touched     map[*segment]struct{} // accounts changed
	found, dead int
	zeroed      bool
}

// region decides about one region: a blob, or dead.
func (t *tail) region(off int64, h *header) error {
	p := place{segment: t.s.number, off: off, size: h.size, ownerLen: len(h.owner), created: h.created}
	key := blobKeyed{h.partition, h.id}
	old, err := t.lookup(key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	known := err == nil
	if known && old.same(p) {
		return nil
	}
	if slices.Contains(t.s.tombs, off) {
		t.dead++
		return nil
	}
	// The index names a copy of the compactor before the file it was made from goes, so a copy that it does not name is of
	// no use: the older one still stands, or the blob was deleted while it was copied. Only when the older one's file
	// is gone it comes in handy. A new index takes whatever comes later: the earlier copy may have been replaced because it was damaged.
	if !t.rebuild && (known || h.kind == kindCopy) {
		if os := t.d.segment(old.segment); !known || os != nil && !os.missing {
			t.dead++
			return nil
		}
	}
	// Behind a watermark a power cut may have kept a trailer and lost blocks: look at all of them. A new index trusts
	// trailers: most regions were settled long ago, and a damaged block then is damage, to be reported when it is read, rather
	// than a blob that was never finished.
	fl, err := check(t.file, off, h, t.buf, !t.rebuild, nil)
	if err != nil {
		return err
	}
	if fl != nil {
		t.dead++
		return t.bury(off, h)
	}
	t.found++
	if known {
		os := t.d.segment(old.segment)
		t.d.index.account(os, -old.region(), -1)
		if os != nil {
			t.touched[os] = struct{}{}
		}
	}
	t.d.index.account(t.s, p.region(), 1)
	t.pending[key] = p
	if len(t.pending) >= 1000 {
		return t.flush()
	}
	return nil
}

func (t *tail) lookup(k blobKeyed) (place, error) {
	if p, ok := t.pending[k]; ok {
		return p, nil
	}
	return t.d.index.get(k.part, k.id)
}

// bury removes the trailer of a region whose blocks a power cut has lost, so that a new index, which trusts trailers, does not take
// it for a blob.
func (t *tail) bury(off int64, h *header) error {
	if fl, err := check(t.file, off, h, t.buf, false, nil); err != nil || fl != nil {
		return err // no trailer
	}
	var zero [trailerSize]byte
	if _, err := t.file.WriteAt(zero[:], off+h.len()+blocksLen(h.size)); err != nil {
		return t.d.writeError("bury region", err)
	}
	t.zeroed = true
	return nil
}

// flush puts what was found into the index, together with the accounts but with the old watermark.
func (t *tail) flush() error {
	x := t.d.index
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.db.NewBatch()
	defer b.Close()
	var val [placeLen]byte
	for k, p := range t.pending {
		key := blobKey(k.part, k.id)
		if err := b.Set(key[:], p.append(val[:0]), nil); err != nil {
			return fmt.Errorf("blob: index: %w", err)
		}
	}
	clear(t.pending)
	if err := x.clearTombs(b, t.s); err != nil {
		return fmt.Errorf("blob: index: %w", err)
	}
	for s := range t.touched {
		if err := x.putRecord(b, s); err != nil {
			return fmt.Errorf("blob: index: %w", err)
		}
	}
	return x.apply(b, false)
}

// settle ends the scan: the watermark moves to end.
func (t *tail) settle(end int64) error {
	if t.zeroed {
		if err := t.file.SyncData(); err != nil {
			return t.d.fail("sync segment", err)
		}
	}
	moved := end != t.s.rec.watermark
	t.s.rec.watermark, t.s.rec.end = end, end
	if !moved && !t.rebuild && len(t.pending) == 0 && len(t.s.tombs) == 0 {
		return nil
	}
	return t.flush()
}

// Quarantined, Stat and the like hand out owners that alias buffers: copy them.
func cloneOwner(o []byte) blobref.Owner {
	if len(o) == 0 {
		return nil
	}
	return slices.Clone(blobref.Owner(o))
}
