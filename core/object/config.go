package object

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Authority decides whether a principal may do something, and knows the accounts that own and are granted. *iam.Service is one.
type Authority interface {
	Authorize(ctx context.Context, r iam.Request) error
	Account(ctx context.Context, id string) (iam.Account, error)
	AccountByCanonicalID(ctx context.Context, canonical string) (iam.Account, error)
}

// Config is what a Service is made of.
type Config struct {
	Store kv.Store     // all metadata, and small bodies
	Blobs *blobs.Pool  // larger bodies
	IAM   Authority    // asked before anything is looked at
	Keys  *kms.Service // the key service; nil: nothing can be encrypted but with a customer's key

	DefaultEncryption EncryptionMethod // of buckets that say nothing: EncryptNone or EncryptS3

	InlineLimit  int           // bodies up to this size ride in the commit; 0 is DefaultInlineLimit, negative none
	BlobSize     int64         // larger bodies are cut into blobs of at most this size; 0 is DefaultBlobSize
	Grace        time.Duration // how long removed blobs stay for readers under way; 0 is DefaultGrace
	MaxBuckets   int           // buckets of one account; 0 is MaxBuckets, the limit of S3
	MinPartSize  int64         // least bytes of every part but the last; 0 is MinPartSize, the limit of S3
	Workers      bool          // carry out lifecycle rules and work off the outbox in the background
	Publisher    Publisher     // sends notifications; nil: there is nothing to send them to
	Replicator   Replicator    // writes replicas elsewhere; nil: only to other buckets here
	LifecycleDay time.Duration // length of a day for lifecycle rules; 0 is that of a day
	// MinimumTransition is what lifecycle configurations go by that say nothing: TransitionAll128K, which is the default, or TransitionVaries.
	MinimumTransition string
	RestoreDelay      time.Duration // how long it takes to restore an archived version; 0 is no time

	Ownership   Ownership // of buckets made without a word about it
	BlockPublic bool      // public access to new buckets is blocked in all four ways until the block is removed

	Region string // what buckets made without a region are in; "" is us-east-1

	Dialect dialect.Dialect // where answers are not Amazon's; zero is nowhere

	Logger *slog.Logger // nil discards
}

// Defaults of Config.
const (
	DefaultInlineLimit = 16 << 10
	DefaultBlobSize    = blobs.MaxBlob
	DefaultGrace       = 10 * time.Minute
)

// maxInlineLimit keeps an inlined body well inside one value of the store.
const maxInlineLimit = 1 << 20

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	if c.InlineLimit == 0 {
		c.InlineLimit = DefaultInlineLimit
	}
	if c.BlobSize == 0 {
		c.BlobSize = DefaultBlobSize
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.MaxBuckets == 0 {
		c.MaxBuckets = MaxBuckets
	}
	if c.MinPartSize == 0 {
		c.MinPartSize = MinPartSize
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.MinimumTransition == "" {
		c.MinimumTransition = TransitionAll128K
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports a configuration that cannot work.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Store == nil, c.Blobs == nil, c.IAM == nil:
		return errors.New("object: config: store, blobs and IAM are needed")
	case c.DefaultEncryption > EncryptS3, c.DefaultEncryption == EncryptS3 && c.Keys == nil:
		return errors.New("object: config: the default encryption is none or that of the store's key")
	case c.InlineLimit > maxInlineLimit:
		return fmt.Errorf("object: config: inline limit %d is above %d", c.InlineLimit, maxInlineLimit)
	case c.BlobSize < 1<<10 || c.BlobSize > blobs.MaxBlob:
		return fmt.Errorf("object: config: blob size %d is outside 1024 to %d", c.BlobSize, blobs.MaxBlob)
	case c.Grace < 0, c.MaxBuckets < 0, c.MinPartSize < 0, c.LifecycleDay < 0, c.RestoreDelay < 0:
		return errors.New("object: config: negative grace, bucket limit, part size, day or delay")
	case c.Ownership > ObjectWriter:
		return fmt.Errorf("object: config: unknown ownership %d", c.Ownership)
	case c.MinimumTransition != TransitionAll128K && c.MinimumTransition != TransitionVaries:
		return fmt.Errorf("object: config: unknown minimum of transitions %q", c.MinimumTransition)
	case c.Store.Shards() < 2:
		return errors.New("object: config: the store has no index shard")
	}
	return nil
}
