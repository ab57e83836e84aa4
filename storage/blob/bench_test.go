package blob_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

var benchDir = flag.String("bench.dir", "", "folder for benchmarks; empty is a temporary one")

func benchDevice(b *testing.B) *rig {
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
	}
	return open(b, blob.Options{Dir: dir, Device: 1, Reserve: -1})
}

// BenchmarkPut stores blobs with many clients on the real file system: what a synced write costs.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		size    int64
		clients int
	}{{20 << 10, 1}, {100 << 10, 1}, {100 << 10, 32}, {100 << 10, 128}, {64 << 20, 1}, {64 << 20, 4}} {
		b.Run(fmt.Sprintf("size=%dKiB/clients=%d", c.size>>10, c.clients), func(b *testing.B) {
			r := benchDevice(b)
			p := body(blobref.NewID(), min(c.size, 1<<20))
			var n atomic.Int64
			var wg sync.WaitGroup
			b.SetBytes(c.size)
			b.ReportAllocs()
			b.ResetTimer()
			for range c.clients {
				wg.Go(func() {
					for n.Add(1) <= int64(b.N) {
						if err := putBytes(b.Context(), r.Device, ref(1, c.size), p); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blobs/s")
			b.ReportMetric(float64(b.N)/float64(max(1, r.Usage().Syncs)), "blobs/sync")
			if c.size >= 1<<20 { // do not fill the disk
				must(b, r.Delete(context.Background(), r.list()...))
				_, err := r.Compact(context.Background(), blob.CompactOptions{})
				must(b, err)
			}
		})
	}
}

func putBytes(ctx context.Context, d *blob.Device, b blobref.Ref, p []byte) error {
	w, err := d.Create(ctx, b, nil)
	if err != nil {
		return err
	}
	defer w.Abort()
	for left := b.Size; left > 0; {
		k := min(left, int64(len(p)))
		if _, err := w.Write(p[:k]); err != nil {
			return err
		}
		left -= k
	}
	return w.Commit(ctx)
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int64{20 << 10, 100 << 10, 64 << 20} {
		b.Run(fmt.Sprintf("size=%dKiB", size>>10), func(b *testing.B) {
			r := benchDevice(b)
			p := body(blobref.NewID(), min(size, 1<<20))
			refs := make([]blobref.Ref, max(2, min(1000, 128<<20/size)))
			for i := range refs {
				refs[i] = ref(1, size)
				if err := putBytes(b.Context(), r.Device, refs[i], p); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(size)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					rd, err := r.Open(b.Context(), refs[rand.IntN(len(refs))])
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := rd.WriteRange(b.Context(), discard{}, 0, size); err != nil {
						b.Error(err)
					}
					_ = rd.Close()
				}
			})
		})
	}
}

// discard is io.Discard without its ReadFrom.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
