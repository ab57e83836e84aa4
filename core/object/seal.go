package object

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/kms"
)

// An encrypted body is a stream of blocks, each sealed by AES-256-GCM:
//
//	block   ciphertext of up to sealedBlock - layers * sealTag bytes | tag
//	nonce   1 in the last block, else 0 | 0 0 0 | number of the block, 8 bytes
//
// A full block is sealedBlock bytes, which is what blobs have checksums over: a range reads and verifies only the blocks it
// needs. A block cannot be moved, and the stream cannot be cut, without its tag failing. The key of a stream is derived from
// the object's data key and the salt of the stream, which is zero for a body and the writing for a part, so no key meets a
// nonce twice. With two layers (aws:kms:dsse) each block is sealed twice, under independent keys.
const (
	sealedBlock = 64 << 10
	sealTag     = 16
	maxLayers   = 2
)

// errSealed: a block does not open, though its bytes are what was written: it was forged, or the key is another's.
var errSealed = errors.New("object: encrypted block does not open")

// sealing encrypts and decrypts one stream.
type sealing struct{ layers []cipher.AEAD }

func newSealing(key *kms.DataKey, salt instance, layers int) *sealing {
	c := &sealing{layers: make([]cipher.AEAD, layers)}
	for i := range c.layers {
		mac := hmac.New(sha256.New, key[:])
		mac.Write([]byte("aureole body"))
		mac.Write([]byte{byte(i)})
		mac.Write(salt[:])
		block, err := aes.NewCipher(mac.Sum(nil))
		if err == nil {
			c.layers[i], err = cipher.NewGCM(block)
		}
		if err != nil {
			panic(fmt.Sprintf("object: AES-256-GCM: %v", err)) // the length of the key is a constant
		}
	}
	return c
}

// overhead is what sealing adds to a block.
func (c *sealing) overhead() int { return sealTag * len(c.layers) }

// payload is the plain text of a full block.
func (c *sealing) payload() int { return sealedBlock - c.overhead() }

// sealedSize is the length of the stream of size bytes of plain text under so many layers.
func sealedSize(size int64, layers int) int64 {
	payload := int64(sealedBlock - layers*sealTag)
	return size + (size+payload-1)/payload*int64(layers*sealTag)
}

func sealNonce(block uint64, last bool) (n [12]byte) {
	if last {
		n[0] = 1
	}
	binary.BigEndian.PutUint64(n[4:], block)
	return n
}

// seal encrypts plain in place; its capacity must hold the tags.
func (c *sealing) seal(plain []byte, block uint64, last bool) []byte {
	nonce := sealNonce(block, last)
	for _, l := range c.layers {
		plain = l.Seal(plain[:0], nonce[:], plain, nil)
	}
	return plain
}

// open decrypts a block into dst, which may be sealed[:0].
func (c *sealing) open(dst, sealed []byte, block uint64, last bool) ([]byte, error) {
	nonce := sealNonce(block, last)
	for i := len(c.layers) - 1; i >= 0; i-- {
		var err error
		if sealed, err = c.layers[i].Open(dst, nonce[:], sealed, nil); err != nil {
			return nil, errSealed
		}
		dst = sealed[:0]
	}
	return sealed, nil
}

// sealReader gives the encrypted stream of a body and hashes the body. The end of the body has been seen when the last
// block comes, so a body that ends in a failure has none.
type sealReader struct {
	src   io.Reader
	c     *sealing
	h     *checksum.MultiHasher
	size  int64 // bytes of the body read so far
	most  int64 // that it may have
	block uint64

	ahead   [1]byte // the first byte of the next block
	isAhead bool
	ended   error // what Read returns when rest is empty
	rest    []byte
	buf     []byte // for reads that do not hold a block
}

func (r *sealReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 && r.ended == nil && len(p) > 0 {
		into := p
		if len(p) < sealedBlock {
			if r.buf == nil {
				r.buf = make([]byte, sealedBlock)
			}
			into = r.buf
		}
		out, err := r.next(into[:sealedBlock:sealedBlock])
		r.ended = err
		if len(p) >= sealedBlock {
			if len(out) > 0 {
				return len(out), nil
			}
			return 0, err
		}
		r.rest = out
	}
	if len(r.rest) == 0 {
		return 0, r.ended
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next makes the next block in room. The error is that of the read after it.
func (r *sealReader) next(room []byte) ([]byte, error) {
	n := 0
	if r.isAhead {
		room[0], n = r.ahead[0], 1
	}
	k, err := io.ReadFull(r.src, room[n:r.c.payload()])
	n += k
	switch err {
	case nil:
		_, err = io.ReadFull(r.src, r.ahead[:])
		r.isAhead = err == nil
	case io.ErrUnexpectedEOF:
		err = io.EOF
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	if r.size += int64(n); r.size > r.most {
		return nil, tooLarge(r.most)
	}
	if n == 0 {
		return nil, io.EOF
	}
	r.h.Write(room[:n])
	out := r.c.seal(room[:n], r.block, err == io.EOF)
	r.block++
	return out, err
}
