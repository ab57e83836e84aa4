package checksum_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/checksum"
)

func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func sum(a checksum.Algorithm, data []byte) []byte {
	h := a.New()
	h.Write(data)
	return h.Sum(nil)
}

// Known answers: the check values of the CRC catalogue ("123456789") and those of the hashes' specifications.
func TestKnownAnswers(t *testing.T) {
	for _, tc := range []struct {
		a    checksum.Algorithm
		data string
		hex  string
	}{
		{checksum.CRC32, "123456789", "cbf43926"},
		{checksum.CRC32C, "123456789", "e3069283"},
		{checksum.CRC64NVME, "123456789", "ae8b14860a799888"},
		{checksum.SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{checksum.SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{checksum.SHA512, "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{checksum.MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{checksum.XXHASH64, "", "ef46db3751d8e999"},
		{checksum.XXHASH64, "abc", "44bc2cf5ad770999"},
		{checksum.XXHASH3, "", "2d06800538d394c2"},
		{checksum.XXHASH3, "abc", "78af5f94892f3950"},
		{checksum.XXHASH128, "", "99aa06d3014798d86001c324468d497f"},
		{checksum.XXHASH128, "abc", "06b05ab6733a618578af5f94892f3950"},
	} {
		if got := fmt.Sprintf("%x", sum(tc.a, []byte(tc.data))); got != tc.hex {
			t.Errorf("%v of %q is %s, want %s", tc.a, tc.data, got, tc.hex)
		}
	}
}

func TestNames(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		if h := a.New(); h.Size() != a.Size() || len(h.Sum(nil)) != a.Size() || len(h.Sum([]byte("x"))) != a.Size()+1 || a.Size() > checksum.MaxSize {
			t.Errorf("%v: size %d, hasher %d", a, a.Size(), h.Size())
		}
		for _, name := range []string{a.String(), strings.ToLower(a.String())} {
			if got, err := checksum.ParseAlgorithm(name); err != nil || got != a {
				t.Errorf("ParseAlgorithm(%s) = %v, %v", name, got, err)
			}
		}
		if a.Header() != checksum.HeaderPrefix+strings.ToLower(a.String()) {
			t.Errorf("%v: header %s", a, a.Header())
		}
		for _, name := range []string{a.Header(), strings.ToUpper(a.Header())} {
			if got := checksum.FromHeader(name); got != a {
				t.Errorf("FromHeader(%s) = %v", name, got)
			}
		}
	}
	if a, err := checksum.ParseAlgorithm(""); err != nil || a != checksum.None || a.Valid() || a.Header() != "" {
		t.Errorf("the empty name is %v, %v", a, err)
	}
	for _, name := range []string{"CRC", "CRC32 ", "sha-256", "X-AMZ"} {
		if _, err := checksum.ParseAlgorithm(name); !errors.Is(err, checksum.ErrUnknownAlgorithm) {
			t.Errorf("ParseAlgorithm(%s): %v", name, err)
		}
	}
	for _, name := range []string{"", "x-amz-checksum-", "x-amz-checksum-type", "x-amz-checksum-algorithm", "x-amz-checksum-mode", "content-md5"} {
		if a := checksum.FromHeader(name); a != checksum.None {
			t.Errorf("FromHeader(%s) = %v", name, a)
		}
	}
}

func TestTypes(t *testing.T) {
	const c, f = checksum.Composite, checksum.FullObject
	for a, allowed := range map[checksum.Algorithm][]checksum.Type{
		checksum.CRC32: {c, f}, checksum.CRC32C: {c, f}, checksum.CRC64NVME: {f}, checksum.SHA1: {c}, checksum.SHA256: {c},
		checksum.SHA512: {c}, checksum.MD5: {c}, checksum.XXHASH64: {c}, checksum.XXHASH3: {c}, checksum.XXHASH128: {c},
	} {
		if got, err := a.MultipartType(checksum.NoType); err != nil || got != allowed[0] {
			t.Errorf("%v: default %v, %v", a, got, err)
		}
		for _, typ := range []checksum.Type{c, f} {
			want := typ == allowed[0] || len(allowed) == 2
			got, err := a.MultipartType(typ)
			if a.Allows(typ) != want || want && (err != nil || got != typ) || !want && !errors.Is(err, checksum.ErrType) {
				t.Errorf("%v with %v: %v, %v", a, typ, got, err)
			}
			if _, err := checksum.OfParts(a, typ, []checksum.Part{{Sum: make([]byte, a.Size())}}); want != (err == nil) {
				t.Errorf("%v with %v: OfParts: %v", a, typ, err)
			}
		}
	}
	for _, typ := range []checksum.Type{checksum.NoType, c, f} {
		if got, err := checksum.ParseType(strings.ToLower(typ.String())); err != nil || got != typ {
			t.Errorf("ParseType(%v) = %v, %v", typ, got, err)
		}
	}
	if _, err := checksum.ParseType("PARTIAL"); !errors.Is(err, checksum.ErrUnknownType) {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		digest := sum(a, []byte("abc"))
		for _, v := range []checksum.Value{
			{Algorithm: a, Type: checksum.FullObject, Sum: digest},
			{Algorithm: a, Type: checksum.Composite, Parts: 10_000, Sum: digest},
		} {
			got, err := checksum.ParseValue(a, v.String())
			if err != nil || !got.Equal(v) {
				t.Errorf("%s: %+v, %v", v, got, err)
			}
		}
		enc := checksum.Encode(digest)
		for _, bad := range []string{"", enc[1:], enc + "=", enc + "-", enc + "-0", enc + "-01", enc + "-+1", enc + "-10001", enc + "-x", "-1",
			"*" + enc[1:], enc[:len(enc)-1] + "\n", base64.StdEncoding.EncodeToString(append(digest, 0, 0, 0)), strings.Repeat("\n", len(enc))} {
			if v, err := checksum.ParseValue(a, bad); !errors.Is(err, checksum.ErrMalformed) {
				t.Errorf("%v %q: %v, %v", a, bad, v, err)
			}
		}
	}
	// The unused bits of the last character must be zero: one digest has one spelling.
	if _, err := checksum.Decode(checksum.CRC32, "AAAAAB=="); !errors.Is(err, checksum.ErrMalformed) {
		t.Error(err)
	}
	if _, err := checksum.Decode(checksum.None, ""); !errors.Is(err, checksum.ErrUnknownAlgorithm) {
		t.Error(err)
	}
	if !(checksum.Value{}).IsZero() {
		t.Error("the zero value is something")
	}
}

// The CRC of a whole from those of its parts is that computed over all bytes, however it is cut.
func TestFullObjectOfParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, a := range []checksum.Algorithm{checksum.CRC32, checksum.CRC32C, checksum.CRC64NVME} {
		for round := range 200 {
			data := random(uint64(round), rng.IntN(20_000))
			want := sum(a, data)
			var parts []checksum.Part
			for rest := data; ; {
				n := min(rng.IntN(5000), len(rest))
				if round%3 == 0 { // equal parts, as clients send them
					n = min(1024, len(rest))
				}
				parts = append(parts, checksum.Part{Sum: sum(a, rest[:n]), Size: int64(n)})
				if rest = rest[n:]; len(rest) == 0 {
					break
				}
			}
			got, err := checksum.OfParts(a, checksum.FullObject, parts)
			if err != nil || !bytes.Equal(got.Sum, want) || got.Type != checksum.FullObject {
				t.Fatalf("%v of %d parts: %v, %v, want %x", a, len(parts), got, err, want)
			}
		}
	}
}

// Lengths far beyond memory, against the definition: appending zeros one block at a time.
func TestCombineLongLengths(t *testing.T) {
	for _, a := range []checksum.Algorithm{checksum.CRC32, checksum.CRC32C, checksum.CRC64NVME} {
		zeros := make([]byte, 1<<20)
		part := checksum.Part{Sum: sum(a, zeros), Size: 1 << 20}
		want := part
		for range 25 { // doubling: 32 TiB
			v, err := checksum.OfParts(a, checksum.FullObject, []checksum.Part{want, want})
			if err != nil {
				t.Fatal(err)
			}
			want = checksum.Part{Sum: v.Sum, Size: want.Size * 2}
		}
		half, err := checksum.OfParts(a, checksum.FullObject, []checksum.Part{part, part, part, part})
		if err != nil {
			t.Fatal(err)
		}
		h := a.New()
		for range 4 {
			h.Write(zeros)
		}
		if !bytes.Equal(half.Sum, h.Sum(nil)) {
			t.Errorf("%v of 4 MiB", a)
		}
		// (A|B)|C is A|(B|C) also where lengths differ by seven orders of magnitude.
		ab, _ := checksum.OfParts(a, checksum.FullObject, []checksum.Part{part, want})
		left, _ := checksum.OfParts(a, checksum.FullObject, []checksum.Part{{Sum: ab.Sum, Size: part.Size + want.Size}, part})
		right, _ := checksum.OfParts(a, checksum.FullObject, []checksum.Part{part, want, part})
		if !left.Equal(right) {
			t.Errorf("%v: %v and %v", a, left, right)
		}
	}
}

func TestCompositeOfParts(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		if !a.Allows(checksum.Composite) {
			continue
		}
		p1, p2 := sum(a, []byte("one")), sum(a, []byte("two"))
		v, err := checksum.OfParts(a, checksum.Composite, []checksum.Part{{p1, 3}, {p2, 3}})
		if err != nil || !bytes.Equal(v.Sum, sum(a, append(bytes.Clone(p1), p2...))) || !strings.HasSuffix(v.String(), "-2") {
			t.Errorf("%v: %v, %v", a, v, err)
		}
	}
	for name, parts := range map[string][]checksum.Part{"none": nil, "short": {{Sum: []byte{1}, Size: 1}}, "too many": make([]checksum.Part, checksum.MaxParts+1),
		"negative": {{Sum: make([]byte, 4), Size: -1}}} {
		if _, err := checksum.OfParts(checksum.CRC32, checksum.FullObject, parts); !errors.Is(err, checksum.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMultiHasher(t *testing.T) {
	data := random(9, 100_000)
	all := checksum.Algorithms()
	for _, etag := range []bool{true, false} {
		for i := range all {
			set := append([]checksum.Algorithm{checksum.None, all[i]}, all[:i+1]...)
			m := checksum.NewMultiHasher(etag, set...)
			for range 2 {
				for at, step := 0, 1; at < len(data); at, step = at+step, step*3 {
					m.Write(data[at:min(at+step, len(data))])
				}
				if m.Size() != int64(len(data)) {
					t.Errorf("size %d", m.Size())
				}
				if etag && !bytes.Equal(m.AppendMD5(nil), sum(checksum.MD5, data)) {
					t.Error("wrong MD5")
				}
				for j, a := range all {
					v, ok := m.Value(a)
					if want := j <= i || etag && a == checksum.MD5; ok != want || ok && !bytes.Equal(v.Sum, sum(a, data)) {
						t.Errorf("set %v: %v: %v %v", set, a, v, ok)
					}
				}
				m.Reset()
			}
		}
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add(uint8(1), "AAAAAA==")
	f.Add(uint8(5), checksum.Encode(make([]byte, 32))+"-7")
	f.Fuzz(func(t *testing.T, n uint8, s string) {
		a := checksum.Algorithm(n % 12)
		v, err := checksum.ParseValue(a, s)
		if err == nil && (v.String() != s || len(v.Sum) != a.Size()) {
			t.Fatalf("%v %q reads as %v", a, s, v)
		}
	})
}

func FuzzFullObject(f *testing.F) {
	f.Add([]byte("hello, world"), uint16(5), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, n uint8) {
		a := checksum.CRC32 + checksum.Algorithm(n%3)
		at := int(cut) % (len(data) + 1)
		v, err := checksum.OfParts(a, checksum.FullObject, []checksum.Part{{sum(a, data[:at]), int64(at)}, {sum(a, data[at:]), int64(len(data) - at)}})
		if err != nil || !bytes.Equal(v.Sum, sum(a, data)) {
			t.Fatalf("%v cut at %d: %v, %v", a, at, v, err)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	data := random(1, 1<<20)
	for _, a := range checksum.Algorithms() {
		b.Run(a.String(), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			h := a.New()
			for b.Loop() {
				h.Write(data)
			}
		})
	}
}

func BenchmarkMultiHasher(b *testing.B) {
	data := random(1, 1<<20)
	for _, set := range [][]checksum.Algorithm{nil, {checksum.CRC32}, {checksum.CRC64NVME}, {checksum.SHA256}} {
		b.Run(fmt.Sprint("MD5+", set), func(b *testing.B) {
			m := checksum.NewMultiHasher(true, set...)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				m.Write(data)
			}
		})
	}
}

func BenchmarkFullObject(b *testing.B) {
	for _, a := range []checksum.Algorithm{checksum.CRC32, checksum.CRC64NVME} {
		for _, n := range []int{2, 10_000} {
			parts := make([]checksum.Part, n)
			for i := range parts {
				parts[i] = checksum.Part{Sum: random(uint64(i), a.Size()), Size: 8 << 20}
			}
			b.Run(fmt.Sprintf("%v/%d", a, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := checksum.OfParts(a, checksum.FullObject, parts); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
