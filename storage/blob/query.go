package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Stat describes a blob, with its owner. ref.Size is not compared.
func (d *Device) Stat(ctx context.Context, ref blobref.Ref) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	r, err := d.find(ref)
	if err != nil {
		return Info{}, err
	}
	defer r.Close()
	buf := d.bufs.get(pageSize)
	defer d.bufs.put(buf)
	h, fl := r.header(buf.p)
	if fl != nil {
		return Info{}, d.damage(r.ref, fl.off, fl.reason, fl.err)
	}
	info := r.Info()
	info.Owner = cloneOwner(h.owner)
	return info, nil
}

// header reads the header of the blob and compares it with what the index says. The owner aliases buf.
func (r *Reader) header(buf []byte) (header, *flaw) {
	h, fl := readHeader(r.h.file, r.place.off, buf)
	if fl != nil {
		return h, fl
	}
	if h.ref() != r.ref || len(h.owner) != r.place.ownerLen || h.created != r.place.created {
		return h, &flaw{0, "header of another blob", nil}
	}
	return h, nil
}

// eachPage is how many entries Each reads at a time.
const eachPage = 512

// Each calls fn for the committed blobs of the partitions from <= p < to in the order of (partition, id); to 0 is no upper bound.
// It holds nothing open while fn runs: blobs made or removed meanwhile may or may not be seen. Owner is nil, since it
// lies in the segment: ask Stat.
func (d *Device) Each(ctx context.Context, from, to blobref.Partition, fn func(Info) error) error {
	lower := blobKey(from, blobref.ID{})
	upper := []byte{keyBlob + 1}
	if to != 0 {
		k := blobKey(to, blobref.ID{})
		upper = k[:]
	}
	next := lower[:]
	page := make([]Info, 0, eachPage)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if page, err = d.page(page[:0], next, upper); err != nil {
			return err
		}
		for _, i := range page {
			if err := fn(i); err != nil {
				return err
			}
		}
		if len(page) < eachPage {
			return nil
		}
		last := page[len(page)-1].Ref
		k := blobKey(last.Partition, last.ID)
		next = append(k[:], 0)
	}
}

// page appends the entries of [lower, upper) to page until it is full.
func (d *Device) page(page []Info, lower, upper []byte) ([]Info, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	return d.pageLocked(page, lower, upper)
}

// pageLocked is page for callers that have entered.
func (d *Device) pageLocked(page []Info, lower, upper []byte) ([]Info, error) {
	it, err := d.index.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, d.index.readError(err)
	}
	for ok := it.First(); ok && len(page) < cap(page); ok = it.Next() {
		i, err := decodeEntry(it)
		if err != nil {
			_ = it.Close()
			return nil, d.index.readError(err)
		}
		page = append(page, i)
	}
	if err := it.Close(); err != nil {
		return nil, d.index.readError(err)
	}
	return page, nil
}

func decodeEntry(it *pebble.Iterator) (Info, error) {
	part, id, err := decodeBlobKey(it.Key())
	if err != nil {
		return Info{}, err
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return Info{}, err
	}
	p, err := decodePlace(v)
	return p.info(part, id), err
}

// Verify reads all of a blob, header and trailer included. limit, unless nil, is called before n bytes are read.
func (d *Device) Verify(ctx context.Context, ref blobref.Ref, limit func(ctx context.Context, n int) error) error {
	r, err := d.find(ref)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := d.bufs.get(fourBlocks)
	defer d.bufs.put(buf)
	wait := func(n int) error {
		if limit != nil {
			return limit(ctx, n)
		}
		return ctx.Err()
	}
	if err := wait(pageSize); err != nil {
		return err
	}
	h, fl := r.header(buf.p)
	if fl == nil {
		// The owner aliases buf, which check is about to use; only its length matters from here on.
		if fl, err = check(r.h.file, r.place.off, &h, buf.p, true, wait); err != nil {
			return err
		}
	}
	if fl != nil {
		return d.damage(r.ref, fl.off, fl.reason, fl.err)
	}
	return nil
}

// Delete removes blobs durably. Absent ones are no error; ref.Size is not compared. A deleted blob can come back only when the
// index is lost and made again before the compactor has removed its segment; it is then an orphan.
func (d *Device) Delete(ctx context.Context, refs ...blobref.Ref) error {
	rs := make([]removal, len(refs))
	for i, ref := range refs {
		rs[i] = removal{part: ref.Partition, id: ref.ID}
	}
	_, err := d.remove(ctx, rs)
	return err
}

// removeBatch bounds what one batch of removals holds up.
const removeBatch = 1000

func (d *Device) remove(ctx context.Context, rs []removal) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.leave()
	for len(rs) > 0 {
		if err := d.failed(); err != nil {
			return n, err
		}
		k := min(len(rs), removeBatch)
		m, err := d.index.remove(d.segment, rs[:k])
		n += m
		if err != nil {
			return n, err
		}
		rs = rs[k:]
	}
	return n, nil
}

// Quarantine sets a corrupt copy aside, durably: it is neither served nor listed any more, and the same blob may be written anew.
// Its bytes stay until the compactor removes their segment. ErrNotFound when there is no such blob.
func (d *Device) Quarantine(ctx context.Context, ref blobref.Ref) error {
	n, err := d.remove(ctx, []removal{{part: ref.Partition, id: ref.ID, quarantine: true}})
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s", ErrNotFound, ref.ID)
	}
	return err
}

// Quarantined lists what was set aside and is still on disk, with its owner as far as it can be read.
func (d *Device) Quarantined(ctx context.Context) ([]Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	infos, err := d.quarantined()
	if err != nil {
		return nil, d.index.readError(err)
	}
	buf := d.bufs.get(pageSize)
	defer d.bufs.put(buf)
	for i := range infos {
		in := &infos[i]
		h, err := d.handles.acquire(in.Segment)
		if err != nil {
			continue // nothing left to read an owner from
		}
		if head, fl := readHeader(h.file, in.Offset, buf.p); fl == nil && head.ref() == in.Ref {
			in.Owner = cloneOwner(head.owner)
		}
		d.handles.put(h)
	}
	return infos, nil
}

func (d *Device) quarantined() (infos []Info, err error) {
	it, err := d.index.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyQuarantined}, UpperBound: []byte{keyQuarantined + 1}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		q, err := decodeQuarantined(v)
		if err != nil {
			return nil, err
		}
		infos = append(infos, q.place.info(q.part, q.id))
	}
	return infos, nil
}

// segmentUpper is the end of the page keys of a segment.
func segmentUpper(prefix byte, n uint32) []byte {
	if n == 1<<32-1 {
		return []byte{prefix + 1}
	}
	return binary.BigEndian.AppendUint32([]byte{prefix}, n+1)
}
