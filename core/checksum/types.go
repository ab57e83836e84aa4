package checksum

import (
	"fmt"
	"strings"
)

// Type says what the value of an object covers. The numbers are stored in records: never renumber them.
type Type uint8

// The types.
const (
	NoType     Type = 0
	Composite  Type = 1 // the hash of the concatenated digests of the parts, written with "-N"
	FullObject Type = 2 // the digest of all bytes
)

// String is the name as S3 writes it, empty for NoType.
func (t Type) String() string {
	switch t {
	case NoType:
		return ""
	case Composite:
		return "COMPOSITE"
	case FullObject:
		return "FULL_OBJECT"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// ParseType reads x-amz-checksum-type; case does not matter, the empty name is NoType.
func ParseType(s string) (Type, error) {
	switch {
	case s == "":
		return NoType, nil
	case strings.EqualFold(s, "COMPOSITE"):
		return Composite, nil
	case strings.EqualFold(s, "FULL_OBJECT"):
		return FullObject, nil
	}
	return NoType, fmt.Errorf("%w: %q", ErrUnknownType, clip(s))
}

// Allows reports whether a multipart object may carry a value of a with type t. (An object of one
// piece always carries FullObject, with every algorithm.)
func (a Algorithm) Allows(t Type) bool {
	if !a.Valid() {
		return false
	}
	return t == Composite && specs[a].composite || t == FullObject && specs[a].full
}

// MultipartType is the type of a multipart upload that asks for a with type asked: asked itself when a
// allows it, the default when nothing was asked (COMPOSITE, but FULL_OBJECT for CRC64NVME), else ErrType.
func (a Algorithm) MultipartType(asked Type) (Type, error) {
	switch {
	case !a.Valid():
		return NoType, fmt.Errorf("%w: %v", ErrUnknownAlgorithm, a)
	case asked == NoType && specs[a].composite:
		return Composite, nil
	case asked == NoType:
		return FullObject, nil
	case !a.Allows(asked):
		return NoType, fmt.Errorf("%w: %v with %v", ErrType, asked, a)
	}
	return asked, nil
}
