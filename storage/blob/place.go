package blob

import (
	"encoding/binary"
	"fmt"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Keys of the index, by their first byte.
//
//	b partition(4) id(16)           -> place: a committed blob
//	q segment(4) page(4)            -> quarantined: a copy set aside
//	s segment(4)                    -> segmentRecord
//	t segment(4) page(4)            -> nothing: a region behind the watermark that was deleted, so that a scan leaves it dead
//	m                               -> the index is complete
const (
	keyBlob        = 'b'
	keyMeta        = 'm'
	keyQuarantined = 'q'
	keySegment     = 's'
	keyTomb        = 't'

	blobKeyLen    = 1 + 4 + 16
	recordVersion = 1
)

func blobKey(p blobref.Partition, id blobref.ID) (k [blobKeyLen]byte) {
	k[0] = keyBlob
	binary.BigEndian.PutUint32(k[1:], uint32(p))
	copy(k[5:], id[:])
	return k
}

func decodeBlobKey(k []byte) (blobref.Partition, blobref.ID, error) {
	var id blobref.ID
	if len(k) != blobKeyLen || k[0] != keyBlob {
		return 0, id, fmt.Errorf("%w: index key of %d bytes", errFormat, len(k))
	}
	copy(id[:], k[5:])
	return blobref.Partition(binary.BigEndian.Uint32(k[1:])), id, nil
}

func segmentKey(n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keySegment}, n)
}

// pageKey is the key of a region by where it lies (keyQuarantined, keyTomb).
func pageKey(prefix byte, segment uint32, off int64) []byte {
	k := binary.BigEndian.AppendUint32([]byte{prefix}, segment)
	return binary.BigEndian.AppendUint32(k, uint32(off/pageSize))
}

func decodePageKey(prefix byte, k []byte) (segment uint32, off int64, err error) {
	if len(k) != 9 || k[0] != prefix {
		return 0, 0, fmt.Errorf("%w: index key of %d bytes", errFormat, len(k))
	}
	return binary.BigEndian.Uint32(k[1:]), int64(binary.BigEndian.Uint32(k[5:])) * pageSize, nil
}

// place is where a blob lies.
type place struct {
	segment  uint32
	off      int64 // a multiple of pageSize
	size     int64
	ownerLen int
	created  int64
}

const placeLen = 27

func (p place) region() int64 { return pageUp(regionLen(p.ownerLen, p.size)) }
func (p place) body() int64   { return p.off + headerSize + int64(p.ownerLen) }

// same reports whether p and q are the same region.
func (p place) same(q place) bool { return p.segment == q.segment && p.off == q.off }

func (p place) info(part blobref.Partition, id blobref.ID) Info {
	return Info{
		Ref:     blobref.Ref{ID: id, Partition: part, Size: p.size},
		Created: unixNano(p.created), Segment: p.segment, Offset: p.off, Length: p.region(),
	}
}

func (p place) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, recordVersion)
	b = le.AppendUint16(b, uint16(p.ownerLen))
	b = le.AppendUint32(b, p.segment)
	b = le.AppendUint32(b, uint32(p.off/pageSize))
	b = le.AppendUint64(b, uint64(p.size))
	return le.AppendUint64(b, uint64(p.created))
}

func decodePlace(b []byte) (place, error) {
	var p place
	if len(b) != placeLen || b[0] != recordVersion {
		return p, fmt.Errorf("%w: index value of %d bytes", errFormat, len(b))
	}
	le := binary.LittleEndian
	p.ownerLen = int(le.Uint16(b[1:]))
	p.segment = le.Uint32(b[3:])
	p.off = int64(le.Uint32(b[7:])) * pageSize
	p.size = int64(le.Uint64(b[11:]))
	p.created = int64(le.Uint64(b[19:]))
	if p.ownerLen > blobref.MaxOwnerLen || p.size < 0 || p.size > maxBody || p.off < pageSize {
		return p, fmt.Errorf("%w: index value: owner %d, size %d, offset %d", errFormat, p.ownerLen, p.size, p.off)
	}
	return p, nil
}

// quarantined is a copy set aside: the place and whose it was.
type quarantined struct {
	part  blobref.Partition
	id    blobref.ID
	place place
}

func (q quarantined) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(q.part))
	b = append(b, q.id[:]...)
	return q.place.append(b)
}

func decodeQuarantined(b []byte) (quarantined, error) {
	var q quarantined
	if len(b) < 20 {
		return q, fmt.Errorf("%w: quarantine record of %d bytes", errFormat, len(b))
	}
	q.part = blobref.Partition(binary.BigEndian.Uint32(b))
	copy(q.id[:], b[4:20])
	var err error
	q.place, err = decodePlace(b[20:])
	return q, err
}

// state of a segment.
type state uint8

const (
	stateOpen    state = iota // may get more regions
	stateSealed               // complete
	stateDropped              // its file is being removed
	states
)

// segmentRecord is what the index keeps about a segment. It is written in the batch that changes it, so it always agrees
// with the entries of the blobs.
type segmentRecord struct {
	state     state
	class     class
	nonce     uint64
	watermark int64 // every region before it is settled: in the index or dead
	end       int64 // where the next region went when the record was written
	live      int64 // bytes of the regions the index names
	blobs     int64
}

const segmentRecordLen = 43

func (r segmentRecord) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, recordVersion, byte(r.state), byte(r.class))
	b = le.AppendUint64(b, r.nonce)
	b = le.AppendUint64(b, uint64(r.watermark))
	b = le.AppendUint64(b, uint64(r.end))
	b = le.AppendUint64(b, uint64(r.live))
	return le.AppendUint64(b, uint64(r.blobs))
}

func decodeSegmentRecord(b []byte) (segmentRecord, error) {
	var r segmentRecord
	if len(b) != segmentRecordLen || b[0] != recordVersion {
		return r, fmt.Errorf("%w: segment record of %d bytes", errFormat, len(b))
	}
	le := binary.LittleEndian
	r.state, r.class = state(b[1]), class(b[2])
	r.nonce = le.Uint64(b[3:])
	r.watermark = int64(le.Uint64(b[11:]))
	r.end = int64(le.Uint64(b[19:]))
	r.live = int64(le.Uint64(b[27:]))
	r.blobs = int64(le.Uint64(b[35:]))
	if r.state >= states || r.class >= classes || r.watermark < pageSize || r.watermark > r.end || r.watermark%pageSize != 0 ||
		r.end%pageSize != 0 || r.end > maxSegmentSize+pageSize || r.live < 0 || r.live > r.end || r.blobs < 0 {
		return r, fmt.Errorf("%w: segment record %+v", errFormat, r)
	}
	return r, nil
}
