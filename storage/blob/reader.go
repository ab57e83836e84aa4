package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync/atomic"

	"github.com/cockroachdb/errors/oserror"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Reader reads one blob. It is safe for concurrent use. It goes on reading when its blob is deleted or moved.
type Reader struct {
	d      *Device
	h      *handle
	ref    blobref.Ref
	place  place
	seed   uint32
	closed atomic.Bool
}

// Open opens a blob for reading. ErrNotFound also when the size differs from ref.Size.
func (d *Device) Open(ctx context.Context, ref blobref.Ref) (*Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := d.find(ref)
	if err != nil {
		return nil, err
	}
	if r.place.size != ref.Size {
		_ = r.Close()
		return nil, fmt.Errorf("%w: %s has %d bytes, not %d", ErrNotFound, ref.ID, r.place.size, ref.Size)
	}
	return r, nil
}

// find opens a blob by partition and id.
func (d *Device) find(ref blobref.Ref) (*Reader, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	var last place
	for {
		p, err := d.index.get(ref.Partition, ref.ID)
		if err != nil {
			if errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("%w: %s", err, ref.ID)
			}
			return nil, err
		}
		ref.Size = p.size
		h, err := d.handles.acquire(p.segment)
		if err == nil {
			return &Reader{d: d, h: h, ref: ref, place: p, seed: blockSeed(ref.ID)}, nil
		}
		if !oserror.IsNotExist(err) {
			return nil, fmt.Errorf("blob: open segment %d: %w", p.segment, err)
		}
		if p.same(last) {
			return nil, d.damage(ref, 0, fmt.Sprintf("segment file %d is gone", p.segment), nil)
		}
		last = p // the compactor may just have moved it: look again
	}
}

// damage makes a CorruptError and counts it.
func (d *Device) damage(ref blobref.Ref, off int64, reason string, err error) *CorruptError {
	d.corrupt.Add(1)
	return &CorruptError{Ref: ref, Device: d.opts.Device, Offset: off, Reason: reason, Err: err}
}

// Info describes the blob; Owner is nil.
func (r *Reader) Info() Info { return r.place.info(r.ref.Partition, r.ref.ID) }

// Size is the size of the body.
func (r *Reader) Size() int64 { return r.place.size }

// Close releases the reader. It may be called more than once.
func (r *Reader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.d.handles.put(r.h)
	}
	return nil
}

// ReadAt reads verified bytes as io.ReaderAt says.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("blob: read at %d", off)
	}
	if off >= r.place.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), r.place.size-off)
	n := 0
	err := r.each(off, want, func(b []byte) error {
		n += copy(p[n:], b)
		return nil
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteRange writes n bytes of the body from off on to w, verified, and returns how many w took, so that the caller can go on with another copy
// at off plus that. *CorruptError on damage; an error of w is returned as it is. n is cut at the end of the body.
func (r *Reader) WriteRange(ctx context.Context, w io.Writer, off, n int64) (int64, error) {
	if off < 0 || n < 0 || off > r.place.size {
		return 0, fmt.Errorf("blob: range %d+%d of %d bytes", off, n, r.place.size)
	}
	done := ctx.Done()
	var sent int64
	err := r.each(off, min(n, r.place.size-off), func(b []byte) error {
		select {
		case <-done:
			return ctx.Err()
		default:
		}
		k, err := w.Write(b)
		sent += int64(k)
		if err == nil && k < len(b) {
			err = io.ErrShortWrite
		}
		return err
	})
	return sent, err
}

// each calls fn with the verified bytes of the range in order, several blocks at a time. The bytes are valid during the call.
func (r *Reader) each(off, n int64, fn func([]byte) error) error {
	if r.closed.Load() {
		return ErrClosed
	}
	if n <= 0 {
		return nil
	}
	size := r.place.size
	last := (off + n - 1) / blockSize
	block := off / blockSize
	buf := r.d.bufs.getRun(min(last-block+1, maxRun) * stride)
	defer r.d.bufs.put(buf)
	room := int64(len(buf.p) / stride)
	for block <= last {
		count := min(room, last-block+1)
		length := min(count*stride, blocksLen(size)-block*stride)
		got, rerr := r.h.file.ReadAt(buf.p[:length], r.place.body()+block*stride)
		good, bad := r.verify(buf.p[:got], block, count, rerr)
		start := block * blockSize
		from, to := max(off-start, 0), min(off+n-start, int64(len(good)))
		if from < to {
			if err := fn(good[from:to]); err != nil {
				return err
			}
		}
		if bad != nil {
			return bad
		}
		block += count
	}
	return nil
}

const (
	stride = blockSize + crcSize // of blocks in a region
	maxRun = 8                   // blocks that are read and handed on at once: few enough to stay in a core's cache until they are sent
)

// verify checks up to count blocks that p holds, the first being number block, and closes the gaps of their checksums in place:
// one write of the whole run costs less than one for each block. It returns the good bytes before the first damage, and the damage.
func (r *Reader) verify(p []byte, block, count int64, rerr error) ([]byte, error) {
	end := 0
	for i := range count {
		start := (block + i) * blockSize
		b := int(min(blockSize, r.place.size-start))
		at := int(i) * stride
		if len(p)-at < b+crcSize {
			return p[:end], r.d.damage(r.ref, start, shortReason(rerr), rerr)
		}
		body, sum := p[at:at+b], p[at+b:at+b+crcSize]
		if crc32.Update(blockStart(r.seed, block+i), castagnoli, body) != binary.LittleEndian.Uint32(sum) {
			return p[:end], r.d.damage(r.ref, start, "block does not verify", nil)
		}
		end += copy(p[end:], body)
	}
	return p[:end], nil
}
