package keys_test

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/storage/keys"
)

// tuple is a key of every kind of element, in an order that puts variable elements before fixed ones.
type tuple struct {
	tag  byte
	name string
	gen  uint64 // descending
	blob []byte
	a    uint16
	b    uint32
	c    uint64
	id   [4]byte
}

func (t tuple) encode() []byte {
	k := keys.AppendByte(nil, t.tag)
	k = keys.AppendString(k, t.name)
	k = keys.AppendUint64Desc(k, t.gen)
	k = keys.AppendBytes(k, t.blob)
	k = keys.AppendUint16(k, t.a)
	k = keys.AppendUint32(k, t.b)
	k = keys.AppendUint64(k, t.c)
	return keys.AppendBytesFixed(k, t.id[:])
}

func decode(k []byte) (t tuple, err error) {
	d := keys.Decode(k)
	t.tag, t.name, t.gen, t.blob = d.Byte(), d.String(), d.Uint64Desc(), d.Bytes()
	t.a, t.b, t.c = d.Uint16(), d.Uint32(), d.Uint64()
	copy(t.id[:], d.BytesFixed(len(t.id)))
	return t, d.End()
}

func compare(x, y tuple) int {
	return cmp.Or(
		cmp.Compare(x.tag, y.tag), strings.Compare(x.name, y.name), cmp.Compare(y.gen, x.gen),
		bytes.Compare(x.blob, y.blob), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.c, y.c),
		bytes.Compare(x.id[:], y.id[:]))
}

func equal(x, y tuple) bool { return compare(x, y) == 0 }

// randTuple draws from few distinct values, the awkward ones above all, so that pairs often share a prefix.
func randTuple(r *rand.Rand) tuple {
	str := func() string {
		b := make([]byte, r.IntN(4))
		for i := range b {
			b[i] = []byte{0x00, 0x01, 0x02, 'a', 'b', 0xFE, 0xFF}[r.IntN(7)]
		}
		return string(b)
	}
	num := func() uint64 { return []uint64{0, 1, 2, 255, 256, 1<<32 - 1, 1 << 63, 1<<64 - 1}[r.IntN(8)] }
	t := tuple{tag: byte(r.IntN(2)), name: str(), gen: num(), blob: []byte(str()),
		a: uint16(num()), b: uint32(num()), c: num()}
	copy(t.id[:], str())
	return t
}

func TestOrderAndRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		x, y := randTuple(r), randTuple(r)
		if r.IntN(2) == 0 {
			y.tag, y.name = x.tag, x.name
		}
		ex, ey := x.encode(), y.encode()
		if got, want := bytes.Compare(ex, ey), compare(x, y); got != want {
			t.Fatalf("order of %+v and %+v: encodings %d, tuples %d", x, y, got, want)
		}
		if back, err := decode(ex); err != nil || !equal(back, x) {
			t.Fatalf("round trip of %+v: got %+v, %v", x, back, err)
		}
	}
}

func TestStringPrefixBoundsItsStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		head := []byte{7}
		s, p := randTuple(r).name, randTuple(r).name
		key := keys.AppendUint64(keys.AppendString(head, s), r.Uint64())
		lower := keys.AppendStringPrefix(head, p)
		upper := keys.PrefixEnd(lower)
		in := bytes.Compare(key, lower) >= 0 && (upper == nil || bytes.Compare(key, upper) < 0)
		if in != strings.HasPrefix(s, p) {
			t.Fatalf("string %q, prefix %q: inside the bounds is %v", s, p, in)
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"a", "b"}, {"a\xff", "b"}, {"a\xff\xff", "b"}, {"ab", "ac"}, {"\x00", "\x01"}, {"a\x00\xff", "a\x01"},
	} {
		in := []byte(tc.in)
		if got := keys.PrefixEnd(in); string(got) != tc.want {
			t.Errorf("PrefixEnd(%q) = %q, want %q", tc.in, got, tc.want)
		}
		if string(in) != tc.in {
			t.Errorf("PrefixEnd changed its argument %q to %q", tc.in, in)
		}
	}
	for _, in := range []string{"", "\xff", "\xff\xff"} {
		if got := keys.PrefixEnd([]byte(in)); got != nil {
			t.Errorf("PrefixEnd(%q) = %q, want nil", in, got)
		}
	}
	if got := keys.Next([]byte("a")); string(got) != "a\x00" {
		t.Errorf("Next(a) = %q", got)
	}
}

func TestMalformed(t *testing.T) {
	for _, tc := range []struct {
		name string
		key  string
		read func(*keys.Decoder)
	}{
		{"no end", "abc", func(d *keys.Decoder) { _ = d.String() }},
		{"end cut", "abc\x00", func(d *keys.Decoder) { _ = d.String() }},
		{"unknown escape", "abc\x00\x02\x00\x01", func(d *keys.Decoder) { _ = d.String() }},
		{"short number", "\x00\x00\x00", func(d *keys.Decoder) { d.Uint32() }},
		{"short fixed", "ab", func(d *keys.Decoder) { d.BytesFixed(3) }},
		{"negative fixed", "ab", func(d *keys.Decoder) { d.BytesFixed(-1) }},
		{"trailing", "ab", func(d *keys.Decoder) { d.Byte() }},
		{"sticky", "ab", func(d *keys.Decoder) { d.Uint64(); d.Byte(); d.Byte() }},
	} {
		d := keys.Decode([]byte(tc.key))
		tc.read(&d)
		if err := d.End(); !errors.Is(err, keys.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", tc.name, err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 256)
	key := keys.AppendString(nil, "photos/2026/summer.jpg")
	if n := testing.AllocsPerRun(100, func() {
		b := keys.AppendUint64(buf[:0], 42)
		b = keys.AppendString(b, "photos/2026/summer.jpg")
		b = keys.AppendStringPrefix(b, "photos/")
		_ = keys.AppendUint64Desc(b, 7)
		d := keys.Decode(key)
		_ = d.Bytes()
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzOrder(f *testing.F) {
	f.Add("a", "a\x00", uint64(1), uint64(2))
	f.Add("", "\x00\xff", uint64(0), uint64(1<<63))
	f.Fuzz(func(t *testing.T, s1, s2 string, n1, n2 uint64) {
		x, y := tuple{name: s1, gen: n1, c: n2}, tuple{name: s2, gen: n2, c: n1}
		if got, want := bytes.Compare(x.encode(), y.encode()), compare(x, y); got != want {
			t.Fatalf("encodings %d, tuples %d", got, want)
		}
		if back, err := decode(x.encode()); err != nil || !equal(back, x) {
			t.Fatalf("round trip: %+v, %v", back, err)
		}
	})
}

// FuzzDecode feeds any bytes: no panic, and what decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add(tuple{name: "a\x00b", blob: []byte{0}}.encode())
	f.Add([]byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, key []byte) {
		if tu, err := decode(key); err == nil && !bytes.Equal(tu.encode(), key) {
			t.Fatalf("%x decodes to %+v, which encodes to %x", key, tu, tu.encode())
		}
	})
}

func BenchmarkAppendString(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = keys.AppendString(buf[:0], "photos/2026/summer/beach/DSC_0001.jpg")
	}
}
