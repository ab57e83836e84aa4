package checksum

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// MaxParts is the most parts a composite value may name.
const MaxParts = 10_000

// Value is a checksum of an object or part.
type Value struct {
	Algorithm Algorithm
	Type      Type
	Parts     int    // the number of parts of a Composite, else 0
	Sum       []byte // the digest, Algorithm.Size() bytes
}

// IsZero reports whether v is no checksum at all.
func (v Value) IsZero() bool { return v.Algorithm == None }

// String is v as headers and XML carry it: base64, and "-N" behind a composite one.
func (v Value) String() string {
	if v.Type == Composite {
		return Encode(v.Sum) + "-" + strconv.Itoa(v.Parts)
	}
	return Encode(v.Sum)
}

// Equal reports whether v and w are the same checksum.
func (v Value) Equal(w Value) bool {
	return v.Algorithm == w.Algorithm && v.Type == w.Type && v.Parts == w.Parts && bytes.Equal(v.Sum, w.Sum)
}

// ParseValue reads a value as String writes it: a plain one is FullObject, one with "-N" Composite.
func ParseValue(a Algorithm, s string) (Value, error) {
	base, n, composite := strings.Cut(s, "-")
	sum, err := Decode(a, base)
	if err != nil {
		return Value{}, err
	}
	if !composite {
		return Value{Algorithm: a, Type: FullObject, Sum: sum}, nil
	}
	parts, err := strconv.Atoi(n)
	if err != nil || parts < 1 || parts > MaxParts || n[0] == '+' || n[0] == '0' {
		return Value{}, fmt.Errorf("%w: %v with %q parts", ErrMalformed, a, clip(n))
	}
	return Value{Algorithm: a, Type: Composite, Parts: parts, Sum: sum}, nil
}

// Decode reads the base64 of a digest of a. Anything but exactly that digest's length is ErrMalformed.
func Decode(a Algorithm, s string) ([]byte, error) {
	if !a.Valid() {
		return nil, fmt.Errorf("%w: %v", ErrUnknownAlgorithm, a)
	}
	if len(s) != base64.StdEncoding.EncodedLen(a.Size()) {
		return nil, fmt.Errorf("%w: %v of %d characters", ErrMalformed, a, len(s))
	}
	// DecodeString skips line breaks, which would make a second spelling of one value.
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("%w: %v with a line break", ErrMalformed, a)
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(sum) != a.Size() {
		return nil, fmt.Errorf("%w: %v is not base64 of %d bytes", ErrMalformed, a, a.Size())
	}
	return sum, nil
}

// Encode writes a digest as headers carry it.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
