package kv_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/storage/kv"
)

func TestCounterCoding(t *testing.T) {
	for _, v := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		if got, err := kv.DecodeCounter(kv.EncodeCounter(v)); err != nil || got != v {
			t.Errorf("%d came back as %d, %v", v, got, err)
		}
	}
	for _, n := range []int{0, 7, 9} {
		if _, err := kv.DecodeCounter(make([]byte, n)); !errors.Is(err, kv.ErrInvalid) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestAddsSumUp(t *testing.T) {
	var b kv.Batch
	b.Add([]byte("a"), 2)
	b.Add([]byte("b"), 1)
	b.Add([]byte("a"), -5)
	b.Add([]byte("c"), 0)
	if len(b.Ops) != 2 || b.Ops[0].Delta != -3 || b.Ops[1].Delta != 1 {
		t.Fatalf("operations are %+v", b.Ops)
	}
	if err := b.Validate(); err != nil {
		t.Error(err)
	}
}

func TestConditionErrorIsConditionFailed(t *testing.T) {
	err := fmt.Errorf("put: %w", &kv.ConditionError{Cond: 2, Kind: kv.CondAtMost, Key: []byte("quota")})
	if !errors.Is(err, kv.ErrConditionFailed) || !strings.Contains(err.Error(), "quota") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, kv.ErrNotFound) {
		t.Error("a failed condition is also something else")
	}
}

// FuzzOverlap compares Validate, which has a short and a long way to find operations on one key, with the
// plain definition. Two bytes make an operation: where it begins, and how long a range is (0: one key).
func FuzzOverlap(f *testing.F) {
	f.Add([]byte{1, 0, 2, 0})
	f.Add([]byte{1, 5, 3, 0})
	f.Add([]byte(strings.Repeat("\x01\x00\x03\x02\x09\x00", 8)))
	f.Fuzz(func(t *testing.T, in []byte) {
		var b kv.Batch
		type span struct{ lo, hi int } // in half keys, so that one key is shorter than the next
		var spans []span
		want := false
		for i := 0; i+1 < len(in) && len(spans) < 200; i += 2 {
			at, n := int(in[i]), int(in[i+1]%8)
			s := span{2 * at, 2*at + 1}
			if n == 0 {
				b.Put(key(at), nil)
			} else {
				s.hi = 2 * (at + n)
				b.DeleteRange(key(at), key(at+n))
			}
			for _, o := range spans {
				want = want || s.lo < o.hi && o.lo < s.hi
			}
			spans = append(spans, s)
		}
		if err := b.Validate(); errors.Is(err, kv.ErrInvalid) != want || err != nil && !want {
			t.Fatalf("%v: got %v, want them to overlap: %v", spans, err, want)
		}
	})
}

func key(n int) []byte { return fmt.Appendf(nil, "%05d", n) }

func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{5, 16, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var batch kv.Batch
			for i := range n {
				batch.Put(key(i), nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := batch.Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
