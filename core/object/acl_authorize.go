package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// aclRule is what an action means to access control lists.
type aclRule struct {
	permission Permission // that gives it; 0 when none does
	object     bool       // the object's list decides, not the bucket's
}

// aclRuleOf maps actions to permissions as the Amazon S3 User Guide does ("Mapping of ACL permissions and access policy
// permissions"). What concerns an upload under way goes with the right to write.
func aclRuleOf(action string) aclRule {
	switch action {
	case actListBucket, actListVersions, actListUploads:
		return aclRule{permission: PermRead}
	case actPutObject, actDeleteObject, actAbortUpload, actListParts:
		return aclRule{permission: PermWrite}
	case actGetBucketACL:
		return aclRule{permission: PermReadACP}
	case actPutBucketACL:
		return aclRule{permission: PermWriteACP}
	case actGetObject, actGetObjectVersion:
		return aclRule{PermRead, true}
	case actGetObjectACL, actGetVersionACL:
		return aclRule{PermReadACP, true}
	case actPutObjectACL, actPutVersionACL:
		return aclRule{PermWriteACP, true}
	case actGetObjectAttributes, actGetVersionAttributes:
		return aclRule{object: true}
	}
	return aclRule{} // tags and locks are the bucket owner's, whose ever the object is
}

// allowedByLists is allowed in a bucket whose access control lists count. An object is its owner's there: the bucket's policy can
// deny others what they may do to it, but allow nothing, and neither can the bucket's owner.
func (s *Service) allowedByLists(ctx context.Context, who *iam.Principal, b *bucket, q *ask, r *iam.Request) error {
	rule := aclRuleOf(q.action)
	list, owner := b.settings.acl, b.Owner
	if rule.object || q.owner != "" {
		var err error
		if list, owner, err = s.listOf(ctx, b, q); err != nil {
			return err
		}
		r.ResourceAccount = owner.AccountID
	}
	r.Policy = b.policyFor(who, q.action)
	if owner.AccountID != b.Owner.AccountID && r.Policy != nil {
		r.Policy = b.settings.denials
	}
	if err := s.completeContext(ctx, who, b, q, r); err != nil {
		return err
	}
	switch {
	case q.owner != "" && who.Anonymous:
		r.Granted = true // nobody writes, and so owns what is written
	case rule.permission != 0:
		if list == nil {
			r.Granted = ownerOnly(owner).allows(who, rule.permission, owner.AccountID, true)
		} else {
			r.Granted = list.allows(who, rule.permission, owner.AccountID, b.settings.access.IgnorePublicACLs)
		}
	}
	return s.decide(ctx, who, b, q, r)
}

// listOf is the list and the owner of the object that a question is about. One that does not exist would be the bucket owner's.
func (s *Service) listOf(ctx context.Context, b *bucket, q *ask) (grantList, Owner, error) {
	if q.owner != "" {
		return nil, s.ownerOf(ctx, b, q.owner), nil
	}
	f, err := s.find(ctx, b, q.key, q.version)
	switch {
	case err != nil && (errs.KindOf(err) == errs.NotFound || errs.KindOf(err) == errs.Invalid):
		return nil, b.Owner, nil // what is wrong comes up after the decision
	case err != nil:
		return nil, Owner{}, err
	case f.is(flagMarker):
		return nil, b.Owner, nil
	}
	l, err := decodeGrants(f.detail.ACL)
	return l, s.ownerOf(ctx, b, f.owner), err
}
