package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Rows of the control shard, which is shared with other domains: hence the common prefix. The tag behind it says what
// the row is; the rest of the key is the id, or a composed name.
const rowPrefix = "net."

// The tags of rows.
const (
	tagVPC       = 'v'
	tagSubnet    = 's'
	tagGroup     = 'g'
	tagInterface = 'e'
	tagTable     = 'r'
	tagGateway   = 'w'
	tagACL       = 'l'
	tagDHCP      = 'o'
	tagElasticIP = 'a'
	tagDefaults  = 'd' // account -> its default VPC
	tagPrivate   = 'i' // subnet, address -> interface
	tagPublic    = 'p' // address -> interface or allocation
	tagName      = 'n' // VPC, group name -> group
	tagRule      = 'u' // rule -> its group, which holds it
	tagCounter   = 'c' // what, of whom: a counter, not a record
)

func rowKey(tag byte, id string) []byte {
	return append(append(append(make([]byte, 0, len(rowPrefix)+1+len(id)), rowPrefix...), tag), id...)
}

func rowsEnd() []byte { return keys.PrefixEnd([]byte(rowPrefix)) }

// splitRow undoes rowKey.
func splitRow(key []byte) (tag byte, id string, ok bool) {
	if len(key) <= len(rowPrefix) || string(key[:len(rowPrefix)]) != rowPrefix {
		return 0, "", false
	}
	return key[len(rowPrefix)], string(key[len(rowPrefix)+1:]), true
}

// Composed names. Ids hold no slash and no row mixes kinds of ids in its first element.
func privateName(subnet string, a netip.Addr) string { return subnet + "/" + a.String() }
func groupName(vpc, name string) string              { return vpc + "/" + name }

// usersOf is the counter of what uses a resource: it must be zero for the resource to go.
func usersOf(id string) string { return "u" + id }

// quotaOf is the counter of what an account or a VPC has of a kind.
func quotaOf(owner, what string) string { return "q" + owner + "/" + what }

var (
	// errRecord: a stored record does not decode: a bug, or a foreign hand.
	errRecord = errors.New("network: malformed record")
	// errSchema: a record was written by a newer version of this program.
	errSchema = errors.New("network: record of a newer schema")
)

// schema is the version of every record of this package; it is the first byte of each.
const schema = 1

func encodeRecord(r msgp.Marshaler) []byte {
	b, err := r.MarshalMsg([]byte{schema})
	if err != nil {
		panic(fmt.Sprintf("network: encoding a record: %v", err)) // only slices beyond the limits in types.go
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
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes behind it", errRecord, len(rest))
	}
	return nil
}

// The text forms of addresses in records; empty stands for none.

func addrText(a netip.Addr) (string, error) {
	if !a.IsValid() {
		return "", nil
	}
	return a.String(), nil
}

func textAddr(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	return netip.ParseAddr(s)
}

func prefixText(p netip.Prefix) (string, error) {
	if !p.IsValid() {
		return "", nil
	}
	return p.String(), nil
}

func textPrefix(s string) (netip.Prefix, error) {
	if s == "" {
		return netip.Prefix{}, nil
	}
	return netip.ParsePrefix(s)
}

// versioned is a record as the memory holds it.
type versioned[T any] struct {
	v   *T
	rev kv.Index
}

// splitPrivate undoes privateName.
func splitPrivate(name string) (subnet string, a netip.Addr) {
	subnet, text, _ := strings.Cut(name, "/")
	a, _ = netip.ParseAddr(text) // a name that is none holds no address that could be asked for
	return subnet, a
}
