package object

import (
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// readerKey names a version that is being read.
type readerKey struct {
	bucket   BucketID
	key      string
	instance instance
}

// readerSet holds the versions whose blobs are being read on this node, so that the collector leaves them alone.
type readerSet struct {
	mu        sync.Mutex
	instances map[instance]int
	keys      map[bucketKey]int
}

type bucketKey struct {
	bucket BucketID
	key    string
}

func (s *readerSet) enter(r readerKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instances == nil {
		s.instances = make(map[instance]int)
		s.keys = make(map[bucketKey]int)
	}
	s.instances[r.instance]++
	s.keys[bucketKey{r.bucket, r.key}]++
}

func (s *readerSet) leave(r readerKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instances[r.instance]--; s.instances[r.instance] <= 0 {
		delete(s.instances, r.instance)
	}
	k := bucketKey{r.bucket, r.key}
	if s.keys[k]--; s.keys[k] <= 0 {
		delete(s.keys, k)
	}
}

func (s *readerSet) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.instances)
}

// reading reports whether a version is being read.
func (s *readerSet) reading(id instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instances[id] > 0
}

// readingKey reports whether any version of a key is being read.
func (s *readerSet) readingKey(b BucketID, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[bucketKey{b, key}] > 0
}

// suspectSet remembers the blobs that nothing referred to when they were first looked at. They may belong to a version
// that was superseded a moment ago and that somebody is about to read, so they count as orphans only when they are
// found so again after the grace period. What was superseded is meanwhile removed by its collector entry.
type suspectSet struct {
	mu    sync.Mutex
	since map[blobref.ID]time.Time
}

// maxSuspects bounds the memory; beyond it the search for orphans begins anew.
const maxSuspects = 1 << 17

// condemned reports whether a blob that has no owner now had none a grace period ago.
func (s *suspectSet) condemned(id blobref.ID, now time.Time, grace time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, ok := s.since[id]
	switch {
	case !ok:
		if s.since == nil || len(s.since) >= maxSuspects {
			s.since = make(map[blobref.ID]time.Time)
		}
		s.since[id] = now
		return false
	case now.Sub(since) < grace:
		return false
	}
	delete(s.since, id)
	return true
}
