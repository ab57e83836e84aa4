package fsm_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

func openPebble(t *testing.T, fsys vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fsys, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// dump is everything in a store, in order.
func dump(t *testing.T, db *pebble.DB, lower, upper []byte) []byte {
	t.Helper()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for ok := it.First(); ok; ok = it.Next() {
		fmt.Fprintf(&out, "%x=%x\n", it.Key(), it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// entry is one log entry: a batch for a shard.
type entry struct {
	shard kv.Shard
	batch *kv.Batch
}

func randomLog(rng *rand.Rand, n int) []entry {
	k := func() []byte { return fmt.Appendf(nil, "k%02d", rng.IntN(20)) }
	log := make([]entry, n)
	for i := range log {
		b := &kv.Batch{}
		switch rng.IntN(4) {
		case 0:
			b.IfAbsent(k())
		case 1:
			b.IfExists(k())
		case 2:
			b.IfCounterAtMost([]byte("n1"), 20)
		}
		b.Put(k(), fmt.Appendf(nil, "value %d", i))
		b.Add(fmt.Appendf(nil, "n%d", rng.IntN(3)), int64(rng.IntN(9)-3))
		switch rng.IntN(8) {
		case 0:
			b.Delete([]byte("z"))
		case 1:
			b.Add([]byte("k07"), 1) // refused if the key holds text
		case 2:
			b.DeleteRange([]byte("l"), []byte("m"))
		}
		log[i] = entry{kv.Shard(rng.IntN(3)), b}
	}
	return log
}

// apply runs log entries from position first (from 1) in Pebble batches of the given size.
func apply(t *testing.T, db *pebble.DB, log []entry, first, size int) (results []string) {
	t.Helper()
	machines := map[kv.Shard]*fsm.Machine{}
	for at := first; at <= len(log); at += size {
		w := db.NewIndexedBatch()
		for p := at; p < at+size && p <= len(log); p++ {
			e := log[p-1]
			m := machines[e.shard]
			if m == nil {
				var err error
				if m, err = fsm.NewMachine(db, e.shard); err != nil {
					t.Fatal(err)
				}
				machines[e.shard] = m
			}
			index, err := m.Apply(w, w, e.batch, uint64(p))
			results = append(results, fmt.Sprint(index, err))
		}
		if err := w.Commit(pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	return results
}

// TestReplicasAgree applies one log on two stores in batches of different size, and on one of them
// some of it twice: all bytes must be the same.
func TestReplicasAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	log := randomLog(rng, 2000)
	for i := range log {
		if err := log[i].batch.Validate(); err != nil {
			log[i].batch.Ops = log[i].batch.Ops[:1] // the engine would not have logged it
		}
	}
	one, two := openPebble(t, vfs.NewMem()), openPebble(t, vfs.NewMem())
	want := apply(t, one, log, 1, 1)
	apply(t, two, log[:1200], 1, 7)
	got := apply(t, two, log, 900, 13)
	for i, r := range got {
		p := 900 + i
		if p <= 1200 {
			if r != fmt.Sprint(0, fsm.ErrSkipped) {
				t.Fatalf("entry %d again: %s, want it skipped", p, r)
			}
		} else if r != want[p-1] {
			t.Fatalf("entry %d: %s on one store, %s on the other", p, want[p-1], r)
		}
	}
	if a, b := dump(t, one, nil, nil), dump(t, two, nil, nil); !bytes.Equal(a, b) {
		t.Fatalf("stores differ:\n%s\n%s", a, b)
	}
}

// TestRefusedEntryIsDone: a refused entry changes nothing but the position, so that it is not tried again
// when the state would let it pass.
func TestRefusedEntryIsDone(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	m, err := fsm.NewMachine(db, 5)
	if err != nil {
		t.Fatal(err)
	}
	step := func(position uint64, build func(*kv.Batch)) (kv.Index, error) {
		b := &kv.Batch{}
		build(b)
		w := db.NewBatch()
		index, err := m.Apply(w, db, b, position)
		if cerr := w.Commit(pebble.NoSync); cerr != nil {
			t.Fatal(cerr)
		}
		return index, err
	}
	if i, err := step(3, func(b *kv.Batch) { b.Put([]byte("a"), []byte("1")) }); i != 1 || err != nil {
		t.Fatal(i, err)
	}
	needsB := func(b *kv.Batch) { b.IfExists([]byte("b")); b.Delete([]byte("a")) }
	var refusal *fsm.Refusal
	if _, err := step(4, needsB); !errors.As(err, &refusal) || !errors.Is(err, kv.ErrConditionFailed) || refusal.Cond != 0 {
		t.Fatalf("got %v", err)
	}
	if i, err := step(9, func(b *kv.Batch) { b.Put([]byte("b"), nil) }); i != 2 || err != nil {
		t.Fatal(i, err)
	}
	if m, err = fsm.NewMachine(db, 5); err != nil {
		t.Fatal(err)
	}
	if r := m.Record(); r.Index != 2 || r.Position != 9 {
		t.Fatalf("record %+v", r)
	}
	for _, p := range []uint64{3, 4, 9} {
		if _, err := step(p, needsB); !errors.Is(err, fsm.ErrSkipped) {
			t.Fatalf("entry %d again: %v", p, err)
		}
	}
	if i, err := step(10, needsB); i != 3 || err != nil {
		t.Fatal(i, err)
	}
}

func TestRefusalTellsWhatWasSeen(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	m, err := fsm.NewMachine(db, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"a", "b", "c"} {
		b := &kv.Batch{}
		b.Put([]byte(k), nil)
		w := db.NewBatch()
		if _, err := m.Apply(w, db, b, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		conds func(*kv.Batch)
		cond  int
		seen  kv.Index
	}{
		{func(b *kv.Batch) { b.IfAbsent([]byte("a")) }, 0, 1},
		{func(b *kv.Batch) { b.IfExists([]byte("c")); b.IfAbsent([]byte("a")) }, 1, 3},
		{func(b *kv.Batch) { b.IfExists([]byte("b")); b.IfExists([]byte("x")); b.IfExists([]byte("c")) }, 1, 2},
	} {
		b := &kv.Batch{}
		tc.conds(b)
		var r *fsm.Refusal
		if err := m.Check(db, b); !errors.As(err, &r) || r.Cond != tc.cond || r.Seen != tc.seen {
			t.Errorf("got %+v, want condition %d, seen %d", r, tc.cond, tc.seen)
		}
	}
}

// TestSpan: a shard's span holds all of it and nothing else.
func TestSpan(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	if _, err := fsm.EnsureFormat(db, fsm.Format{Version: 1, Shards: 3}, nil); err != nil {
		t.Fatal(err)
	}
	empty := dump(t, db, nil, nil)
	apply(t, db, randomLog(rand.New(rand.NewPCG(3, 4)), 300), 1, 1)
	for s := range kv.Shard(3) {
		lower, upper := fsm.Span(s)
		if len(dump(t, db, lower, upper)) == 0 {
			t.Fatalf("shard %d has nothing in its span", s)
		}
		if err := db.DeleteRange(lower, upper, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		if r, err := fsm.ReadRecord(db, s); err != nil || r != (fsm.Record{}) {
			t.Fatalf("record of the cleared shard %d: %+v, %v", s, r, err)
		}
	}
	if left := dump(t, db, nil, nil); !bytes.Equal(left, empty) {
		t.Fatalf("outside of the spans there is %s", left)
	}
}

// TestLayout pins the bytes on disk: a change here needs a new FormatVersion and a migration.
func TestLayout(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	if _, err := fsm.EnsureFormat(db, fsm.Format{Version: 1, Shards: 3}, nil); err != nil {
		t.Fatal(err)
	}
	m, err := fsm.NewMachine(db, 2)
	if err != nil {
		t.Fatal(err)
	}
	b := &kv.Batch{}
	b.Put([]byte("key"), []byte("data"))
	b.Add([]byte("n"), -2)
	w := db.NewBatch()
	if _, err := m.Apply(w, db, b, 7); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"00020069=00000000000000010000000000000007\n" +
		"0002016b6579=000000000000000164617461\n" +
		"0002016e=0000000000000001fffffffffffffffe\n" +
		fmt.Sprintf("ffff00%x=%x\n", "format", `{"version":1,"shards":3}`)
	if got := dump(t, db, nil, nil); string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCorruptRecords(t *testing.T) {
	db := openPebble(t, vfs.NewMem())
	for k, v := range map[string]string{"\x00\x00\x00i": "short", "\xff\xff\x00format": "{", "\x00\x00\x01key": "v"} {
		if err := db.Set([]byte(k), []byte(v), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fsm.NewMachine(db, 0); !errors.Is(err, fsm.ErrCorrupt) {
		t.Errorf("record: %v", err)
	}
	if _, _, err := fsm.ReadFormat(db); !errors.Is(err, fsm.ErrCorrupt) {
		t.Errorf("format: %v", err)
	}
	if _, _, err := fsm.Split([]byte("1234567")); !errors.Is(err, fsm.ErrCorrupt) {
		t.Errorf("value: %v", err)
	}
}

func TestEnsureFormat(t *testing.T) {
	fsys := vfs.NewMem()
	db := openPebble(t, fsys)
	if _, err := fsm.EnsureFormat(db, fsm.Format{Version: 1, Shards: 0}, nil); err == nil {
		t.Error("a new store without shards was made")
	}
	ensure := func(version, shards int, m ...fsm.Migration) (fsm.Format, error) {
		return fsm.EnsureFormat(db, fsm.Format{Version: version, Shards: shards}, m)
	}
	if f, err := ensure(1, 5); err != nil || f.Shards != 5 {
		t.Fatal(f, err)
	}
	if f, err := ensure(1, 0); err != nil || f.Shards != 5 {
		t.Errorf("taking the number of shards: %+v, %v", f, err)
	}
	if _, err := ensure(1, 6); !errors.Is(err, fsm.ErrShardMismatch) {
		t.Errorf("other number of shards: %v", err)
	}
	var ran []string
	step := func(name string, err error) func(*pebble.DB) error {
		return func(db *pebble.DB) error {
			ran = append(ran, name)
			return errors.Join(err, db.Set([]byte("\x00\x00\x01"+name), []byte("12345678"), pebble.NoSync))
		}
	}
	broken := errors.New("broken")
	if _, err := ensure(3, 5, fsm.Migration{From: 1, Run: step("1", nil)}, fsm.Migration{From: 2, Run: step("2", broken)}); !errors.Is(err, broken) {
		t.Errorf("failing migration: %v", err)
	}
	if f, _, err := fsm.ReadFormat(db); err != nil || f.Version != 2 {
		t.Errorf("after a failure in the second step the version is %d, %v", f.Version, err)
	}
	if f, err := ensure(3, 5, fsm.Migration{From: 1, Run: step("1", nil)}, fsm.Migration{From: 2, Run: step("2", nil)}); err != nil || f.Version != 3 {
		t.Errorf("resumed migration: %+v, %v", f, err)
	}
	if got := fmt.Sprint(ran); got != "[1 2 2]" {
		t.Errorf("migrations ran %s", got)
	}
	if _, err := ensure(2, 5); !errors.Is(err, fsm.ErrNewerFormat) {
		t.Errorf("newer format: %v", err)
	}
	if _, err := ensure(4, 5); err == nil {
		t.Error("a missing migration went unnoticed")
	}
	have := map[int]bool{}
	for _, m := range fsm.Migrations() {
		have[m.From] = true
	}
	for v := 1; v < fsm.FormatVersion; v++ {
		if !have[v] {
			t.Errorf("no migration from version %d", v)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	m, err := fsm.NewMachine(db, 1)
	if err != nil {
		b.Fatal(err)
	}
	batch := &kv.Batch{}
	batch.IfAbsent([]byte("bucket/object/none"))
	batch.Put([]byte("bucket/object/row"), make([]byte, 4096))
	batch.Put([]byte("bucket/listing/row"), make([]byte, 200))
	batch.Add([]byte("bucket/bytes"), 4096)
	b.ReportAllocs()
	for b.Loop() {
		w := db.NewBatchWithSize(8 << 10)
		if _, err := m.Apply(w, db, batch, 0); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
