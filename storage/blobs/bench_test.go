package blobs_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

var benchSizes = []int{32 << 10, 1 << 20, 16 << 20}

// BenchmarkWrite compares a device alone with the pool over one and over three of them, on memory file systems: what is left
// is the cost of the code.
func BenchmarkWrite(b *testing.B) {
	ctx := context.Background()
	for _, size := range benchSizes {
		data := body(1, size)
		b.Run(fmt.Sprintf("%dKiB/device", size>>10), func(b *testing.B) {
			s := newSetup(b, 1, 1)
			dev := s.disks[1].dev
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				ref := blobref.Ref{ID: blobref.NewID(), Size: int64(size)}
				w, err := dev.Create(ctx, ref, nil)
				must(b, err)
				_, err = w.Write(data)
				must(b, err)
				must(b, w.Commit(ctx))
				s.forget(ref)
			}
		})
		for _, n := range []int{1, 3} {
			b.Run(fmt.Sprintf("%dKiB/pool%d", size>>10, n), func(b *testing.B) {
				s := newSetup(b, n, n)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					w, err := s.pool.Create(ctx, 0, int64(size), nil)
					must(b, err)
					for rest := data; len(rest) > 0; rest = rest[min(len(rest), 256<<10):] {
						_, err = w.Write(rest[:min(len(rest), 256<<10)])
						must(b, err)
					}
					must(b, w.Commit(ctx))
					s.forget(w.Ref())
				}
			})
		}
	}
}

// forget removes a blob now and then, so that memory does not fill up.
func (s *setup) forget(ref blobref.Ref) {
	s.old = append(s.old, ref)
	if len(s.old) < 64 {
		return
	}
	must(s.t, s.pool.Delete(context.Background(), s.old...))
	s.old = s.old[:0]
	for _, d := range s.disks {
		if d.dev.Usage().Dead > 256<<20 {
			_, err := d.dev.Compact(context.Background(), blob.CompactOptions{MinDead: 0.3})
			must(s.t, err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	for _, size := range benchSizes {
		s := newSetup(b, 1, 1)
		ref := s.mustPut(0, body(1, size))
		dev := s.disks[1].dev
		b.Run(fmt.Sprintf("%dKiB/device", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r, err := dev.Open(ctx, ref)
				must(b, err)
				_, err = r.WriteRange(ctx, io.Discard, 0, int64(size))
				must(b, err)
				r.Close()
			}
		})
		b.Run(fmt.Sprintf("%dKiB/pool", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r, err := s.pool.Open(ctx, ref)
				must(b, err)
				_, err = r.WriteRange(ctx, io.Discard, 0, int64(size))
				must(b, err)
				r.Close()
			}
		})
	}
}

func BenchmarkPin(b *testing.B) {
	s := newSetup(b, 1, 1)
	refs := []blobref.Ref{{ID: blobref.NewID()}, {ID: blobref.NewID()}}
	b.ReportAllocs()
	for b.Loop() {
		s.pool.Pin(refs...)
		s.pool.Unpin(refs...)
	}
}
