package s3api

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"sync/atomic"
)

// ids makes request ids: sixteen upper-case hex digits like Amazon's, unique in the life of the process and unlikely to
// repeat in another. They are names, not secrets.
type ids struct {
	seed   uint64
	count  atomic.Uint64
	hostID string // x-amz-id-2: names this server process
	host   []byte // the same
}

func newIDs() *ids {
	var b [8 + 48]byte
	_, _ = rand.Read(b[:]) // never fails
	host := base64.StdEncoding.AppendEncode(nil, b[8:])
	return &ids{seed: binary.LittleEndian.Uint64(b[:8]), hostID: string(host), host: host}
}

func (s *ids) next() string {
	// The finaliser of splitmix64 is a bijection: no two counts give the same id.
	x := s.seed + s.count.Add(1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	const digits = "0123456789ABCDEF"
	var b [16]byte
	for i := range b {
		b[i] = digits[x>>60]
		x <<= 4
	}
	return string(b[:])
}
