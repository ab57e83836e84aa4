package object

import (
	"context"
	"errors"
	"slices"
	"strings"

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
	return s.changeBucketRecord(ctx, b, func(rec *bucketRecord) error {
		rec.Tags = flatTags(tags)
		return nil
	})
}

// changeBucketRecord changes what the control shard knows of a bucket.
func (s *Service) changeBucketRecord(ctx context.Context, b *bucket, change func(*bucketRecord) error) error {
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
		if err := change(&rec); err != nil {
			return err
		}
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

// The actions of S3 Control, which sees a bucket as a resource among others.
const (
	actListResourceTags = "s3:ListTagsForResource"
	actTagResource      = "s3:TagResource"
	actUntagResource    = "s3:UntagResource"
)

// ResourceTags returns the tags of a bucket as S3 Control does: having none is no failure.
func (s *Service) ResourceTags(ctx context.Context, who iam.Principal, bucket string) ([]Tag, error) {
	b, err := s.enter(ctx, &who, actListResourceTags, bucket, "")
	if err == nil {
		s.buckets.drop(bucket)
		b, err = s.bucket(ctx, bucket)
	}
	if err != nil {
		return nil, failed("object.ResourceTags", bucket, err)
	}
	return b.Tags, nil
}

// TagResource adds tags to those of a bucket; a tag of the same key is replaced.
func (s *Service) TagResource(ctx context.Context, who iam.Principal, bucket string, tags []Tag) error {
	q := ask{action: actTagResource, context: tagContext(tags, nil)}
	err := s.amendBucketTags(ctx, &who, bucket, q, func(now []Tag) ([]Tag, error) {
		if err := checkTags(tags, MaxBucketTags); err != nil {
			return nil, err
		}
		for _, t := range tags {
			i := slices.IndexFunc(now, func(u Tag) bool { return u.Key == t.Key })
			if i < 0 {
				now = append(now, t)
			} else {
				now[i] = t
			}
		}
		return now, checkTags(now, MaxBucketTags)
	})
	return failed("object.TagResource", bucket, err)
}

// UntagResource removes tags of a bucket by their keys; those it does not have are no failure.
func (s *Service) UntagResource(ctx context.Context, who iam.Principal, bucket string, names []string) error {
	q := ask{action: actUntagResource, context: tagContext(nil, names)}
	err := s.amendBucketTags(ctx, &who, bucket, q, func(now []Tag) ([]Tag, error) {
		return slices.DeleteFunc(now, func(t Tag) bool { return slices.Contains(names, t.Key) }), nil
	})
	return failed("object.UntagResource", bucket, err)
}

func (s *Service) amendBucketTags(ctx context.Context, who *iam.Principal, name string, q ask, fn func([]Tag) ([]Tag, error)) error {
	b, err := s.enterFor(ctx, who, name, q)
	if err != nil {
		return err
	}
	return s.changeBucketRecord(ctx, b, func(rec *bucketRecord) error {
		tags, err := fn(outerTags(rec.Tags))
		if err == nil {
			rec.Tags = flatTags(tags)
		}
		return err
	})
}

// tagContext is what policies may look at.
func tagContext(tags []Tag, names []string) map[string][]string {
	c := map[string][]string{}
	for _, t := range tags {
		c["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		names = append(names, t.Key)
	}
	c["aws:tagkeys"] = names
	return c
}
