package kvtest

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"testing"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// awkward are keys whose order is easily got wrong.
var awkward = []string{
	"\x00", "\x00\x00", "\x00\xff", "\x01", "a", "a\x00", "a\x00\x00", "a\x00b", "a\x01", "a\xff", "a\xff\xff", "aa",
	"b", "b/", "b/1", "b/2", "b0", "z", "\xfe", "\xff", "\xff\x00", "\xff\xff",
}

func (f *fixture) putAwkward(s kv.Shard) []string {
	f.Helper()
	f.commit(s, func(b *kv.Batch) {
		for i := len(awkward) - 1; i >= 0; i-- {
			b.Put([]byte(awkward[i]), []byte("v"+awkward[i]))
		}
	})
	sorted := slices.Clone(awkward)
	sort.Strings(sorted)
	return sorted
}

func testScanOrder(t *testing.T, f *fixture) {
	want := f.putAwkward(1)
	v := f.view(1)
	for _, backward := range []bool{false, true} {
		rows, err := scan(v, kv.ScanOptions{}, backward)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(want) {
			t.Fatalf("%d rows, want %d", len(rows), len(want))
		}
		for i, r := range rows {
			k := want[i]
			if backward {
				k = want[len(want)-1-i]
			}
			if r.key != k || r.value != "v"+k || r.rev != 1 {
				t.Fatalf("row %d (backward %v) is %q=%q at %d, want %q", i, backward, r.key, r.value, r.rev, k)
			}
		}
	}
	it := v.Scan(kv.ScanOptions{})
	if it.Valid() {
		t.Error("an iterator is valid before its first move")
	}
	it.First()
	it.Next()
	it.Next()
	if !it.Prev() || string(it.Key()) != want[1] {
		t.Errorf("two forward and one back is at %q, want %q", it.Key(), want[1])
	}
	if !it.Last() || it.Next() || it.Valid() {
		t.Error("an iterator stays valid behind its end")
	}
	if !it.First() || it.Prev() || it.Valid() {
		t.Error("an iterator stays valid before its start")
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
}

func testScanBounds(t *testing.T, f *fixture) {
	all := f.putAwkward(1)
	v := f.view(1)
	bounds := append([]string{"", "a\x00a", "b/3", "zz", "\xff\xff\xff"}, awkward...)
	for _, lower := range bounds {
		for _, upper := range bounds {
			o := kv.ScanOptions{Lower: []byte(lower), Upper: []byte(upper)}
			if upper == "" {
				o.Upper = nil
			}
			if lower == "" {
				o.Lower = nil
			}
			var want []string
			for _, k := range all {
				if k >= lower && (upper == "" || k < upper) {
					want = append(want, k)
				}
			}
			for _, backward := range []bool{false, true} {
				rows, err := scan(v, o, backward)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range rows {
					got = append(got, r.key)
				}
				if backward {
					slices.Reverse(got)
				}
				if !equal(got, want) {
					t.Fatalf("scan [%q, %q), backward %v: got %q, want %q", lower, upper, backward, got, want)
				}
			}
		}
	}
}

func testScanSeek(t *testing.T, f *fixture) {
	all := f.putAwkward(1)
	v := f.view(1)
	lower, upper := "a", "z"
	it := v.Scan(kv.ScanOptions{Lower: []byte(lower), Upper: []byte(upper)})
	in := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return k < lower || k >= upper })
	for _, k := range append([]string{"", "a\x00a", "b/3", "zz", "\xff\xff\xff"}, all...) {
		ge := slices.IndexFunc(in, func(x string) bool { return x >= k })
		if ok := it.SeekGE([]byte(k)); ok != (ge >= 0) || ok && string(it.Key()) != in[ge] {
			t.Fatalf("SeekGE(%q): %v, want the key at %d of %q", k, ok, ge, in)
		}
		lt := -1
		for i, x := range in {
			if x < k {
				lt = i
			}
		}
		if ok := it.SeekLT([]byte(k)); ok != (lt >= 0) || ok && string(it.Key()) != in[lt] {
			t.Fatalf("SeekLT(%q): %v, want the key at %d of %q", k, ok, lt, in)
		}
		if lt >= 0 && lt+1 < len(in) && (!it.Next() || string(it.Key()) != in[lt+1]) {
			t.Fatalf("Next after SeekLT(%q): want %q", k, in[lt+1])
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
}

func testShardsApart(t *testing.T, f *fixture) {
	for s := range kv.Shard(Shards) {
		f.put(s, "same", fmt.Sprint("in ", s))
		f.put(s, "\xff\xff", "last")
		f.put(s, "\x00", "first")
	}
	f.commit(1, func(b *kv.Batch) { b.DeleteRange([]byte("\x00"), []byte("\xff\xff\xff\xff")) })
	for s := range kv.Shard(Shards) {
		rows, want := f.rows(s), 3
		if s == 1 {
			want = 0
		}
		if len(rows) != want {
			t.Fatalf("shard %d has %v, want %d rows", s, rows, want)
		}
		if s != 1 {
			f.want(s, "same", fmt.Sprint("in ", s), 1)
		}
		index := kv.Index(3)
		if s == 1 {
			index = 4
		}
		if v := f.view(s); v.Index() != index {
			t.Fatalf("shard %d is at %d, want %d: each counts alone", s, v.Index(), index)
		}
	}
}

func testViewIsSnapshot(t *testing.T, f *fixture) {
	f.put(1, "a", "1")
	f.put(1, "b", "1")
	v := f.view(1)
	it := v.Scan(kv.ScanOptions{})
	f.commit(1, func(b *kv.Batch) { b.Put([]byte("a"), []byte("2")); b.Delete([]byte("b")); b.Put([]byte("c"), nil) })
	if v.Index() != 2 {
		t.Fatalf("view at %d, want 2", v.Index())
	}
	if got, err := v.Get([]byte("a")); err != nil || string(got.Data) != "1" || got.Revision != 1 {
		t.Fatalf("view reads a as %+v, %v", got, err)
	}
	if _, err := v.Get([]byte("b")); err != nil {
		t.Fatalf("view lost b: %v", err)
	}
	if _, err := v.Get([]byte("c")); !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("view sees c: %v", err)
	}
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil || n != 2 {
		t.Fatalf("iterator saw %d rows, %v, want 2", n, err)
	}
	rows, err := scan(v, kv.ScanOptions{}, false)
	if err != nil || len(rows) != 2 {
		t.Fatalf("a later scan of the view saw %v, %v", rows, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := v.Get([]byte("a")); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("get from a closed view: %v", err)
	}
	if rows, err := scan(v, kv.ScanOptions{}, false); !errors.Is(err, kv.ErrClosed) || rows != nil {
		t.Errorf("scan of a closed view: %v, %v", rows, err)
	}
	if v := f.view(1); v.Index() != 3 {
		t.Errorf("new view at %d, want 3", v.Index())
	}
}

// testViewConcurrentReads checks that a view shows one state, read from many goroutines while writers go on:
// every commit keeps the sum of two keys.
func testViewConcurrentReads(t *testing.T, f *fixture) {
	pair := func(n int) func(b *kv.Batch) {
		return func(b *kv.Batch) {
			b.Put([]byte("left"), kv.EncodeCounter(int64(n)))
			b.Put([]byte("right"), kv.EncodeCounter(int64(1000-n)))
		}
	}
	f.commit(1, pair(0))
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for n := w; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := f.st.Commit(f.ctx(), 1, batch(pair(n%1000))); err != nil {
					t.Errorf("commit: %v", err)
					return
				}
			}
		})
	}
	for range 50 {
		v := f.view(1)
		for range 4 {
			readers.Go(func() {
				l, lerr := v.Get([]byte("left"))
				r, rerr := v.Get([]byte("right"))
				if lerr != nil || rerr != nil {
					t.Errorf("get: %v, %v", lerr, rerr)
					return
				}
				ln, _ := kv.DecodeCounter(l.Data)
				rn, _ := kv.DecodeCounter(r.Data)
				if ln+rn != 1000 || l.Revision != r.Revision || l.Revision > v.Index() {
					t.Errorf("view at %d mixes commits %d and %d", v.Index(), l.Revision, r.Revision)
				}
			})
		}
		readers.Wait()
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	writers.Wait()
}
