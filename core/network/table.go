package network

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// table holds all records of one kind. The records are never changed, only replaced.
type table[T any] struct {
	tag       byte
	rows      map[string]versioned[T]
	byAccount sorted
	owner     func(*T) string       // nil: belongs to no account
	link      func(t *T, id string) // enters a record in the indexes of its kind
	unlink    func(t *T, id string) // undoes link
	decode    func([]byte) (*T, error)
}

// record is a pointer to T that can be stored.
type record[T any] interface {
	*T
	rows.Record
	msgp.Unmarshaler
}

func newTable[T any, P record[T]](tag byte, owner func(*T) string, link, unlink func(*T, string)) *table[T] {
	return &table[T]{
		tag: tag, rows: map[string]versioned[T]{}, byAccount: sorted{}, owner: owner, link: link, unlink: unlink,
		decode: func(data []byte) (*T, error) {
			v := new(T)
			return v, schema.Decode(data, P(v))
		},
	}
}

// get returns a record, nil when there is none.
func (t *table[T]) get(id string) *T { return t.rows[id].v }

// put takes in a row.
func (t *table[T]) put(id string, data []byte, rev kv.Index) error {
	v, err := t.decode(data)
	if err != nil {
		return fmt.Errorf("row %c of %q: %w", t.tag, id, err)
	}
	old, had := t.rows[id]
	if had && t.unlink != nil {
		t.unlink(old.v, id)
	}
	if t.owner != nil && (!had || t.owner(old.v) != t.owner(v)) {
		if had {
			t.byAccount.del(t.owner(old.v), id)
		}
		t.byAccount.add(t.owner(v), id)
	}
	t.rows[id] = versioned[T]{v, rev}
	if t.link != nil {
		t.link(v, id)
	}
	return nil
}

// remove takes a row out, if it is there.
func (t *table[T]) remove(id string) {
	old, ok := t.rows[id]
	if !ok {
		return
	}
	delete(t.rows, id)
	if t.owner != nil {
		t.byAccount.del(t.owner(old.v), id)
	}
	if t.unlink != nil {
		t.unlink(old.v, id)
	}
}

// of returns the records of an account, sorted by id.
func (t *table[T]) of(account string) []*T { return t.after(account, "", 0) }

// after returns at most n records of an account behind an id, sorted by id; all for n below 1.
func (t *table[T]) after(account, id string, n int) []*T {
	ids := t.byAccount[account]
	if id != "" {
		at, found := slices.BinarySearch(ids, id)
		if found {
			at++
		}
		ids = ids[at:]
	}
	if n > 0 && n < len(ids) {
		ids = ids[:n]
	}
	all := make([]*T, 0, len(ids))
	for _, id := range ids {
		if v := t.get(id); v != nil {
			all = append(all, v)
		}
	}
	return all
}

func (t *table[T]) pick(ids iter.Seq[string]) []*T {
	sorted := slices.Sorted(ids)
	all := make([]*T, 0, len(sorted))
	for _, id := range sorted {
		if v := t.get(id); v != nil {
			all = append(all, v)
		}
	}
	return all
}

// index maps a key to the ids of those that have it.
type index map[string]map[string]struct{}

func (x index) add(key, id string) {
	if key == "" {
		return
	}
	if x[key] == nil {
		x[key] = map[string]struct{}{}
	}
	x[key][id] = struct{}{}
}

func (x index) del(key, id string) {
	delete(x[key], id)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

func (x index) ids(key string) iter.Seq[string] { return maps.Keys(x[key]) }
func (x index) count(key string) int            { return len(x[key]) }

// sorted maps a key to the ids of those that have it, in order: what listings go through page by page.
type sorted map[string][]string

func (x sorted) add(key, id string) {
	if key == "" {
		return
	}
	if at, found := slices.BinarySearch(x[key], id); !found {
		x[key] = slices.Insert(x[key], at, id)
	}
}

func (x sorted) del(key, id string) {
	at, found := slices.BinarySearch(x[key], id)
	if !found {
		return
	}
	if x[key] = slices.Delete(x[key], at, at+1); len(x[key]) == 0 {
		delete(x, key)
	}
}

func (x sorted) count(key string) int { return len(x[key]) }
