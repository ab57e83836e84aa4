package kvtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
)

const (
	crashWriters = 6
	crashKeys    = 4 // keys that each commit of a writer writes together
)

// witness is what clients know of one writer: the number of its commit that must survive any crash. Even
// commits delete the keys, odd ones put their number into them.
type witness struct {
	tried atomic.Uint64 // handed to Commit
	known atomic.Uint64 // acknowledged, or seen by a reader
}

// learn raises known to n.
func (w *witness) learn(n uint64) {
	for {
		have := w.known.Load()
		if have >= n || w.known.CompareAndSwap(have, n) {
			return
		}
	}
}

// crashRun is one life of a store under load.
type crashRun struct {
	t       *testing.T
	st      kv.Store
	base    [crashWriters]uint64 // what was there when it began
	writers [crashWriters]witness
	adds    atomic.Int64          // acknowledged adds to the counter
	tried   atomic.Int64          // attempted ones
	index   [Shards]atomic.Uint64 // the highest index that anybody was told
	stop    chan struct{}
	wg      sync.WaitGroup
	acks    atomic.Int64
	waits   atomic.Int64
}

func crashShard(writer int) kv.Shard { return kv.Shard(writer % 2) }

func crashKey(writer, k int) []byte { return key("w", writer, "/", k) }

// RunCrash cuts the power again and again while writers and readers run, and opens what the device would
// hold: with none, some or all of what was not synced. It checks that
//
//   - every acknowledged commit is there, and every commit is there wholly or not at all;
//   - nothing is lost that a reader was shown: by Get, by an absent key, by a view, by a failed condition, by a watcher;
//   - counters lie between what was acknowledged and what was tried;
//   - indexes go on without a gap.
//
// Each life begins with what the crash before left.
func RunCrash(t *testing.T, open Engine, flags *Flags) {
	seed := flags.seed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	disk := vfs.NewCrashableMem()
	var base [crashWriters]uint64
	var counter int64
	commits, reads := int64(0), int64(0)
	for crash := range flags.Crashes {
		st, err := open(slowSyncs(disk, rng.Uint64(), time.Millisecond))
		if err != nil {
			t.Fatalf("open for life %d: %v", crash, err)
		}
		run := &crashRun{t: t, st: st, base: base, stop: make(chan struct{})}
		for w := range run.writers {
			run.writers[w].tried.Store(base[w])
			run.writers[w].known.Store(base[w])
		}
		run.start(rng)
		time.Sleep(time.Duration(2+rng.IntN(40)) * time.Millisecond)

		// The order matters: what is known before the cut must be on the clone.
		known := run.snapshot(counter)
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 0, 10, 50, 90, 100}[rng.IntN(6)], RNG: rng}
		clone := disk.CrashClone(cfg)
		tried := run.attempted(counter)
		close(run.stop)
		run.wg.Wait()
		if err := st.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		commits, reads = commits+run.acks.Load(), reads+run.waits.Load()

		after, err := open(clone)
		if err != nil {
			t.Fatalf("open after crash %d, %d%% of the unsynced data kept: %v", crash, cfg.UnsyncedDataPercent, err)
		}
		base, counter = verifyCrash(t, after, known, tried)
		if t.Failed() {
			t.Fatalf("crash %d with %d%% of the unsynced data kept", crash, cfg.UnsyncedDataPercent)
		}
		if err := after.Close(); err != nil {
			t.Fatalf("close after crash: %v", err)
		}
		disk = clone
	}
	t.Logf("%d crashes, %d acknowledged commits, %d observations by readers", flags.Crashes, commits, reads)
	if commits == 0 || reads == 0 {
		t.Fatal("the load did nothing")
	}
}

// crashBound is one side of what may be found after a crash.
type crashBound struct {
	writers [crashWriters]uint64
	counter int64
	index   [Shards]uint64
}

func (r *crashRun) snapshot(counter int64) (b crashBound) {
	for w := range r.writers {
		b.writers[w] = r.writers[w].known.Load()
	}
	for s := range r.index {
		b.index[s] = r.index[s].Load()
	}
	b.counter = counter + r.adds.Load()
	return b
}

func (r *crashRun) attempted(counter int64) (b crashBound) {
	for w := range r.writers {
		b.writers[w] = r.writers[w].tried.Load()
	}
	b.counter = counter + r.tried.Load()
	return b
}

func (r *crashRun) start(rng *rand.Rand) {
	for w := range crashWriters {
		seed := rng.Uint64()
		r.wg.Go(func() { r.write(w, rand.New(rand.NewPCG(seed, 2))) })
	}
	for range 4 {
		seed := rng.Uint64()
		r.wg.Go(func() { r.read(rand.New(rand.NewPCG(seed, 3))) })
	}
	for s := range kv.Shard(2) {
		r.wg.Go(func() { r.watch(s) })
	}
}

func (r *crashRun) running() bool {
	select {
	case <-r.stop:
		return false
	default:
		return true
	}
}

// crashBatch is commit n of a writer.
func crashBatch(w int, n uint64, pad int) *kv.Batch {
	b := &kv.Batch{}
	for k := range crashKeys {
		switch {
		case n%2 == 1:
			b.Put(crashKey(w, k), append(key(n, " "), make([]byte, pad)...))
		case n%4 == 0 && k == 0:
			b.DeleteRange(crashKey(w, 0), append(crashKey(w, crashKeys-1), 0))
		case n%4 == 2:
			b.Delete(crashKey(w, k))
		}
	}
	b.Put(key("seq", w), key(n))
	b.Add([]byte("adds"), 1)
	return b
}

func (r *crashRun) write(w int, rng *rand.Rand) {
	me := &r.writers[w]
	for n := r.base[w] + 1; r.running(); n++ {
		me.tried.Store(n)
		r.tried.Add(int64(1 - int(crashShard(w)))) // the counter that is checked lies in shard 0
		res, err := r.st.Commit(context.Background(), crashShard(w), crashBatch(w, n, rng.IntN(9000)))
		if err != nil {
			r.t.Errorf("writer %d, commit %d: %v", w, n, err)
			return
		}
		me.learn(n)
		if crashShard(w) == 0 {
			r.adds.Add(1)
		}
		r.told(crashShard(w), res.Index)
		r.acks.Add(1)
	}
}

func (r *crashRun) told(s kv.Shard, i kv.Index) {
	for {
		have := r.index[s].Load()
		if have >= uint64(i) || r.index[s].CompareAndSwap(have, uint64(i)) {
			return
		}
	}
}

// stamp reads the number in a value.
func stamp(data []byte) (n uint64, err error) {
	_, err = fmt.Sscanf(string(data), "%d", &n)
	return n, err
}

// read looks at writers' keys in every way there is, and learns.
func (r *crashRun) read(rng *rand.Rand) {
	for r.running() {
		w := rng.IntN(crashWriters)
		k := rng.IntN(crashKeys)
		s := crashShard(w)
		before := r.writers[w].known.Load()
		var err error
		switch rng.IntN(4) {
		case 0:
			var v kv.Value
			v, err = r.st.Get(context.Background(), s, crashKey(w, k))
			r.saw(w, before, v, err)
			r.told(s, v.Revision)
		case 1:
			var v kv.Value
			if v, err = r.st.Get(context.Background(), s, key("seq", w)); err == nil {
				n, _ := stamp(v.Data)
				r.writers[w].learn(n)
			}
		case 2:
			var view kv.View
			if view, err = r.st.View(context.Background(), s); err == nil {
				r.told(s, view.Index())
				v, gerr := view.Get(crashKey(w, k))
				r.saw(w, before, v, gerr)
				err = view.Close()
			}
		case 3:
			// A condition that fails tells that the key exists, or that it does not.
			b := &kv.Batch{}
			absent := rng.IntN(2) == 0
			if absent {
				b.IfAbsent(crashKey(w, k))
			} else {
				b.IfExists(crashKey(w, k))
			}
			b.IfExists([]byte("never")) // so that nothing is ever changed
			_, err = r.st.Commit(context.Background(), s, b)
			var ce *kv.ConditionError
			if errors.As(err, &ce) {
				if absent == (ce.Cond == 0) {
					r.parity(w, before, 1)
				} else {
					r.parity(w, before, 0)
				}
				err = nil
			}
		}
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			r.t.Errorf("reader: %v", err)
			return
		}
		r.waits.Add(1)
	}
}

// saw learns from a key of a writer: its number if it is there; if it is absent, that the writer's commit is
// an even one not before what was known.
func (r *crashRun) saw(w int, before uint64, v kv.Value, err error) {
	switch {
	case err == nil:
		n, serr := stamp(v.Data)
		if serr != nil {
			r.t.Errorf("reader found %q: %v", v.Data, serr)
		}
		r.writers[w].learn(n)
	case errors.Is(err, kv.ErrNotFound):
		r.parity(w, before, 0)
	default:
		r.t.Errorf("reader: %v", err)
	}
}

// parity learns that the writer's commit was even or odd at a time when before was known.
func (r *crashRun) parity(w int, before, odd uint64) {
	if before%2 != odd {
		before++
	}
	r.writers[w].learn(before)
}

// watch learns from events.
func (r *crashRun) watch(s kv.Shard) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-r.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for r.running() {
		v, err := r.st.View(ctx, s)
		if err != nil {
			break
		}
		at := v.Index()
		_ = v.Close()
		w, err := r.st.Watch(ctx, s, at)
		if err != nil {
			continue
		}
		for {
			e, err := w.Next(ctx)
			if err != nil {
				break
			}
			r.told(s, e.Index)
			for _, p := range e.Puts {
				if id, ok := strings.CutPrefix(string(p.Key), "seq"); ok {
					var writer int
					_, _ = fmt.Sscan(id, &writer)
					n, _ := stamp(p.Value)
					r.writers[writer].learn(n)
					r.waits.Add(1)
				}
			}
		}
		w.Close()
	}
}

// verifyCrash checks what a crash left, and returns it as the base of the next life.
func verifyCrash(t *testing.T, st kv.Store, known, tried crashBound) (found [crashWriters]uint64, counter int64) {
	f := &fixture{T: t, st: st}
	for s := range kv.Shard(2) {
		v, err := st.View(f.ctx(), s)
		if err != nil {
			t.Fatalf("view after the crash: %v", err)
		}
		if uint64(v.Index()) < known.index[s] {
			t.Errorf("shard %d is at %d, somebody was told %d", s, v.Index(), known.index[s])
		}
		rows, err := scan(v, kv.ScanOptions{}, false)
		if err != nil {
			t.Fatalf("scan after the crash: %v", err)
		}
		var highest kv.Index
		for _, r := range rows {
			highest = max(highest, r.rev)
		}
		if highest != v.Index() && len(rows) > 0 {
			t.Errorf("shard %d is at %d, its youngest row at %d", s, v.Index(), highest)
		}
		next, err := st.Commit(f.ctx(), s, batch(func(b *kv.Batch) { b.Put([]byte("probe"), nil) }))
		if err != nil || next.Index != v.Index()+1 {
			t.Errorf("first commit after the crash: %d, %v, want %d", next.Index, err, v.Index()+1)
		}
		_ = v.Close()
	}
	for w := range found {
		s := crashShard(w)
		text, rev := f.get(s, string(key("seq", w)))
		if text != "" {
			found[w], _ = stamp([]byte(text))
		}
		n := found[w]
		if n < known.writers[w] || n > tried.writers[w] {
			t.Errorf("writer %d is at %d; known were %d, tried %d", w, n, known.writers[w], tried.writers[w])
		}
		for k := range crashKeys {
			v, r := f.get(s, string(crashKey(w, k)))
			if n%2 == 0 && r != 0 || n%2 == 1 && (r != rev || !strings.HasPrefix(v, fmt.Sprint(n, " "))) {
				t.Errorf("writer %d is at %d (%d), its key %d at %d holds %.10q: a torn commit", w, n, rev, k, r, v)
			}
		}
	}
	counter = f.counter(0, "adds")
	if counter < known.counter || counter > tried.counter {
		t.Errorf("counter is %d; %d were acknowledged, %d tried", counter, known.counter, tried.counter)
	}
	return found, counter
}
