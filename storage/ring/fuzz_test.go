package ring_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/ring"
)

func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// FuzzDecode feeds bodies with a right checksum, so that the fuzzer gets past it. What decodes must be
// a ring that can be used, measured, changed and encoded again to itself.
func FuzzDecode(f *testing.F) {
	for _, n := range []int{1, 3, 5} {
		r := build(f, ring.Config{Power: 4, Replicas: 3, Window: time.Hour}, equalDevices(n), 1)
		f.Add(cut(r.Append(nil)))
		b := r.Edit()
		if _, err := b.Add(ring.Device{Weight: 1, Zone: "z", Hint: "/data"}); err != nil {
			f.Fatal(err)
		}
		r, _, err := b.Build(epoch, 1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(cut(r.Append(nil)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ring.Decode(seal(body))
		if err != nil {
			if !errors.Is(err, ring.ErrCorrupt) {
				t.Fatalf("error of another class: %v", err)
			}
			return
		}
		if r.Partitions() > 1<<10 {
			return // sound, but slow to walk
		}
		again, err := ring.Decode(r.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), r.Append(nil)) {
			t.Fatalf("round trip: %v", err)
		}
		r.Report()
		next, plan, err := r.Edit().Build(epoch, 1)
		if err != nil {
			t.Fatal(err)
		}
		checkStep(t, r, next, plan)
	})
}

func cut(enc []byte) []byte { return enc[: len(enc)-4 : len(enc)-4] }

func TestDecodeRefusesDamage(t *testing.T) {
	r := build(t, ring.Config{Power: 6, Replicas: 3}, equalDevices(5), 1)
	enc := r.Append(nil)
	for i := range enc {
		bad := bytes.Clone(enc)
		bad[i] ^= 0x10
		if _, err := ring.Decode(bad); !errors.Is(err, ring.ErrCorrupt) {
			t.Fatalf("bit flipped in byte %d: %v", i, err)
		}
		if _, err := ring.Decode(enc[:i]); !errors.Is(err, ring.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
}
