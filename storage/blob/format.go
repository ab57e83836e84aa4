package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The format of a segment file. All numbers are little endian, all checksums CRC32C.
//
//	page 0      segment header
//	page 1...   regions, each starting on a page:
//	              header   60 bytes + owner
//	              blocks   up to 64 KiB of body, then its checksum (4 bytes)
//	              trailer  48 bytes
//	              zeros up to the next page
//
// Regions start on pages so that a page that was synced is never written again: neither a torn write of a later blob nor
// the wait for a page under writeback can touch a committed one. It also makes looking for the next header behind a
// damaged one cheap. The nonce of the segment in every region header keeps bytes that a user chose (the body of a blob)
// from being taken for a header then.
const (
	pageSize  = 4 << 10
	blockSize = 64 << 10
	crcSize   = 4

	segmentMagic  = 0x47535541 // "AUSG"
	regionMagic   = 0x42525541 // "AURB"
	trailerMagic  = 0x54525541 // "AURT"
	formatVersion = 1

	segmentHeaderSize = 36
	headerSize        = 60
	trailerSize       = 48

	// maxBody bounds the size of a blob by the largest segment, so that no sum of sizes can overflow.
	maxBody = maxSegmentSize
)

// class tells small blobs from large ones, which go to different segments.
type class uint8

const (
	small class = iota
	large
	classes
)

// kind of a region header.
type kind uint8

const (
	kindBlob kind = 1 // a blob follows
	kindCopy kind = 2 // a blob follows that the compactor copied: see tail.region
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFormat is the parent of all that the decoders below refuse.
var errFormat = errors.New("blob: bad record")

func checksum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// blockSeed is where the checksums of a blob's blocks start from.
func blockSeed(id blobref.ID) uint32 { return checksum(id[:]) }

// blockStart is the checksum of no bytes for block i: the id and the number of the block are in it, so that neither another blob's
// bytes nor another block of this blob verifies.
func blockStart(seed uint32, i int64) uint32 { return seed ^ uint32(i)*0x9e3779b1 }

// blocksOf is the number of blocks of a body.
func blocksOf(size int64) int64 { return (size + blockSize - 1) / blockSize }

// blocksLen is the length of the blocks of a body with their checksums.
func blocksLen(size int64) int64 { return size + blocksOf(size)*crcSize }

// regionLen is the length of a region before it is rounded up.
func regionLen(ownerLen int, size int64) int64 {
	return headerSize + int64(ownerLen) + blocksLen(size) + trailerSize
}

func pageUp(n int64) int64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// segmentHeader is the first page of a segment file.
type segmentHeader struct {
	class   class
	device  blobref.DeviceID
	number  uint32
	nonce   uint64
	created int64 // Unix nanoseconds
}

func (h segmentHeader) encode(p []byte) {
	le := binary.LittleEndian
	le.PutUint32(p[0:], segmentMagic)
	p[4] = formatVersion
	p[5] = byte(h.class)
	le.PutUint16(p[6:], uint16(h.device))
	le.PutUint32(p[8:], h.number)
	le.PutUint64(p[12:], h.nonce)
	le.PutUint64(p[20:], uint64(h.created))
	le.PutUint32(p[28:], 0)
	le.PutUint32(p[32:], checksum(p[:32]))
}

func decodeSegmentHeader(p []byte) (segmentHeader, error) {
	var h segmentHeader
	if len(p) < segmentHeaderSize {
		return h, fmt.Errorf("%w: segment header of %d bytes", errFormat, len(p))
	}
	le := binary.LittleEndian
	if le.Uint32(p) != segmentMagic || le.Uint32(p[32:]) != checksum(p[:32]) {
		return h, fmt.Errorf("%w: segment header does not verify", errFormat)
	}
	if p[4] > formatVersion {
		return h, fmt.Errorf("%w: segment version %d, this program knows %d", ErrNewerFormat, p[4], formatVersion)
	}
	h.class = class(p[5])
	if p[4] == 0 || h.class >= classes {
		return h, fmt.Errorf("%w: segment version %d, class %d", errFormat, p[4], p[5])
	}
	h.device = blobref.DeviceID(le.Uint16(p[6:]))
	h.number = le.Uint32(p[8:])
	h.nonce = le.Uint64(p[12:])
	h.created = int64(le.Uint64(p[20:]))
	return h, nil
}

// header opens a region.
type header struct {
	kind      kind
	nonce     uint64 // of the segment
	id        blobref.ID
	partition blobref.Partition
	size      int64
	created   int64 // Unix nanoseconds
	owner     blobref.Owner
}

func (h *header) len() int64    { return headerSize + int64(len(h.owner)) }
func (h *header) region() int64 { return pageUp(regionLen(len(h.owner), h.size)) }
func (h *header) ref() blobref.Ref {
	return blobref.Ref{ID: h.id, Partition: h.partition, Size: h.size}
}

// encode writes the header to p, which holds at least h.len() bytes.
func (h *header) encode(p []byte) {
	le := binary.LittleEndian
	le.PutUint32(p[0:], regionMagic)
	p[4] = formatVersion
	p[5] = byte(h.kind)
	le.PutUint16(p[6:], uint16(len(h.owner)))
	le.PutUint64(p[8:], h.nonce)
	copy(p[16:32], h.id[:])
	le.PutUint32(p[32:], uint32(h.partition))
	le.PutUint32(p[36:], 0)
	le.PutUint64(p[40:], uint64(h.size))
	le.PutUint64(p[48:], uint64(h.created))
	copy(p[headerSize:], h.owner)
	le.PutUint32(p[56:], crc32.Update(checksum(p[:56]), castagnoli, h.owner))
}

// decodeHeader reads a header. The owner aliases p. p may be longer than the header.
func decodeHeader(p []byte) (header, error) {
	var h header
	if len(p) < headerSize {
		return h, fmt.Errorf("%w: header of %d bytes", errFormat, len(p))
	}
	le := binary.LittleEndian
	if le.Uint32(p) != regionMagic {
		return h, fmt.Errorf("%w: no region header", errFormat)
	}
	n := int(le.Uint16(p[6:]))
	if n > blobref.MaxOwnerLen || headerSize+n > len(p) {
		return h, fmt.Errorf("%w: owner of %d bytes", errFormat, n)
	}
	owner := p[headerSize : headerSize+n]
	if crc32.Update(checksum(p[:56]), castagnoli, owner) != le.Uint32(p[56:]) {
		return h, fmt.Errorf("%w: header does not verify", errFormat)
	}
	h.kind = kind(p[5])
	h.nonce = le.Uint64(p[8:])
	copy(h.id[:], p[16:32])
	h.partition = blobref.Partition(le.Uint32(p[32:]))
	h.size = int64(le.Uint64(p[40:]))
	h.created = int64(le.Uint64(p[48:]))
	if n > 0 {
		h.owner = blobref.Owner(owner)
	}
	if p[4] != formatVersion || (h.kind != kindBlob && h.kind != kindCopy) || h.size < 0 || h.size > maxBody {
		return h, fmt.Errorf("%w: header version %d, kind %d, size %d", errFormat, p[4], p[5], h.size)
	}
	return h, nil
}

// trailer closes a region; without it the blob was never committed.
type trailer struct {
	nonce uint64
	id    blobref.ID
	size  int64
	sum   uint32 // checksum of the block checksums
}

func (t trailer) encode(p []byte) {
	le := binary.LittleEndian
	le.PutUint32(p[0:], trailerMagic)
	le.PutUint32(p[4:], formatVersion)
	le.PutUint64(p[8:], t.nonce)
	copy(p[16:32], t.id[:])
	le.PutUint64(p[32:], uint64(t.size))
	le.PutUint32(p[40:], t.sum)
	le.PutUint32(p[44:], checksum(p[:44]))
}

func decodeTrailer(p []byte) (trailer, error) {
	var t trailer
	if len(p) < trailerSize {
		return t, fmt.Errorf("%w: trailer of %d bytes", errFormat, len(p))
	}
	le := binary.LittleEndian
	if le.Uint32(p) != trailerMagic || le.Uint32(p[44:]) != checksum(p[:44]) {
		return t, fmt.Errorf("%w: trailer does not verify", errFormat)
	}
	t.nonce = le.Uint64(p[8:])
	copy(t.id[:], p[16:32])
	t.size = int64(le.Uint64(p[32:]))
	t.sum = le.Uint32(p[40:])
	if v := le.Uint32(p[4:]); v != formatVersion || t.size < 0 || t.size > maxBody {
		return t, fmt.Errorf("%w: trailer version %d, size %d", errFormat, v, t.size)
	}
	return t, nil
}

// closes reports whether t is the trailer of h, whatever its sum.
func (t trailer) closes(h *header) bool {
	return t.nonce == h.nonce && t.id == h.id && t.size == h.size
}

func unixNano(n int64) time.Time { return time.Unix(0, n) }
