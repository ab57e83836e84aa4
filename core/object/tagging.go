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
	b, err := s.enter(ctx, who, byVersion(version, actGetObjectTagging, actGetVersionTagging), bucket, key)
	if err != nil {
		return nil, "", err
	}
	if err := checkKey(key); err != nil {
		return nil, "", err
	}
	f, err := s.findObject(ctx, b, key, version)
	if err != nil {
		return nil, "", s.hideAbsence(ctx, who, b, err)
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
	b, err := s.enter(ctx, who, action, bucket, key)
	if err != nil {
		return "", err
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	if err := checkTags(tags, MaxObjectTags); err != nil {
		return "", err
	}
	outer := ""
	err = s.change(ctx, b, key, func(tx *keyTx) error {
		f, err := s.findObject(ctx, tx.b, key, version)
		if err != nil {
			return s.hideAbsence(ctx, who, tx.b, err)
		}
		outer = f.versionID(tx.b.Versioning)
		row := tx.row
		if tx.cur == nil || f.instance != tx.cur.instance {
			// A noncurrent version, unless the key changed since the transaction read it: then the condition on
			// the current version's row fails, and all is done again.
			row = versionKey(tx.b.ID, key, f.instance)
			r, _, rev, err := s.readVersion(ctx, tx.b, row)
			if err != nil {
				return err
			}
			tx.batch.IfRevision(row, rev)
			if r != nil {
				f.record = r
			}
		} else {
			f.record = tx.cur
		}
		f.detail.Tags = flatTags(tags)
		tx.batch.Put(row, f.encode())
		return nil
	})
	return outer, err
}
