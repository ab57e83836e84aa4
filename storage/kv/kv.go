// Package kv is the contract of the store that holds all state but object bytes: an ordered
// key-value space cut into shards, each of which commits transactions atomically and in one order.
//
// # Guarantees
//
//   - A transaction is data: a [Batch] of conditions, puts, deletes and adds. It applies to one shard,
//     wholly or not at all, and only if every condition holds at the moment it is applied.
//   - [Store.Commit] returns nil only after the change is durable (fsynced on the write quorum).
//   - Reads are linearizable: [Store.Get] and [Store.View] see every commit that returned before they
//     were called, and never show state that a crash could still take back.
//   - Every key carries the index of the commit that wrote it last (its revision); conditions on
//     revisions make optimistic read-decide-commit loops safe.
//   - Apply is deterministic: no clock, no randomness, no map order. Whatever is random is decided
//     by the caller before it builds the batch.
//
// # What it may not know
//
// Nothing about buckets, objects or instances: keys and values are bytes. Key layouts are built with
// package keys by the domain that owns them.
//
// Package local (one Pebble) implements Store. The contract leaves room for a replicated engine: hence shards,
// and outcomes that may be unknown. Package kvtest is the suite that any engine must pass.
package kv

import (
	"context"
	"errors"
	"fmt"
)

// Shard numbers a shard. Shard 0 is the control shard; 1..N hold the object indexes.
type Shard uint16

// Control is the shard of the control plane: accounts, bucket names, ring, tasks.
const Control Shard = 0

// Index numbers the commits of one shard, from 1, without gaps.
type Index uint64

// Limits that every engine enforces; a batch beyond them is refused with ErrTooLarge.
const (
	MaxKeyLen    = 8 << 10  // bytes of one key
	MaxValueLen  = 8 << 20  // bytes of one value
	MaxBatchLen  = 32 << 20 // bytes of all keys and values of one batch
	MaxBatchSize = 64 << 10 // operations and conditions of one batch
)

// The classes of failure. Callers test them with errors.Is.
var (
	// ErrNotFound: the key does not exist.
	ErrNotFound = errors.New("kv: not found")
	// ErrConditionFailed: a condition did not hold; nothing was changed. What the condition saw is durable.
	ErrConditionFailed = errors.New("kv: condition failed")
	// ErrUnknownOutcome: the commit may or may not have happened (a lost leader, a closed store, a cancelled
	// wait). The caller must read again before it retries.
	ErrUnknownOutcome = errors.New("kv: outcome unknown")
	// ErrCompacted: the asked watch index is no longer held; list again and watch from the view's index.
	ErrCompacted = errors.New("kv: watch index compacted")
	// ErrTooLarge: a key, value or batch exceeds the limits above.
	ErrTooLarge = errors.New("kv: too large")
	// ErrNoShard: there is no such shard.
	ErrNoShard = errors.New("kv: no such shard")
	// ErrNoSpace: the device is full; reads go on, and so do batches that delete something and put little.
	ErrNoSpace = errors.New("kv: no space left on device")
	// ErrInvalid: the batch breaks its own rules (two operations on one key, an add to what is no counter);
	// nothing was changed. A bug of the caller.
	ErrInvalid = errors.New("kv: invalid batch")
	// ErrFailed: the device failed such that nothing more can be promised; nothing was changed. What is
	// durable can still be read, but not keys that a commit in doubt wrote. The process must be restarted.
	ErrFailed = errors.New("kv: store failed")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("kv: closed")
)

// ConditionError is the ErrConditionFailed that engines return: it tells which condition did not hold.
type ConditionError struct {
	Cond int // the place of the condition in Batch.Conds, in the order of the calls that added them
	Kind CondKind
	Key  []byte // its key
}

// Error describes the condition.
func (e *ConditionError) Error() string {
	return fmt.Sprintf("kv: condition %d failed (%s %q)", e.Cond, e.Kind, e.Key)
}

// Is makes the error an ErrConditionFailed.
func (e *ConditionError) Is(target error) bool { return target == ErrConditionFailed }

// Value is what a key holds. Data is owned by the caller that received it.
type Value struct {
	Data     []byte
	Revision Index // the commit that wrote it last
}

// Result tells where a commit landed.
type Result struct {
	Index Index // the index of the commit: the revision of every key it put
}

// Usage of one engine, for metrics.
type Usage struct {
	DiskBytes     uint64 // files of the store
	FreeBytes     uint64 // free space of its device, 0 if unknown
	MemTableBytes uint64
	CacheBytes    uint64
	CacheHits     uint64
	CacheMisses   uint64
	LogBytes      uint64 // written to the write-ahead log since the start
	Commits       uint64 // since the start
	Conflicts     uint64 // batches refused by a condition
	Refused       uint64 // batches refused for lack of space
	Stalls        uint64 // times that commits had to wait for flushes or compactions
	Watchers      int
	Views         int
	ReadAmp       int    // tables a read may have to look into
	CompactDebt   uint64 // bytes that compactions still have to rewrite
}

// Store is the store. All methods are safe for concurrent use.
type Store interface {
	// Commit applies b atomically to one shard if every condition holds, and returns when it is durable.
	// b must not be changed or reused before Commit returns. A cancelled ctx makes Commit return
	// ErrUnknownOutcome if the change was already under way.
	Commit(ctx context.Context, s Shard, b *Batch) (Result, error)

	// Get reads one key: the fast path of a View with a single read. ErrNotFound when absent.
	Get(ctx context.Context, s Shard, key []byte) (Value, error)

	// View returns a consistent, linearizable snapshot of one shard. Close it.
	View(ctx context.Context, s Shard) (View, error)

	// Watch streams the batches committed after index from, which is usually a View's. ErrCompacted when that
	// is too far back or lies in the future; an engine may begin to keep events of a shard only with the
	// first Watch, so the first may be refused: list again and watch from there.
	Watch(ctx context.Context, s Shard, from Index) (Watcher, error)

	// Shards is the number of shards, the control shard included. Fixed when the store is created.
	Shards() int

	// Usage reports figures for metrics.
	Usage() Usage

	// Close stops the store; commits still waiting return ErrUnknownOutcome or their result.
	Close() error
}

// View is a snapshot of one shard. It is safe for concurrent reads; iterators are not.
type View interface {
	// Index is the last commit the view includes.
	Index() Index
	// Get reads one key; ErrNotFound when absent.
	Get(key []byte) (Value, error)
	// Scan iterates keys in byte order within [Lower, Upper).
	Scan(o ScanOptions) Iterator
	// Close releases the snapshot. Iterators must be closed first.
	Close() error
}

// ScanOptions bounds an iteration.
type ScanOptions struct {
	Lower []byte // inclusive; nil is the start of the shard
	Upper []byte // exclusive; nil is the end of the shard
}

// Iterator walks keys in byte order. Key and Value are valid until the next move: copy what you keep.
//
//	for ok := it.First(); ok; ok = it.Next() { … }
//	if err := it.Close(); err != nil { … }
type Iterator interface {
	First() bool
	Last() bool
	Next() bool
	Prev() bool
	// SeekGE moves to the first key >= key, SeekLT to the last key < key. Keys are absolute, not relative to Lower.
	SeekGE(key []byte) bool
	SeekLT(key []byte) bool
	Valid() bool
	Key() []byte
	// Value returns the data of the current key without its revision.
	Value() []byte
	Revision() Index
	// Close returns the first error met.
	Close() error
}

// Event is one committed batch as a watcher sees it. Adds are not reported, so an event may be empty.
// All watchers share its slices: do not change them.
type Event struct {
	Index   Index
	Puts    []KV     // in the order of the batch
	Deletes [][]byte // keys deleted, those of ranges included; a deleted key need not have existed
}

// KV is a key and its value.
type KV struct{ Key, Value []byte }

// Watcher streams events in order of index, without gaps.
type Watcher interface {
	// Next blocks until an event is there. It returns ctx.Err() when ctx ends, ErrCompacted when the
	// watcher fell too far behind, ErrClosed when the store closed.
	Next(ctx context.Context) (Event, error)
	Close()
}
