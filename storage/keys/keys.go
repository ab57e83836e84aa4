// Package keys encodes tuples into bytes so that comparing the bytes compares the tuples. It is the
// one place of the storage layer where byte order is decided.
//
// # Guarantees
//
//   - For two tuples of the same shape, bytes.Compare of the encodings equals comparing the tuples
//     element by element (strings by byte, numbers by value, Desc numbers by value reversed).
//   - A string may hold any byte, 0x00 included, and may stand anywhere in a tuple.
//   - What was appended is read back by [Decoder] with the matching calls; anything else is ErrMalformed.
//   - No call allocates unless dst must grow.
//
// # Encoding
//
//	uint16/32/64      big endian
//	uint64 descending big endian of the complement: the newest number sorts first
//	byte, fixed       as they are
//	string            0x00 becomes 0x00 0xFF; the end is 0x00 0x01
//
// The end mark is smaller than any continuation (0x00 0xFF or a byte from 0x01 on), so "a" sorts before
// "a\x00" and that before "ab", whatever follows in the tuple.
//
// # What it may not know
//
// Nothing about records: which tuple means what is decided by the owner of the key space.
package keys

import (
	"bytes"
	"encoding/binary"
	"strings"
)

const (
	escape    = 0x00 // starts a two-byte sequence in a string
	escapeEnd = 0x01 // escape, escapeEnd: the string ends
	escapeNul = 0xFF // escape, escapeNul: a 0x00 in the string
)

// AppendByte appends one byte: a tag, a flag or a version.
func AppendByte(dst []byte, v byte) []byte { return append(dst, v) }

// AppendUint16 appends v in ascending order.
func AppendUint16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }

// AppendUint32 appends v in ascending order.
func AppendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }

// AppendUint64 appends v in ascending order.
func AppendUint64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }

// AppendUint64Desc appends v in descending order: larger numbers sort first.
func AppendUint64Desc(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, ^v) }

// AppendBytesFixed appends b as it is. It keeps the order only if every key of the space has the same
// length at this place (ids, hashes), or if it is the last element of the tuple.
func AppendBytesFixed(dst, b []byte) []byte { return append(dst, b...) }

// AppendString appends s with its end mark.
func AppendString(dst []byte, s string) []byte {
	return append(AppendStringPrefix(dst, s), escape, escapeEnd)
}

// AppendBytes is AppendString for bytes.
func AppendBytes(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 {
			return append(append(dst, b...), escape, escapeEnd)
		}
		dst = append(append(dst, b[:i]...), escape, escapeNul)
		b = b[i+1:]
	}
}

// AppendStringPrefix appends s without an end mark: the common prefix of all encoded strings that begin
// with s. With [PrefixEnd] it bounds a scan over them.
func AppendStringPrefix(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, escape)
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(append(dst, s[:i]...), escape, escapeNul)
		s = s[i+1:]
	}
}

// PrefixEnd returns the smallest key greater than every key that has the prefix, in a new slice.
// It is nil, which means "no bound", when there is none: for an empty prefix or one of 0xFF only.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

// Next returns the smallest key greater than key, in a new slice: the lower bound that resumes a scan
// after key.
func Next(key []byte) []byte {
	next := make([]byte, len(key)+1)
	copy(next, key)
	return next
}
