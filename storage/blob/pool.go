package blob

import (
	"sync"
	"sync/atomic"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Buffers come in three sizes: a region of one block, one of four, which is the most a small blob takes and what larger ones are written
// through, and the run of blocks that a large blob is read by.
const (
	oneBlock   = (headerSize + blobref.MaxOwnerLen + blockSize + crcSize + trailerSize + pageSize - 1) &^ (pageSize - 1)
	fourBlocks = (headerSize + blobref.MaxOwnerLen + 4*(blockSize+crcSize) + trailerSize + pageSize - 1) &^ (pageSize - 1)
	wholeRun   = maxRun * stride
)

// maxRuns is how many buffers of a whole run a device has out at once. A reader holds its buffer while its client takes what is in it, and
// slow clients may be many: those beyond read by four blocks.
const maxRuns = 64

type buffer struct {
	p    []byte
	wake chan bool // for the group commit
}

// buffers recycles the buffers of one device.
type buffers struct {
	one, four, run sync.Pool
	runs           atomic.Int32 // buffers of a whole run that are out
}

// get returns a buffer of at least n bytes if n is at most fourBlocks, else one of fourBlocks. Its content is arbitrary.
func (b *buffers) get(n int64) *buffer {
	p, size := b.class(n)
	return take(p, size)
}

// getRun is get for reading: beyond fourBlocks it returns a buffer of a whole run, if there is one left.
func (b *buffers) getRun(n int64) *buffer {
	if n > fourBlocks {
		if b.runs.Add(1) <= maxRuns {
			return take(&b.run, wholeRun)
		}
		b.runs.Add(-1)
	}
	return b.get(n)
}

func take(p *sync.Pool, size int) *buffer {
	if v, ok := p.Get().(*buffer); ok {
		return v
	}
	return &buffer{p: make([]byte, size), wake: make(chan bool, 1)}
}

func (b *buffers) put(v *buffer) {
	if len(v.p) == wholeRun {
		b.run.Put(v)
		b.runs.Add(-1)
		return
	}
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
