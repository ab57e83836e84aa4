package local

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// Get reads one key, and waits if what it finds is not yet durable.
func (st *Store) Get(ctx context.Context, s kv.Shard, key []byte) (kv.Value, error) {
	sh, err := st.enter(s)
	if err != nil {
		return kv.Value{}, err
	}
	defer st.leave()
	if err := ctx.Err(); err != nil {
		return kv.Value{}, err
	}
	v, err := get(st.db, s, key)
	switch {
	case err == nil:
		if !sh.durable.reached(v.Revision) {
			err = sh.await(ctx, v.Revision)
		}
	case errors.Is(err, kv.ErrNotFound):
		if young := sh.removals.youngest(key, kv.Index(sh.durable.index.Load())); young != 0 {
			if werr := sh.await(ctx, young); werr != nil {
				err = werr
			}
		}
	}
	if err != nil {
		return kv.Value{}, err
	}
	return v, nil
}

// get reads a user's key from Pebble or a snapshot of it.
func get(r fsm.Reader, s kv.Shard, key []byte) (kv.Value, error) {
	buf := make([]byte, 0, fsm.PrefixLen+len(key))
	stored, closer, err := r.Get(fsm.AppendKey(buf, s, key))
	if err == pebble.ErrNotFound { // never wrapped, and this is the fastest path
		return kv.Value{}, kv.ErrNotFound
	}
	if err != nil {
		return kv.Value{}, err
	}
	rev, data, err := fsm.Split(stored)
	v := kv.Value{Data: bytes.Clone(data), Revision: rev}
	if cerr := closer.Close(); err == nil {
		err = cerr
	}
	return v, err
}
