package local

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// Config says how to open a store. Start from [Default].
type Config struct {
	Dir string // folder of the store, created if missing; nothing else may be in it

	// Shards is the number of shards of a new store. For an existing one it must be the same or 0.
	Shards int

	// CacheBytes is the memory for blocks read from tables and for memtables together: Pebble takes what its
	// memtables hold from the cache. Under load two to four memtables live, so it should be at least four
	// times MemTableBytes, or reads find nothing cached just when the load is high.
	CacheBytes    int64
	MemTableBytes uint64 // one memtable; commits wait when four are full and flushes lag behind

	// ReserveBytes of free space on the device are kept for flushes, compactions and deletes: below it
	// batches that only put are refused. 0 switches the check off.
	ReserveBytes  uint64
	SpaceInterval time.Duration // between two looks at the free space

	// The events that each shard keeps for watchers: both limits hold.
	WatchBatches int
	WatchBytes   int

	CloseTimeout time.Duration // how long Close waits for operations under way and open views

	FS     vfs.FS       // nil is the operating system's
	Logger *slog.Logger // nil discards
}

// Default is the configuration of a server with a small memory budget.
func Default(dir string) Config {
	return Config{
		Dir:           dir,
		Shards:        16,
		CacheBytes:    64 << 20,
		MemTableBytes: 16 << 20,
		ReserveBytes:  128 << 20,
		SpaceInterval: 500 * time.Millisecond,
		WatchBatches:  4096,
		WatchBytes:    4 << 20,
		CloseTimeout:  10 * time.Second,
	}
}

// Validate checks the figures.
func (c *Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("local: Dir is empty")
	case c.Shards < 0 || c.Shards > fsm.MaxShards:
		return fmt.Errorf("local: Shards %d: want 1 to %d, or 0 for an existing store", c.Shards, fsm.MaxShards)
	case c.CacheBytes < 1<<20:
		return fmt.Errorf("local: CacheBytes %d: want at least 1 MiB", c.CacheBytes)
	case c.MemTableBytes < 256<<10 || c.MemTableBytes > 1<<30:
		return fmt.Errorf("local: MemTableBytes %d: want 256 KiB to 1 GiB", c.MemTableBytes)
	case c.SpaceInterval <= 0:
		return fmt.Errorf("local: SpaceInterval %v: want more than 0", c.SpaceInterval)
	case c.WatchBatches < 1 || c.WatchBytes < 1:
		return fmt.Errorf("local: WatchBatches %d, WatchBytes %d: want at least 1", c.WatchBatches, c.WatchBytes)
	case c.CloseTimeout <= 0:
		return fmt.Errorf("local: CloseTimeout %v: want more than 0", c.CloseTimeout)
	}
	return nil
}
