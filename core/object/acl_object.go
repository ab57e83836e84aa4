package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
)

// ObjectACL returns the access control list of a version.
func (s *Service) ObjectACL(ctx context.Context, who iam.Principal, bucket, key, versionID string) (ACL, error) {
	acl, err := s.objectACL(ctx, &who, bucket, key, versionID)
	return acl, failed("object.ObjectACL", key, err)
}

func (s *Service) objectACL(ctx context.Context, who *iam.Principal, bucket, key, version string) (ACL, error) {
	b, err := s.enterFor(ctx, who, bucket, ask{
		action: byVersion(version, actGetObjectACL, actGetVersionACL), key: key, version: version,
	})
	if err != nil {
		return ACL{}, err
	}
	if err := checkKey(key); err != nil {
		return ACL{}, err
	}
	f, err := s.findObject(ctx, b, key, version)
	if err != nil {
		return ACL{}, s.hideAbsence(ctx, who, b, key, err)
	}
	var l grantList
	if b.settings.ownership.lists() {
		if l, err = decodeGrants(f.detail.ACL); err != nil {
			return ACL{}, err
		}
	}
	acl := s.outerACL(ctx, l, s.ownerOf(ctx, b, f.owner))
	acl.VersionID = f.versionID(b.Versioning)
	return acl, nil
}

// PutObjectACL replaces the access control list of a version and returns which version that is.
func (s *Service) PutObjectACL(ctx context.Context, who iam.Principal, bucket, key, versionID string, in *ACLInput) (string, error) {
	version, err := s.putObjectACL(ctx, &who, bucket, key, versionID, in)
	return version, failed("object.PutObjectACL", key, err)
}

func (s *Service) putObjectACL(ctx context.Context, who *iam.Principal, bucket, key, version string, in *ACLInput) (string, error) {
	b, err := s.enterFor(ctx, who, bucket, ask{
		action: byVersion(version, actPutObjectACL, actPutVersionACL), key: key, version: version,
	})
	if err != nil {
		return "", err
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	if b.settings.ownership.lists() {
		var outer string
		err = s.amend(ctx, who, b, key, version, func(tx *keyTx, f found) error {
			l, err := s.grants(ctx, in, s.ownerOf(ctx, b, f.owner), b.Owner)
			if err != nil {
				return err
			}
			if err := b.settings.blockPublic(b.Name, l); err != nil {
				return err
			}
			outer, f.detail.ACL = f.versionID(tx.b.Versioning), l.encode()
			tx.emit(cause{eventACL, who}, f.record)
			return nil
		})
		return outer, err
	}
	f, err := s.findObject(ctx, b, key, version)
	if err != nil {
		return "", s.hideAbsence(ctx, who, b, key, err)
	}
	if err := s.admitWithoutLists(ctx, b, in); err != nil {
		return "", err
	}
	return f.versionID(b.Versioning), nil
}
