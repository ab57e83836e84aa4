package object

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// A manifest says which blobs make a body that has many. It is cut into chunks, so that an object of 10,000 parts has no
// row of many megabytes and a range reads only what it needs:
//
//	chunk 0   schema | number of chunks | for each: offset, ordinal and number of its first part
//	chunk i   schema | number of parts | parts
//	part      number + layers << 16 | salt | size | MD5 | checksums | number of pieces | references
//
// The layers are how often the part is encrypted; the salt is there when it is.
const chunkTarget = 32 << 10 // bytes after which a chunk is closed

// part is one uploaded part, or the whole of a body that was not uploaded in parts.
type part struct {
	number int
	size   int64
	md5    [16]byte
	sums   []sum
	pieces []blobref.Ref
	layers int      // of encryption
	salt   instance // of its stream; zero when it is the whole body
}

func appendPart(b []byte, p *part) []byte {
	b = binary.AppendUvarint(b, uint64(p.number)|uint64(p.layers)<<16)
	if p.layers > 0 {
		b = append(b, p.salt[:]...)
	}
	b = binary.AppendUvarint(b, uint64(p.size))
	b = append(b, p.md5[:]...)
	b = appendSums(b, p.sums)
	b = binary.AppendUvarint(b, uint64(len(p.pieces)))
	for _, ref := range p.pieces {
		b = appendRef(b, ref)
	}
	return b
}

func (r *wireReader) part(p *part) {
	head := r.uvarint()
	p.number, p.layers = int(head&0xFFFF), int(head>>16&0xFF)
	if p.layers > maxLayers {
		r.fail("unknown encryption of a part")
		return
	}
	p.salt = instance{}
	if p.layers > 0 {
		p.salt = r.instance()
	}
	p.size = r.size()
	copy(p.md5[:], r.bytes(len(p.md5)))
	p.sums = r.sums(nil)
	p.pieces = make([]blobref.Ref, r.count(minRef))
	var total int64
	for i := range p.pieces {
		p.pieces[i] = r.ref()
		total += p.pieces[i].Size
	}
	if r.err == nil && total != sealedSize(p.size, p.layers) {
		r.fail("pieces do not add up to their part")
	}
}

// chunkStart is the place of a chunk in its manifest.
type chunkStart struct {
	offset  int64 // in the body
	ordinal int   // of its first part, from 0
	number  int   // of its first part
}

// encodeManifest returns the chunks; the first is the table.
func encodeManifest(parts []part) [][]byte {
	chunks := [][]byte{nil}
	var starts []chunkStart
	var body []byte
	var n int
	var offset int64
	flush := func() {
		chunk := binary.AppendUvarint([]byte{schema}, uint64(n))
		chunks = append(chunks, append(chunk, body...))
		body, n = body[:0], 0
	}
	for i := range parts {
		if n == 0 {
			starts = append(starts, chunkStart{offset: offset, ordinal: i, number: parts[i].number})
		}
		body = appendPart(body, &parts[i])
		offset += parts[i].size
		if n++; len(body) >= chunkTarget {
			flush()
		}
	}
	if n > 0 {
		flush()
	}
	table := binary.AppendUvarint([]byte{schema}, uint64(len(starts)))
	for _, s := range starts {
		table = binary.AppendUvarint(table, uint64(s.offset))
		table = binary.AppendUvarint(table, uint64(s.ordinal))
		table = binary.AppendUvarint(table, uint64(s.number))
	}
	chunks[0] = table
	return chunks
}

func decodeTable(data []byte) ([]chunkStart, error) {
	body, err := openRecord(data)
	if err != nil {
		return nil, err
	}
	r := wireReader{rest: body}
	starts := make([]chunkStart, r.count(3))
	for i := range starts {
		starts[i] = chunkStart{offset: r.size(), ordinal: int(r.uvarint() & 0xFFFFFF), number: int(r.uvarint() & 0xFFFF)}
	}
	if r.err == nil && (len(r.rest) != 0 || len(starts) == 0) {
		r.fail("odd manifest table")
	}
	return starts, r.err
}

func decodeChunk(data []byte) ([]part, error) {
	body, err := openRecord(data)
	if err != nil {
		return nil, err
	}
	r := wireReader{rest: body}
	parts := make([]part, r.count(1+1+16+1+1))
	for i := range parts {
		r.part(&parts[i])
	}
	if r.err == nil && len(r.rest) != 0 {
		r.fail("odd manifest chunk")
	}
	return parts, r.err
}

// manifest reads the parts of one stored body, chunk by chunk.
type manifest struct {
	get    func(chunk uint32) ([]byte, error)
	starts []chunkStart

	loaded int // chunk held in parts, from 1; 0 is none
	parts  []part
}

// openManifest reads the table. get returns a chunk.
func openManifest(get func(chunk uint32) ([]byte, error)) (*manifest, error) {
	data, err := get(0)
	if err != nil {
		return nil, err
	}
	starts, err := decodeTable(data)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return &manifest{get: get, starts: starts}, nil
}

// chunk returns the parts of chunk i, from 1.
func (m *manifest) chunk(i int) ([]part, error) {
	if m.loaded != i {
		data, err := m.get(uint32(i))
		if err != nil {
			return nil, err
		}
		parts, err := decodeChunk(data)
		if err != nil {
			return nil, fmt.Errorf("manifest chunk %d: %w", i, err)
		}
		m.loaded, m.parts = i, parts
	}
	return m.parts, nil
}

// each calls fn with every part from ordinal on, and the part's offset in the body, until fn returns false.
func (m *manifest) each(ordinal int, fn func(ordinal int, offset int64, p *part) bool) error {
	first := sort.Search(len(m.starts), func(i int) bool { return m.starts[i].ordinal > ordinal })
	for i := max(first, 1); i <= len(m.starts); i++ {
		parts, err := m.chunk(i)
		if err != nil {
			return err
		}
		start := m.starts[i-1]
		offset := start.offset
		for j := range parts {
			if start.ordinal+j >= ordinal && !fn(start.ordinal+j, offset, &parts[j]) {
				return nil
			}
			offset += parts[j].size
		}
	}
	return nil
}

// find returns the ordinal and offset of the part with a number; ok is false when there is none.
func (m *manifest) find(number int) (p *part, offset int64, ok bool, err error) {
	i := sort.Search(len(m.starts), func(i int) bool { return m.starts[i].number > number })
	if i == 0 {
		return nil, 0, false, nil
	}
	err = m.each(m.starts[i-1].ordinal, func(_ int, at int64, q *part) bool {
		if q.number == number {
			p, offset, ok = q, at, true
		}
		return q.number < number
	})
	return p, offset, ok, err
}

// ordinalAt returns the ordinal of a part at or before the one that holds offset off of the body.
func (m *manifest) ordinalAt(off int64) int {
	i := sort.Search(len(m.starts), func(i int) bool { return m.starts[i].offset > off })
	if i == 0 {
		return 0
	}
	return m.starts[i-1].ordinal
}

// ordinalBehind returns the ordinal of a part at or before the first one with a number above number.
func (m *manifest) ordinalBehind(number int) int {
	i := sort.Search(len(m.starts), func(i int) bool { return m.starts[i].number > number })
	if i == 0 {
		return 0
	}
	return m.starts[i-1].ordinal
}
