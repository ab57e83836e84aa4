// Package kvtest is the suite that every engine of the store must pass: the contract of package kv written
// as tests.
//
//   - [Run]: conditions, atomicity, revisions, scans, counters, ranges, views, watches, limits, cancellation, close.
//   - [RunModel]: random programs compared with a simple model in memory, across reopens.
//   - [RunLinear]: concurrent histories checked for linearizability.
//   - [RunCrash]: power cuts under load. Nothing acknowledged and nothing that a reader saw may be lost.
//   - [RunFaults]: failing and full devices. No false acknowledgement, no panic, no dead process.
//
// An engine joins by one function that opens it on a given file system. The suite runs on file systems
// in memory; what it draws at random it can replay from the seed that a failure prints.
package kvtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// Engine opens a store on fsys, in a folder of its own choice that is always the same, and creates it
// with Shards shards if it does not exist. The store must keep about KeptEvents events for watchers.
type Engine func(fsys vfs.FS) (kv.Store, error)

const (
	// Shards is the number of shards that the suite expects.
	Shards = 4
	// KeptEvents bounds the events that an engine under test keeps for the watchers of a shard.
	KeptEvents = 64
)

// patience is how long something that must happen may take on a busy machine.
const patience = 20 * time.Second

// Flags are the knobs of the long runs. They are registered by the test binary of an engine, since a
// library must not register flags by itself.
type Flags struct {
	Crashes  int   // power cuts of RunCrash
	Programs int   // programs of RunModel
	Seed     int64 // 0 draws one
}

// AddFlags registers -kv.crashes, -kv.programs and -kv.seed.
func AddFlags(fs *flag.FlagSet) *Flags {
	f := &Flags{}
	fs.IntVar(&f.Crashes, "kv.crashes", 25, "power cuts of the crash suite")
	fs.IntVar(&f.Programs, "kv.programs", 20, "random programs of the model suite")
	fs.Int64Var(&f.Seed, "kv.seed", 0, "seed of the random suites, 0 draws one")
	return f
}

func (f *Flags) seed(t testing.TB) uint64 {
	s := uint64(f.Seed)
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -kv.seed=%d", s)
	return s
}

// Run checks the contract, one test for each clause.
func Run(t *testing.T, open Engine) {
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"Conditions", testConditions},
		{"ConditionError", testConditionError},
		{"Atomicity", testAtomicity},
		{"Revisions", testRevisions},
		{"Ownership", testOwnership},
		{"Counters", testCounters},
		{"CounterErrors", testCounterErrors},
		{"DeleteRange", testDeleteRange},
		{"ScanOrder", testScanOrder},
		{"ScanBounds", testScanBounds},
		{"ScanSeek", testScanSeek},
		{"ShardsApart", testShardsApart},
		{"ViewIsSnapshot", testViewIsSnapshot},
		{"ViewConcurrentReads", testViewConcurrentReads},
		{"Limits", testLimits},
		{"InvalidBatches", testInvalidBatches},
		{"Increments", testIncrements},
		{"OneWinner", testOneWinner},
		{"Adds", testAdds},
		{"WatchOrder", testWatchOrder},
		{"WatchResume", testWatchResume},
		{"WatchCompacted", testWatchCompacted},
		{"WatchEnds", testWatchEnds},
		{"WatchRange", testWatchRange},
		{"Cancelled", testCancelled},
		{"Closed", testClosed},
		{"CloseUnderLoad", testCloseUnderLoad},
		{"Reopen", testReopen},
		{"Usage", testUsage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fixture{T: t, open: open, fs: vfs.NewMem()}
			f.reopen()
			t.Cleanup(func() {
				if err := f.st.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			tc.run(t, f)
		})
	}
}

// fixture is one store under test, with calls that fail the test.
type fixture struct {
	*testing.T
	open Engine
	fs   vfs.FS
	st   kv.Store
}

// ctx is for calls that must not block for ever.
func (f *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	f.Cleanup(cancel)
	return ctx
}

func (f *fixture) reopen() {
	f.Helper()
	if f.st != nil {
		if err := f.st.Close(); err != nil {
			f.Fatalf("close: %v", err)
		}
	}
	st, err := f.open(f.fs)
	if err != nil {
		f.Fatalf("open: %v", err)
	}
	f.st = st
}

// batch builds a batch in one expression.
func batch(build func(b *kv.Batch)) *kv.Batch {
	b := &kv.Batch{}
	build(b)
	return b
}

func (f *fixture) commit(s kv.Shard, build func(b *kv.Batch)) kv.Index {
	f.Helper()
	res, err := f.st.Commit(f.ctx(), s, batch(build))
	if err != nil {
		f.Fatalf("commit: %v", err)
	}
	return res.Index
}

// refused commits a batch that must fail with want.
func (f *fixture) refused(s kv.Shard, want error, build func(b *kv.Batch)) error {
	f.Helper()
	_, err := f.st.Commit(f.ctx(), s, batch(build))
	if !errors.Is(err, want) {
		f.Fatalf("commit: got %v, want %v", err, want)
	}
	return err
}

func (f *fixture) put(s kv.Shard, key, value string) kv.Index {
	f.Helper()
	return f.commit(s, func(b *kv.Batch) { b.Put([]byte(key), []byte(value)) })
}

// get returns the value and revision of key, "" and 0 when absent.
func (f *fixture) get(s kv.Shard, key string) (string, kv.Index) {
	f.Helper()
	v, err := f.st.Get(f.ctx(), s, []byte(key))
	if errors.Is(err, kv.ErrNotFound) {
		return "", 0
	}
	if err != nil {
		f.Fatalf("get %q: %v", key, err)
	}
	if v.Revision == 0 {
		f.Fatalf("get %q: revision 0 of a key that exists", key)
	}
	return string(v.Data), v.Revision
}

func (f *fixture) want(s kv.Shard, key, value string, rev kv.Index) {
	f.Helper()
	if got, r := f.get(s, key); got != value || r != rev {
		f.Fatalf("key %q is %q at %d, want %q at %d", key, got, r, value, rev)
	}
}

func (f *fixture) counter(s kv.Shard, key string) int64 {
	f.Helper()
	v, err := f.st.Get(f.ctx(), s, []byte(key))
	if errors.Is(err, kv.ErrNotFound) {
		return 0
	}
	if err != nil {
		f.Fatalf("get counter %q: %v", key, err)
	}
	n, err := kv.DecodeCounter(v.Data)
	if err != nil {
		f.Fatalf("counter %q: %v", key, err)
	}
	return n
}

func (f *fixture) view(s kv.Shard) kv.View {
	f.Helper()
	v, err := f.st.View(f.ctx(), s)
	if err != nil {
		f.Fatalf("view: %v", err)
	}
	f.Cleanup(func() { _ = v.Close() })
	return v
}

// row is a key with what it holds.
type row struct {
	key, value string
	rev        kv.Index
}

// scan collects the rows of a view, forward or backward.
func scan(v kv.View, o kv.ScanOptions, backward bool) ([]row, error) {
	it := v.Scan(o)
	var rows []row
	start, step := it.First, it.Next
	if backward {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		rows = append(rows, row{string(it.Key()), string(it.Value()), it.Revision()})
	}
	return rows, it.Close()
}

func (f *fixture) rows(s kv.Shard) []row {
	f.Helper()
	v := f.view(s)
	defer v.Close()
	rows, err := scan(v, kv.ScanOptions{}, false)
	if err != nil {
		f.Fatalf("scan: %v", err)
	}
	return rows
}

func key(parts ...any) []byte { return []byte(fmt.Sprint(parts...)) }
