package blob_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// stalledSink tells of its first piece and takes nothing until it is let go.
type stalledSink struct {
	first chan<- int
	let   <-chan struct{}
	told  bool
}

func (s *stalledSink) Write(p []byte) (int, error) {
	if !s.told {
		s.told = true
		s.first <- len(p)
		<-s.let
	}
	return len(p), nil
}

// TestManyStalledReaders: readers whose clients take nothing hold what they read, so that only so many get long runs at a time; when
// they have gone, there are long runs again.
func TestManyStalledReaders(t *testing.T) {
	const readers, longRuns = 100, 64
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o := options(vfs.NewMem())
	o.SegmentSize = 4 << 20
	r := open(t, o)
	b := ref(1, 1<<20)
	r.put(b)
	for range 2 {
		first, let := make(chan int, readers), make(chan struct{})
		var running sync.WaitGroup
		for range readers {
			rd, err := r.Open(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() {
				defer rd.Close()
				if n, err := rd.WriteRange(ctx, &stalledSink{first: first, let: let}, 0, b.Size); n != b.Size || err != nil {
					t.Errorf("WriteRange = %d, %v", n, err)
				}
			})
		}
		lengths := map[int]int{}
		for range readers {
			select {
			case n := <-first:
				lengths[n]++
			case <-ctx.Done():
				t.Fatal(ctx.Err())
			}
		}
		close(let)
		running.Wait()
		if lengths[512<<10] != longRuns || lengths[256<<10] != readers-longRuns {
			t.Errorf("lengths of the first pieces: %v, want %d of 512 KiB and the others of 256", lengths, longRuns)
		}
	}
}
