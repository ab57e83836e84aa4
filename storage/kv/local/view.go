package local

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// view is a Pebble snapshot of one shard at a durable index.
type view struct {
	st     *Store
	shard  kv.Shard
	snap   *pebble.Snapshot
	index  kv.Index
	closed atomic.Bool
}

// View takes a snapshot and waits until all of it is durable.
func (st *Store) View(ctx context.Context, s kv.Shard) (kv.View, error) {
	sh, err := st.enter(s)
	if err != nil {
		return nil, err
	}
	v := &view{st: st, shard: s, snap: st.db.NewSnapshot()}
	st.views.Add(1)
	rec, err := fsm.ReadRecord(v.snap, s) // what the snapshot itself says: it needs no lock
	if err == nil {
		err = sh.await(ctx, rec.Index)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = v.Close()
		return nil, err
	}
	v.index = rec.Index
	return v, nil
}

func (v *view) Index() kv.Index { return v.index }

func (v *view) Get(key []byte) (kv.Value, error) {
	if v.closed.Load() {
		return kv.Value{}, kv.ErrClosed
	}
	return get(v.snap, v.shard, key)
}

func (v *view) Scan(o kv.ScanOptions) kv.Iterator {
	if v.closed.Load() {
		return &iterator{err: kv.ErrClosed}
	}
	if o.Upper != nil && bytes.Compare(o.Lower, o.Upper) > 0 {
		o.Upper = o.Lower
	}
	it := &iterator{shard: v.shard}
	lower, upper := fsm.UserBounds(v.shard, o.Lower, o.Upper)
	it.it, it.err = v.snap.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	return it
}

// Close may be called again.
func (v *view) Close() error {
	if !v.closed.CompareAndSwap(false, true) {
		return nil
	}
	err := v.snap.Close()
	v.st.views.Add(-1)
	v.st.leave()
	return err
}

// iterator walks the user's keys of a shard.
type iterator struct {
	it    *pebble.Iterator
	shard kv.Shard
	seek  []byte // scratch: a physical key
	value []byte // of the current key, revision included; nil until asked for
	err   error
}

func (i *iterator) First() bool { return i.it != nil && i.moved(i.it.First()) }
func (i *iterator) Last() bool  { return i.it != nil && i.moved(i.it.Last()) }
func (i *iterator) Next() bool  { return i.it != nil && i.moved(i.it.Next()) }
func (i *iterator) Prev() bool  { return i.it != nil && i.moved(i.it.Prev()) }

func (i *iterator) SeekGE(key []byte) bool {
	if i.it == nil {
		return false
	}
	i.seek = fsm.AppendKey(i.seek[:0], i.shard, key)
	return i.moved(i.it.SeekGE(i.seek))
}

func (i *iterator) SeekLT(key []byte) bool {
	if i.it == nil {
		return false
	}
	i.seek = fsm.AppendKey(i.seek[:0], i.shard, key)
	return i.moved(i.it.SeekLT(i.seek))
}

func (i *iterator) moved(ok bool) bool {
	i.value = nil
	return ok && i.err == nil
}

func (i *iterator) Valid() bool { return i.it != nil && i.err == nil && i.it.Valid() }

func (i *iterator) Key() []byte { return i.it.Key()[fsm.PrefixLen:] }

// stored is the current value as it is kept. It is read only when asked for: a listing that looks at keys
// never touches the blocks of values.
func (i *iterator) stored() []byte {
	if i.value != nil {
		return i.value
	}
	v, err := i.it.ValueAndErr()
	if err == nil && len(v) < fsm.RevisionLen {
		err = fmt.Errorf("%w: key %q", fsm.ErrCorrupt, i.Key())
	}
	if err != nil {
		if i.err == nil {
			i.err = err
		}
		v = make([]byte, fsm.RevisionLen)
	}
	i.value = v
	return v
}

func (i *iterator) Value() []byte { return i.stored()[fsm.RevisionLen:] }

func (i *iterator) Revision() kv.Index {
	rev, _, _ := fsm.Split(i.stored())
	return rev
}

func (i *iterator) Close() error {
	if i.it == nil {
		return i.err
	}
	err := i.it.Close()
	i.it = nil
	if i.err == nil {
		i.err = err
	}
	return i.err
}
