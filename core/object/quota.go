package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Quota bounds what a bucket or the buckets of an account hold; zero fields bound nothing. Objects are versions, delete
// markers included; bytes are those of all versions and of the parts of unfinished uploads. What is there when a quota is
// set stays, and a delete is never refused: only what grows beyond it is.
type Quota struct {
	Objects int64
	Bytes   int64
}

// IsZero reports whether nothing is bounded.
func (q Quota) IsZero() bool { return q == Quota{} }

func (q Quota) validate() error {
	if q.Objects < 0 || q.Bytes < 0 {
		return invalidArgument("A quota is not negative")
	}
	return nil
}

// growth is what a commit adds to a bucket.
type growth struct {
	objects, bytes, parts int64 // bytes are of versions, parts of uploads
}

func (g growth) grows() bool { return g.objects > 0 || g.bytes+g.parts > 0 }

// within refuses growth beyond the quota of the bucket or of its account. The bucket's is made a condition of the batch, so
// that of writers at the same time no more get through than fit. The account's is over many shards: see accountQuotas.
// The caller says to done how the commit went.
func (s *Service) within(ctx context.Context, b *bucket, batch *kv.Batch, g growth) (done func(ok bool), err error) {
	if !g.grows() {
		return settled, nil
	}
	if !b.Quota.IsZero() {
		if err := s.withinBucket(ctx, b, batch, g); err != nil {
			return nil, err
		}
	}
	return s.quotas.reserve(ctx, s, b.Owner.AccountID, g)
}

// settled is the done of growth that nobody counts.
func settled(bool) {}

func (s *Service) withinBucket(ctx context.Context, b *bucket, batch *kv.Batch, g growth) error {
	q := b.Quota
	if q.Objects > 0 && g.objects > 0 {
		n, err := s.counter(ctx, b, cntVersions)
		if err != nil {
			return err
		}
		if n+g.objects > q.Objects {
			return quotaExceeded(b.Name)
		}
		batch.IfCounterAtMost(b.counter(cntVersions), q.Objects)
	}
	if q.Bytes > 0 && g.bytes+g.parts > 0 {
		bytes, err := s.counter(ctx, b, cntBytes)
		if err != nil {
			return err
		}
		parts, err := s.counter(ctx, b, cntUploadBytes)
		if err != nil {
			return err
		}
		if bytes+parts+g.bytes+g.parts > q.Bytes {
			return quotaExceeded(b.Name)
		}
		// One counter can be a condition; the other is as it was read a moment ago.
		if g.bytes > 0 {
			batch.IfCounterAtMost(b.counter(cntBytes), q.Bytes-max(parts+g.parts, 0))
		} else {
			batch.IfCounterAtMost(b.counter(cntUploadBytes), max(q.Bytes-bytes-g.bytes, 0))
		}
	}
	return nil
}

func quotaExceeded(of string) error {
	return errs.New(errs.Limit, QuotaExceeded, "The quota of %s does not allow this to be stored.", of)
}

// counter reads a counter of a bucket.
func (s *Service) counter(ctx context.Context, b *bucket, which byte) (int64, error) {
	v, err := s.kv.Get(ctx, b.shard, b.counter(which))
	if errors.Is(err, kv.ErrNotFound) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return kv.DecodeCounter(v.Data)
}

// QuotaUse is a quota and what is used of it.
type QuotaUse struct {
	Quota
	Bucket  string // or
	Account string
	Used    Quota
}

// SetBucketQuota bounds a bucket. It is for operators: nobody is asked.
func (s *Service) SetBucketQuota(ctx context.Context, name string, q Quota) error {
	err := q.validate()
	if err == nil {
		err = s.setBucketQuota(ctx, name, q)
	}
	return failed("object.SetBucketQuota", name, err)
}

func (s *Service) setBucketQuota(ctx context.Context, name string, q Quota) error {
	b, err := s.loadBucket(ctx, name)
	if err != nil {
		return err
	}
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		p := b.presenceRecord()
		p.QuotaObjects, p.QuotaBytes = q.Objects, q.Bytes
		batch.Put(b.presence, encodeRecord(p))
		return nil
	})
	s.buckets.drop(name)
	return err
}

// BucketQuota returns the quota of a bucket and what it holds.
func (s *Service) BucketQuota(ctx context.Context, name string) (QuotaUse, error) {
	b, err := s.loadBucket(ctx, name)
	var u Usage
	if err == nil {
		u, err = s.usage(ctx, b)
	}
	if err != nil {
		return QuotaUse{}, failed("object.BucketQuota", name, err)
	}
	return QuotaUse{Quota: b.Quota, Bucket: name, Account: b.Owner.AccountID, Used: u.quota()}, nil
}

func (u Usage) quota() Quota { return Quota{Objects: u.Versions, Bytes: u.Bytes + u.UploadBytes} }

// Quotas lists all quotas of accounts and buckets.
func (s *Service) Quotas(ctx context.Context) ([]QuotaUse, error) {
	all, err := s.listQuotas(ctx)
	return all, failed("object.Quotas", "", err)
}

func (s *Service) listQuotas(ctx context.Context) ([]QuotaUse, error) {
	limits, err := s.readAccountQuotas(ctx)
	if err != nil {
		return nil, err
	}
	var all []QuotaUse
	for account, q := range limits {
		used, err := s.accountUse(ctx, account)
		if err != nil {
			return nil, err
		}
		all = append(all, QuotaUse{Quota: q, Account: account, Used: used})
	}
	names, err := s.bucketNames(ctx, []byte(ctlName))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		u, err := s.BucketQuota(ctx, name)
		if errs.KindOf(err) == errs.NotFound {
			continue // it is being made or removed
		} else if err != nil {
			return nil, err
		}
		if !u.IsZero() {
			all = append(all, u)
		}
	}
	return all, nil
}
