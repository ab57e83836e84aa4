package object

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// bucket is what is known of a bucket while requests use it. It is never changed: a newer state is a new value.
type bucket struct {
	Bucket
	shard    kv.Shard
	presence []byte   // key of the row that every write is conditioned on
	revision kv.Index // of that row when it was read
	versions []byte   // keys of the counters that every write changes
	bytes    []byte
	settings *settings // never nil
}

func (b *bucket) counter(which byte) []byte {
	switch which {
	case cntVersions:
		return b.versions
	case cntBytes:
		return b.bytes
	}
	return counterKey(b.ID, which)
}

// bucketCache keeps the state of buckets by name. It follows the control shard's watch; beyond that every write is
// conditioned on the presence row at the revision known here, so that a stale entry can delay a write but never
// misguide it.
type bucketCache struct {
	gen atomic.Uint64 // raised by every invalidation: a load that began before it must not be kept
	m   sync.Map      // name -> *bucket
}

func (c *bucketCache) get(name string) *bucket {
	if b, ok := c.m.Load(name); ok {
		return b.(*bucket)
	}
	return nil
}

// put keeps b unless something was invalidated since gen was read.
func (c *bucketCache) put(gen uint64, b *bucket) {
	c.m.Store(b.Name, b)
	if c.gen.Load() != gen {
		c.m.CompareAndDelete(b.Name, b)
	}
}

func (c *bucketCache) drop(name string) {
	c.gen.Add(1)
	c.m.Delete(name)
}

func (c *bucketCache) clear() {
	c.gen.Add(1)
	c.m.Clear()
}

// bucket returns the state of a bucket, from the cache or the store.
func (s *Service) bucket(ctx context.Context, name string) (*bucket, error) {
	if b := s.buckets.get(name); b != nil {
		return b, nil
	}
	return s.loadBucket(ctx, name)
}

// loadBucket reads the state of a bucket from the store and keeps it.
func (s *Service) loadBucket(ctx context.Context, name string) (*bucket, error) {
	if len(name) < 3 || len(name) > 63 {
		return nil, noSuchBucket(name)
	}
	gen := s.buckets.gen.Load()
	named, _, err := s.readNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := s.readPresence(ctx, named.Bucket, named.settings)
	if err != nil {
		return nil, err
	}
	s.buckets.put(gen, b)
	return b, nil
}

// readPresence completes a bucket's state by its presence row. A bucket without one is being made or removed: it does
// not exist.
func (s *Service) readPresence(ctx context.Context, outer Bucket, st *settings) (*bucket, error) {
	b := &bucket{
		Bucket: outer, shard: s.shards.of(outer.ID, ""), presence: presenceKey(outer.ID),
		versions: counterKey(outer.ID, cntVersions), bytes: counterKey(outer.ID, cntBytes), settings: st,
	}
	v, err := s.kv.Get(ctx, b.shard, b.presence)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, noSuchBucket(outer.Name)
	} else if err != nil {
		return nil, err
	}
	var p presence
	if err := decodeRecord(v.Data, &p); err != nil {
		return nil, err
	}
	b.revision = v.Revision
	b.Versioning = Versioning(p.Versioning)
	b.Lock = p.lock()
	b.Encryption = p.encryption()
	b.Quota = Quota{Objects: p.QuotaObjects, Bytes: p.QuotaBytes}
	return b, nil
}

// refresh returns the newest state of a bucket after a commit found b's stale. A bucket that was made anew under the
// same name is another bucket, and what was meant for the old one is not for it.
func (s *Service) refresh(ctx context.Context, b *bucket) (*bucket, error) {
	if stale, err := s.isStale(ctx, b); err != nil || !stale {
		return b, err // the conflict was about something else
	}
	n, err := s.loadBucket(ctx, b.Name)
	if err != nil {
		return nil, err
	}
	if n.ID != b.ID {
		return nil, noSuchBucket(b.Name)
	}
	return n, nil
}

// stillThere checks that b exists before something in it is reported absent: another node may have removed or remade it.
func (s *Service) stillThere(ctx context.Context, b *bucket) error {
	_, err := s.isStale(ctx, b)
	return err
}

// isStale reports whether b is no longer the bucket's newest state, and fails when it does not exist any more.
func (s *Service) isStale(ctx context.Context, b *bucket) (bool, error) {
	v, err := s.kv.Get(ctx, b.shard, b.presence)
	if errors.Is(err, kv.ErrNotFound) {
		s.buckets.drop(b.Name)
		return true, noSuchBucket(b.Name)
	} else if err != nil {
		return false, err
	}
	stale := v.Revision != b.revision
	if stale {
		s.buckets.drop(b.Name)
	}
	return stale, nil
}

// outer is rec as callers see it, versioning apart.
func (rec *bucketRecord) outer(name string) Bucket {
	return Bucket{
		Name:    name,
		ID:      BucketID(rec.ID),
		Region:  rec.Region,
		Owner:   Owner{AccountID: rec.Account, CanonicalID: rec.CanonicalID, DisplayName: rec.DisplayName},
		Created: time.UnixMilli(rec.Created).UTC(),
		Tags:    outerTags(rec.Tags),
	}
}

// forget empties the caches of the control shard.
func (s *Service) forget() {
	s.buckets.clear()
	s.quotas.changed()
}

// rowChanged drops from the caches what a row of the control shard says.
func (s *Service) rowChanged(row []byte) {
	if bytes.HasPrefix(row, []byte(ctlQuota)) {
		s.quotas.changed()
		return
	}
	if bytes.HasPrefix(row, []byte(ctlAccess)) {
		s.buckets.clear() // of which account they are is not known here, and it changes rarely
		return
	}
	if name, ok := strings.CutPrefix(string(row), ctlName); ok {
		s.buckets.drop(name)
	} else if rest, ok := bytes.CutPrefix(row, []byte(ctlSetting)); ok {
		d := keys.Decode(rest)
		if name := d.String(); d.Err() == nil || name != "" {
			s.buckets.drop(name)
		} else {
			s.buckets.clear()
		}
	}
}
