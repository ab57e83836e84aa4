package blob

import (
	"sync"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Buffers come in two sizes: a region of one block, and one of four: the most a small blob takes. Larger blobs are written and
// read through it too.
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
	p, size := b.class(n)
	if v, ok := p.Get().(*buffer); ok {
		return v
	}
	return &buffer{p: make([]byte, size), wake: make(chan bool, 1)}
}

func (b *buffers) put(v *buffer) {
	p, _ := b.class(int64(len(v.p)))
	p.Put(v)
}

// class is the pool of the smallest buffers that hold n bytes, and their size.
func (b *buffers) class(n int64) (*sync.Pool, int) {
	if n <= oneBlock {
		return &b.one, oneBlock
	}
	return &b.four, fourBlocks
}
