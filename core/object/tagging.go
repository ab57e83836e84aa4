package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
)

// Tagging returns the tags of an object and the version they belong to.
func (s *Service) Tagging(ctx context.Context, who iam.Principal, bucket, key, versionID string) ([]Tag, string, error) {
	tags, version, err := s.tagging(ctx, &who, bucket, key, versionID)
	return tags, version, failed("object.Tagging", key, err)
}

func (s *Service) tagging(ctx context.Context, who *iam.Principal, bucket, key, version string) ([]Tag, string, error) {
	b, err := s.enterFor(ctx, who, bucket, ask{
		action: byVersion(version, actGetObjectTagging, actGetVersionTagging), key: key, version: version,
	})
	if err != nil {
		return nil, "", err
	}
	if err := checkKey(key); err != nil {
		return nil, "", err
	}
	f, err := s.findObject(ctx, b, key, version)
	if err != nil {
		return nil, "", s.hideAbsence(ctx, who, b, key, err)
	}
	return outerTags(f.detail.Tags), f.versionID(b.Versioning), nil
}

// PutTagging replaces the tags of an object and returns the version they belong to.
func (s *Service) PutTagging(ctx context.Context, who iam.Principal, bucket, key, versionID string, tags []Tag) (string, error) {
	action := byVersion(versionID, actPutObjectTagging, actPutVersionTagging)
	version, err := s.setTags(ctx, &who, action, bucket, key, versionID, tags)
	return version, failed("object.PutTagging", key, err)
}

// DeleteTagging removes the tags of an object and returns the version they belonged to.
func (s *Service) DeleteTagging(ctx context.Context, who iam.Principal, bucket, key, versionID string) (string, error) {
	action := byVersion(versionID, actDeleteObjectTagging, actDeleteVersionTagging)
	version, err := s.setTags(ctx, &who, action, bucket, key, versionID, nil)
	return version, failed("object.DeleteTagging", key, err)
}

func byVersion(version, current, noncurrent string) string {
	if version == "" {
		return current
	}
	return noncurrent
}

// setTags changes the tags of a version in place: it stays the same version with the same time.
func (s *Service) setTags(ctx context.Context, who *iam.Principal, action, bucket, key, version string, tags []Tag) (string, error) {
	b, err := s.enterFor(ctx, who, bucket, ask{action: action, key: key, version: version, context: requestTags(tags)})
	if err != nil {
		return "", err
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	if err := s.checkObjectTags(tags); err != nil {
		return "", err
	}
	outer := ""
	err = s.amend(ctx, who, b, key, version, func(tx *keyTx, f found) error {
		outer = f.versionID(tx.b.Versioning)
		f.detail.Tags = flatTags(tags)
		why := cause{eventTagged, who}
		if tags == nil {
			why.event = eventUntagged
		}
		tx.emit(why, f.record)
		tx.again(f.record)
		return nil
	})
	return outer, err
}
