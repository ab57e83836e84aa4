package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Reader reads one blob from one copy after the other. It is used by one goroutine at a time.
type Reader struct {
	p      *Pool
	ref    blobref.Ref
	cur    *blob.Reader
	d      *device
	sink   sink
	closed bool

	// What was tried and found wanting.
	tried   []blobref.DeviceID
	missing []blobref.DeviceID // the part of tried that has no copy
	corrupt error              // a copy was damaged
	down    error              // a device could not be asked
}

// Open opens a blob. The copy that is opened may still turn out to be bad, so all the error classes can come from reads too.
func (p *Pool) Open(ctx context.Context, ref blobref.Ref) (*Reader, error) {
	r := &Reader{p: p, ref: ref}
	if err := r.next(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// next opens the best copy that was not tried yet.
func (r *Reader) next(ctx context.Context) error {
	for {
		moves := r.p.moves.Load()
		v := r.p.view.Load()
		if r.search(ctx, v) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("blobs: open %s: %w", r.ref.ID, err)
		}
		if moves == r.p.moves.Load() && v == r.p.view.Load() {
			return r.nowhere(v)
		}
		// Copies were moved meanwhile: it may now lie where it was not a moment ago.
		r.tried = slices.DeleteFunc(r.tried, func(id blobref.DeviceID) bool { return slices.Contains(r.missing, id) })
		r.missing = nil
	}
}

// search tries all devices, healthy primaries first, what is broken last.
func (r *Reader) search(ctx context.Context, v *view) bool {
	for _, id := range v.ring.Devices(r.ref.Partition) {
		if d := v.device(id); d != nil && d.health() <= Full && r.try(ctx, d) {
			return true
		}
	}
	for worst := Healthy; worst <= Broken; worst++ {
		for id := range v.ring.Handoffs(r.ref.Partition) {
			if d := v.device(id); d != nil && d.health() == worst && r.try(ctx, d) {
				return true
			}
		}
		for _, d := range v.devices {
			if d != nil && d.health() == worst && r.try(ctx, d) {
				return true
			}
		}
	}
	return false
}

// nowhere is the error when no device has a good copy.
func (r *Reader) nowhere(v *view) error {
	for _, rd := range v.ring.All() {
		if v.device(rd.ID) == nil {
			r.down = fmt.Errorf("device %d is not attached", rd.ID)
		}
	}
	switch {
	case r.corrupt != nil:
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, r.ref.ID, r.corrupt)
	case r.down != nil:
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, r.ref.ID, r.down)
	}
	return fmt.Errorf("%w: %s", ErrNotFound, r.ref.ID)
}

// try opens the copy on d, once.
func (r *Reader) try(ctx context.Context, d *device) bool {
	if slices.Contains(r.tried, d.id) || !d.acquire() {
		return false
	}
	br, err := d.dev.Open(ctx, r.ref)
	if err != nil {
		d.release()
		r.fault(d, err)
		return false
	}
	r.cur, r.d = br, d
	if len(r.missing) > 0 {
		r.reportMissing()
	}
	return true
}

// fault remembers what is wrong with the copy on d.
func (r *Reader) fault(d *device, err error) {
	r.tried = append(r.tried, d.id)
	r.p.note(d, err)
	var ce *blob.CorruptError
	switch {
	case errors.Is(err, blob.ErrNotFound):
		r.missing = append(r.missing, d.id)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.As(err, &ce):
		r.corrupt = err
		r.p.report(Damage{r.ref, d.id, err})
	default:
		r.down = fmt.Errorf("device %d: %w", d.id, err)
		r.p.report(Damage{r.ref, d.id, err})
	}
}

// reportMissing reports the primaries that lack the blob, now that it is known to exist.
func (r *Reader) reportMissing() {
	rg := r.p.view.Load().ring
	for _, id := range r.missing {
		if rg.IsPrimary(r.ref.Partition, id) {
			r.p.report(Damage{r.ref, id, blob.ErrNotFound})
		}
	}
	r.missing = nil
}

// Ref names the blob.
func (r *Reader) Ref() blobref.Ref { return r.ref }

// Size is the size of the body.
func (r *Reader) Size() int64 { return r.ref.Size }

// Device tells from which device the next bytes come.
func (r *Reader) Device() blobref.DeviceID { return r.d.id }

// sink remembers the error of the writer behind it, to tell it from one of the device.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	if err != nil {
		s.err = err
	}
	return n, err
}

// WriteRange writes n bytes of the body from off on to w and returns how many w took. A missing or damaged copy or an
// I/O error of a device makes it go on with the next copy; an error of w is returned as it is.
func (r *Reader) WriteRange(ctx context.Context, w io.Writer, off, n int64) (int64, error) {
	if r.closed {
		return 0, ErrClosed
	}
	if off < 0 || n < 0 || off+n > r.ref.Size {
		return 0, fmt.Errorf("%w: range %d+%d of %d", ErrSize, off, n, r.ref.Size)
	}
	r.sink = sink{w: w}
	var done int64
	for {
		if r.cur == nil {
			if err := r.next(ctx); err != nil {
				return done, err
			}
		}
		k, err := r.cur.WriteRange(ctx, &r.sink, off+done, n-done)
		done += k
		switch {
		case err == nil:
			return done, nil
		case r.sink.err != nil:
			return done, r.sink.err
		case ctx.Err() != nil:
			return done, ctx.Err()
		}
		r.drop(err)
	}
}

// ReadAt reads verified bytes as io.ReaderAt says, but not concurrently.
func (r *Reader) ReadAt(b []byte, off int64) (int, error) {
	if r.closed {
		return 0, ErrClosed
	}
	for {
		if r.cur == nil {
			if err := r.next(context.Background()); err != nil {
				return 0, err
			}
		}
		n, err := r.cur.ReadAt(b, off)
		if err == nil || err == io.EOF || off < 0 {
			return n, err
		}
		r.drop(err)
	}
}

// drop gives up the current copy.
func (r *Reader) drop(err error) {
	r.cur.Close()
	r.d.release()
	r.fault(r.d, err)
	r.cur = nil
}

// Close releases the reader.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.cur == nil {
		return nil
	}
	err := r.cur.Close()
	r.d.release()
	r.cur = nil
	return err
}
