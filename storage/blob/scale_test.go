package blob_test

import (
	"flag"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

var scale = flag.Int("scale", 20_000, "blobs of the scale test")

// rss is the resident memory of this process in MiB, 0 where the system does not say.
func rss() int {
	p, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(p), "VmRSS:")
	var kib int
	for _, c := range strings.TrimSpace(rest) {
		if c < '0' || c > '9' {
			break
		}
		kib = kib*10 + int(c-'0')
	}
	return kib >> 10
}

// TestScale opens a device with many blobs: neither the time nor the memory may grow with their number.
func TestScale(t *testing.T) {
	o := blob.Options{Dir: t.TempDir(), Device: 1, Reserve: -1}
	if raceEnabled {
		*scale = min(*scale, 3000)
	}
	r := open(t, o)
	runtime.GC()
	t.Logf("empty: RSS %d MiB", rss())
	var n atomic.Int64
	var wg sync.WaitGroup
	some := make([]blobref.Ref, 64)
	start := time.Now()
	for g := range 64 {
		wg.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(*scale) {
					return
				}
				b := ref(blobref.Partition(i%65536), 100)
				if err := put(t.Context(), r.Device, b, 100); err != nil {
					t.Error(err)
					return
				}
				some[g] = b
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	t.Logf("%d blobs in %v, %.0f/s, RSS %d MiB", *scale, took.Round(time.Millisecond), float64(*scale)/took.Seconds(), rss())
	for range 2 {
		must(t, r.Close())
		start = time.Now()
		d, err := blob.Open(t.Context(), o)
		must(t, err)
		r.Device = d
		took = time.Since(start)
		t.Logf("open: %v, RSS %d MiB", took.Round(time.Microsecond), rss())
		if took > 2*time.Second {
			t.Errorf("opening took %v", took)
		}
	}
	r.check(some...)
	start, count := time.Now(), 0
	must(t, r.Each(t.Context(), 0, 0, func(blob.Info) error { count++; return nil }))
	t.Logf("each: %d in %v, RSS %d MiB", count, time.Since(start).Round(time.Millisecond), rss())
	if count != *scale || r.Usage().Blobs != int64(count) {
		t.Errorf("%d listed, want %d", count, *scale)
	}
	must(t, r.Close())
	must(t, os.RemoveAll(o.Dir+"/index"))
	start = time.Now()
	d, err := blob.Open(t.Context(), o)
	must(t, err)
	r.Device = d
	t.Logf("index made again: %v, RSS %d MiB", time.Since(start).Round(time.Millisecond), rss())
	if r.Usage().Blobs != int64(*scale) {
		t.Errorf("%d blobs after the index was made again", r.Usage().Blobs)
	}
	r.check(some...)
}
