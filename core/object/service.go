package object

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// BucketID names a bucket for ever: random, so that buckets spread over the shards, and never reused.
type BucketID uint64

// String is the id in hex.
func (id BucketID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// Usage is what a bucket holds.
type Usage struct {
	Objects     int64 // versions with a body, delete markers not counted
	Versions    int64 // versions and delete markers
	Bytes       int64 // of all versions
	Uploads     int64 // multipart uploads under way
	UploadBytes int64 // of their parts
}

// Service is the object store. All methods are safe for concurrent use.
type Service struct {
	cfg    Config
	kv     kv.Store
	blobs  *blobs.Pool
	log    *slog.Logger
	shards *shardMap

	buckets bucketCache
	names   stripes // serialises creation and deletion of a bucket on this node
	keys    stripes // queues writers of one key once they got into each other's way
	pending pendingSet
	readers readerSet
	suspect suspectSet
	bodies  bodyPools
	pages   sync.Pool // *pageRoom
	records sync.Pool // *record
	quotas  accountQuotas
	life    lifecycleWorker
	outbox  outbox

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the object store on cfg's store and blobs, and finishes what a crash left half done.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	shards, err := loadShardMap(ctx, cfg.Store)
	if err != nil {
		return nil, fmt.Errorf("object: open: %w", err)
	}
	s := &Service{cfg: cfg, kv: cfg.Store, blobs: cfg.Blobs, log: cfg.Logger, shards: shards}
	s.quotas.any.Store(true) // until the first write has looked
	if err := s.resumeIntents(ctx); err != nil {
		return nil, fmt.Errorf("object: open: finish changes of buckets: %w", err)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.done.Go(func() { rows.Invalidate(background, s.kv, s.log, s.forget, s.rowChanged) })
	if s.life.days = realDay; cfg.LifecycleDay > 0 {
		s.life.days = days(cfg.LifecycleDay)
	}
	s.outbox.wake = make(chan struct{}, 1)
	s.outbox.mu.queues = map[queueID]*queueState{}
	if cfg.Workers {
		s.done.Go(func() { s.runOutbox(background) })
		s.done.Go(func() { s.runLifecycle(background) })
	}
	return s, nil
}

// Close stops what runs in the background and waits for it. Requests under way must have ended.
func (s *Service) Close() error {
	s.stop()
	s.done.Wait()
	return nil
}

// Stats tells what goes on at this moment, for metrics.
type Stats struct {
	Writing int // bodies being written to blobs
	Reading int // versions whose blobs are being read
}

// Stats reports figures for metrics.
func (s *Service) Stats() Stats {
	return Stats{Writing: s.pending.len(), Reading: s.readers.len()}
}

// now is the clock that instances and times are made from.
func (s *Service) now() time.Time { return time.Now() }

// stripes is a fixed set of locks, one of which is chosen by name.
type stripes [64]sync.Mutex

func (l *stripes) of(bucket BucketID, key string) *sync.Mutex {
	h := uint64(bucket) ^ 0xcbf29ce484222325
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return &l[(h^h>>32)%uint64(len(l))]
}
