package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// BucketVersioning returns a bucket's versioning state.
func (s *Service) BucketVersioning(ctx context.Context, who iam.Principal, bucket string) (Versioning, error) {
	b, err := s.enter(ctx, &who, actGetVersioning, bucket, "")
	if err == nil {
		b, err = s.readPresence(ctx, b.Bucket, b.settings) // the cache may lag behind another node's change
	}
	if err != nil {
		return VersioningOff, failed("object.BucketVersioning", bucket, err)
	}
	return b.Versioning, nil
}

// SetVersioning enables or suspends versioning. Every write that commits later follows the new state, since it is kept
// in the row that all writes are conditioned on.
func (s *Service) SetVersioning(ctx context.Context, who iam.Principal, bucket string, v Versioning) error {
	return failed("object.SetVersioning", bucket, s.setVersioning(ctx, &who, bucket, v))
}

func (s *Service) setVersioning(ctx context.Context, who *iam.Principal, name string, v Versioning) error {
	b, err := s.enterSettings(ctx, who, actPutVersioning, name)
	if err != nil {
		return err
	}
	if v != VersioningEnabled && v != VersioningSuspended {
		return invalidArgument("The versioning state must be Enabled or Suspended")
	}
	// What a replication was set up for would end silently.
	if v == VersioningSuspended && b.settings.replicate != nil {
		return errs.New(errs.Conflict, InvalidBucketState, "A replication configuration is present on this bucket, so you cannot change "+
			"the versioning state. To change the versioning state, first delete the replication configuration.").On(name)
	}
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		if b.Lock.Enabled && v != VersioningEnabled {
			return errs.New(errs.Conflict, InvalidBucketState,
				"An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.").On(name)
		}
		p := b.presenceRecord()
		p.Versioning = uint8(v)
		batch.Put(b.presence, encodeRecord(p))
		return nil
	})
	s.buckets.drop(name)
	return err
}
