package object

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sort"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// newShardMap cuts the space of bucket ids into as many equal ranges as there are index shards.
func newShardMap(shards int) *shardMap {
	n := shards - 1
	m := &shardMap{Version: 1, Ranges: make([]shardRange, n)}
	for i := range n {
		start, _ := bits.Div64(uint64(i), 0, uint64(n)) // i/n of 2^64
		m.Ranges[i] = shardRange{From: binary.BigEndian.AppendUint64(nil, start), Shard: uint16(i + 1)}
	}
	return m
}

// of returns the shard of a key of a bucket.
func (m *shardMap) of(b BucketID, key string) kv.Shard {
	i := sort.Search(len(m.Ranges), func(i int) bool { return m.Ranges[i].after(b, key) }) - 1
	return kv.Shard(m.Ranges[max(i, 0)].Shard)
}

// after reports whether the range begins behind (b, key).
func (r *shardRange) after(b BucketID, key string) bool {
	id := binary.BigEndian.Uint64(r.From)
	return id > uint64(b) || id == uint64(b) && string(r.From[8:]) > key
}

// validate checks what of relies on.
func (m *shardMap) validate(shards int) error {
	for i, r := range m.Ranges {
		switch {
		case len(r.From) != 8:
			return fmt.Errorf("object: shard map: range %d splits a bucket, which this program cannot follow", i)
		case i == 0 && !bytes.Equal(r.From, make([]byte, 8)):
			return fmt.Errorf("%w: shard map: range %d begins at %x", errRecord, i, r.From)
		case i > 0 && bytes.Compare(m.Ranges[i-1].From, r.From) >= 0:
			return fmt.Errorf("%w: shard map: range %d is out of order", errRecord, i)
		case int(r.Shard) >= shards || r.Shard == uint16(kv.Control):
			return fmt.Errorf("object: shard map names shard %d, the store has %d", r.Shard, shards)
		}
	}
	if len(m.Ranges) == 0 {
		return fmt.Errorf("%w: empty shard map", errRecord)
	}
	return nil
}

// loadShardMap reads the shard map, and makes it when the store is new.
func loadShardMap(ctx context.Context, store kv.Store) (*shardMap, error) {
	key := []byte(ctlShards)
	for {
		v, err := store.Get(ctx, kv.Control, key)
		if err == nil {
			m := &shardMap{}
			if err := decodeRecord(v.Data, m); err != nil {
				return nil, fmt.Errorf("shard map: %w", err)
			}
			return m, m.validate(store.Shards())
		}
		if !errors.Is(err, kv.ErrNotFound) {
			return nil, err
		}
		var b kv.Batch
		b.IfAbsent(key)
		b.Put(key, encodeRecord(newShardMap(store.Shards())))
		if _, err := store.Commit(ctx, kv.Control, &b); err != nil && !errors.Is(err, kv.ErrConditionFailed) {
			return nil, err
		}
	}
}

// span bounds a scan over a family of one bucket from row lower on.
func span(fam byte, b BucketID, lower []byte) kv.ScanOptions {
	p := bucketPrefix(fam, b)
	if lower == nil {
		lower = p
	}
	return kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(p)}
}
