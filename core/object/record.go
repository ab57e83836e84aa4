package object

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
)

// Flags of a record.
const (
	flagMarker    = 1 << iota // a delete marker
	flagNull                  // the null version: written while versioning was off or suspended
	flagInline                // the body is in its B row
	flagManifest              // the B rows say which blobs make the body
	flagMultipart             // made by completing an upload
	flagOwner                 // an owner other than the bucket's is given
	flagNullBelow             // a noncurrent null version exists: its instance is given
	flagSealed                // the body is encrypted: the detail says how
	flagInRecord              // the body is in the record: it is tiny

	flagsKnown = 1<<iota - 1
)

// sum is a stored checksum. Composite ones belong to objects made from parts, whose number the record holds.
type sum struct {
	algorithm checksum.Algorithm
	typ       checksum.Type
	digest    []byte
}

// record describes one version of an object. Its encoding starts with what a listing shows, so that a listing decodes
// no further:
//
//	schema | flags | instance | size | modified | class | MD5 | parts | owner | checksums | null below | upload | detail
//
// Numbers are varints; parts and upload are there with flagMultipart, owner and null below with their flags, MD5
// without flagMarker.
type record struct {
	flags     uint64
	instance  instance
	size      int64
	modified  int64 // unix milliseconds
	class     uint8
	md5       [16]byte
	parts     int    // of the upload it was made from
	owner     string // account; "" is the bucket's
	sums      []sum
	nullBelow instance
	upload    instance
	detail    detail

	asked ObjectLock // of a version that is written: what its writer asked for; not stored as such
	cause cause      // of it: why; not stored either
	wish  *record    // of a replica: the original, whose version id and time it is to have
}

func (r *record) is(flag uint64) bool { return r.flags&flag != 0 }

// encode writes the record.
func (r *record) encode() []byte {
	b := make([]byte, 0, 128+r.detail.Msgsize())
	flags := r.flags &^ (flagOwner | flagNullBelow)
	if r.owner != "" {
		flags |= flagOwner
	}
	if !r.nullBelow.isZero() {
		flags |= flagNullBelow
	}
	b = append(b, schema)
	b = binary.AppendUvarint(b, flags)
	b = append(b, r.instance[:]...)
	b = binary.AppendUvarint(b, uint64(r.size))
	b = binary.AppendUvarint(b, uint64(max(r.modified, 0)))
	b = append(b, r.class)
	if flags&flagMarker == 0 {
		b = append(b, r.md5[:]...)
	}
	if flags&flagMultipart != 0 {
		b = binary.AppendUvarint(b, uint64(r.parts))
	}
	if r.owner != "" {
		b = binary.AppendUvarint(b, uint64(len(r.owner)))
		b = append(b, r.owner...)
	}
	b = appendSums(b, r.sums)
	if flags&flagNullBelow != 0 {
		b = append(b, r.nullBelow[:]...)
	}
	if flags&flagMultipart != 0 {
		b = append(b, r.upload[:]...)
	}
	b, err := r.detail.MarshalMsg(b)
	if err != nil {
		panic(fmt.Sprintf("object: encoding a record: %v", err)) // only slices beyond the limits in records.go
	}
	return b
}

// decodeFlags reads the flags alone.
func (r *record) decodeFlags(data []byte) error {
	w, err := r.openFlags(data)
	if err == nil {
		err = w.err
	}
	return err
}

func (r *record) openFlags(data []byte) (wireReader, error) {
	body, err := openRecord(data)
	w := wireReader{rest: body}
	if err != nil {
		return w, err
	}
	r.flags = w.uvarint()
	if r.flags > flagsKnown {
		w.fail("unknown flags")
	}
	return w, nil
}

// decodeSummary reads what a listing shows and returns the reader at the rest. The record keeps parts of data.
func (r *record) decodeSummary(data []byte) (wireReader, error) {
	w, err := r.openFlags(data)
	if err != nil {
		return w, err
	}
	r.instance = w.instance()
	r.size = w.size()
	r.modified = w.size()
	r.class = w.byte()
	if !r.is(flagMarker) {
		copy(r.md5[:], w.bytes(len(r.md5)))
	}
	r.parts = 0
	if r.is(flagMultipart) {
		n := w.uvarint()
		if n > MaxParts {
			w.fail("too many parts")
		}
		r.parts = int(n)
	}
	r.owner = ""
	if r.is(flagOwner) {
		r.owner = string(w.bytes(w.count(1)))
		if r.owner == "" {
			w.fail("empty owner")
		}
	}
	r.sums = w.sums(r.sums[:0])
	return w, w.err
}

// decode reads the record. It keeps parts of data.
func (r *record) decode(data []byte) error {
	w, err := r.decodeSummary(data)
	if err != nil {
		return err
	}
	r.nullBelow = instance{}
	if r.is(flagNullBelow) {
		r.nullBelow = w.instance()
	}
	r.upload = instance{}
	if r.is(flagMultipart) {
		r.upload = w.instance()
	}
	if w.err != nil {
		return w.err
	}
	r.detail = detail{}
	rest, err := r.detail.UnmarshalMsg(w.rest)
	if err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	if len(rest) != 0 || len(r.detail.Meta)%2 != 0 || len(r.detail.Tags)%2 != 0 {
		return fmt.Errorf("%w: odd detail", errRecord)
	}
	return nil
}

func appendSums(b []byte, sums []sum) []byte {
	b = append(b, byte(len(sums)))
	for _, s := range sums {
		b = append(b, byte(s.algorithm), byte(s.typ))
		b = append(b, s.digest...)
	}
	return b
}

// sums reads what appendSums wrote, into dst.
func (r *wireReader) sums(dst []sum) []sum {
	for n := r.byte(); n > 0 && r.err == nil; n-- {
		s := sum{algorithm: checksum.Algorithm(r.byte()), typ: checksum.Type(r.byte())}
		if !s.algorithm.Valid() || s.typ > checksum.FullObject {
			r.fail("unknown checksum")
			return dst
		}
		s.digest = r.bytes(s.algorithm.Size())
		dst = append(dst, s)
	}
	return dst
}

// appendETag writes the ETag without quotes: the MD5 in hex, and the number of parts behind a dash.
func (r *record) appendETag(b []byte) []byte {
	if r.is(flagMarker) {
		return b
	}
	b = hex.AppendEncode(b, r.md5[:])
	if r.is(flagMultipart) {
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(r.parts), 10)
	}
	return b
}

func (r *record) etag() string {
	var buf [48]byte
	return string(r.appendETag(buf[:0]))
}

func (r *record) modifiedTime() time.Time { return time.UnixMilli(r.modified).UTC() }

// versionID is the outer version id of r in a bucket of state v.
func (r *record) versionID(v Versioning) string {
	switch {
	case !r.is(flagNull):
		return r.instance.String()
	case v == VersioningOff:
		return ""
	}
	return nullVersion
}

// outer is s as callers see it.
func (s sum) outer(parts int) Checksum {
	v := checksum.Value{Algorithm: s.algorithm, Type: s.typ, Sum: s.digest}
	if s.typ == checksum.Composite {
		v.Parts = parts
	}
	return Checksum{Algorithm: s.algorithm, Type: s.typ, Value: v.String()}
}

func outerSums(sums []sum, parts int) []Checksum {
	if len(sums) == 0 {
		return nil
	}
	out := make([]Checksum, len(sums))
	for i, s := range sums {
		out[i] = s.outer(parts)
	}
	return out
}

// headers returns the content headers.
func (d *detail) headers() Headers {
	return Headers{
		ContentType:        d.ContentType,
		CacheControl:       d.CacheControl,
		ContentDisposition: d.ContentDisposition,
		ContentEncoding:    d.ContentEncoding,
		ContentLanguage:    d.ContentLanguage,
		Expires:            d.Expires,
		WebsiteRedirect:    d.WebsiteRedirect,
	}
}

// describe sets what the caller says about an object.
func (d *detail) describe(h Headers, meta []Meta, tags []Tag) {
	d.ContentType = h.ContentType
	d.CacheControl = h.CacheControl
	d.ContentDisposition = h.ContentDisposition
	d.ContentEncoding = h.ContentEncoding
	d.ContentLanguage = h.ContentLanguage
	d.Expires = h.Expires
	d.WebsiteRedirect = h.WebsiteRedirect
	d.Meta = nil
	for _, m := range meta {
		d.Meta = append(d.Meta, m.Name, m.Value)
	}
	d.Tags = flatTags(tags)
}

func (d *detail) metadata() []Meta {
	if len(d.Meta) == 0 {
		return nil
	}
	out := make([]Meta, 0, len(d.Meta)/2)
	for i := 0; i+1 < len(d.Meta); i += 2 {
		out = append(out, Meta{Name: d.Meta[i], Value: d.Meta[i+1]})
	}
	return out
}

func flatTags(tags []Tag) []string {
	if len(tags) == 0 {
		return nil
	}
	flat := make([]string, 0, 2*len(tags))
	for _, t := range tags {
		flat = append(flat, t.Key, t.Value)
	}
	return flat
}

func outerTags(flat []string) []Tag {
	if len(flat) == 0 {
		return nil
	}
	out := make([]Tag, 0, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		out = append(out, Tag{Key: flat[i], Value: flat[i+1]})
	}
	return out
}
