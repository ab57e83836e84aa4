package tags

import (
	"bytes"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Cursor reads the tags of many resources of a view in the order of their ids: what a listing that goes through its
// resources in that order needs. It looks at no more rows than those of the resources that are asked for, and few between
// them. Close it before the view.
type Cursor struct {
	it    kv.Iterator
	row   []byte // that of the resource looked for
	skip  int    // bytes of row before the id
	begun bool
}

// NewCursor begins at no resource.
func NewCursor(v kv.View, account string) *Cursor {
	all := row(account, "")
	return &Cursor{it: v.Scan(kv.ScanOptions{Lower: all, Upper: keys.PrefixEnd(all)}), row: all, skip: len(all)}
}

// near is how many rows a cursor passes by one after the other before it looks the next one up.
const near = 4

// Of returns the tags of a resource whose id is not below that of the last call.
func (c *Cursor) Of(id string) (Set, error) {
	c.row = append(c.row[:c.skip], id...)
	if !c.begun {
		c.begun = true
		c.it.SeekGE(c.row)
	}
	for step := 0; c.it.Valid(); step++ {
		switch order := bytes.Compare(c.it.Key(), c.row); {
		case order == 0:
			return decode(c.it.Value())
		case order > 0:
			return nil, nil
		case step < near:
			c.it.Next()
		default:
			c.it.SeekGE(c.row)
		}
	}
	return nil, nil
}

// Each calls f with the tags of every resource that has some, in the order of ids, from one on, until f returns false.
func (c *Cursor) Each(from string, f func(id string, s Set) bool) error {
	c.begun = true
	for ok := c.it.SeekGE(append(c.row[:c.skip], from...)); ok; ok = c.it.Next() {
		s, err := decode(c.it.Value())
		if err != nil || !f(string(c.it.Key()[c.skip:]), s) {
			return err
		}
	}
	return nil
}

// Close returns the first error met.
func (c *Cursor) Close() error { return c.it.Close() }
