package chunked

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"

	"github.com/aureole-cloud/aureole/core/errs"
)

// plain is a body without framing of which only the length is known.
type plain struct {
	src  io.Reader
	left int64
}

func (s *plain) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, drained(s.src)
	}
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := readSome(s.src, p)
	s.left -= int64(n)
	if err == io.EOF && s.left == 0 || err == nil {
		return n, nil // the next call finds the end
	}
	return n, ended(err)
}

// hashed is a body without framing whose SHA-256 is known.
type hashed struct {
	plain plain
	want  [sha256.Size]byte
	sum   hash.Hash
}

func newHashed(src io.Reader, size int64, want string) (*hashed, error) {
	h := &hashed{plain: plain{src: src, left: size}, sum: sha256.New()}
	if n, err := hex.Decode(h.want[:], []byte(clip(want, 2*sha256.Size+1))); err != nil || n != sha256.Size {
		return nil, errs.New(errs.Invalid, InvalidRequest, "The value of x-amz-content-sha256 header is invalid.")
	}
	return h, nil
}

func (s *hashed) Read(p []byte) (int, error) {
	n, err := s.plain.Read(p)
	s.sum.Write(p[:n])
	if err != io.EOF {
		return n, err
	}
	var got [sha256.Size]byte
	s.sum.Sum(got[:0])
	if subtle.ConstantTimeCompare(got[:], s.want[:]) == 1 {
		return n, io.EOF
	}
	return n, &errs.E{Op: "chunked.Read", Kind: errs.Invalid, Reason: SHA256Mismatch,
		Msg: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		Detail: map[string]string{
			"ClientComputedContentSHA256": hex.EncodeToString(s.want[:]),
			"S3ComputedContentSHA256":     hex.EncodeToString(got[:]),
		}}
}

// readSome reads at least one byte, or fails.
func readSome(src io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := src.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// drained returns io.EOF when src has ended, as it must: HTTP's own framing has an end to be consumed.
func drained(src io.Reader) error {
	var one [1]byte
	n, err := readSome(src, one[:])
	switch {
	case n > 0:
		return incomplete(nil)
	case err == io.EOF:
		return io.EOF
	}
	return ended(err)
}

// clip cuts s to at most n bytes.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
