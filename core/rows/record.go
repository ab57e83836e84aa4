package rows

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

var (
	// ErrMalformed: a stored record does not decode. Pebble verifies its blocks, so this is a bug or a foreign hand.
	ErrMalformed = errors.New("malformed record")
	// ErrSchema: a record was written by a newer version of this program.
	ErrSchema = errors.New("record of a newer schema")
)

// Schema is the version of a domain's records; it is the first byte of each.
type Schema byte

// Record is a generated record.
type Record interface {
	msgp.Marshaler
	msgp.Sizer
}

// Encode writes a record behind its schema byte.
func (s Schema) Encode(r Record) []byte {
	b, err := r.MarshalMsg(append(make([]byte, 0, 1+r.Msgsize()), byte(s)))
	if err != nil {
		panic(fmt.Sprintf("encoding %T: %v", r, err)) // only slices beyond the limits that their packages declare
	}
	return b
}

// Decode reads what Encode wrote, by this schema or an older one. r keeps no reference to data.
func (s Schema) Decode(data []byte, r msgp.Unmarshaler) error {
	body, err := s.Open(data)
	if err != nil {
		return err
	}
	rest, err := r.UnmarshalMsg(body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes behind it", ErrMalformed, len(rest))
	}
	return nil
}

// Open checks the schema byte and returns what follows it.
func (s Schema) Open(data []byte) ([]byte, error) {
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("%w: empty", ErrMalformed)
	case data[0] == 0:
		return nil, fmt.Errorf("%w: schema 0", ErrMalformed)
	case data[0] > byte(s):
		return nil, fmt.Errorf("%w: schema %d, this program knows %d: use a newer one", ErrSchema, data[0], s)
	}
	return data[1:], nil
}
