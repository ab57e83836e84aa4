package local

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// removals remembers which keys were deleted by commits that are not yet durable. A put leaves its
// revision behind, by which a reader sees that it is young; a delete leaves nothing. With this record the
// reader of an absent key waits only if it is absent because of a young delete, not for every commit of the
// shard. Keys are kept as hashes: a collision costs a wait, nothing else.
type removals struct {
	seed maphash.Seed
	last atomic.Uint64 // index of the youngest removal: the fast way out
	mu   struct {
		sync.Mutex
		keys   []removedKey // by index, ascending
		ranges []removedRange
	}
}

type removedKey struct {
	index kv.Index
	hash  uint64
}

type removedRange struct {
	index        kv.Index
	lower, upper []byte
}

func (r *removals) init() { r.seed = maphash.MakeSeed() }

// add records the deletes of b, which becomes commit index. Call it before Pebble shows them, in the order
// of the indexes. What is durable by now is forgotten.
func (r *removals) add(b *kv.Batch, index, durable kv.Index) {
	any := false
	for i := range b.Ops {
		k := b.Ops[i].Kind
		any = any || k == kv.OpDelete || k == kv.OpDeleteRange
	}
	if !any {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(durable)
	for i := range b.Ops {
		switch o := &b.Ops[i]; o.Kind {
		case kv.OpDelete:
			r.mu.keys = append(r.mu.keys, removedKey{index, maphash.Bytes(r.seed, o.Key)})
		case kv.OpDeleteRange:
			r.mu.ranges = append(r.mu.ranges, removedRange{index, bytes.Clone(o.Key), bytes.Clone(o.Value)})
		}
	}
	r.last.Store(uint64(index))
}

func (r *removals) forget(durable kv.Index) {
	n := 0
	for n < len(r.mu.keys) && r.mu.keys[n].index <= durable {
		n++
	}
	r.mu.keys = append(r.mu.keys[:0], r.mu.keys[n:]...)
	if cap(r.mu.keys) > 1<<12 && len(r.mu.keys) < 1<<8 {
		r.mu.keys = append([]removedKey(nil), r.mu.keys...) // one large batch must not hold its memory for ever
	}
	n = 0
	for n < len(r.mu.ranges) && r.mu.ranges[n].index <= durable {
		n++
	}
	rest := append(r.mu.ranges[:0], r.mu.ranges[n:]...)
	clear(r.mu.ranges[len(rest):])
	r.mu.ranges = rest
}

// youngest returns the index of the last commit that removed key and was not durable, 0 if there is none.
// Call it after key was found absent.
func (r *removals) youngest(key []byte, durable kv.Index) kv.Index {
	if kv.Index(r.last.Load()) <= durable {
		return 0
	}
	var found kv.Index
	hash := maphash.Bytes(r.seed, key)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.mu.keys) - 1; i >= 0 && r.mu.keys[i].index > durable; i-- {
		if r.mu.keys[i].hash == hash {
			found = r.mu.keys[i].index
			break
		}
	}
	for i := range r.mu.ranges {
		g := &r.mu.ranges[i]
		if g.index > max(found, durable) && bytes.Compare(key, g.lower) >= 0 && bytes.Compare(key, g.upper) < 0 {
			found = g.index
		}
	}
	return found
}
