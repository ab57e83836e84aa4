package keys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed says that a key does not have the shape that the decoder was asked for.
var ErrMalformed = errors.New("keys: malformed key")

// Decoder reads a key back, element by element, in the order in which it was appended. The first failure
// sticks: later calls return zero values and [Decoder.Err] tells it, so one check at the end is enough.
//
//	d := keys.Decode(key)
//	bucket, name, version := d.Uint64(), d.String(), d.Uint64Desc()
//	if err := d.End(); err != nil { … }
type Decoder struct {
	rest []byte
	err  error
}

// Decode starts reading key. The decoder keeps the slice.
func Decode(key []byte) Decoder { return Decoder{rest: key} }

// Err is the first failure, nil if there was none.
func (d *Decoder) Err() error { return d.err }

// End checks that the whole key was read, and returns the first failure.
func (d *Decoder) End() error {
	if d.err == nil && len(d.rest) != 0 {
		d.err = fmt.Errorf("%w: %d bytes after the last element", ErrMalformed, len(d.rest))
	}
	return d.err
}

// Rest returns what was not read yet, and reads it: a trailing element without an end mark.
func (d *Decoder) Rest() []byte {
	rest := d.rest
	d.rest = nil
	return rest
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 reads what AppendUint16 wrote.
func (d *Decoder) Uint16() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads what AppendUint32 wrote.
func (d *Decoder) Uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads what AppendUint64 wrote.
func (d *Decoder) Uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Uint64Desc reads what AppendUint64Desc wrote.
func (d *Decoder) Uint64Desc() uint64 {
	if b := d.take(8); b != nil {
		return ^binary.BigEndian.Uint64(b)
	}
	return 0
}

// BytesFixed reads n bytes. The result is part of the key: copy what you keep.
func (d *Decoder) BytesFixed(n int) []byte { return d.take(n) }

// String reads what AppendString wrote.
func (d *Decoder) String() string { return string(d.Bytes()) }

// Bytes reads what AppendString or AppendBytes wrote. The result is part of the key where nothing was
// escaped, else a new slice: do not change it, and copy what you keep.
func (d *Decoder) Bytes() []byte {
	var out []byte // stays nil until the first escaped 0x00
	for b := d.rest; d.err == nil; {
		i := bytes.IndexByte(b, escape)
		if i < 0 || i+1 >= len(b) {
			d.fail("string without an end")
			break
		}
		switch b[i+1] {
		case escapeEnd:
			d.rest = b[i+2:]
			if out == nil {
				return b[:i:i]
			}
			return append(out, b[:i]...)
		case escapeNul:
			out = append(append(out, b[:i]...), 0x00)
			b = b[i+2:]
		default:
			d.fail("unknown escape in a string")
		}
	}
	return nil
}

// take reads n bytes, nil after a failure.
func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || len(d.rest) < n {
		d.fail("key too short")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *Decoder) fail(why string) {
	d.err = fmt.Errorf("%w: %s", ErrMalformed, why)
	d.rest = nil
}
