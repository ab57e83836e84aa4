package object

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// openBody opens length bytes of r's body from offset on. Bodies of blobs hold their version against the collector
// until they are closed, and outlive ctx: the answer may be sent when the request's context has ended.
func (s *Service) openBody(ctx context.Context, b *bucket, key string, r *record, m *manifest, data *kms.DataKey, offset, length int64) (Body, error) {
	switch {
	case r.is(flagInRecord):
		return openInline(r, r.detail.Body, data, offset, length)
	case r.is(flagInline):
		v, err := s.kv.Get(ctx, b.shard, bodyKey(b.ID, key, r.instance))
		if errors.Is(err, kv.ErrNotFound) {
			return nil, errMoved
		} else if err != nil {
			return nil, err
		}
		return openInline(r, v.Data, data, offset, length)
	case length == 0:
		return &memoryBody{}, nil
	case r.is(flagSealed):
		return s.openSealed(ctx, readerKey{b.ID, r.homeOr(key), r.instance}, r, m, data, offset, length)
	}
	body := &blobBody{s: s, ctx: context.WithoutCancel(ctx), reader: readerKey{b.ID, r.homeOr(key), r.instance}, left: length}
	s.readers.enter(body.reader)
	var err error
	if r.is(flagManifest) {
		body.manifest = m
		body.ordinal = m.ordinalAt(offset)
	} else {
		body.pieces, err = unpackRefs(r.detail.Blobs)
		body.skip = offset
	}
	if err == nil && body.manifest != nil {
		err = body.seek(offset)
	}
	if err == nil {
		err = body.begin()
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// openInline opens a body that was stored as body, whole.
func openInline(r *record, body []byte, data *kms.DataKey, offset, length int64) (Body, error) {
	if r.is(flagSealed) {
		return openSealedInline(r, body, data, offset, length)
	}
	if int64(len(body)) != r.size {
		return nil, errRecord
	}
	return &memoryBody{rest: body[offset : offset+length]}, nil
}

// memoryBody is a body that came with its row.
type memoryBody struct{ rest []byte }

func (m *memoryBody) Read(p []byte) (int, error) {
	if len(m.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func (m *memoryBody) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(m.rest)
	m.rest = m.rest[n:]
	return int64(n), err
}

func (m *memoryBody) Close() error { return nil }

// blobBody streams the blobs of a body one after the other. It is used by one goroutine at a time.
type blobBody struct {
	s      *Service
	ctx    context.Context
	reader readerKey
	closed bool
	left   int64 // bytes still to give

	manifest *manifest // nil when pieces are all there is
	ordinal  int       // of the next part of the manifest
	pieces   []blobref.Ref
	skip     int64 // bytes to pass over in pieces

	cur     *blobs.Reader
	curOff  int64
	curLeft int64

	buf  []byte // what was read ahead: the first block, and for small reads
	room *[readAhead]byte
}

// readAhead is the least that is read from a blob at once: the unit of its checksums.
const readAhead = 64 << 10

var readRooms = sync.Pool{New: func() any { return new([readAhead]byte) }}

// begin reads and verifies the first block: what is missing or damaged there is an error while the answer has not begun, and only
// damage behind it cuts the answer short.
func (b *blobBody) begin() error {
	if err := b.advance(); err != nil {
		return err
	}
	n, err := b.readBlock()
	b.buf = b.room[:n]
	return err
}

// readBlock reads into room what is asked of the current block. Ending where the block does keeps the next read from verifying it
// again.
func (b *blobBody) readBlock() (int, error) {
	if b.room == nil {
		b.room = readRooms.Get().(*[readAhead]byte)
	}
	n, err := b.cur.ReadAt(b.room[:min(readAhead-b.curOff%readAhead, b.curLeft)], b.curOff)
	if n == 0 && err != nil {
		return 0, err
	}
	b.took(int64(n))
	return n, nil
}

// seek finds the part of the manifest that holds offset.
func (b *blobBody) seek(offset int64) error {
	var at int64
	err := b.manifest.each(b.ordinal, func(ordinal int, off int64, p *part) bool {
		b.ordinal, at = ordinal, off
		return off+p.size <= offset
	})
	b.skip = offset - at
	return err
}

// advance opens the next blob, if the current one is used up.
func (b *blobBody) advance() error {
	for b.curLeft == 0 {
		if err := b.closeCurrent(); err != nil {
			return err
		}
		for len(b.pieces) == 0 {
			if b.manifest == nil {
				return errRecord // the pieces are fewer than the size said
			}
			more := false
			err := b.manifest.each(b.ordinal, func(ordinal int, _ int64, p *part) bool {
				b.pieces, b.ordinal, more = p.pieces, ordinal+1, true
				return false
			})
			if err != nil {
				return err
			}
			if !more {
				return errRecord
			}
		}
		ref := b.pieces[0]
		b.pieces = b.pieces[1:]
		if b.skip >= ref.Size {
			b.skip -= ref.Size
			continue
		}
		r, err := b.s.blobs.Open(b.ctx, ref)
		if err != nil {
			return err
		}
		b.cur, b.curOff = r, b.skip
		b.curLeft = min(ref.Size-b.skip, b.left)
		b.skip = 0
	}
	return nil
}

func (b *blobBody) closeCurrent() error {
	if b.cur == nil {
		return nil
	}
	err := b.cur.Close()
	b.cur = nil
	return err
}

// Read gives verified bytes. Small reads are served from a buffer, since a whole block is verified each time.
func (b *blobBody) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, io.ErrClosedPipe
	case len(p) == 0:
		return 0, nil
	case len(b.buf) > 0:
		n := copy(p, b.buf)
		b.buf = b.buf[n:]
		return n, nil
	case b.left == 0:
		return 0, io.EOF
	}
	if err := b.advance(); err != nil {
		return 0, b.failed(err)
	}
	if len(p) < readAhead {
		n, err := b.readBlock()
		if err != nil {
			return 0, b.failed(err)
		}
		k := copy(p, b.room[:n])
		b.buf = b.room[k:n]
		return k, nil
	}
	n, err := b.cur.ReadAt(p[:min(int64(len(p)), b.curLeft)], b.curOff)
	if n == 0 && err != nil {
		return 0, b.failed(err)
	}
	b.took(int64(n))
	return n, nil
}

func (b *blobBody) took(n int64) {
	b.curOff += n
	b.curLeft -= n
	b.left -= n
}

// WriteTo gives the rest of the body without a copy of its own.
func (b *blobBody) WriteTo(w io.Writer) (int64, error) {
	if b.closed {
		return 0, io.ErrClosedPipe
	}
	var done int64
	if len(b.buf) > 0 {
		n, err := w.Write(b.buf)
		b.buf = b.buf[n:]
		done += int64(n)
		if err != nil {
			return done, err
		}
	}
	b.release() // a slow client needs no more of it
	for b.left > 0 {
		if err := b.advance(); err != nil {
			return done, b.failed(err)
		}
		n, err := b.cur.WriteRange(b.ctx, w, b.curOff, b.curLeft)
		done += n
		b.took(n)
		if err != nil {
			return done, b.failed(err)
		}
	}
	return done, nil
}

func (b *blobBody) failed(err error) error { return failed("object.Get", b.reader.key, err) }

func (b *blobBody) release() {
	if b.room != nil {
		readRooms.Put(b.room)
	}
	b.room, b.buf = nil, nil
}

// Close releases the blobs.
func (b *blobBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	b.release()
	err := b.closeCurrent()
	b.s.readers.leave(b.reader)
	return err
}
