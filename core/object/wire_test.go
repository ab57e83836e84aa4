package object

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/kv"
)

func someRecord(r *rand.Rand) *record {
	rec := &record{
		flags: r.Uint64N(flagsKnown+1) &^ (flagOwner | flagNullBelow), size: r.Int64N(1 << 50), modified: r.Int64N(1 << 45), class: uint8(r.IntN(9)),
		sums: []sum{{checksum.CRC32, checksum.Composite, []byte("abcd")}, {checksum.SHA256, checksum.FullObject, bytes.Repeat([]byte{7}, 32)}}[:r.IntN(3)],
	}
	rec.instance[0], rec.instance[15] = byte(r.IntN(256)), 1
	if !rec.is(flagMarker) {
		rec.md5[3] = byte(r.IntN(256))
	}
	if rec.is(flagMultipart) {
		rec.parts = r.IntN(MaxParts + 1)
		rec.upload[5] = 9
	}
	if r.IntN(2) == 0 {
		rec.flags |= flagOwner
		rec.owner = "123456789012"
	}
	if r.IntN(2) == 0 {
		rec.flags |= flagNullBelow
		rec.nullBelow[1] = 8
	}
	if r.IntN(2) == 0 {
		rec.detail = detail{ContentType: "text/plain", Meta: []string{"a", "b"}, Tags: []string{"k", ""}, Blobs: []byte{1, 2, 3}, Expires: "x"}
	}
	if len(rec.sums) == 0 {
		rec.sums = nil
	}
	return rec
}

func TestRecordRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		want := someRecord(r)
		data := want.encode()
		var got record
		if err := got.decode(data); err != nil || !reflect.DeepEqual(&got, want) {
			t.Fatalf("%+v came back as %+v: %v", want, got, err)
		}
		for n := range data {
			var cut record
			if err := cut.decode(data[:n]); err == nil {
				t.Fatalf("%x cut to %d bytes decodes", data, n)
			}
		}
		if err := got.decode(append(bytes.Clone(data), 0)); err == nil {
			t.Fatal("a byte too many was accepted")
		}
		data[0]++
		if err := got.decode(data); !errors.Is(err, errSchema) {
			t.Fatalf("a newer schema: %v", err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		f.Add(someRecord(r).encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var one, two record
		if one.decode(data) != nil {
			return
		}
		again := one.encode()
		if err := two.decode(again); err != nil || !reflect.DeepEqual(normal(one), normal(two)) {
			t.Fatalf("%+v came back as %+v: %v", one, two, err)
		}
	})
}

// normal makes records comparable that differ only in empty against absent.
func normal(r record) string {
	r.flags &^= flagOwner | flagNullBelow // derived from what they announce
	return fmt.Sprintf("%+v", r)
}

func FuzzStoredForms(f *testing.F) {
	p := partRecord{part: part{number: 3, size: 5, pieces: []blobref.Ref{{Size: 5, Partition: 9}}, sums: []sum{{checksum.CRC32, checksum.FullObject, []byte("abcd")}}}, modified: 7}
	f.Add(p.encode())
	for _, c := range encodeManifest([]part{p.part, p.part}) {
		f.Add(c)
	}
	g := garbage{kind: garbageRefs, refs: p.pieces}
	f.Add(g.encode())
	g = garbage{kind: garbageManifest, key: "k", bucket: 7}
	f.Add(g.encode())
	f.Add([]byte((&ownerNote{bucket: 1, key: "key", writing: instance{1}, number: 3}).encode()))
	f.Add(encodeRecord(&bucketRecord{ID: 1, Account: "a", Tags: []string{"a", "b"}}))
	f.Add(encodeRecord(&uploadRecord{Algorithm: 3, Detail: detail{Meta: []string{"a", "b"}}}))
	f.Add(encodeRecord(newShardMap(16)))
	f.Add(grantList{{Permission: PermRead, Group: AllUsers}, {Permission: PermFullControl, CanonicalID: "c"}}.encode())
	f.Add(grantList{}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		var p partRecord
		if p.decode(data) == nil {
			var q partRecord
			if err := q.decode(p.encode()); err != nil || !reflect.DeepEqual(p, q) {
				t.Fatalf("%+v came back as %+v: %v", p, q, err)
			}
		}
		_, _ = decodeTable(data)
		_, _ = decodeChunk(data)
		_, _ = unpackRefs(data)
		if g, err := decodeGarbage(data); err == nil {
			h, err := decodeGarbage(g.encode())
			if err != nil || !reflect.DeepEqual(g, h) {
				t.Fatalf("%+v came back as %+v: %v", g, h, err)
			}
		}
		if n, err := parseOwner(data); err == nil && !bytes.Equal(n.encode()[1:], data[1:]) {
			t.Fatalf("owner %x", data)
		}
		if l, err := decodeGrants(data); err == nil {
			again, err := decodeGrants(l.encode())
			if err != nil || !reflect.DeepEqual(l, again) {
				t.Fatalf("%+v came back as %+v: %v", l, again, err)
			}
		}
		_, _, _, _, _ = decodeKeyed(data)
		_ = decodeRecord(data, &bucketRecord{})
		_ = decodeRecord(data, &presence{})
		_ = decodeRecord(data, &intent{})
		_ = decodeRecord(data, &uploadRecord{})
		_ = decodeRecord(data, &doneRecord{})
		m := &shardMap{}
		if decodeRecord(data, m) == nil && m.validate(16) == nil {
			if s := m.of(0, ""); s == kv.Control {
				t.Fatal("an index row in the control shard")
			}
		}
	})
}

func TestManifestOfManyParts(t *testing.T) {
	var parts []part
	offset := int64(0)
	offsets := map[int]int64{}
	for i := range MaxParts {
		p := part{number: i + 1, size: int64(i%7) * 10}
		if i%3 == 0 {
			p.number = i + 1
		}
		if p.size > 0 {
			p.pieces = []blobref.Ref{{Size: p.size - 1, Partition: blobref.Partition(i)}, {Size: 1}}
		}
		p.sums = []sum{{checksum.CRC64NVME, checksum.FullObject, make([]byte, 8)}}
		offsets[p.number] = offset
		offset += p.size
		parts = append(parts, p)
	}
	chunks := encodeManifest(parts)
	if len(chunks) < 10 {
		t.Fatalf("%d chunks", len(chunks))
	}
	reads := 0
	m, err := openManifest(func(i uint32) ([]byte, error) { reads++; return chunks[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = m.each(0, func(ordinal int, at int64, p *part) bool {
		if ordinal != n || p.number != n+1 || at != offsets[p.number] {
			t.Fatalf("part %d at %d: %d %d", n, ordinal, p.number, at)
		}
		n++
		return true
	})
	if err != nil || n != MaxParts {
		t.Fatalf("%d parts, %v", n, err)
	}
	for _, number := range []int{1, 2, 500, 5000, 9999, 10000} {
		reads = 0
		p, at, ok, err := m.find(number)
		if err != nil || !ok || p.number != number || at != offsets[number] || reads > 1 {
			t.Errorf("part %d: %+v at %d, %d reads, %v", number, p, at, reads, err)
		}
		if o := m.ordinalAt(at); o > number-1 {
			t.Errorf("part %d lies before ordinal %d", number, o)
		}
	}
	if _, _, ok, err := m.find(10001); ok || err != nil {
		t.Error("found a part that is not there")
	}
}

func TestShardMapSpreads(t *testing.T) {
	m := newShardMap(16)
	if err := m.validate(16); err != nil {
		t.Fatal(err)
	}
	count := map[kv.Shard]int{}
	r := rand.New(rand.NewPCG(1, 1))
	for range 15000 {
		count[m.of(BucketID(r.Uint64()), "k")]++
	}
	for s := kv.Shard(1); s <= 15; s++ {
		if count[s] < 800 || count[s] > 1200 {
			t.Errorf("shard %d has %d of 15000 buckets", s, count[s])
		}
	}
	if m.of(0, "") != 1 || m.of(^BucketID(0), "") != 15 {
		t.Error("ends of the map")
	}
}
