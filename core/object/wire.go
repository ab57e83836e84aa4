package object

import (
	"encoding/binary"
	"fmt"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/tinylib/msgp/msgp"
)

var (
	errRecord = rows.ErrMalformed
	errSchema = rows.ErrSchema
)

// schema is the version of every record of this package; it is the first byte of each.
const schema = 1

// openRecord checks the schema byte and returns what follows it. It is cut so that the compiler inlines it.
func openRecord(data []byte) ([]byte, error) {
	if len(data) > 0 && data[0] == schema {
		return data[1:], nil
	}
	return nil, badSchema(data)
}

//go:noinline
func badSchema(data []byte) error {
	_, err := rows.Schema(schema).Open(data)
	return err
}

// encodeRecord writes a generated record behind the schema byte.
func encodeRecord(r rows.Record) []byte { return rows.Schema(schema).Encode(r) }

// decodeRecord reads what encodeRecord wrote.
func decodeRecord(data []byte, r msgp.Unmarshaler) error { return rows.Schema(schema).Decode(data, r) }

// wireReader reads hand-written binary forms. The first failure sticks; check err once at the end. Its small methods are cut so
// that the compiler inlines them: a listing calls them ten thousand times for a page.
type wireReader struct {
	rest []byte
	err  error
}

func (r *wireReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errRecord, what)
	}
	r.rest = nil
}

//go:noinline
func (r *wireReader) cutOff() { r.fail("cut off") }

func (r *wireReader) byte() (b byte) {
	if len(r.rest) > 0 {
		b, r.rest = r.rest[0], r.rest[1:]
	} else {
		r.cutOff()
	}
	return b
}

// bytes returns the next n bytes, which stay part of the record.
func (r *wireReader) bytes(n int) (b []byte) {
	if uint(n) <= uint(len(r.rest)) {
		b, r.rest = r.rest[:n:n], r.rest[n:]
	} else {
		r.cutOff()
	}
	return b
}

func (r *wireReader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		return uint64(r.byte())
	}
	return r.longUvarint()
}

func (r *wireReader) longUvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// size reads a number that must be a valid int64.
func (r *wireReader) size() int64 {
	v := r.uvarint()
	if v > 1<<62 {
		r.fail("number out of range")
		return 0
	}
	return int64(v)
}

// count reads the number of things that follow, each at least min bytes long.
func (r *wireReader) count(min int) int {
	v := r.uvarint()
	if v > uint64(len(r.rest)/min) {
		r.fail("count out of range")
		return 0
	}
	return int(v)
}

func (r *wireReader) instance() (id instance) {
	copy(id[:], r.bytes(len(id)))
	return id
}

// appendRef packs a reference: id, partition, size.
func appendRef(b []byte, ref blobref.Ref) []byte {
	b = append(b, ref.ID[:]...)
	b = binary.AppendUvarint(b, uint64(ref.Partition))
	return binary.AppendUvarint(b, uint64(ref.Size))
}

// minRef is the least a packed reference takes.
const minRef = 16 + 1 + 1

func (r *wireReader) ref() (ref blobref.Ref) {
	copy(ref.ID[:], r.bytes(len(ref.ID)))
	p := r.uvarint()
	if p > 1<<32-1 {
		r.fail("partition out of range")
	}
	ref.Partition = blobref.Partition(p)
	ref.Size = r.size()
	return ref
}

func packRefs(refs []blobref.Ref) []byte {
	b := make([]byte, 0, 28*len(refs))
	for _, ref := range refs {
		b = appendRef(b, ref)
	}
	return b
}

func unpackRefs(data []byte) ([]blobref.Ref, error) {
	r := wireReader{rest: data}
	refs := make([]blobref.Ref, 0, len(data)/minRef)
	for len(r.rest) > 0 {
		refs = append(refs, r.ref())
	}
	return refs, r.err
}
