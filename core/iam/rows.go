package iam

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/storage/keys"
)

// Rows of the control shard, which is shared with other domains: hence the common prefix. Account ids have
// one length, so what follows them needs no mark.
const (
	rowPrefix    = "iam."
	rowAccount   = "iam.a"
	rowCanonical = "iam.c"
	rowGroup     = "iam.g"
	rowKey       = "iam.k"
	rowOwner     = "iam.o"
	rowPolicy    = "iam.p"
	rowRoot      = "iam.r"
	rowUser      = "iam.u"
)

func accountRow(id string) []byte         { return []byte(rowAccount + id) }
func canonicalRow(id string) []byte       { return []byte(rowCanonical + id) }
func keyRow(id string) []byte             { return []byte(rowKey + id) }
func ownerRow(name string) []byte         { return []byte(rowOwner + name) }
func rootRow() []byte                     { return []byte(rowRoot) }
func userRow(account, name string) []byte { return []byte(rowUser + account + name) }
func groupRow(account, name string) []byte {
	return []byte(rowGroup + account + name)
}

// policyRow ends the holder's name by a NUL, which no name holds.
func policyRow(h Holder, name string) []byte {
	return []byte(rowPolicy + h.Account + string(rune('0'+h.Kind)) + h.Name + "\x00" + name)
}

func rowsEnd() []byte { return keys.PrefixEnd([]byte(rowPrefix)) }

var (
	// errRecord: a stored record does not decode: a bug, or a foreign hand.
	errRecord = errors.New("iam: malformed record")
	// errSchema: a record was written by a newer version of this program.
	errSchema = errors.New("iam: record of a newer schema")
)

// schema is the version of every record of this package; it is the first byte of each.
const schema = 1

func encodeRecord(r msgp.Marshaler) []byte {
	b, err := r.MarshalMsg([]byte{schema})
	if err != nil {
		panic(fmt.Sprintf("iam: encoding a record: %v", err)) // only slices beyond the limits in records.go
	}
	return b
}

func decodeRecord(data []byte, r msgp.Unmarshaler) error {
	switch {
	case len(data) == 0 || data[0] == 0:
		return fmt.Errorf("%w: no schema", errRecord)
	case data[0] > schema:
		return fmt.Errorf("%w: schema %d, this program knows %d: use a newer one", errSchema, data[0], schema)
	}
	rest, err := r.UnmarshalMsg(data[1:])
	if err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes too many", errRecord, len(rest))
	}
	return nil
}
