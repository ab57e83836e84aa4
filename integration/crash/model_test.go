package crash

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// content is what an object may hold: nothing at all, or the bytes that its seed gives. Parts are the sizes of the
// parts of a multipart upload, nil for a single one.
type content struct {
	exists bool
	seed   uint64
	size   int
	parts  []int
}

func (c content) String() string {
	switch {
	case !c.exists:
		return "absent"
	case c.parts != nil:
		return fmt.Sprintf("%d bytes of seed %d in parts %v", c.size, c.seed, c.parts)
	default:
		return fmt.Sprintf("%d bytes of seed %d", c.size, c.seed)
	}
}

func (c content) bytes() []byte { return harness.Bytes(c.seed, c.size) }

func (c content) etag() string {
	b := c.bytes()
	if c.parts == nil {
		sum := md5.Sum(b)
		return hex.EncodeToString(sum[:])
	}
	h := md5.New()
	for _, n := range c.parts {
		sum := md5.Sum(b[:n])
		h.Write(sum[:])
		b = b[n:]
	}
	return fmt.Sprintf("%s-%d", hex.EncodeToString(h.Sum(nil)), len(c.parts))
}

// state is what a writer knows of one of its keys. Only that writer changes the key.
type state struct {
	acked   content
	pending []content // outcomes of requests that got no answer: any of them may have happened, or none
}

// settle holds what was read against what may be. It returns an error when that is impossible, and otherwise makes
// it what is known: an outcome, once seen, must not change any more.
func (s *state) settle(found bool, body []byte, etag string) error {
	for _, c := range append([]content{s.acked}, s.pending...) {
		if c.exists == found && (!found || len(body) == c.size && bytes.Equal(body, c.bytes()) && etag == c.etag()) {
			s.acked, s.pending = c, nil
			return nil
		}
	}
	got := "absent"
	if found {
		got = fmt.Sprintf("%d bytes starting with %x, ETag %s", len(body), body[:min(len(body), 8)], etag)
		for _, c := range append([]content{s.acked}, s.pending...) {
			if b := c.bytes(); c.exists && len(body) <= len(b) && bytes.Equal(body, b[:len(body)]) {
				got += fmt.Sprintf(" (a beginning of %v)", c)
			}
		}
	}
	return fmt.Errorf("read %s, acknowledged was %v, unanswered %v", got, s.acked, s.pending)
}
