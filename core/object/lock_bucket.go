package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// LockConfig returns the object lock of a bucket.
func (s *Service) LockConfig(ctx context.Context, who iam.Principal, bucket string) (LockConfig, error) {
	b, err := s.enter(ctx, &who, actGetLockConfig, bucket, "")
	if err == nil {
		b, err = s.readPresence(ctx, b.Bucket, b.settings) // the cache may lag behind another node's change
	}
	if err == nil && !b.Lock.Enabled {
		err = errs.New(errs.NotFound, LockConfigNotFound, "Object Lock configuration does not exist for this bucket")
	}
	if err != nil {
		return LockConfig{}, failed("object.LockConfig", bucket, err)
	}
	return b.Lock, nil
}

// PutLockConfig gives a versioned bucket object lock, for ever, and sets its default retention. Versions that exist
// stay as they are.
func (s *Service) PutLockConfig(ctx context.Context, who iam.Principal, bucket string, c LockConfig) error {
	return failed("object.PutLockConfig", bucket, s.putLockConfig(ctx, &who, bucket, c))
}

func (s *Service) putLockConfig(ctx context.Context, who *iam.Principal, name string, c LockConfig) error {
	b, err := s.enter(ctx, who, actPutLockConfig, name, "")
	if err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return err
	}
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		if b.Versioning != VersioningEnabled {
			return errs.New(errs.Conflict, InvalidBucketState,
				"Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration").On(name)
		}
		p := b.presenceRecord()
		p.setLock(c)
		batch.Put(b.presence, encodeRecord(p))
		return nil
	})
	s.buckets.drop(name)
	return err
}

func (c LockConfig) validate() error {
	switch {
	case !c.Enabled:
		return invalidArgument("Object lock can only be enabled")
	case c.Mode == LockNone && c.Days == 0 && c.Years == 0:
		return nil
	case c.Mode != LockGovernance && c.Mode != LockCompliance:
		return invalidArgument("Unknown wormMode directive.")
	case c.Days != 0 && c.Years != 0:
		return invalidArgument("Default retention is given in days or in years")
	case c.Days < 0, c.Years < 0, c.Days == 0 && c.Years == 0:
		return errs.New(errs.Invalid, InvalidRetentionPeriod, "Default retention period must be a positive integer value.")
	case c.Days > MaxRetentionDays, c.Years > MaxRetentionYears:
		return errs.New(errs.Invalid, InvalidRetentionPeriod, "Default retention period too large.")
	}
	return nil
}

// presenceRecord is the presence row that b was read from, to be changed and written again.
func (b *bucket) presenceRecord() *presence {
	p := &presence{Name: b.Name, Versioning: uint8(b.Versioning)}
	p.setLock(b.Lock)
	p.setEncryption(b.Encryption)
	p.QuotaObjects, p.QuotaBytes = b.Quota.Objects, b.Quota.Bytes
	return p
}

func (p *presence) setLock(c LockConfig) {
	p.Lock, p.LockMode, p.LockDays, p.LockYears = c.Enabled, uint8(c.Mode), uint32(c.Days), uint32(c.Years)
}

func (p *presence) lock() LockConfig {
	return LockConfig{Enabled: p.Lock, Mode: LockMode(p.LockMode), Days: int(p.LockDays), Years: int(p.LockYears)}
}
