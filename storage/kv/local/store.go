// Package local is the embedded engine of the store: one Pebble, direct commits.
//
// # Guarantees
//
// Those of package kv, and of the machine in package fsm. In particular:
//
//   - Commit returns nil only after its log record is synced. One sync serves all commits that wait.
//   - Nothing is shown before it is durable: not by Get, not by a View, not by a watcher, not by the verdict
//     of a condition.
//   - After the first failed write or sync of the log or the manifest the store takes no further commit
//     and changes no file ([Store.Err] tells the cause): what the kernel dropped cannot be known. What
//     was durable stays readable. Restarting the process is the way out. It never ends the process itself.
//   - A full device is not a failure: commits that need space are refused early with kv.ErrNoSpace, and a
//     log write that meets a full device waits until there is space.
//
// # How a commit goes
//
// Under the shard's lock: check the conditions, take the next index, hand the batch to Pebble, which orders
// it in its log and shows it in its memtable. Outside of the lock: wait for the sync, then raise the shard's
// durable index. Readers compare what they found with that index and wait if it is younger.
//
// # Lock order
//
// shard.mu, then the small locks of removals, tail and progress, which are never held together.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

var (
	// ErrLocked: another process, or another Store of this one, has the folder open.
	ErrLocked = errors.New("local: store is in use by another process")
	// ErrNewerFormat: the store was written by newer code.
	ErrNewerFormat = fsm.ErrNewerFormat
	// ErrShardMismatch: the store has another number of shards than Config.Shards.
	ErrShardMismatch = fsm.ErrShardMismatch
)

// Store is a kv.Store on one Pebble.
type Store struct {
	cfg    Config
	log    *slog.Logger
	db     *pebble.DB
	lock   *pebble.Lock
	guard  *guard
	shards []*shard

	gate     gate          // operations under way and open views
	closed   chan struct{} // closed when Close begins
	closing  sync.Once
	closeErr error
	tasks    sync.WaitGroup

	space    spaceState
	pressure pressure
	stalls   atomic.Uint64
	commits  atomic.Uint64
	conflict atomic.Uint64
	refused  atomic.Uint64
	views    atomic.Int64
	watchers atomic.Int64
}

var _ kv.Store = (*Store)(nil)

// Open opens the store in cfg.Dir, and creates it if it does not exist.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	st := &Store{cfg: cfg, log: cfg.Logger, closed: make(chan struct{})}
	st.gate.init()
	st.pressure.init()
	if err := st.open(); err != nil {
		st.abandon()
		return nil, fmt.Errorf("local: open %s: %w", cfg.Dir, err)
	}
	st.tasks.Add(2)
	go st.watchSpace()
	go st.watchPressure()
	return st, nil
}

func (st *Store) open() error {
	cfg := &st.cfg
	if err := makeDir(cfg.FS, cfg.Dir); err != nil {
		return err
	}
	lock, err := pebble.LockDirectory(cfg.Dir, cfg.FS)
	if err != nil {
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			return err // the lock file could not be made
		}
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	st.lock = lock
	if err := checkPebbleFormat(cfg.FS, cfg.Dir); err != nil {
		return err
	}
	if err := settleFiles(cfg.FS, cfg.Dir); err != nil {
		return err
	}
	st.guard = newGuard(cfg.FS, cfg.Dir, st.log)
	opts, cache := pebbleOptions(cfg, st.guard, st.pressure.poke)
	defer cache.Unref()
	opts.Lock = lock
	if st.db, err = pebble.Open(cfg.Dir, opts); err != nil {
		return err
	}
	format, err := fsm.EnsureFormat(st.db, fsm.Format{Version: fsm.FormatVersion, Shards: cfg.Shards}, fsm.Migrations())
	if err != nil {
		return err
	}
	st.shards = make([]*shard, format.Shards)
	for i := range st.shards {
		if st.shards[i], err = newShard(st, kv.Shard(i)); err != nil {
			return err
		}
	}
	st.measureSpace()
	return st.guard.failure()
}

// abandon undoes a failed open.
func (st *Store) abandon() {
	if st.guard != nil {
		st.guard.release()
	}
	if st.db != nil {
		_ = st.db.Close()
	}
	if st.lock != nil {
		_ = st.lock.Close()
	}
}

// enter begins an operation on a shard; leave ends it. Close waits in between.
func (st *Store) enter(s kv.Shard) (*shard, error) {
	if !st.gate.enter() {
		return nil, kv.ErrClosed
	}
	if int(s) >= len(st.shards) {
		st.gate.leave()
		return nil, fmt.Errorf("%w: %d of %d", kv.ErrNoShard, s, len(st.shards))
	}
	return st.shards[s], nil
}

func (st *Store) leave() { st.gate.leave() }

// Shards is the number of shards.
func (st *Store) Shards() int { return len(st.shards) }

// Err is nil while the store takes commits, else what made it stop; it is then a kv.ErrFailed.
func (st *Store) Err() error {
	if err := st.guard.failure(); err != nil {
		return fmt.Errorf("%w: %w", kv.ErrFailed, err)
	}
	return nil
}

// Close stops the store. It waits for operations under way and for open views up to Config.CloseTimeout; if
// some remain it returns an error and leaves the files open, for they are still being read: call it again.
func (st *Store) Close() error {
	if st.gate.shut() {
		close(st.closed)
		st.guard.release() // a log write that waits for space gives up
		st.tasks.Wait()
	}
	timeout := time.NewTimer(st.cfg.CloseTimeout)
	defer timeout.Stop()
	select {
	case <-st.gate.idle:
	case <-timeout.C:
		return fmt.Errorf("local: close %s: %d operations or views still open", st.cfg.Dir, st.gate.count())
	}
	st.closing.Do(func() { st.closeErr = st.closeFiles() })
	return st.closeErr
}

func (st *Store) closeFiles() error {
	failed := st.guard.failure() != nil
	err := st.db.Close()
	if failed {
		err = nil // the failure was reported; Pebble can only repeat it
	}
	if lerr := st.lock.Close(); err == nil {
		err = lerr
	}
	if err != nil {
		return fmt.Errorf("local: close %s: %w", st.cfg.Dir, err)
	}
	return nil
}
