package blob

import (
	"sync"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Buffers come in two sizes: a region of one block, and one of four (the most a small blob takes). Larger blobs stream
// through a buffer of the second size.
const (
	oneBlock   = (headerSize + blobref.MaxOwnerLen + blockSize + crcSize + trailerSize + pageSize - 1) &^ (pageSize - 1)
	fourBlocks = (headerSize + blobref.MaxOwnerLen + 4*(blockSize+crcSize) + trailerSize + pageSize - 1) &^ (pageSize - 1)
)

type buffer struct {
	p    []byte
	wake chan bool // for the group commit
}

// buffers recycles the buffers of one device.
type buffers struct{ one, four sync.Pool }

// get returns a buffer of at least n bytes if n is at most fourBlocks, else one of fourBlocks. Its content is arbitrary.
func (b *buffers) get(n int64) *buffer {
	p, size := &b.four, fourBlocks
	if n <= oneBlock {
		p, size = &b.one, oneBlock
	}
	if v, ok := p.Get().(*buffer); ok {
		return v
	}
	return &buffer{p: make([]byte, size), wake: make(chan bool, 1)}
}

func (b *buffers) put(v *buffer) {
	if len(v.p) == oneBlock {
		b.one.Put(v)
	} else {
		b.four.Put(v)
	}
}
