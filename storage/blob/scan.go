package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// scanner walks the regions of a segment file.
type scanner struct {
	file  vfs.File
	nonce uint64
	buf   []byte // at least a page

	end     int64 // behind the last region
	skipped int64 // bytes in which no header was found
}

// each calls fn for every region from off on; the header is valid during the call. A page that holds no header is skipped: behind a
// damaged or lost header the next one is searched.
func (s *scanner) each(ctx context.Context, off int64, fn func(off int64, h *header) error) error {
	s.end = off
	window := int64(pageSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.file.ReadAt(s.buf[:window], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read at %d: %w", off, err)
		}
		if n < headerSize {
			return nil
		}
		h, at := s.find(s.buf[:n])
		s.skipped += at
		off += at
		if h == nil {
			window = int64(len(s.buf)) &^ (pageSize - 1) // search in larger steps
			continue
		}
		window = pageSize
		if err := fn(off, h); err != nil {
			return err
		}
		off += h.region()
		s.end = off
	}
}

// find returns the first header in p and where it is, or nil and how many bytes hold none.
func (s *scanner) find(p []byte) (*header, int64) {
	var at int64
	for ; at < int64(len(p)); at += pageSize {
		page := p[at:min(at+pageSize, int64(len(p)))]
		if len(page) < 4 || binary.LittleEndian.Uint32(page) != regionMagic {
			continue
		}
		if h, err := decodeHeader(page); err == nil && h.nonce == s.nonce {
			return &h, at
		}
	}
	return nil, at
}

// flaw says where and why a region does not verify.
type flaw struct {
	off    int64 // in the body; the size of the body for the trailer
	reason string
	err    error
}

// shortReason says why a read gave less than it should.
func shortReason(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return "cut off"
	}
	return "cannot be read"
}

// check verifies the region of h at off: the trailer, and with deep every block. nil when all is well.
func check(f vfs.File, off int64, h *header, buf []byte, deep bool, limit func(n int) error) (*flaw, error) {
	const stride = blockSize + crcSize
	body := off + h.len()
	seed := blockSeed(h.id)
	var sum uint32
	blocks := blocksOf(h.size)
	for block := int64(0); deep && block < blocks; {
		count := min(int64(len(buf)/stride), blocks-block)
		length := min(count*stride, blocksLen(h.size)-block*stride)
		if limit != nil {
			if err := limit(int(length)); err != nil {
				return nil, err
			}
		}
		n, rerr := f.ReadAt(buf[:length], body+block*stride)
		p := buf[:n]
		for range count {
			start := block * blockSize
			b := min(blockSize, h.size-start)
			if int64(len(p)) < b+crcSize {
				return &flaw{start, shortReason(rerr), rerr}, nil
			}
			stored := p[b : b+crcSize]
			if crc32.Update(blockStart(seed, block), castagnoli, p[:b]) != binary.LittleEndian.Uint32(stored) {
				return &flaw{start, "block does not verify", nil}, nil
			}
			sum = crc32.Update(sum, castagnoli, stored)
			p = p[b+crcSize:]
			block++
		}
	}
	n, rerr := f.ReadAt(buf[:trailerSize], body+blocksLen(h.size))
	if n < trailerSize {
		return &flaw{h.size, "trailer " + shortReason(rerr), rerr}, nil
	}
	t, err := decodeTrailer(buf[:n])
	switch {
	case err != nil:
		return &flaw{h.size, "trailer does not verify", err}, nil
	case !t.closes(h):
		return &flaw{h.size, "trailer of another region", nil}, nil
	case deep && t.sum != sum:
		return &flaw{h.size, "checksums differ from the trailer's", nil}, nil
	}
	return nil, nil
}

// readHeader reads the header of a region. The owner aliases buf.
func readHeader(f vfs.File, off int64, buf []byte) (header, *flaw) {
	n, rerr := f.ReadAt(buf[:pageSize], off)
	if n < headerSize {
		return header{}, &flaw{0, "header " + shortReason(rerr), rerr}
	}
	h, err := decodeHeader(buf[:n])
	if err != nil {
		return header{}, &flaw{0, "header does not verify", err}
	}
	return h, nil
}
