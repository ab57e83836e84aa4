// Package checksum knows the checksums that S3 clients may attach to objects and parts: their names,
// headers, sizes and encodings, which kinds of object value each one allows, and how the value of a
// multipart object follows from the values of its parts.
//
// # Guarantees
//
//   - Nothing here allocates per byte or holds data: hashers stream, values are a few bytes.
//   - A decoded value has exactly the length of its algorithm, so comparing two values of one algorithm
//     compares digests and nothing else.
//   - The full-object CRC of a multipart object is computed from the CRCs and lengths of its parts alone;
//     no part is read again.
//
// The package knows no request and no storage: which header wins and what is answered on a mismatch is
// decided by the front end and by core/object.
package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"
)

// The classes of failure, for errors.Is.
var (
	// ErrUnknownAlgorithm: the name is none of the algorithms below.
	ErrUnknownAlgorithm = errors.New("checksum: unknown algorithm")
	// ErrMalformed: a value is not base64 of the algorithm's length.
	ErrMalformed = errors.New("checksum: malformed value")
	// ErrUnknownType: the name is neither COMPOSITE nor FULL_OBJECT.
	ErrUnknownType = errors.New("checksum: unknown type")
	// ErrType: the algorithm does not allow this type for a multipart object.
	ErrType = errors.New("checksum: type not allowed for this algorithm")
)

// Algorithm names a checksum. The numbers are stored in records: never renumber them.
type Algorithm uint8

// The algorithms. None is the zero value: no checksum.
const (
	None      Algorithm = 0
	CRC32     Algorithm = 1
	CRC32C    Algorithm = 2
	CRC64NVME Algorithm = 3
	SHA1      Algorithm = 4
	SHA256    Algorithm = 5
	SHA512    Algorithm = 6
	MD5       Algorithm = 7
	XXHASH64  Algorithm = 8
	XXHASH3   Algorithm = 9 // XXH3 with 64 bits
	XXHASH128 Algorithm = 10

	count = 11
)

// HeaderPrefix starts the name of every header that carries a value.
const HeaderPrefix = "x-amz-checksum-"

// MaxSize is the length of the longest digest (SHA-512).
const MaxSize = sha512.Size

// spec is what there is to know about one algorithm.
type spec struct {
	name      string
	header    string
	size      int
	composite bool // a multipart object may carry the hash of its parts' digests
	full      bool // a multipart object may carry the digest of the whole, combined from its parts
}

var specs = [count]spec{
	CRC32:     {"CRC32", "x-amz-checksum-crc32", 4, true, true},
	CRC32C:    {"CRC32C", "x-amz-checksum-crc32c", 4, true, true},
	CRC64NVME: {"CRC64NVME", "x-amz-checksum-crc64nvme", 8, false, true},
	SHA1:      {"SHA1", "x-amz-checksum-sha1", sha1.Size, true, false},
	SHA256:    {"SHA256", "x-amz-checksum-sha256", sha256.Size, true, false},
	SHA512:    {"SHA512", "x-amz-checksum-sha512", sha512.Size, true, false},
	MD5:       {"MD5", "x-amz-checksum-md5", md5.Size, true, false},
	XXHASH64:  {"XXHASH64", "x-amz-checksum-xxhash64", 8, true, false},
	XXHASH3:   {"XXHASH3", "x-amz-checksum-xxhash3", 8, true, false},
	XXHASH128: {"XXHASH128", "x-amz-checksum-xxhash128", 16, true, false},
}

// Algorithms lists every algorithm, in the order of their numbers.
func Algorithms() []Algorithm {
	all := make([]Algorithm, 0, count-1)
	for a := CRC32; a < count; a++ {
		all = append(all, a)
	}
	return all
}

// ParseAlgorithm reads the name of an algorithm as x-amz-checksum-algorithm and
// x-amz-sdk-checksum-algorithm carry it; case does not matter. The empty name is None.
func ParseAlgorithm(name string) (Algorithm, error) {
	if name == "" {
		return None, nil
	}
	for a := CRC32; a < count; a++ {
		if strings.EqualFold(specs[a].name, name) {
			return a, nil
		}
	}
	return None, fmt.Errorf("%w: %q", ErrUnknownAlgorithm, clip(name))
}

// FromHeader returns the algorithm whose value the named header (or trailer) carries, None when it
// carries none; case does not matter.
func FromHeader(name string) Algorithm {
	if len(name) <= len(HeaderPrefix) || !strings.EqualFold(name[:len(HeaderPrefix)], HeaderPrefix) {
		return None
	}
	for a := CRC32; a < count; a++ {
		if strings.EqualFold(specs[a].name, name[len(HeaderPrefix):]) {
			return a
		}
	}
	return None
}

// Valid reports whether a is one of the algorithms; None is not.
func (a Algorithm) Valid() bool { return a > None && a < count }

// String is the name as S3 writes it, empty for None.
func (a Algorithm) String() string {
	if a < count {
		return specs[a].name
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// Header is the lower-case name of the header that carries a value of a.
func (a Algorithm) Header() string {
	if a < count {
		return specs[a].header
	}
	return ""
}

// Size is the length of a digest in bytes.
func (a Algorithm) Size() int {
	if a < count {
		return specs[a].size
	}
	return 0
}

// New returns a streaming hasher whose Sum is the digest in S3's byte order (big endian). It panics
// for an algorithm that is not Valid: parse names with ParseAlgorithm first.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case CRC64NVME:
		return crc64nvme.New()
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case MD5:
		return md5.New()
	case XXHASH64:
		return xxhash.New()
	case XXHASH3:
		return xxh3.New()
	case XXHASH128:
		return xxh128{xxh3.New()}
	}
	panic(fmt.Sprintf("checksum: New of %v", a))
}

// xxh128 makes the 128-bit digest of XXH3 the one that Sum returns.
type xxh128 struct{ *xxh3.Hasher }

func (h xxh128) Size() int { return 16 }

func (h xxh128) Sum(b []byte) []byte {
	s := h.Sum128().Bytes()
	return append(b, s[:]...)
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
