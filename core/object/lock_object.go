package object

import (
	"context"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// RetentionInput is a PutObjectRetention. The zero Retention takes it off.
type RetentionInput struct {
	Bucket, Key, VersionID string
	Retention              Retention
	BypassGovernance       bool // shorten or take off a governance retention, which needs a permission of its own
}

// PutRetention changes how long a version is retained. It may always be made longer; it becomes shorter, weaker or
// none only when it is a governance retention and the caller may bypass that.
func (s *Service) PutRetention(ctx context.Context, who iam.Principal, in *RetentionInput) error {
	return failed("object.PutRetention", in.Key, s.putRetention(ctx, &who, in))
}

func (s *Service) putRetention(ctx context.Context, who *iam.Principal, in *RetentionInput) error {
	b, err := s.enterLocked(ctx, who, ask{action: actPutRetention, key: in.Key, version: in.VersionID, context: s.retentionContext(in.Retention)}, in.Bucket)
	if err != nil {
		return err
	}
	next := in.Retention
	if next != (Retention{}) {
		if err := s.checkRetention(next); err != nil {
			return err
		}
		next.Until = next.Until.Truncate(time.Millisecond)
	}
	return s.amend(ctx, who, b, in.Key, in.VersionID, func(tx *keyTx, f found) error {
		if in.BypassGovernance {
			tx.bypass = who
		}
		l := f.detail.lock()
		longer := next.Mode == l.Retention.Mode && !next.Until.Before(l.Retention.Until)
		if l.Retention.active(tx.now) && !longer {
			if err := tx.yields(l.Retention); err != nil {
				return err
			}
		}
		l.Retention = next
		f.detail.setLock(l)
		return nil
	})
}

// Retention returns how long a version is retained.
func (s *Service) Retention(ctx context.Context, who iam.Principal, bucket, key, versionID string) (Retention, error) {
	l, err := s.lockOf(ctx, &who, actGetRetention, bucket, key, versionID)
	if err == nil && l.Retention.Mode == LockNone {
		err = noLock()
	}
	return l.Retention, failed("object.Retention", key, err)
}

// PutLegalHold puts a hold on a version or takes it off.
func (s *Service) PutLegalHold(ctx context.Context, who iam.Principal, bucket, key, versionID string, hold LegalHold) error {
	return failed("object.PutLegalHold", key, s.putLegalHold(ctx, &who, bucket, key, versionID, hold))
}

func (s *Service) putLegalHold(ctx context.Context, who *iam.Principal, bucket, key, version string, hold LegalHold) error {
	q := ask{action: actPutLegalHold, key: key, version: version}
	if hold == HoldOn || hold == HoldOff {
		q.context = map[string][]string{"s3:object-lock-legal-hold": {map[LegalHold]string{HoldOn: "ON", HoldOff: "OFF"}[hold]}}
	}
	b, err := s.enterLocked(ctx, who, q, bucket)
	if err != nil {
		return err
	}
	if hold != HoldOn && hold != HoldOff {
		return invalidArgument("Legal Hold must be either of 'ON' or 'OFF'")
	}
	return s.amend(ctx, who, b, key, version, func(_ *keyTx, f found) error {
		f.detail.Hold = uint8(hold)
		return nil
	})
}

// LegalHold returns the hold on a version.
func (s *Service) LegalHold(ctx context.Context, who iam.Principal, bucket, key, versionID string) (LegalHold, error) {
	l, err := s.lockOf(ctx, &who, actGetLegalHold, bucket, key, versionID)
	if err == nil && l.Hold == HoldUnset {
		err = noLock()
	}
	return l.Hold, failed("object.LegalHold", key, err)
}

func noLock() error {
	return errs.New(errs.NotFound, NoSuchObjectLock, "The specified object does not have a ObjectLock configuration")
}

// enterLocked is enter for what only a bucket with object lock has.
func (s *Service) enterLocked(ctx context.Context, who *iam.Principal, q ask, name string) (*bucket, error) {
	b, err := s.enterFor(ctx, who, name, q)
	if err != nil {
		return nil, err
	}
	if !b.Lock.Enabled { // the cache may lag behind another node's change
		if b, err = s.readPresence(ctx, b.Bucket, b.settings); err != nil {
			return nil, err
		}
		if !b.Lock.Enabled {
			return nil, lockMissing()
		}
	}
	return b, checkKey(q.key)
}

// retentionContext are the condition keys of a retention that a request sets.
func (s *Service) retentionContext(r Retention) map[string][]string {
	if r == (Retention{}) {
		return nil
	}
	c := map[string][]string{
		"s3:object-lock-retain-until-date":        {r.Until.UTC().Format(time.RFC3339)},
		"s3:object-lock-remaining-retention-days": {strconv.FormatInt(int64(r.Until.Sub(s.now())/(24*time.Hour)), 10)},
	}
	switch r.Mode {
	case LockGovernance:
		c["s3:object-lock-mode"] = []string{"GOVERNANCE"}
	case LockCompliance:
		c["s3:object-lock-mode"] = []string{"COMPLIANCE"}
	}
	return c
}

func (s *Service) lockOf(ctx context.Context, who *iam.Principal, action, bucket, key, version string) (ObjectLock, error) {
	b, err := s.enterLocked(ctx, who, ask{action: action, key: key, version: version}, bucket)
	if err != nil {
		return ObjectLock{}, err
	}
	f, err := s.findObject(ctx, b, key, version)
	if err != nil {
		return ObjectLock{}, s.hideAbsence(ctx, who, b, key, err)
	}
	return f.detail.lock(), nil
}

// shownLock is what a reader of the version may see of its lock.
func (s *Service) shownLock(ctx context.Context, who *iam.Principal, b *bucket, key string, r *record) ObjectLock {
	l := r.detail.lock()
	if l.Retention.Mode != LockNone && s.allow(ctx, who, actGetRetention, b, key) != nil {
		l.Retention = Retention{}
	}
	if l.Hold != HoldUnset && s.allow(ctx, who, actGetLegalHold, b, key) != nil {
		l.Hold = HoldUnset
	}
	return l
}
