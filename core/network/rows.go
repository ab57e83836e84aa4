package network

import (
	"net/netip"
	"strings"

	"github.com/aureole-cloud/aureole/core/rows"
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

// schema is the version of every record of this package.
const schema rows.Schema = 1

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
