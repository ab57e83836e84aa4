package sigv4

import (
	"crypto/subtle"
	"strings"
	"sync"
)

// keyCache remembers signing keys: deriving one costs four HMACs, and a client uses the same one all day.
// It holds two generations; when the young one is full it becomes the old one, and what is used again is
// carried over. So the cache is bounded, and keys of past days and deleted users leave it.
type keyCache struct {
	size int // of one generation

	mu struct {
		sync.RWMutex
		young, old map[keyID]*keyEntry
	}
}

type keyID struct{ accessKeyID, date, region, service string }

// keyEntry holds the strings of its id in memory of its own; they stand in for the request's in Verified.
type keyEntry struct {
	keyID
	secret string
	key    [32]byte
}

func newKeyCache(size int) *keyCache {
	c := &keyCache{size: max(1, size/2)}
	c.mu.young = make(map[keyID]*keyEntry)
	return c
}

// get returns the entry of id for secret, deriving it if need be. When fresh is set the entry is not yet
// remembered: put it once it has verified a signature, so that strangers cannot push out the keys of users.
func (c *keyCache) get(id keyID, secret string) (e *keyEntry, fresh bool) {
	c.mu.RLock()
	e = c.mu.young[id]
	young := e != nil
	if !young {
		e = c.mu.old[id]
	}
	c.mu.RUnlock()
	if e != nil && subtle.ConstantTimeCompare([]byte(e.secret), []byte(secret)) == 1 {
		return e, !young
	}
	return &keyEntry{
		keyID: keyID{
			accessKeyID: strings.Clone(id.accessKeyID),
			date:        strings.Clone(id.date),
			region:      strings.Clone(id.region),
			service:     strings.Clone(id.service),
		},
		secret: strings.Clone(secret),
		key:    DeriveKey(secret, id.date, id.region, id.service),
	}, true
}

// put remembers e.
func (c *keyCache) put(e *keyEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.young[e.keyID] == e {
		return
	}
	if len(c.mu.young) >= c.size {
		c.mu.old, c.mu.young = c.mu.young, make(map[keyID]*keyEntry)
	}
	c.mu.young[e.keyID] = e
}
