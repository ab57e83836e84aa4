package checksum

import (
	"crypto/md5"
	"fmt"
	"hash"
)

// stride is how much of a write goes through one hasher before the next one sees it: small enough that
// the second hasher finds the bytes in the first-level cache, large enough for wide instructions.
const stride = 16 << 10

// MultiHasher computes MD5 (the ETag) and any set of algorithms over one stream in one pass. It is an
// io.Writer that never fails. Use Reset to reuse it.
type MultiHasher struct {
	md5  hash.Hash // nil when neither the ETag nor the MD5 checksum is asked for
	algs []Algorithm
	hs   []hash.Hash
	n    int64
}

// NewMultiHasher makes a hasher of MD5, when etag is set, and of algs; None and repeated ones are ignored.
func NewMultiHasher(etag bool, algs ...Algorithm) *MultiHasher {
	m := &MultiHasher{}
	if etag {
		m.md5 = md5.New()
	}
	for _, a := range algs {
		m.add(a)
	}
	return m
}

func (m *MultiHasher) add(a Algorithm) {
	if a == None || m.has(a) {
		return
	}
	if a == MD5 {
		m.md5 = md5.New()
		return
	}
	m.algs = append(m.algs, a)
	m.hs = append(m.hs, a.New())
}

func (m *MultiHasher) has(a Algorithm) bool {
	if a == MD5 {
		return m.md5 != nil
	}
	for _, b := range m.algs {
		if a == b {
			return true
		}
	}
	return false
}

// Write feeds p to every hasher.
func (m *MultiHasher) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	if len(m.hs) == 0 {
		if m.md5 != nil {
			m.md5.Write(p)
		}
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		b := rest[:min(len(rest), stride)]
		rest = rest[len(b):]
		if m.md5 != nil {
			m.md5.Write(b)
		}
		for _, h := range m.hs {
			h.Write(b)
		}
	}
	return len(p), nil
}

// Size is the number of bytes written.
func (m *MultiHasher) Size() int64 { return m.n }

// AppendMD5 appends the 16 bytes of the MD5 to b. It panics when MD5 was not asked for.
func (m *MultiHasher) AppendMD5(b []byte) []byte {
	if m.md5 == nil {
		panic("checksum: MD5 was not asked for")
	}
	return m.md5.Sum(b)
}

// Value returns the checksum of all bytes so far by a, as a FullObject value, and whether a was asked for.
func (m *MultiHasher) Value(a Algorithm) (Value, bool) {
	if a == MD5 && m.md5 != nil {
		return Value{Algorithm: MD5, Type: FullObject, Sum: m.md5.Sum(nil)}, true
	}
	for i, b := range m.algs {
		if a == b {
			return Value{Algorithm: a, Type: FullObject, Sum: m.hs[i].Sum(nil)}, true
		}
	}
	return Value{}, false
}

// Reset makes m ready for another stream with the same set.
func (m *MultiHasher) Reset() {
	m.n = 0
	if m.md5 != nil {
		m.md5.Reset()
	}
	for _, h := range m.hs {
		h.Reset()
	}
}

// String lists the set, for logs.
func (m *MultiHasher) String() string {
	return fmt.Sprintf("MultiHasher(md5=%t %v)", m.md5 != nil, m.algs)
}
