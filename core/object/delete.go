package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Delete removes an object, or with a version id one version for good. In a versioned bucket a delete without version
// id makes a delete marker. What does not exist is deleted with success, as S3 does.
func (s *Service) Delete(ctx context.Context, who iam.Principal, in *DeleteInput) (*DeleteResult, error) {
	res, err := s.delete(ctx, &who, in)
	if err != nil {
		return nil, failed("object.Delete", in.Key, err)
	}
	return res, nil
}

func (s *Service) delete(ctx context.Context, who *iam.Principal, in *DeleteInput) (*DeleteResult, error) {
	action := actDeleteObject
	if in.VersionID != "" {
		action = actDeleteObjectVersion
	}
	b, err := s.enterFor(ctx, who, in.Bucket, ask{action: action, key: in.Key, version: in.VersionID})
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	if in.Conditions.IfNoneMatch != "" {
		return nil, invalidRequest("If-None-Match is not supported for deletes.")
	}
	if in.Conditions.IfMatch != "" {
		// The answer tells whether an ETag is the object's.
		if err := s.allow(ctx, who, actGetObject, b, in.Key); err != nil {
			return nil, err
		}
	}
	var want instance
	if in.VersionID != "" && in.VersionID != nullVersion {
		var ok bool
		if want, ok = parseInstance(in.VersionID); !ok {
			return nil, badVersionID(in.VersionID)
		}
	}
	var res DeleteResult
	err = s.change(ctx, b, in.Key, func(tx *keyTx) error {
		res = DeleteResult{}
		if in.BypassGovernance {
			tx.bypass = who
		}
		tx.ends, tx.marks = cause{eventDelete, who}, cause{eventMarker, who}
		if in.VersionID == "" {
			return tx.deleteCurrent(&res, in.Conditions)
		}
		return tx.deleteVersion(&res, in.VersionID, want, in.Conditions)
	})
	if err != nil {
		return nil, err
	}
	return &res, nil
}

// deleteCurrent makes the key absent to those who ask for no version.
func (tx *keyTx) deleteCurrent(res *DeleteResult, cond WriteConditions) error {
	if err := cond.checkDelete(tx.key, tx.cur); err != nil {
		return err
	}
	if tx.b.Versioning == VersioningOff {
		if tx.cur == nil {
			return errNoChange
		}
		tx.emit(tx.ends, tx.cur)
		return tx.remove()
	}
	marker := &record{flags: flagMarker, cause: tx.marks}
	tx.stamp(marker, newInstance(tx.now, instance{}))
	if err := tx.write(marker); err != nil {
		return err
	}
	res.DeleteMarker = true
	res.VersionID = marker.versionID(tx.b.Versioning)
	return nil
}

// deleteVersion removes one version for good.
func (tx *keyTx) deleteVersion(res *DeleteResult, version string, want instance, cond WriteConditions) error {
	res.VersionID = version
	if tx.cur != nil && (version == nullVersion && tx.cur.is(flagNull) || tx.cur.instance == want) {
		if err := cond.checkDelete(tx.key, tx.cur); err != nil {
			return err
		}
		res.DeleteMarker = tx.cur.is(flagMarker)
		tx.emit(tx.ends, tx.cur)
		return tx.remove()
	}
	if version == nullVersion && tx.cur != nil {
		want = tx.cur.nullBelow
	}
	if !want.isZero() {
		r, found, err := tx.removeNoncurrent(want, func(r *record) error { return cond.checkDelete(tx.key, r) })
		if err != nil {
			return err
		}
		if found {
			res.DeleteMarker = r.is(flagMarker)
			tx.emit(tx.ends, r)
			return nil
		}
	}
	// Absent is only what is absent while the current version stays the same: else it may have moved up.
	v, err := tx.s.kv.Get(tx.ctx, tx.b.shard, tx.row)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	if v.Revision != tx.curRev {
		return errAgain
	}
	if err := cond.checkDelete(tx.key, nil); err != nil {
		return err
	}
	return errNoChange
}
