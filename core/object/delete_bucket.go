package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// DeleteBucket removes an empty bucket. Uploads under way in it are given up with it.
func (s *Service) DeleteBucket(ctx context.Context, who iam.Principal, name string) error {
	return failed("object.DeleteBucket", name, s.deleteBucket(ctx, &who, name))
}

func (s *Service) deleteBucket(ctx context.Context, who *iam.Principal, name string) error {
	if _, err := s.enter(ctx, who, actDeleteBucket, name, ""); err != nil {
		return err
	}
	mu := s.names.of(0, name)
	mu.Lock()
	defer mu.Unlock()
	if err := s.resumeIntent(ctx, name); err != nil {
		return err
	}
	s.buckets.drop(name)
	b, err := s.enter(ctx, who, actDeleteBucket, name, "")
	if err != nil {
		return err
	}
	if err := s.checkEmpty(ctx, b); err != nil {
		return err
	}
	rec, err := s.writeDeleteIntent(ctx, name)
	if err != nil {
		return err
	}
	// From here on the steps are taken to their end whatever becomes of the request.
	ctx = context.WithoutCancel(ctx)
	if err := s.removePresence(ctx, b); err != nil {
		if rerr := s.resumeIntent(ctx, name); rerr != nil {
			s.log.Warn("taking back the deletion of a bucket", "bucket", name, "err", rerr)
		}
		return err
	}
	s.buckets.drop(name)
	return s.finishDelete(ctx, name, rec)
}

// checkEmpty looks for versions and delete markers.
func (s *Service) checkEmpty(ctx context.Context, b *bucket) error {
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return err
	}
	defer view.Close()
	for _, fam := range [...]byte{famObject, famVersion} {
		it := view.Scan(span(fam, b.ID, nil))
		some := it.First()
		if err := it.Close(); err != nil {
			return err
		}
		if some {
			why := "The bucket you tried to delete is not empty"
			if b.Versioning != VersioningOff {
				why += ". You must delete all versions in the bucket."
			}
			return errs.New(errs.Conflict, BucketNotEmpty, "%s", why).On(b.Name)
		}
	}
	return nil
}

func (s *Service) writeDeleteIntent(ctx context.Context, name string) (*bucketRecord, error) {
	v, err := s.kv.Get(ctx, kv.Control, nameKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, noSuchBucket(name)
	} else if err != nil {
		return nil, err
	}
	in := intent{Kind: intentDelete, Started: s.now().UnixMilli()}
	if err := decodeRecord(v.Data, &in.Bucket); err != nil {
		return nil, err
	}
	var b kv.Batch
	b.IfExists(nameKey(name))
	b.IfAbsent(intentKey(name))
	b.Put(intentKey(name), encodeRecord(&in))
	_, err = s.kv.Commit(ctx, kv.Control, &b)
	if errors.Is(err, kv.ErrConditionFailed) {
		err = s.intentConflict(ctx, name)
		if errors.Is(err, errTaken) {
			err = noSuchBucket(name)
		}
	}
	return &in.Bucket, err
}

// removePresence is the step that decides: from here on no write to the bucket can succeed, and it holds nothing. The
// count of its versions says so at the very moment, since every write changes it in its own commit.
func (s *Service) removePresence(ctx context.Context, b *bucket) error {
	for {
		var batch kv.Batch
		batch.IfExists(b.presence)
		batch.IfCounterAtMost(counterKey(b.ID, cntVersions), 0)
		batch.Delete(b.presence)
		_, err := s.kv.Commit(ctx, b.shard, &batch)
		if !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
		if err := s.stillThere(ctx, b); err != nil {
			return err
		}
		if err := s.checkEmpty(ctx, b); err != nil {
			return err
		}
		// Something was written and removed meanwhile, so look again. A counter that does not say what the rows
		// say is a broken invariant.
		v, err := s.kv.Get(ctx, b.shard, counterKey(b.ID, cntVersions))
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		if n, _ := kv.DecodeCounter(v.Data); n > 0 {
			if err := s.checkEmpty(ctx, b); err != nil {
				return err
			}
			return errs.New(errs.Conflict, OperationAborted,
				"A conflicting conditional operation is currently in progress against this resource. Please try again.").On(b.Name)
		}
	}
}
