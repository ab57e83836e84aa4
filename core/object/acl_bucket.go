package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
)

// BucketACL returns the access control list of a bucket.
func (s *Service) BucketACL(ctx context.Context, who iam.Principal, bucket string) (ACL, error) {
	b, err := s.enterSettings(ctx, &who, actGetBucketACL, bucket)
	if err != nil {
		return ACL{}, failed("object.BucketACL", bucket, err)
	}
	l := b.settings.acl
	if !b.settings.ownership.lists() {
		l = nil
	}
	return s.outerACL(ctx, l, b.Owner), nil
}

// PutBucketACL replaces the access control list of a bucket.
func (s *Service) PutBucketACL(ctx context.Context, who iam.Principal, bucket string, in *ACLInput) error {
	return failed("object.PutBucketACL", bucket, s.putBucketACL(ctx, &who, bucket, in))
}

func (s *Service) putBucketACL(ctx context.Context, who *iam.Principal, bucket string, in *ACLInput) error {
	b, err := s.enter(ctx, who, actPutBucketACL, bucket, "")
	if err != nil {
		return err
	}
	if !b.settings.ownership.lists() {
		return s.admitWithoutLists(ctx, b, in)
	}
	l, err := s.grants(ctx, in, b.Owner, b.Owner)
	if err != nil {
		return err
	}
	return s.writeSetting(ctx, b, SettingACL, l.encode(), func(st *settings) error {
		if !st.ownership.lists() {
			return aclsOff()
		}
		return st.blockPublic(b.Name, l)
	})
}
