package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// BucketTagging returns the tags of a bucket; NoSuchTagSet when it has none.
func (s *Service) BucketTagging(ctx context.Context, who iam.Principal, bucket string) ([]Tag, error) {
	b, err := s.enter(ctx, &who, actGetBucketTagging, bucket, "")
	if err == nil {
		// The cache may lag behind another node's change; what is asked for here is worth a read.
		s.buckets.drop(bucket)
		b, err = s.bucket(ctx, bucket)
	}
	if err == nil && len(b.Tags) == 0 {
		err = errs.New(errs.NotFound, NoSuchTagSet, "The TagSet does not exist").On(bucket)
	}
	if err != nil {
		return nil, failed("object.BucketTagging", bucket, err)
	}
	return b.Tags, nil
}

// PutBucketTagging replaces the tags of a bucket.
func (s *Service) PutBucketTagging(ctx context.Context, who iam.Principal, bucket string, tags []Tag) error {
	return failed("object.PutBucketTagging", bucket, s.setBucketTags(ctx, &who, bucket, tags))
}

// DeleteBucketTagging removes the tags of a bucket.
func (s *Service) DeleteBucketTagging(ctx context.Context, who iam.Principal, bucket string) error {
	return failed("object.DeleteBucketTagging", bucket, s.setBucketTags(ctx, &who, bucket, nil))
}

func (s *Service) setBucketTags(ctx context.Context, who *iam.Principal, name string, tags []Tag) error {
	b, err := s.enter(ctx, who, actPutBucketTagging, name, "")
	if err != nil {
		return err
	}
	if err := checkTags(tags, MaxBucketTags); err != nil {
		return err
	}
	return s.changeBucketRecord(ctx, b, func(rec *bucketRecord) { rec.Tags = flatTags(tags) })
}

// changeBucketRecord changes what the control shard knows of a bucket.
func (s *Service) changeBucketRecord(ctx context.Context, b *bucket, change func(*bucketRecord)) error {
	for {
		v, err := s.kv.Get(ctx, kv.Control, nameKey(b.Name))
		if errors.Is(err, kv.ErrNotFound) {
			return noSuchBucket(b.Name)
		} else if err != nil {
			return err
		}
		var rec bucketRecord
		if err := decodeRecord(v.Data, &rec); err != nil {
			return err
		}
		if rec.ID != uint64(b.ID) {
			return noSuchBucket(b.Name)
		}
		change(&rec)
		data := encodeRecord(&rec)
		var batch kv.Batch
		batch.IfRevision(nameKey(b.Name), v.Revision)
		batch.Put(nameKey(b.Name), data)
		batch.Put(accountKey(rec.Account, b.Name), data)
		_, err = s.kv.Commit(ctx, kv.Control, &batch)
		s.buckets.drop(b.Name)
		if !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
}
