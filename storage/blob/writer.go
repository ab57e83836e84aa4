package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// writebackStep is how much of a large blob is written between two requests to the kernel to start writing it out.
const writebackStep = 8 << 20

// Writer streams one blob. It is used by one goroutine at a time.
//
// A small blob is gathered in memory and takes its place in a segment only at Commit, in one write: giving it up costs nothing,
// and a slow sender holds nothing back. A large one reserves its region at once and streams through one buffer.
type Writer struct {
	d      *Device
	head   header
	class  class
	move   *entry // set by the compactor: the place to move from
	region int64  // length in the file

	buf *buffer
	n   int // bytes of the region in buf.p

	seed   uint32
	blocks int64  // complete blocks
	body   int64  // bytes of the body taken so far
	fill   int    // bytes of the block under way
	crc    uint32 // of the block under way
	sum    uint32 // of the checksums of the complete blocks

	// Of a large blob.
	seg     *segment
	off     int64
	flushed int64 // bytes of the region in the file, whole pages
	started int64 // of those, handed to the kernel to write out

	err  error // the first failure; sticky
	done bool
}

// Create starts writing a blob of ref.Size bytes. ErrExists, ErrBusy, ErrNoSpace, ErrTooLarge, ErrFailed.
func (d *Device) Create(ctx context.Context, ref blobref.Ref, owner blobref.Owner) (*Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	if err := d.failed(); err != nil {
		return nil, err
	}
	if ref.Size < 0 || len(owner) > blobref.MaxOwnerLen {
		return nil, fmt.Errorf("%w: size %d, owner of %d bytes", ErrSize, ref.Size, len(owner))
	}
	if d.full.Load() { // a small blob would find out only at the end
		if err := d.checkSpace(ref.Size + d.opts.Preallocate); err != nil {
			return nil, err
		}
	}
	if !d.claim(ref.ID) {
		return nil, fmt.Errorf("%w: %s", ErrBusy, ref.ID)
	}
	_, err := d.index.get(ref.Partition, ref.ID)
	if err == nil {
		err = fmt.Errorf("%w: %s", ErrExists, ref.ID)
	}
	if !errors.Is(err, ErrNotFound) {
		d.unclaim(ref.ID)
		return nil, err
	}
	w, err := d.newWriter(header{
		kind: kindBlob, id: ref.ID, partition: ref.Partition, size: ref.Size,
		created: time.Now().UnixNano(), owner: owner,
	})
	if err != nil {
		d.unclaim(ref.ID)
		return nil, err
	}
	return w, nil
}

// claim marks an id as being written, so that only one writer has it.
func (d *Device) claim(id blobref.ID) bool {
	d.writing.Lock()
	defer d.writing.Unlock()
	if _, ok := d.writing.ids[id]; ok {
		return false
	}
	d.writing.ids[id] = struct{}{}
	return true
}

func (d *Device) unclaim(id blobref.ID) {
	d.writing.Lock()
	delete(d.writing.ids, id)
	d.writing.Unlock()
}

// newWriter starts a region. The owner is copied into the buffer and not kept.
func (d *Device) newWriter(h header) (*Writer, error) {
	w := &Writer{d: d, head: h, region: h.region(), seed: blockSeed(h.id)}
	if w.region+pageSize > d.opts.SegmentSize {
		return nil, fmt.Errorf("%w: %d bytes, a segment takes %d", ErrTooLarge, h.size, d.opts.SegmentSize)
	}
	w.crc = blockStart(w.seed, 0)
	if h.size > d.opts.SmallLimit {
		w.class = large
	}
	w.buf = d.bufs.get(min(w.region, fourBlocks))
	w.head.encode(w.buf.p)
	w.n = int(h.len())
	if w.class == small {
		return w, nil
	}
	var err error
	w.seg, w.off, err = d.reserve(&d.lanes[large], w.region, func(s *segment, off int64) error {
		w.head.nonce = s.rec.nonce
		w.head.encode(w.buf.p)
		if _, err := s.grow.file.WriteAt(w.buf.p[:w.n], off); err != nil {
			return d.writeError("write header", err)
		}
		return nil
	})
	if err != nil {
		d.bufs.put(w.buf)
		return nil, err
	}
	return w, nil
}

// Write adds to the body. ErrSize when it would exceed the size given to Create.
func (w *Writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, ErrClosed
	}
	if w.err != nil {
		return 0, w.err
	}
	if int64(len(p)) > w.head.size-w.body {
		w.err = fmt.Errorf("%w: more than %d bytes", ErrSize, w.head.size)
		return 0, w.err
	}
	total := 0
	for len(p) > 0 {
		// Room for a checksum is always left, so that it never splits.
		k := min(len(p), blockSize-w.fill, len(w.buf.p)-w.n-crcSize)
		if k <= 0 {
			if w.err = w.flush(); w.err != nil {
				return total, w.err
			}
			continue
		}
		copy(w.buf.p[w.n:], p[:k])
		w.crc = crc32.Update(w.crc, castagnoli, p[:k])
		w.n += k
		w.fill += k
		w.body += int64(k)
		total += k
		p = p[k:]
		if w.fill == blockSize || w.body == w.head.size {
			w.endBlock()
		}
	}
	return total, nil
}

// endBlock appends the checksum of the block under way.
func (w *Writer) endBlock() {
	sum := w.buf.p[w.n : w.n+crcSize]
	binary.LittleEndian.PutUint32(sum, w.crc)
	w.sum = crc32.Update(w.sum, castagnoli, sum)
	w.n += crcSize
	w.blocks++
	w.fill = 0
	w.crc = blockStart(w.seed, w.blocks)
}

// flush writes the whole pages of the buffer to the region of a large blob. The rest moves to the front, so that no page is
// written twice.
func (w *Writer) flush() error {
	m := w.n &^ (pageSize - 1)
	if _, err := w.seg.grow.file.WriteAt(w.buf.p[:m], w.off+w.flushed); err != nil {
		return w.d.writeError("write blob", err)
	}
	w.flushed += int64(m)
	w.n = copy(w.buf.p, w.buf.p[m:w.n])
	if w.flushed-w.started >= writebackStep {
		startWriteback(w.seg.grow.file, w.off+w.started, w.flushed-w.started)
		w.started = w.flushed
	}
	return nil
}

// Commit makes the blob durable and visible. ErrSize when bytes are missing. A small blob takes its space only here, so
// ErrNoSpace may come here too. Once the writing is done ctx is no longer looked at: the outcome is known when Commit returns, unless it is
// ErrFailed, after which the blob may come back when the device is opened again.
func (w *Writer) Commit(ctx context.Context) error {
	if w.done {
		return ErrClosed
	}
	defer w.Abort()
	if err := w.d.enter(); err != nil {
		return err
	}
	defer w.d.leave()
	e, err := w.finish(ctx)
	if err != nil {
		return err
	}
	w.d.commit(w.seg, e)
	w.seg = nil // settled
	if e.err != nil {
		return fmt.Errorf("blob: commit %s: %w", w.head.id, e.err)
	}
	return nil
}

// finish writes what is left of the region and returns what the index needs.
func (w *Writer) finish(ctx context.Context) (*entry, error) {
	if w.err != nil {
		return nil, w.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w.body != w.head.size {
		return nil, fmt.Errorf("%w: %d bytes of %d", ErrSize, w.body, w.head.size)
	}
	if err := w.d.failed(); err != nil {
		return nil, err
	}
	if w.class == large {
		if len(w.buf.p)-w.n < trailerSize+pageSize {
			if err := w.flush(); err != nil {
				return nil, err
			}
		}
		w.endRegion()
		if err := w.flush(); err != nil {
			return nil, err
		}
	} else {
		var err error
		w.seg, w.off, err = w.d.reserve(&w.d.lanes[small], w.region, func(s *segment, off int64) error {
			w.head.nonce = s.rec.nonce
			w.head.owner = blobref.Owner(w.buf.p[headerSize:w.head.len()])
			w.head.encode(w.buf.p)
			w.endRegion()
			if _, err := s.grow.file.WriteAt(w.buf.p[:w.n], off); err != nil {
				return w.d.writeError("write blob", err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	e := w.move
	if e == nil {
		e = &entry{}
	}
	e.part, e.id, e.wake = w.head.partition, w.head.id, w.buf.wake
	e.place = place{segment: w.seg.number, off: w.off, size: w.head.size, ownerLen: len(w.head.owner), created: w.head.created}
	return e, nil
}

// endRegion appends the trailer and zeros up to the next page.
func (w *Writer) endRegion() {
	trailer{nonce: w.head.nonce, id: w.head.id, size: w.head.size, sum: w.sum}.encode(w.buf.p[w.n:])
	w.n += trailerSize
	end := int(pageUp(int64(w.n)))
	clear(w.buf.p[w.n:end])
	w.n = end
}

// Abort gives the blob up. It may be called at any time and any number of times; after Commit it does nothing.
func (w *Writer) Abort() {
	if w.done {
		return
	}
	w.done = true
	if w.seg != nil {
		w.seg.grow.settle(w.off)
		w.d.sealIfDone(w.seg)
		w.seg = nil
	}
	w.d.bufs.put(w.buf)
	w.buf = nil
	if w.move == nil {
		w.d.unclaim(w.head.id)
	}
}
