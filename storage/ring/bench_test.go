package ring_test

import (
	"fmt"
	"testing"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func BenchmarkPartitionOf(b *testing.B) {
	r := build(b, ring.Config{Power: 16, Replicas: 3, Salt: 1}, equalDevices(6), 1)
	acct, bucket, key := []byte("123456789012"), []byte("bucket"), []byte("some/longer/key/of/an/object-0001.bin")
	b.ReportAllocs()
	for b.Loop() {
		r.PartitionOf(acct, bucket, key)
	}
}

func BenchmarkDevices(b *testing.B) {
	r := build(b, ring.Config{Power: 16, Replicas: 3}, equalDevices(6), 1)
	p := blobref.Partition(0)
	b.ReportAllocs()
	for b.Loop() {
		p = (p + 7) & 0xffff
		if len(r.Devices(p)) != 3 {
			b.Fatal("replicas")
		}
	}
}

func BenchmarkHandoffs(b *testing.B) {
	r := build(b, ring.Config{Power: 12, Replicas: 3}, equalDevices(12), 1)
	for b.Loop() {
		for range r.Handoffs(5) {
			break
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{12, 100, 1000} {
		devs := cluster{4, max(1, n/40), 10, []float64{1, 2}}.list()
		b.Run(fmt.Sprintf("fresh/devices=%d", len(devs)), func(b *testing.B) {
			for b.Loop() {
				build(b, ring.Config{Power: 16, Replicas: 3}, devs, 1)
			}
		})
		b.Run(fmt.Sprintf("add/devices=%d", len(devs)), func(b *testing.B) {
			r := build(b, ring.Config{Power: 16, Replicas: 3}, devs, 1)
			for b.Loop() {
				e := r.Edit()
				add(b, e, ring.Device{Zone: "z0", Node: "new", Weight: 2})
				if _, _, err := e.Build(epoch, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	r := build(b, ring.Config{Power: 16, Replicas: 3}, equalDevices(100), 1)
	enc := r.Append(nil)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			enc = r.Append(enc[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := ring.Decode(enc); err != nil {
				b.Fatal(err)
			}
		}
	})
}
