package blobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Writer writes one blob to its devices. It is used by one goroutine at a time and must be ended by Commit or Abort.
type Writer struct {
	p       *Pool
	ref     blobref.Ref
	quorum  int
	written int64
	ended   bool
	copies  []*replica
	skipped []blobref.DeviceID // primaries that were passed over
	fan     *fanout            // nil when the caller's goroutine writes all copies

	first [1]*replica // room for copies when there is one
	one   replica
}

// replica is one copy under way. err is why it dropped out.
type replica struct {
	d   *device
	w   *blob.Writer
	err error
}

// Create starts a blob of size bytes with a new random id on the devices of the partition. The owner note is kept with
// each copy.
func (p *Pool) Create(ctx context.Context, partition blobref.Partition, size int64, owner blobref.Owner) (*Writer, error) {
	if size < 0 || size > MaxBlob {
		return nil, fmt.Errorf("%w: %d bytes: at most %d", ErrTooLarge, size, MaxBlob)
	}
	if p.closed.Load() {
		return nil, ErrClosed
	}
	w := &Writer{p: p, ref: blobref.Ref{ID: blobref.NewID(), Partition: partition, Size: size}}
	w.copies = w.first[:0]
	for {
		v := p.view.Load()
		err := w.start(ctx, v, owner)
		if err == nil && p.view.Load() == v {
			break
		}
		if err == nil {
			// The ring or the devices changed meanwhile, and a device that is being emptied may have been
			// chosen: whoever empties it counts writers after the change (see Writing), so choose again.
			w.abandon()
			continue
		}
		return nil, fmt.Errorf("blobs: create in partition %d: %w", partition, err)
	}
	if len(w.copies) > 1 && size > directLimit {
		w.fan = startFanout(w)
	}
	return w, nil
}

// start opens a writer on as many devices as the partition has replicas: healthy primaries, then healthy
// handoffs, then what had errors a short time ago.
func (w *Writer) start(ctx context.Context, v *view, owner blobref.Owner) error {
	primaries := v.ring.Devices(w.ref.Partition)
	if len(primaries) == 0 {
		return fmt.Errorf("%w: the ring has no partition %d", ErrUnavailable, w.ref.Partition)
	}
	w.quorum = v.ring.Quorum()
	var errs []error
	try := func(id blobref.DeviceID, last bool) {
		d := v.device(id)
		switch {
		case d == nil:
			if !last {
				errs = append(errs, fmt.Errorf("%w: device %d is not attached", ErrUnavailable, id))
			}
			return
		case last && w.has(d) || !last && d.health() != Healthy || d.health() == Broken || !d.acquire():
			return
		}
		d.writing.Add(1)
		bw, err := d.dev.Create(ctx, w.ref, owner)
		if err != nil {
			d.writing.Add(-1)
			d.release()
			w.p.note(d, err)
			errs = append(errs, fmt.Errorf("device %d: %w", id, err))
			return
		}
		r := &w.one
		if w.one.d != nil {
			r = new(replica)
		}
		*r = replica{d: d, w: bw}
		w.copies = append(w.copies, r)
	}
	for _, id := range primaries {
		try(id, false)
	}
	if len(w.copies) < len(primaries) && ctx.Err() == nil {
		all := slices.AppendSeq(slices.Clone(primaries), v.ring.Handoffs(w.ref.Partition))
		for i := len(primaries); i < len(all) && len(w.copies) < len(primaries); i++ {
			try(all[i], false)
		}
		for i := 0; i < len(all) && len(w.copies) < len(primaries); i++ {
			try(all[i], true)
		}
		for _, id := range primaries {
			if !slices.ContainsFunc(w.copies, func(r *replica) bool { return r.d.id == id }) {
				w.skipped = append(w.skipped, id)
			}
		}
	}
	if len(w.copies) >= w.quorum {
		return nil
	}
	n := len(w.copies)
	w.abandon()
	return w.failure(ctx, n, errs)
}

func (w *Writer) has(d *device) bool {
	return slices.ContainsFunc(w.copies, func(r *replica) bool { return r.d == d })
}

// abandon gives up all copies of a writer that was not handed out yet.
func (w *Writer) abandon() {
	for _, r := range w.copies {
		r.w.Abort()
		r.done()
	}
	w.copies, w.skipped, w.one = w.first[:0], nil, replica{}
}

// done ends the use of the device.
func (r *replica) done() {
	r.d.writing.Add(-1)
	r.d.release()
}

// failure is the error for a write that has n copies left but needs w.quorum.
func (w *Writer) failure(ctx context.Context, n int, errs []error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	class := ErrNoSpace
	for _, err := range errs {
		if !errors.Is(err, blob.ErrNoSpace) {
			class = ErrUnavailable
		}
	}
	if len(errs) == 0 {
		class = ErrUnavailable
	}
	return fmt.Errorf("%w: %d copies of %d needed: %w", class, n, w.quorum, errors.Join(errs...))
}

// Ref names the blob.
func (w *Writer) Ref() blobref.Ref { return w.ref }

// Write adds to the body. It fails when too few copies are left for a majority.
func (w *Writer) Write(b []byte) (int, error) {
	if w.ended {
		return 0, ErrClosed
	}
	if w.written+int64(len(b)) > w.ref.Size {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrSize, w.ref.Size)
	}
	if w.fan != nil {
		if err := w.fan.write(b); err != nil {
			return 0, err
		}
		w.written += int64(len(b))
		return len(b), nil
	}
	left := 0
	for _, r := range w.copies {
		if r.err != nil {
			continue
		}
		if _, r.err = r.w.Write(b); r.err != nil {
			r.w.Abort()
			w.p.note(r.d, r.err)
			continue
		}
		left++
	}
	if left < w.quorum {
		return 0, fmt.Errorf("blobs: write %s: %w", w.ref.ID, w.failure(context.Background(), left, w.errs()))
	}
	w.written += int64(len(b))
	return len(b), nil
}

func (w *Writer) errs() []error {
	var errs []error
	for _, r := range w.copies {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("device %d: %w", r.d.id, r.err))
		}
	}
	return errs
}

// Commit returns nil when a majority of the replicas is durable. The other copies go on in the background. After an error
// the blob does not exist, or is an orphan that the collector will find.
func (w *Writer) Commit(ctx context.Context) error {
	if w.ended {
		return ErrClosed
	}
	if w.written != w.ref.Size {
		w.Abort()
		return fmt.Errorf("%w: %d bytes of %d", ErrSize, w.written, w.ref.Size)
	}
	w.ended = true
	if len(w.copies) == 1 {
		r := w.copies[0]
		if r.err == nil {
			r.err = r.w.Commit(ctx)
			w.p.note(r.d, r.err)
		}
		r.w.Abort() // does nothing after a commit
		r.done()
		if r.err != nil {
			return fmt.Errorf("blobs: commit %s: %w", w.ref.ID, w.failure(ctx, 0, w.errs()))
		}
		w.reportSkipped()
		return nil
	}
	if err := w.commitAll(ctx); err != nil {
		return fmt.Errorf("blobs: commit %s: %w", w.ref.ID, err)
	}
	w.reportSkipped()
	return nil
}

// reportSkipped asks for the primaries that handoffs stand in for.
func (w *Writer) reportSkipped() {
	for _, id := range w.skipped {
		w.p.report(Damage{w.ref, id, ErrHandoff})
	}
}

// Abort gives the blob up. After Commit or Abort it does nothing.
func (w *Writer) Abort() {
	if w.ended {
		return
	}
	w.ended = true
	if w.fan != nil {
		w.fan.abort()
		return
	}
	for _, r := range w.copies {
		r.w.Abort()
		r.done()
	}
}
