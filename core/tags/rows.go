package tags

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// rowPrefix is that of all rows of this package.
const rowPrefix = "tag.r"

const schema = 1

func row(account, id string) []byte {
	return append(append([]byte(rowPrefix), account...), id...) // account ids have one length
}

// Put adds the tags of a resource that b makes.
func Put(b *kv.Batch, account, id string, s Set) {
	if len(s) > 0 {
		b.Put(row(account, id), encode(s))
	}
}

// Delete removes the tags of a resource that b removes.
func Delete(b *kv.Batch, account, id string) { b.Delete(row(account, id)) }

// Of returns the tags of one resource.
func Of(v kv.View, account, id string) (Set, error) {
	s, _, err := read(v, account, id)
	return s, err
}

func read(v kv.View, account, id string) (Set, kv.Index, error) {
	val, err := v.Get(row(account, id))
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	}
	s, err := decode(val.Data)
	return s, val.Revision, err
}

// All returns the tags of every tagged resource of an account whose id begins with prefix ("vpc-"), by id.
func All(v kv.View, account, prefix string) (_ map[string]Set, err error) {
	lower := row(account, prefix)
	it := v.Scan(kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(lower)})
	defer func() { err = errors.Join(err, it.Close()) }()
	all := make(map[string]Set)
	skip := len(rowPrefix) + len(account)
	for ok := it.First(); ok; ok = it.Next() {
		s, err := decode(it.Value())
		if err != nil {
			return nil, err
		}
		all[string(it.Key()[skip:])] = s
	}
	return all, nil
}

func encode(s Set) []byte {
	b := msgp.AppendArrayHeader([]byte{schema}, uint32(2*len(s)))
	for _, t := range s {
		b = msgp.AppendString(msgp.AppendString(b, t.Key), t.Value)
	}
	return b
}

var errRecord = errors.New("tags: malformed record")

func decode(data []byte) (Set, error) {
	if len(data) == 0 || data[0] != schema {
		return nil, fmt.Errorf("%w: schema", errRecord)
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(data[1:])
	if err != nil || int64(n) > int64(len(rest)) {
		return nil, fmt.Errorf("%w: length: %w", errRecord, err)
	}
	s := make(Set, n/2)
	for i := range s {
		if s[i].Key, rest, err = msgp.ReadStringBytes(rest); err != nil {
			return nil, fmt.Errorf("%w: key: %w", errRecord, err)
		}
		if s[i].Value, rest, err = msgp.ReadStringBytes(rest); err != nil {
			return nil, fmt.Errorf("%w: value: %w", errRecord, err)
		}
	}
	return s, nil
}
