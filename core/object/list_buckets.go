package object

import (
	"bytes"
	"context"
	"slices"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// ListBuckets returns a page of the buckets of the caller's account, by name.
func (s *Service) ListBuckets(ctx context.Context, who iam.Principal, in ListBucketsInput) (*ListBucketsPage, error) {
	page, err := s.listBuckets(ctx, &who, in)
	if err != nil {
		return nil, failed("object.ListBuckets", "", err)
	}
	return page, nil
}

func (s *Service) listBuckets(ctx context.Context, who *iam.Principal, in ListBucketsInput) (*ListBucketsPage, error) {
	if err := s.cfg.IAM.Authorize(ctx, iam.Request{Principal: *who, Action: actListAllMyBuckets, Resource: arnPrefix + "*"}); err != nil {
		return nil, err
	}
	if in.Max < 0 || in.Max > MaxListBuckets {
		return nil, invalidArgument("Argument max-buckets must be an integer between 1 and %d", MaxListBuckets)
	}
	max := in.Max
	if max == 0 {
		max = MaxListBuckets
	}
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	head := accountPrefix(who.AccountID)
	prefix := append(slices.Clone(head), in.Prefix...)
	lower := prefix
	if after := keys.Next(append(slices.Clone(head), in.After...)); in.After != "" && bytes.Compare(after, lower) > 0 {
		lower = after
	}
	page := &ListBucketsPage{}
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(prefix)})
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var rec bucketRecord
		if err = decodeRecord(it.Value(), &rec); err != nil {
			break
		}
		b := rec.outer(string(it.Key()[len(head):]))
		if region := b.Region; in.Region != "" && in.Region != region && (region != "" || in.Region != s.cfg.Region) {
			continue
		}
		if len(page.Buckets) == max {
			page.Next = page.Buckets[max-1].Name
			break
		}
		page.Buckets = append(page.Buckets, b)
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return page, err
}

// HeadBucket describes a bucket.
func (s *Service) HeadBucket(ctx context.Context, who iam.Principal, name string) (Bucket, error) {
	b, err := s.enter(ctx, &who, actListBucket, name, "")
	if err == nil {
		err = s.stillThere(ctx, b)
	}
	if err != nil {
		return Bucket{}, failed("object.HeadBucket", name, err)
	}
	return b.Bucket, nil
}
