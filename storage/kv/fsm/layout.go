// Package fsm applies batches to Pebble: the deterministic state machine that every engine of the store
// runs, and the physical layout that goes with it.
//
// # Guarantees
//
//   - Same state, same batches, same order: same bytes. Apply reads no clock, no random source and no map order.
//   - The record of a shard (its index and log position) is written in the same Pebble batch as the change
//     it numbers, so that a crash cannot part them.
//   - A log entry at or below the applied position is skipped, so replaying a log is harmless.
//   - All state of a shard lies in one span of keys ([Span]): it can be scanned, copied and excised alone.
//
// # Layout
//
//	shard (2 bytes, big endian) | class (1 byte) | key
//
// Class 0 holds the shard's own records, class 1 the user's keys. Shard number 0xFFFF is not a shard: it
// holds what concerns the whole store, its [Format]. A stored value is
//
//	revision (8 bytes, big endian) | data
//
// # What it may not know
//
// Nothing about durability, locks, logs or elections: the engine decides when a Pebble batch is written and
// synced. Apply of one shard must not run concurrently with itself; shards are independent.
package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

const (
	classMeta = 0
	classUser = 1

	// PrefixLen is what the layout puts before a user's key.
	PrefixLen = 3
	// RevisionLen is what the layout puts before a value's data.
	RevisionLen = 8

	// MaxShards bounds the number of shards.
	MaxShards = 4096

	storeShard = 0xFFFF // the pseudo-shard of the store's own records
)

// ErrCorrupt says that a stored value does not have the shape that this package writes.
var ErrCorrupt = errors.New("fsm: corrupt record")

// Reader is what the package reads from: a pebble.DB, a pebble.Snapshot or an indexed batch.
type Reader interface {
	Get(key []byte) (value []byte, closer io.Closer, err error)
}

// AppendKey appends the physical form of a user's key.
func AppendKey(dst []byte, s kv.Shard, key []byte) []byte {
	dst = keys.AppendByte(keys.AppendUint16(dst, uint16(s)), classUser)
	return keys.AppendBytesFixed(dst, key)
}

// UserBounds returns the physical bounds of the user's keys in [lower, upper); nil is the start or the
// end of the shard.
func UserBounds(s kv.Shard, lower, upper []byte) (lo, hi []byte) {
	lo = AppendKey(nil, s, lower)
	if upper == nil {
		return lo, keys.AppendByte(keys.AppendUint16(nil, uint16(s)), classUser+1)
	}
	return lo, AppendKey(nil, s, upper)
}

// Span returns the physical bounds of all state of a shard, its own records included.
func Span(s kv.Shard) (lower, upper []byte) {
	return keys.AppendUint16(nil, uint16(s)), keys.AppendUint16(nil, uint16(s)+1)
}

// Split parts a stored value into its revision and its data.
func Split(stored []byte) (kv.Index, []byte, error) {
	if len(stored) < RevisionLen {
		return 0, nil, fmt.Errorf("%w: value of %d bytes", ErrCorrupt, len(stored))
	}
	return kv.Index(binary.BigEndian.Uint64(stored)), stored[RevisionLen:], nil
}

func recordKey(s kv.Shard) []byte {
	return keys.AppendByte(keys.AppendByte(keys.AppendUint16(nil, uint16(s)), classMeta), 'i')
}

// Record is a shard's own record.
type Record struct {
	Index    kv.Index // the last commit
	Position uint64   // the last applied entry of the engine's log; 0 for an engine without one
}

const recordLen = 16

func (r Record) put(dst []byte) {
	binary.BigEndian.PutUint64(dst, uint64(r.Index))
	binary.BigEndian.PutUint64(dst[8:], r.Position)
}

// ReadRecord reads a shard's record; the zero Record if the shard was never written.
func ReadRecord(r Reader, s kv.Shard) (Record, error) {
	v, closer, err := r.Get(recordKey(s))
	if errors.Is(err, pebble.ErrNotFound) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("fsm: record of shard %d: %w", s, err)
	}
	defer closer.Close()
	if len(v) != recordLen {
		return Record{}, fmt.Errorf("%w: record of shard %d has %d bytes", ErrCorrupt, s, len(v))
	}
	return Record{
		Index:    kv.Index(binary.BigEndian.Uint64(v)),
		Position: binary.BigEndian.Uint64(v[8:]),
	}, nil
}
