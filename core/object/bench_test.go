package object_test

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/object"
)

// diskWorld is a store on the operating system's file system, as a server has it.
func diskWorld(b *testing.B) *world {
	b.Helper()
	fs := subFS{vfs.Default, b.TempDir()}
	w := openWorld(b, fs)
	b.Cleanup(w.close)
	w.bucket("bench")
	return w
}

func BenchmarkPut4K(b *testing.B) {
	for _, disk := range []bool{false, true} {
		b.Run(fmt.Sprintf("disk=%t", disk), func(b *testing.B) {
			w := benchWorld(b, disk)
			data := body(1, 4<<10)
			var n atomic.Int64
			b.ReportAllocs()
			b.SetBytes(4 << 10)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				r := bytes.NewReader(data)
				for pb.Next() {
					r.Reset(data)
					_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bench", Key: fmt.Sprintf("dir/%09d", n.Add(1)), Body: r, Size: 4 << 10})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func benchWorld(b *testing.B, disk bool) *world {
	if disk {
		return diskWorld(b)
	}
	w := newWorld(b)
	w.bucket("bench")
	return w
}

func BenchmarkPutOne4K(b *testing.B) {
	w := benchWorld(b, true)
	data := body(1, 4<<10)
	r := bytes.NewReader(data)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Reset(data)
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bench", Key: fmt.Sprintf("dir/%09d", i), Body: r, Size: 4 << 10})
		must(b, err)
	}
}

func BenchmarkPut64M(b *testing.B) {
	w := benchWorld(b, true)
	data := body(1, 64<<20)
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bench", Key: fmt.Sprintf("big/%d", i%4), Body: bytes.NewReader(data), Size: 64 << 20})
		must(b, err)
		if i%4 == 3 {
			b.StopTimer()
			w.collect(1 << 62)
			b.StartTimer()
		}
	}
}

func BenchmarkGet(b *testing.B) {
	w := benchWorld(b, false)
	for _, n := range []int{1 << 10, 4 << 10, 100 << 10, 8 << 20} {
		w.put("bench", fmt.Sprint(n), body(1, n))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := &object.GetInput{Bucket: "bench", Key: fmt.Sprint(n)}
			b.ReportAllocs()
			b.SetBytes(int64(n))
			for b.Loop() {
				res, err := w.Get(ctx, alice, in)
				must(b, err)
				_, err = res.Body.WriteTo(io.Discard)
				must(b, err)
				must(b, res.Body.Close())
			}
		})
	}
}

func BenchmarkHead(b *testing.B) {
	w := benchWorld(b, false)
	w.put("bench", "key", body(1, 4<<10))
	in := &object.GetInput{Bucket: "bench", Key: "key"}
	b.ReportAllocs()
	for b.Loop() {
		_, err := w.Head(ctx, alice, in)
		must(b, err)
	}
}

func BenchmarkList(b *testing.B) {
	w := benchWorld(b, false)
	for i := range 20_000 {
		w.put("bench", fmt.Sprintf("p%04d/%02d", i/20, i%20), nil)
	}
	for _, delimiter := range []string{"", "/"} {
		b.Run("delimiter="+delimiter, func(b *testing.B) {
			in := object.ListInput{Bucket: "bench", MaxKeys: 1000, Delimiter: delimiter}
			b.ReportAllocs()
			for b.Loop() {
				p := w.list(in)
				if len(p.Entries)+len(p.CommonPrefixes) != 1000 {
					b.Fatal(len(p.Entries), len(p.CommonPrefixes))
				}
				p.Release()
			}
		})
	}
}

// BenchmarkEncrypted shows what encryption costs beside BenchmarkPutOne4K, BenchmarkPut64M and BenchmarkGet.
func BenchmarkEncrypted(b *testing.B) {
	for _, method := range []object.EncryptionMethod{object.EncryptNone, object.EncryptS3} {
		for _, size := range []int{4 << 10, 64 << 20} {
			w := newWorld(b)
			w.bucket("bench")
			data := body(1, size)
			put := func(key string) {
				_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bench", Key: key, Body: bytes.NewReader(data), Size: int64(size),
					Encryption: object.Encryption{Method: method}})
				must(b, err)
			}
			b.Run(fmt.Sprintf("put/method=%d/size=%d", method, size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					put("k")
				}
				w.collect(1 << 62)
			})
			put("k")
			b.Run(fmt.Sprintf("get/method=%d/size=%d", method, size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					res, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bench", Key: "k"})
					must(b, err)
					_, err = res.Body.WriteTo(io.Discard)
					must(b, err)
					must(b, res.Body.Close())
				}
			})
		}
	}
}
