package checksum

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// Part is what an object's value needs to know of one part.
type Part struct {
	Sum  []byte
	Size int64
}

// OfParts computes the value of the object made of parts, in order. t must be allowed by a.
func OfParts(a Algorithm, t Type, parts []Part) (Value, error) {
	if !a.Allows(t) {
		return Value{}, fmt.Errorf("%w: %v with %v", ErrType, t, a)
	}
	if len(parts) == 0 || len(parts) > MaxParts {
		return Value{}, fmt.Errorf("%w: %d parts", ErrMalformed, len(parts))
	}
	for i := range parts {
		if len(parts[i].Sum) != a.Size() || parts[i].Size < 0 {
			return Value{}, fmt.Errorf("%w: part %d has %d bytes of %v", ErrMalformed, i+1, len(parts[i].Sum), a)
		}
	}
	if t == Composite {
		h := a.New()
		for i := range parts {
			h.Write(parts[i].Sum)
		}
		return Value{Algorithm: a, Type: Composite, Parts: len(parts), Sum: h.Sum(nil)}, nil
	}
	c := newCombiner(a)
	for i := range parts {
		c.add(parts[i].Sum, parts[i].Size)
	}
	return Value{Algorithm: a, Type: FullObject, Sum: c.sum()}, nil
}

// combiner computes the CRC of a concatenation from the CRCs and lengths of its pieces.
//
// A reflected CRC with all ones as its start and final mask is, over GF(2) and modulo the polynomial P,
//
//	crc(A|B) = crc(A)·x^(8·len(B)) + crc(B)
//
// (the masks cancel out). x^(8·n) mod P takes O(log n) multiplications by squaring; parts of one upload
// nearly always have one length, so the last power is kept and a further part costs one multiplication.
type combiner struct {
	poly  uint64 // reflected, without the leading term
	width uint   // 32 or 64
	crc   uint64

	lastLen int64
	lastPow uint64
}

func newCombiner(a Algorithm) *combiner {
	switch a {
	case CRC32:
		return &combiner{poly: crc32.IEEE, width: 32}
	case CRC32C:
		return &combiner{poly: crc32.Castagnoli, width: 32}
	case CRC64NVME:
		return &combiner{poly: crc64nvme.NVME, width: 64}
	}
	panic(fmt.Sprintf("checksum: %v cannot be combined", a))
}

// add appends a piece of n bytes whose big-endian CRC is sum.
func (c *combiner) add(sum []byte, n int64) {
	var crc uint64
	if c.width == 32 {
		crc = uint64(binary.BigEndian.Uint32(sum))
	} else {
		crc = binary.BigEndian.Uint64(sum)
	}
	c.crc = c.mul(c.crc, c.power(n)) ^ crc
}

// sum is the CRC of all pieces so far, big endian.
func (c *combiner) sum() []byte {
	if c.width == 32 {
		return binary.BigEndian.AppendUint32(nil, uint32(c.crc))
	}
	return binary.BigEndian.AppendUint64(nil, c.crc)
}

// power returns x^(8n) mod P.
func (c *combiner) power(n int64) uint64 {
	one := uint64(1) << (c.width - 1) // reflected: the highest bit is the coefficient of x^0
	if n == c.lastLen && c.lastPow != 0 {
		return c.lastPow
	}
	p, sq := one, one>>8 // sq = x^8
	for e := uint64(n); e != 0; e >>= 1 {
		if e&1 != 0 {
			p = c.mul(p, sq)
		}
		sq = c.mul(sq, sq)
	}
	c.lastLen, c.lastPow = n, p
	return p
}

// mul returns a·b mod P. Masks stand for branches: the bits are random and would mispredict.
func (c *combiner) mul(a, b uint64) uint64 {
	var p uint64
	a <<= 64 - c.width // the coefficient of x^0 is now the highest bit of the word
	for a != 0 {
		p ^= b & -(a >> 63)
		b = b>>1 ^ c.poly&-(b&1)
		a <<= 1
	}
	return p
}
