// Package localtest opens small stores in memory, for the tests of what stands on a store.
//
// It guarantees that a store is closed when its test ends, and that the test fails when something of it was left open. It
// tests no engine itself: package kvtest does.
package localtest

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

// Open opens a store of one shard beside the control shard. A test that opens the same file system again, once it closed the
// first store, finds what was committed.
func Open(t testing.TB, fs vfs.FS) kv.Store {
	t.Helper()
	c := local.Default("/kv")
	c.FS, c.Shards, c.ReserveBytes, c.CacheBytes, c.MemTableBytes = fs, 1, 0, 1<<20, 4<<20
	s, err := local.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, kv.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}
