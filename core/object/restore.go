package object

import (
	"context"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Archived versions keep their bytes where they are, but those can be read only between a restore and its end, as at
// Amazon. What reads must not notice when that ends: the moment is compared with at every read, nothing has to run.

// Restore says how an archived version can be read.
type Restore struct {
	Ongoing bool
	Until   time.Time // zero while it goes on
}

// readable reports whether the body may be read now.
func (r *Restore) readable() bool { return r != nil && !r.Ongoing }

// archived reports whether versions of a class must be restored before they are read.
func archived(class uint8) bool {
	return coldness(class) >= 5 // GLACIER and DEEP_ARCHIVE
}

func archivedState(class uint8, message string) error {
	e := errs.New(errs.Conflict, InvalidObjectState, "%s", message)
	e.Detail = map[string]string{"StorageClass": storageClassName(class)}
	return e
}

// restore is the state of the restore that the version was asked for last; nil when there is none any more.
func (d *detail) restore(now time.Time) *Restore {
	switch ms := now.UnixMilli(); {
	case d.RestoreUntil == 0 || ms >= d.RestoreUntil:
		return nil
	case ms < d.RestoreAt:
		return &Restore{Ongoing: true}
	}
	return &Restore{Until: time.UnixMilli(d.RestoreUntil).UTC()}
}

// RestoreInput is a RestoreObject.
type RestoreInput struct {
	Bucket, Key, VersionID string
	Days                   int
	Expedited              bool
}

// RestoreResult answers a RestoreObject.
type RestoreResult struct {
	VersionID string
	Already   bool // it was restored; only the time that it stays so has changed
}

// RestoreObject makes an archived version readable for some days.
func (s *Service) RestoreObject(ctx context.Context, who iam.Principal, in *RestoreInput) (*RestoreResult, error) {
	res, err := s.restoreObject(ctx, &who, in)
	if err != nil {
		return nil, failed("object.RestoreObject", in.Key, err)
	}
	return res, nil
}

func (s *Service) restoreObject(ctx context.Context, who *iam.Principal, in *RestoreInput) (*RestoreResult, error) {
	b, err := s.enterFor(ctx, who, in.Bucket, ask{action: actRestoreObject, key: in.Key, version: in.VersionID})
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	res := &RestoreResult{}
	err = s.amend(ctx, who, b, in.Key, in.VersionID, func(tx *keyTx, f found) error {
		if !archived(f.class) {
			return archivedState(f.class, "Restore is not allowed for the object's current storage class")
		}
		if in.Expedited && storageClassName(f.class) == "DEEP_ARCHIVE" {
			return invalidArgument("Retrieval option is not supported by this storage class")
		}
		now := f.detail.restore(tx.now)
		if now != nil && now.Ongoing {
			return errs.New(errs.Conflict, RestoreInProgress, "Object restore is already in progress")
		}
		*res = RestoreResult{VersionID: f.versionID(tx.b.Versioning), Already: now != nil}
		from := tx.now
		if now == nil {
			from = from.Add(s.cfg.RestoreDelay)
			f.detail.RestoreAt = from.UnixMilli()
		}
		f.detail.RestoreUntil = s.life.days.after(from, in.Days).UnixMilli()
		if now == nil {
			tx.emit(cause{eventRestore, who}, f.record)
			if s.cfg.RestoreDelay == 0 {
				tx.emit(cause{eventRestored, nil}, f.record)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
