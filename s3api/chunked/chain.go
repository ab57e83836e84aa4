package chunked

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/sigv4"
)

var (
	signatureName = []byte("chunk-signature=")
	chunkAlgo     = []byte("AWS4-HMAC-SHA256-PAYLOAD\n")
	trailerAlgo   = []byte("AWS4-HMAC-SHA256-TRAILER\n")
)

// chain checks that each chunk is signed together with the signature before it, so that chunks can be
// neither changed nor dropped, repeated or reordered.
type chain struct {
	key   [32]byte
	scope string // timestamp and credential scope, as lines
	prev  [64]byte
	given [64]byte // the signature that the current chunk's line claims
	data  hash.Hash
	sum   [sha256.Size]byte
	buf   []byte // the string to sign
}

func newChain(v *sigv4.Verified) *chain {
	c := &chain{key: v.SigningKey, scope: v.Timestamp + "\n" + v.Scope() + "\n", data: sha256.New()}
	copy(c.prev[:], v.SeedSignature)
	return c
}

// begin reads the signature from what follows the size in a chunk's line.
func (c *chain) begin(extension []byte) bool {
	sig, ok := bytes.CutPrefix(extension, signatureName)
	if !ok || len(sig) != len(c.given) {
		return false
	}
	copy(c.given[:], sig)
	c.data.Reset()
	return true
}

// end checks the signature of the chunk whose data went into c.data.
func (c *chain) end() error {
	c.data.Sum(c.sum[:0])
	buf := append(c.buf[:0], chunkAlgo...)
	buf = append(buf, c.scope...)
	buf = append(buf, c.prev[:]...)
	buf = append(buf, '\n')
	buf = append(buf, sigv4.EmptySHA256...)
	buf = append(buf, '\n')
	c.buf = hex.AppendEncode(buf, c.sum[:])
	return c.check(c.buf, c.given[:])
}

// endTrailer checks the signature over the trailers: name:value lines, each ended by a newline.
func (c *chain) endTrailer(canonical, signature []byte) error {
	sum := sha256.Sum256(canonical)
	buf := append(c.buf[:0], trailerAlgo...)
	buf = append(buf, c.scope...)
	buf = append(buf, c.prev[:]...)
	buf = append(buf, '\n')
	c.buf = hex.AppendEncode(buf, sum[:])
	return c.check(c.buf, signature)
}

// check compares a signature with that of toSign, which then is the previous one of the next.
func (c *chain) check(toSign, signature []byte) error {
	mac := sigv4.HMAC(&c.key, toSign)
	var want [64]byte
	hex.Encode(want[:], mac[:])
	if subtle.ConstantTimeCompare(want[:], signature) != 1 {
		return unsigned("a chunk's signature is wrong")
	}
	c.prev = want
	return nil
}

type chainError string

func (e chainError) Error() string { return string(e) }

func unsigned(why chainError) error {
	return &errs.E{Op: "chunked.Read", Kind: errs.Unauthenticated, Reason: SignatureDoesNotMatch, Err: why,
		Msg: "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}
