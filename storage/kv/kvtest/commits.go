package kvtest

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/aureole-cloud/aureole/storage/kv"
)

func testConditions(t *testing.T, f *fixture) {
	rev := f.put(1, "there", "v")
	f.put(1, "other", "v")
	count := f.commit(1, func(b *kv.Batch) { b.Add([]byte("count"), 10) })
	there, gone, counter := []byte("there"), []byte("gone"), []byte("count")
	for _, tc := range []struct {
		name  string
		cond  func(b *kv.Batch)
		holds bool
	}{
		{"absent of absent", func(b *kv.Batch) { b.IfAbsent(gone) }, true},
		{"absent of present", func(b *kv.Batch) { b.IfAbsent(there) }, false},
		{"exists of present", func(b *kv.Batch) { b.IfExists(there) }, true},
		{"exists of absent", func(b *kv.Batch) { b.IfExists(gone) }, false},
		{"revision right", func(b *kv.Batch) { b.IfRevision(there, rev) }, true},
		{"revision older", func(b *kv.Batch) { b.IfRevision(there, rev-1) }, false},
		{"revision newer", func(b *kv.Batch) { b.IfRevision(there, rev+1) }, false},
		{"revision of absent", func(b *kv.Batch) { b.IfRevision(gone, rev) }, false},
		{"revision 0 of absent", func(b *kv.Batch) { b.IfRevision(gone, 0) }, true},
		{"revision 0 of present", func(b *kv.Batch) { b.IfRevision(there, 0) }, false},
		{"value right", func(b *kv.Batch) { b.IfValue(there, []byte("v")) }, true},
		{"value wrong", func(b *kv.Batch) { b.IfValue(there, []byte("w")) }, false},
		{"value longer", func(b *kv.Batch) { b.IfValue(there, []byte("vv")) }, false},
		{"value empty", func(b *kv.Batch) { b.IfValue(there, nil) }, false},
		{"value of absent", func(b *kv.Batch) { b.IfValue(gone, nil) }, false},
		{"at most, reached", func(b *kv.Batch) { b.IfCounterAtMost(counter, 10) }, true},
		{"at most, over", func(b *kv.Batch) { b.IfCounterAtMost(counter, 9) }, false},
		{"at most of absent", func(b *kv.Batch) { b.IfCounterAtMost(gone, 0) }, true},
		{"at most below zero of absent", func(b *kv.Batch) { b.IfCounterAtMost(gone, -1) }, false},
		{"at most with own add", func(b *kv.Batch) { b.IfCounterAtMost(gone, 5); b.Add(gone, 5); b.Delete([]byte("x")) }, true},
		{"at most over by own add", func(b *kv.Batch) { b.IfCounterAtMost(counter, 12); b.Add(counter, 3) }, false},
		{"all hold", func(b *kv.Batch) { b.IfExists(there); b.IfAbsent([]byte("none")); b.IfRevision(counter, count) }, true},
		{"last fails", func(b *kv.Batch) { b.IfExists(there); b.IfExists(counter); b.IfAbsent(there) }, false},
	} {
		// Every case leaves the state as it was: what it adds it takes back.
		before := len(f.rows(1))
		res, err := f.st.Commit(f.ctx(), 1, batch(func(b *kv.Batch) {
			tc.cond(b)
			b.Put([]byte("marker"), []byte(tc.name))
		}))
		if tc.holds != (err == nil) || (err != nil && !errors.Is(err, kv.ErrConditionFailed)) {
			t.Errorf("%s: got %v, want it to hold: %v", tc.name, err, tc.holds)
			continue
		}
		if !tc.holds {
			if n := len(f.rows(1)); n != before {
				t.Errorf("%s: %d rows before, %d after a failed condition", tc.name, before, n)
			}
			continue
		}
		f.want(1, "marker", tc.name, res.Index)
		f.commit(1, func(b *kv.Batch) { b.Delete([]byte("marker")); b.Delete(gone) })
	}
}

func testConditionError(t *testing.T, f *fixture) {
	f.put(0, "a", "1")
	err := f.refused(0, kv.ErrConditionFailed, func(b *kv.Batch) {
		b.IfExists([]byte("a"))
		b.IfAbsent([]byte("a"))
		b.IfExists([]byte("b"))
		b.Put([]byte("c"), nil)
	})
	var ce *kv.ConditionError
	if !errors.As(err, &ce) || ce.Cond != 1 || ce.Kind != kv.CondAbsent || string(ce.Key) != "a" {
		t.Fatalf("got %#v, want condition 1, absent, of key a", err)
	}
}

func testAtomicity(t *testing.T, f *fixture) {
	f.put(1, "old", "1")
	f.refused(1, kv.ErrConditionFailed, func(b *kv.Batch) {
		b.Put([]byte("new"), []byte("1"))
		b.Delete([]byte("old"))
		b.Add([]byte("n"), 1)
		b.DeleteRange([]byte("p"), []byte("q"))
		b.IfAbsent([]byte("old"))
	})
	if rows := f.rows(1); len(rows) != 1 || rows[0].key != "old" {
		t.Fatalf("a refused batch left %v", rows)
	}
	i := f.commit(1, func(b *kv.Batch) {
		b.IfExists([]byte("old"))
		b.Put([]byte("new"), []byte("1"))
		b.Delete([]byte("old"))
		b.Delete([]byte("never there"))
		b.Add([]byte("n"), 3)
	})
	f.want(1, "old", "", 0)
	f.want(1, "new", "1", i)
	if n := f.counter(1, "n"); n != 3 {
		t.Fatalf("counter is %d, want 3", n)
	}
}

func testRevisions(t *testing.T, f *fixture) {
	for want := kv.Index(1); want <= 5; want++ {
		if got := f.put(2, "k", string(rune('a'+want))); got != want {
			t.Fatalf("commit got index %d, want %d", got, want)
		}
		f.refused(2, kv.ErrConditionFailed, func(b *kv.Batch) { b.IfAbsent([]byte("k")); b.Put([]byte("k"), nil) })
		f.want(2, "k", string(rune('a'+want)), want)
	}
	if got := f.commit(2, func(b *kv.Batch) { b.IfExists([]byte("k")) }); got != 6 {
		t.Fatalf("a batch of conditions only got index %d, want 6", got)
	}
	f.want(2, "k", string(rune('a'+5)), 5)
	if v := f.view(2); v.Index() != 6 {
		t.Fatalf("view at %d, want 6", v.Index())
	}
}

func testOwnership(t *testing.T, f *fixture) {
	k, v := []byte("key"), []byte("value")
	b := &kv.Batch{}
	b.Put(k, v)
	res, err := f.st.Commit(f.ctx(), 1, b)
	if err != nil {
		t.Fatal(err)
	}
	copy(k, "xxx")
	copy(v, "xxxxx")
	f.want(1, "key", "value", res.Index)
	got, err := f.st.Get(f.ctx(), 1, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	copy(got.Data, "yyyyy")
	f.want(1, "key", "value", res.Index)

	b.Reset() // a batch may be used again
	b.Put([]byte("second"), []byte("2"))
	if res, err = f.st.Commit(f.ctx(), 1, b); err != nil {
		t.Fatal(err)
	}
	f.want(1, "second", "2", res.Index)
	f.want(1, "key", "value", res.Index-1)
}

func testCounters(t *testing.T, f *fixture) {
	c := []byte("c")
	f.commit(1, func(b *kv.Batch) { b.Add(c, 5); b.Add(c, 2); b.Add([]byte("d"), -4) })
	if c, d := f.counter(1, "c"), f.counter(1, "d"); c != 7 || d != -4 {
		t.Fatalf("counters are %d and %d, want 7 and -4", c, d)
	}
	f.commit(1, func(b *kv.Batch) { b.Add(c, -10) })
	if n := f.counter(1, "c"); n != -3 {
		t.Fatalf("counter is %d, want -3", n)
	}
	i := f.commit(1, func(b *kv.Batch) { b.Put(c, kv.EncodeCounter(math.MaxInt64)) })
	if n := f.counter(1, "c"); n != math.MaxInt64 {
		t.Fatalf("counter is %d after it was put", n)
	}
	f.commit(1, func(b *kv.Batch) { b.IfRevision(c, i); b.Delete(c) })
	f.commit(1, func(b *kv.Batch) { b.Add(c, 1) })
	if n := f.counter(1, "c"); n != 1 {
		t.Fatalf("counter is %d after delete and add, want 1", n)
	}
}

func testCounterErrors(t *testing.T, f *fixture) {
	f.put(1, "text", "not a counter")
	f.commit(1, func(b *kv.Batch) { b.Put([]byte("full"), kv.EncodeCounter(math.MaxInt64)) })
	before := f.rows(1)
	f.refused(1, kv.ErrInvalid, func(b *kv.Batch) { b.Put([]byte("x"), nil); b.Add([]byte("text"), 1) })
	f.refused(1, kv.ErrInvalid, func(b *kv.Batch) { b.Put([]byte("x"), nil); b.Add([]byte("full"), 1) })
	f.refused(1, kv.ErrInvalid, func(b *kv.Batch) { b.IfCounterAtMost([]byte("text"), 1); b.Put([]byte("x"), nil) })
	f.refused(1, kv.ErrConditionFailed, func(b *kv.Batch) {
		b.IfCounterAtMost([]byte("full"), math.MaxInt64)
		b.Add([]byte("full"), 1)
	})
	if after := f.rows(1); len(after) != len(before) {
		t.Fatalf("refused batches changed %v to %v", before, after)
	}
	f.put(1, "goes on", "yes")
}

func testDeleteRange(t *testing.T, f *fixture) {
	f.commit(1, func(b *kv.Batch) {
		for _, k := range []string{"a", "b", "b\x00", "c", "d", "\xff"} {
			b.Put([]byte(k), []byte(k))
		}
	})
	f.put(2, "b", "other shard")
	f.commit(1, func(b *kv.Batch) {
		b.IfExists([]byte("c"))
		b.DeleteRange([]byte("b"), []byte("d"))
		b.Put([]byte("e"), nil)
	})
	var got []string
	for _, r := range f.rows(1) {
		got = append(got, r.key)
	}
	if want := []string{"a", "d", "e", "\xff"}; !equal(got, want) {
		t.Fatalf("left are %q, want %q", got, want)
	}
	f.want(1, "b\x00", "", 0)
	f.want(2, "b", "other shard", 1)
	i := f.put(1, "c", "again")
	f.want(1, "c", "again", i)
}

func testLimits(t *testing.T, f *fixture) {
	long := bytes.Repeat([]byte("k"), kv.MaxKeyLen)
	big := bytes.Repeat([]byte("v"), kv.MaxValueLen)
	i := f.commit(1, func(b *kv.Batch) { b.Put(long, big) })
	f.want(1, string(long), string(big), i)
	f.refused(1, kv.ErrTooLarge, func(b *kv.Batch) { b.Put(append(bytes.Clone(long), 'k'), nil) })
	f.refused(1, kv.ErrTooLarge, func(b *kv.Batch) { b.IfAbsent(append(bytes.Clone(long), 'k')) })
	f.refused(1, kv.ErrTooLarge, func(b *kv.Batch) { b.Put([]byte("k"), append(bytes.Clone(big), 'v')) })
	f.refused(1, kv.ErrTooLarge, func(b *kv.Batch) {
		for i := range kv.MaxBatchLen/kv.MaxValueLen + 1 {
			b.Put(key(i), big)
		}
	})
	f.refused(1, kv.ErrTooLarge, func(b *kv.Batch) {
		for i := range kv.MaxBatchSize + 1 {
			b.Delete(key(i))
		}
	})
	f.commit(1, func(b *kv.Batch) { // the largest in number, and a large one in bytes
		for i := range kv.MaxBatchSize {
			b.Put(key("n", i), nil)
		}
	})
	f.commit(1, func(b *kv.Batch) {
		for i := range 3 {
			b.Put(key("big", i), big)
		}
	})
	if n := len(f.rows(1)); n != 1+kv.MaxBatchSize+3 {
		t.Fatalf("%d rows, want %d", n, 1+kv.MaxBatchSize+3)
	}
	f.refused(Shards, kv.ErrNoShard, func(b *kv.Batch) { b.Put([]byte("k"), nil) })
	if _, err := f.st.Get(f.ctx(), Shards, []byte("k")); !errors.Is(err, kv.ErrNoShard) {
		t.Errorf("get from no shard: %v", err)
	}
	if _, err := f.st.View(f.ctx(), Shards); !errors.Is(err, kv.ErrNoShard) {
		t.Errorf("view of no shard: %v", err)
	}
	if _, err := f.st.Watch(f.ctx(), Shards, 0); !errors.Is(err, kv.ErrNoShard) {
		t.Errorf("watch of no shard: %v", err)
	}
	if f.st.Shards() != Shards {
		t.Errorf("%d shards, want %d", f.st.Shards(), Shards)
	}
}

func testInvalidBatches(t *testing.T, f *fixture) {
	k := func(s string) []byte { return []byte(s) }
	many := func(b *kv.Batch) { // more than are compared pair by pair
		for i := range 100 {
			b.Put(key("many", i), nil)
		}
	}
	for name, build := range map[string]func(b *kv.Batch){
		"empty key":            func(b *kv.Batch) { b.Put(nil, nil) },
		"empty condition key":  func(b *kv.Batch) { b.IfAbsent(nil); b.Put(k("a"), nil) },
		"put twice":            func(b *kv.Batch) { b.Put(k("a"), nil); b.Put(k("a"), nil) },
		"put and delete":       func(b *kv.Batch) { b.Put(k("a"), nil); b.Delete(k("a")) },
		"put and add":          func(b *kv.Batch) { b.Put(k("a"), nil); b.Add(k("a"), 1) },
		"put in range":         func(b *kv.Batch) { b.Put(k("b"), nil); b.DeleteRange(k("a"), k("c")) },
		"ranges overlap":       func(b *kv.Batch) { b.DeleteRange(k("a"), k("c")); b.DeleteRange(k("b"), k("d")) },
		"empty range":          func(b *kv.Batch) { b.DeleteRange(k("a"), k("a")) },
		"range backward":       func(b *kv.Batch) { b.DeleteRange(k("b"), k("a")) },
		"range without end":    func(b *kv.Batch) { b.DeleteRange(k("b"), nil) },
		"unknown operation":    func(b *kv.Batch) { b.Ops = append(b.Ops, kv.Op{Kind: 99, Key: k("a")}) },
		"unknown condition":    func(b *kv.Batch) { b.Conds = append(b.Conds, kv.Cond{Kind: 99, Key: k("a")}) },
		"put twice among many": func(b *kv.Batch) { many(b); b.Put(k("many50"), nil) },
		"in range among many":  func(b *kv.Batch) { many(b); b.DeleteRange(k("many5"), k("many6")) },
	} {
		if _, err := f.st.Commit(f.ctx(), 1, batch(build)); !errors.Is(err, kv.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if rows := f.rows(1); len(rows) != 0 {
		t.Fatalf("invalid batches left %v", rows)
	}
	f.commit(1, func(b *kv.Batch) { many(b); b.DeleteRange(k("a"), k("many")); b.DeleteRange(k("many99\x00"), k("z")) })
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
