package object

import (
	"context"
	"io"
	"sync"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// sealedRead is how many blocks are read at once.
const sealedRead = 4

var sealedRooms = sync.Pool{New: func() any { return new([sealedRead * sealedBlock]byte) }}

// sealedBody is the plain text of an encrypted body of blobs, or of a range of it: stream after stream, and of each only the
// blocks that hold what is asked. It is used by one goroutine at a time.
type sealedBody struct {
	s      *Service
	ctx    context.Context
	reader readerKey
	key    kms.DataKey
	layers int
	closed bool

	parts func() (*part, error) // the next stream
	skip  int64                 // plain bytes to pass over before the next that is given
	left  int64                 // plain bytes still to give

	cur     *blobBody // ciphertext of the current stream, from block on
	curLeft int64     // bytes of it that were not read yet
	c       *sealing
	block   uint64
	last    uint64 // number of the stream's last block
	plain   []byte // decrypted, not yet given
	sealed  []byte // read, not yet decrypted
	room    *[sealedRead * sealedBlock]byte
}

// openSealed opens length bytes of an encrypted body from offset on. Like a plain body of blobs it holds its version against
// the collector until it is closed, and outlives ctx.
func (s *Service) openSealed(ctx context.Context, reader readerKey, r *record, m *manifest, key *kms.DataKey, offset, length int64) (Body, error) {
	b := &sealedBody{s: s, ctx: context.WithoutCancel(ctx), reader: reader, key: *key, layers: r.detail.layers(), skip: offset, left: length}
	b.room = sealedRooms.Get().(*[sealedRead * sealedBlock]byte)
	s.readers.enter(reader)
	err := b.begin(r, m, offset)
	if err == nil {
		err = b.fill() // what is missing shows before the answer begins
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// openSealedInline opens a range of an encrypted body that came with its row.
func openSealedInline(r *record, data []byte, key *kms.DataKey, offset, length int64) (Body, error) {
	c := newSealing(key, instance{}, r.detail.layers())
	plain, err := c.open(nil, data, 0, true)
	if err != nil {
		return nil, &errs.E{Kind: errs.Corrupt, Msg: "The object does not decrypt.", Err: err}
	}
	if int64(len(plain)) != r.size {
		return nil, errRecord
	}
	return &memoryBody{rest: plain[offset : offset+length]}, nil
}

// begin finds the first stream.
func (b *sealedBody) begin(r *record, m *manifest, offset int64) error {
	if r.is(flagManifest) {
		ordinal, at := m.ordinalAt(offset), int64(0)
		err := m.each(ordinal, func(o int, off int64, p *part) bool {
			ordinal, at = o, off
			return off+p.size <= offset
		})
		b.skip = offset - at
		b.parts = func() (p *part, err error) {
			err = m.each(ordinal, func(_ int, _ int64, q *part) bool {
				p = q
				return false
			})
			ordinal++
			return p, err
		}
		return err
	}
	pieces, err := unpackRefs(r.detail.Blobs)
	whole := &part{size: r.size, layers: b.layers, pieces: pieces}
	b.parts = func() (*part, error) {
		p := whole
		whole = nil
		return p, nil
	}
	return err
}

// open begins the next stream that has something to give.
func (b *sealedBody) open() error {
	for {
		p, err := b.parts()
		if err != nil {
			return err
		}
		if p == nil || p.layers != b.layers {
			return errRecord // the parts are fewer than the size said, or not sealed like it
		}
		if b.skip >= p.size {
			b.skip -= p.size
			continue
		}
		b.c = newSealing(&b.key, p.salt, b.layers)
		payload := int64(b.c.payload())
		b.block, b.last = uint64(b.skip/payload), uint64((p.size-1)/payload)
		from := int64(b.block) * sealedBlock
		upTo := sealedSize(p.size, b.layers)
		if end := b.skip + b.left; end < p.size {
			upTo = min(upTo, (end+payload-1)/payload*sealedBlock)
		}
		b.skip -= int64(b.block) * payload
		return b.openPieces(p.pieces, from, upTo-from)
	}
}

func (b *sealedBody) openPieces(pieces []blobref.Ref, from, length int64) error {
	b.s.readers.enter(b.reader) // the blobBody leaves once more
	b.cur = &blobBody{s: b.s, ctx: b.ctx, reader: b.reader, left: length, pieces: pieces, skip: from}
	b.curLeft = length
	return b.cur.advance()
}

// fill decrypts the next block unless there is plain text left.
func (b *sealedBody) fill() error {
	for len(b.plain) == 0 {
		if len(b.sealed) == 0 {
			if err := b.read(); err != nil {
				return err
			}
		}
		n := min(len(b.sealed), sealedBlock)
		plain, err := b.c.open(b.sealed[:0], b.sealed[:n], b.block, b.block == b.last)
		if err != nil {
			return &errs.E{Kind: errs.Corrupt, Msg: "A part of the object does not decrypt.", Err: err}
		}
		b.sealed = b.sealed[n:]
		b.block++
		drop := min(b.skip, int64(len(plain)))
		b.skip -= drop
		plain = plain[drop:]
		b.plain = plain[:min(int64(len(plain)), b.left)]
	}
	return nil
}

// read reads the next blocks.
func (b *sealedBody) read() error {
	if b.curLeft == 0 {
		if err := b.closeCurrent(); err != nil {
			return err
		}
		if err := b.open(); err != nil {
			return err
		}
	}
	n := min(int64(len(b.room)), b.curLeft)
	if _, err := io.ReadFull(b.cur, b.room[:n]); err != nil {
		return err
	}
	b.sealed = b.room[:n]
	b.curLeft -= n
	return nil
}

func (b *sealedBody) take(n int) {
	b.plain = b.plain[n:]
	b.left -= int64(n)
}

// Read gives decrypted bytes.
func (b *sealedBody) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, io.ErrClosedPipe
	case len(p) == 0:
		return 0, nil
	case b.left == 0:
		return 0, io.EOF
	}
	if err := b.fill(); err != nil {
		return 0, failed("object.Get", b.reader.key, err)
	}
	n := copy(p, b.plain)
	b.take(n)
	return n, nil
}

// WriteTo gives the rest of the body without a copy of its own.
func (b *sealedBody) WriteTo(w io.Writer) (int64, error) {
	if b.closed {
		return 0, io.ErrClosedPipe
	}
	var done int64
	for b.left > 0 {
		if err := b.fill(); err != nil {
			return done, failed("object.Get", b.reader.key, err)
		}
		n, err := w.Write(b.plain)
		done += int64(n)
		b.take(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (b *sealedBody) closeCurrent() error {
	if b.cur == nil {
		return nil
	}
	err := b.cur.Close()
	b.cur = nil
	return err
}

// Close releases the blobs.
func (b *sealedBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	err := b.closeCurrent()
	clear(b.room[:])
	sealedRooms.Put(b.room)
	b.room, b.plain, b.sealed = nil, nil, nil
	b.s.readers.leave(b.reader)
	return err
}
