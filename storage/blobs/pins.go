package blobs

import (
	"sync"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// pins counts, in memory, who still needs a blob that the collector may want to remove. A body of several blobs opens
// the later ones lazily; a reader pins them all first.
type pins struct {
	shards [16]struct {
		mu sync.Mutex
		n  map[blobref.ID]int
	}
}

// Pin makes the collector postpone the deletion of blobs until as many Unpin calls.
func (p *Pool) Pin(refs ...blobref.Ref) {
	for _, r := range refs {
		s := &p.pins.shards[r.ID[0]&15]
		s.mu.Lock()
		if s.n == nil {
			s.n = make(map[blobref.ID]int)
		}
		s.n[r.ID]++
		s.mu.Unlock()
	}
}

// Unpin takes back one Pin of each blob.
func (p *Pool) Unpin(refs ...blobref.Ref) {
	for _, r := range refs {
		s := &p.pins.shards[r.ID[0]&15]
		s.mu.Lock()
		if s.n[r.ID]--; s.n[r.ID] <= 0 {
			delete(s.n, r.ID)
		}
		s.mu.Unlock()
	}
}

// Pinned reports whether somebody holds a pin on the blob.
func (p *Pool) Pinned(r blobref.Ref) bool {
	s := &p.pins.shards[r.ID[0]&15]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[r.ID] > 0
}
