package blob

import (
	"container/list"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// handles keeps segment files open for reading, at most max of them while no more are in use. A handle in use stays
// open whatever happens to its segment, so that removing the file does not disturb a reader.
type handles struct {
	max  int
	open func(uint32) (vfs.File, error)

	mu     sync.Mutex
	m      map[uint32]*handle
	idle   list.List // of *handle, least recently used first
	closed bool
}

type handle struct {
	file   vfs.File
	number uint32
	refs   int
	gone   bool          // no longer in the map: close it with the last reference
	elem   *list.Element // while idle
}

func newHandles(max int, open func(uint32) (vfs.File, error)) *handles {
	return &handles{max: max, open: open, m: make(map[uint32]*handle)}
}

// acquire returns the handle of a segment; give it back with put.
func (c *handles) acquire(n uint32) (*handle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	h := c.m[n]
	if h == nil {
		f, err := c.open(n)
		if err != nil {
			return nil, err
		}
		h = &handle{file: f, number: n}
		c.m[n] = h
		for len(c.m) > c.max && c.idle.Len() > 0 {
			c.forget(c.idle.Front().Value.(*handle))
		}
	}
	if h.elem != nil {
		c.idle.Remove(h.elem)
		h.elem = nil
	}
	h.refs++
	return h, nil
}

// put gives a handle back.
func (c *handles) put(h *handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.refs--
	switch {
	case h.refs > 0:
	case h.gone:
		_ = h.file.Close()
	default:
		h.elem = c.idle.PushBack(h)
		if len(c.m) > c.max {
			c.forget(c.idle.Front().Value.(*handle))
		}
	}
}

// forget takes h out; it is closed now or with its last reference. mu is held.
func (c *handles) forget(h *handle) {
	delete(c.m, h.number)
	h.gone = true
	if h.elem != nil {
		c.idle.Remove(h.elem)
		h.elem = nil
	}
	if h.refs == 0 {
		_ = h.file.Close()
	}
}

// remove forgets a segment whose file goes away.
func (c *handles) remove(n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.m[n]; h != nil {
		c.forget(h)
	}
}

func (c *handles) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, h := range c.m {
		c.forget(h)
	}
}
