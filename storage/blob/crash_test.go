package blob_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

var (
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the crash test; 0 picks one")
	crashRounds = flag.Int("crash.rounds", 24, "crashes of the crash test")
)

// crashFS is a memory file system that can crash. Reusing a file is taken apart, since doing it in one call locks the
// memory file system twice, which deadlocks with a crash that comes between.
type crashFS struct{ *vfs.MemFS }

func (f crashFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(old); err != nil {
		return nil, err
	}
	return f.Create(name, c)
}

// ledger is what the clients of a device know.
type ledger struct {
	mu       sync.Mutex
	stored   map[blobref.ID]blobref.Ref // acknowledged
	tried    map[blobref.ID]blobref.Ref // begun, perhaps acknowledged
	deleting map[blobref.ID]blobref.Ref // a deletion has begun
	deleted  map[blobref.ID]blobref.Ref // a deletion was acknowledged
}

func newLedger() *ledger {
	return &ledger{
		stored: map[blobref.ID]blobref.Ref{}, tried: map[blobref.ID]blobref.Ref{},
		deleting: map[blobref.ID]blobref.Ref{}, deleted: map[blobref.ID]blobref.Ref{},
	}
}

func (l *ledger) note(m map[blobref.ID]blobref.Ref, b blobref.Ref) {
	l.mu.Lock()
	m[b.ID] = b
	l.mu.Unlock()
}

func (l *ledger) clone() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{stored: maps.Clone(l.stored), tried: maps.Clone(l.tried), deleting: maps.Clone(l.deleting), deleted: maps.Clone(l.deleted)}
}

// pick returns some stored blob that nobody deletes, and marks it as being deleted.
func (l *ledger) pick() (blobref.Ref, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, b := range l.stored {
		if _, gone := l.deleting[id]; !gone {
			l.deleting[id] = b
			return b, true
		}
	}
	return blobref.Ref{}, false
}

// work runs clients against d until ctx ends, and waits for them.
func (l *ledger) work(ctx context.Context, d *blob.Device, seed uint64) (wait func() error) {
	var wg sync.WaitGroup
	errs := make(chan error, 16)
	// Calls run under their own context: a crash does not cancel them, it only keeps their answers from being noted.
	call := context.WithoutCancel(ctx)
	for g := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(g)))
		wg.Go(func() {
			for ctx.Err() == nil {
				b := ref(blobref.Partition(rng.IntN(3)), []int64{0, 100, 5000, 20_000, 70_000, 150_000}[rng.IntN(6)])
				l.note(l.tried, b)
				if rng.IntN(8) == 0 {
					if w, err := d.Create(call, b, owner(b)); err == nil {
						_, _ = w.Write(body(b.ID, b.Size)[:rng.Int64N(b.Size+1)])
						w.Abort()
					}
					continue
				}
				if err := put(call, d, b, 1+rng.IntN(50_000)); err != nil {
					errs <- fmt.Errorf("put: %w", err)
					return
				}
				l.note(l.stored, b)
				if rng.IntN(3) == 0 {
					if b, ok := l.pick(); ok {
						if err := d.Delete(call, b); err != nil {
							errs <- fmt.Errorf("delete: %w", err)
							return
						}
						l.note(l.deleted, b)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := d.Compact(call, blob.CompactOptions{MinDead: 0.2, MaxSegments: 2}); err != nil {
				errs <- fmt.Errorf("compact: %w", err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	return func() error {
		wg.Wait()
		close(errs)
		return <-errs
	}
}

// TestCrash cuts the power at random moments, with random parts of what was not synced kept, and goes on with what is left.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	rounds := *crashRounds
	if raceEnabled || testing.Short() {
		rounds = (rounds + 2) / 3
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	fs := vfs.NewCrashableMem()
	l := newLedger()
	var puts, deletions int
	defer func() { t.Logf("%d rounds held %d blobs and %d deletions", rounds, puts, deletions) }()
	for round := range rounds {
		o := options(crashFS{fs})
		o.SegmentSize, o.SmallLimit = 512<<10, 32<<10
		d, err := blob.Open(t.Context(), o)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait := l.work(ctx, d, rng.Uint64())
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)

		before := l.clone() // acknowledged before the crash
		crashed := fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: []int{0, 5, 50, 95, 100}[rng.IntN(5)],
			RNG:                 rand.New(rand.NewPCG(rng.Uint64(), 0)),
		})
		after := l.clone() // begun before the crash
		cancel()
		if err := wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		puts, deletions = puts+len(before.stored), deletions+len(before.deleted)
		fs = crashed
		o.FS = crashFS{fs}
		r := open(t, o)
		judge(t, r, before, after, false)
		if _, err := r.Compact(t.Context(), blob.CompactOptions{MinDead: 0.01}); err != nil {
			t.Fatal(err)
		}
		judge(t, r, before, after, false)
		r.reopen()
		judge(t, r, before, after, false)

		if round%4 == 3 { // the index is derived
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			lost := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
			if err := lost.RemoveAll("dev/index"); err != nil {
				t.Fatal(err)
			}
			lo := o
			lo.FS = crashFS{lost}
			lr := open(t, lo)
			judge(t, lr, before, after, true)
			lr.reopen()
			judge(t, lr, before, after, true)
			if err := lr.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		// Go on knowing what there is: what was in doubt is settled now.
		l = settled(t, o, before, after)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}

// judge compares a device after a crash with what its clients know.
func judge(t *testing.T, r *rig, before, after *ledger, orphans bool) {
	t.Helper()
	ctx := t.Context()
	for id, b := range before.stored {
		if _, gone := after.deleting[id]; gone {
			continue
		}
		if err := get(ctx, r.Device, b); err != nil {
			t.Errorf("acknowledged blob of %d bytes: %v", b.Size, err)
		}
		if i, err := r.Stat(ctx, b); err != nil || string(i.Owner) != string(owner(b)) {
			t.Errorf("acknowledged blob: %+v, %v", i, err)
		}
	}
	var blobs, live int64
	for _, b := range r.list() {
		blobs++
		want, known := after.tried[b.ID]
		if known && want != b || !known && !orphans {
			t.Errorf("a blob nobody wrote: %+v", b)
		}
		if _, gone := before.deleted[b.ID]; gone && !orphans {
			t.Errorf("a deletion that was acknowledged was undone")
		}
		if err := r.Verify(ctx, b, nil); err != nil {
			t.Errorf("listed blob: %v", err)
		}
		if err := get(ctx, r.Device, b); err != nil {
			t.Errorf("listed blob: %v", err)
		}
		i, err := r.Stat(ctx, b)
		if err != nil {
			t.Errorf("listed blob: %v", err)
		}
		live += i.Length
	}
	if u := r.Usage(); u.Blobs != blobs || u.Live != live || u.Missing != 0 {
		t.Errorf("usage %+v, but %d blobs of %d bytes are listed", u, blobs, live)
	}
}

// settled makes the ledger of the next round.
func settled(t *testing.T, o blob.Options, before, after *ledger) *ledger {
	t.Helper()
	r := open(t, o)
	defer r.Close()
	l := newLedger()
	for i, b := range r.list() {
		l.tried[b.ID] = b
		if i < 50 {
			l.stored[b.ID] = b
			continue
		}
		if err := r.Delete(t.Context(), b); err != nil { // keep the rounds short
			t.Fatal(err)
		}
		l.deleted[b.ID], l.deleting[b.ID] = b, b
	}
	if len(before.deleted) > 5000 {
		return l // forgotten: if one came back, it would be a blob that nobody wrote
	}
	for id, b := range before.deleted {
		l.deleted[id], l.deleting[id], l.tried[id] = b, b, b
	}
	for id, b := range after.tried {
		l.tried[id] = b
	}
	return l
}

// TestCrashBeforeOpen cuts the power while a device is made.
func TestCrashWhileMade(t *testing.T) {
	for i := range 20 {
		fs := vfs.NewCrashableMem()
		r := open(t, options(crashFS{fs}))
		b := ref(1, 1000)
		r.put(b)
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: i * 5, RNG: rand.New(rand.NewPCG(uint64(i), 0))})
		o := options(crashFS{clone})
		c := open(t, o)
		c.check(b)
		c.absent(ref(1, 1))
		if err := errors.Join(c.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
