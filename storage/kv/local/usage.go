package local

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// Usage reports figures for metrics; all zero after Close.
func (st *Store) Usage() kv.Usage {
	if !st.gate.enter() {
		return kv.Usage{}
	}
	defer st.leave()
	m := st.db.Metrics()
	return kv.Usage{
		DiskBytes:     m.DiskSpaceUsage(),
		FreeBytes:     st.space.free.Load(),
		MemTableBytes: m.MemTable.Size,
		CacheBytes:    uint64(m.BlockCache.Size),
		CacheHits:     uint64(m.BlockCache.Hits),
		CacheMisses:   uint64(m.BlockCache.Misses),
		LogBytes:      m.WAL.BytesWritten,
		Commits:       st.commits.Load(),
		Conflicts:     st.conflict.Load(),
		Refused:       st.refused.Load(),
		Stalls:        st.stalls.Load(),
		Watchers:      int(st.watchers.Load()),
		Views:         int(st.views.Load()),
		ReadAmp:       m.ReadAmp(),
		CompactDebt:   m.Compact.EstimatedDebt,
	}
}

// Checkpoint writes a consistent copy of the whole store into dir, which must not exist and should lie
// on the same device: tables are hard links. It holds every commit that returned before the call, and opens as a store.
func (st *Store) Checkpoint(dir string) error {
	if !st.gate.enter() {
		return kv.ErrClosed
	}
	defer st.leave()
	if err := st.Err(); err != nil {
		return err
	}
	if err := st.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("local: checkpoint to %s: %w", dir, err)
	}
	return st.Err() // a sync may have been pretended
}
