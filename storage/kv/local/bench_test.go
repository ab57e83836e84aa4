package local_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

// openDisk opens a store on the real file system: the benchmarks measure syncs.
func openDisk(b *testing.B, change func(*local.Config)) *local.Store {
	b.Helper()
	cfg := local.Default(b.TempDir())
	if change != nil {
		change(&cfg)
	}
	st, err := local.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	return st
}

func benchKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("bench/object/"), n)
}

// fill commits n small rows to a shard, many to a batch.
func fill(tb testing.TB, st kv.Store, s kv.Shard, n int, value []byte) {
	tb.Helper()
	for i := 0; i < n; {
		var batch kv.Batch
		for ; i < n && len(batch.Ops) < 1000; i++ {
			batch.Put(benchKey(uint64(i)), value)
		}
		if _, err := st.Commit(context.Background(), s, &batch); err != nil {
			tb.Fatal(err)
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// BenchmarkCommit puts 4 KiB values that do not compress, each in its own commit.
func BenchmarkCommit(b *testing.B) {
	for _, clients := range []int{1, 32} {
		for _, cancellable := range []bool{false, true} {
			for _, shards := range []int{1, 15} {
				b.Run(fmt.Sprintf("clients=%d/cancellable=%v/shards=%d", clients, cancellable, shards), func(b *testing.B) {
					st := openDisk(b, nil)
					ctx := context.Background()
					if cancellable {
						c, cancel := context.WithCancel(ctx)
						defer cancel()
						ctx = c
					}
					value := random(4 << 10)
					var next, failed atomic.Uint64
					b.SetParallelism(clients) // times GOMAXPROCS, so limited below
					b.ReportAllocs()
					sem := make(chan struct{}, clients)
					b.ResetTimer()
					start := time.Now()
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							sem <- struct{}{}
							n := next.Add(1)
							var batch kv.Batch
							batch.IfAbsent(benchKey(n))
							batch.Put(benchKey(n), value)
							if _, err := st.Commit(ctx, kv.Shard(1+n%uint64(shards)), &batch); err != nil {
								failed.Add(1)
							}
							<-sem
						}
					})
					b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "commits/s")
					if failed.Load() > 0 {
						b.Fatalf("%d commits failed", failed.Load())
					}
				})
			}
		}
	}
}

// BenchmarkGet reads random rows of 200 bytes.
func BenchmarkGet(b *testing.B) {
	const rows = 100_000
	st := openDisk(b, nil)
	fill(b, st, 1, rows, random(200))
	ctx := context.Background()
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := st.Get(ctx, 1, benchKey(uint64(rand.IntN(rows)))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := st.Get(ctx, 1, benchKey(rows+uint64(rand.IntN(rows)))); err != kv.ErrNotFound {
				b.Fatal(err)
			}
		}
	})
	b.Run("hot", func(b *testing.B) {
		var batch kv.Batch
		batch.Put([]byte("hot"), random(200))
		if _, err := st.Commit(ctx, 1, &batch); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := st.Get(ctx, 1, []byte("hot")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScan walks 1,000 rows of 200 bytes from a random place, in a view of its own.
func BenchmarkScan(b *testing.B) {
	const rows, page = 100_000, 1000
	st := openDisk(b, nil)
	fill(b, st, 1, rows, random(200))
	b.ReportAllocs()
	for b.Loop() {
		v, err := st.View(context.Background(), 1)
		if err != nil {
			b.Fatal(err)
		}
		it := v.Scan(kv.ScanOptions{})
		n, size := 0, 0
		for ok := it.SeekGE(benchKey(uint64(rand.IntN(rows - page)))); ok && n < page; ok = it.Next() {
			n++
			size += len(it.Key()) + len(it.Value())
		}
		if err := it.Close(); err != nil || n != page {
			b.Fatal(n, err)
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
