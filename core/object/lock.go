package object

import (
	"context"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Object lock: a version that is retained or held cannot go. Every removal of a version, for whatever reason, passes
// through keyTx.discard, which asks unlocked; there is no other way for a version to end.

const (
	actGetRetention     = "s3:GetObjectRetention"
	actPutRetention     = "s3:PutObjectRetention"
	actGetLegalHold     = "s3:GetObjectLegalHold"
	actPutLegalHold     = "s3:PutObjectLegalHold"
	actBypassGovernance = "s3:BypassGovernanceRetention"
	actGetLockConfig    = "s3:GetBucketObjectLockConfiguration"
	actPutLockConfig    = "s3:PutBucketObjectLockConfiguration"
)

// Limits of default retention, from the Amazon S3 User Guide.
const (
	MaxRetentionDays  = 36500
	MaxRetentionYears = 100
)

// LockMode is how a version is retained.
type LockMode uint8

// The modes. Governance yields to those with s3:BypassGovernanceRetention who ask for it, compliance to nobody.
const (
	LockNone LockMode = iota
	LockGovernance
	LockCompliance
)

// Retention keeps a version until a time. The zero value keeps nothing.
type Retention struct {
	Mode  LockMode
	Until time.Time
}

// active reports whether the retention still keeps its version.
func (r Retention) active(now time.Time) bool { return r.Mode != LockNone && now.Before(r.Until) }

// LegalHold keeps a version until it is taken off.
type LegalHold uint8

// The states of a hold. One that was taken off is remembered as off.
const (
	HoldUnset LegalHold = iota
	HoldOn
	HoldOff
)

// ObjectLock is what protects one version.
type ObjectLock struct {
	Retention Retention
	Hold      LegalHold
}

// LockConfig is the object lock of a bucket: whether its versions can be locked, and the retention that new ones get
// when the writer names none. Days and Years exclude each other.
type LockConfig struct {
	Enabled bool
	Mode    LockMode // LockNone: no default
	Days    int
	Years   int
}

// retention is the default retention of a version written now.
func (c LockConfig) retention(now time.Time) Retention {
	if c.Mode == LockNone {
		return Retention{}
	}
	return Retention{c.Mode, now.UTC().AddDate(c.Years, 0, c.Days).Truncate(time.Millisecond)}
}

// checkNewLock applies the rules for the lock that a new version is asked to have, which need no look at the bucket.
func (s *Service) checkNewLock(ctx context.Context, who *iam.Principal, b *bucket, key string, l ObjectLock) error {
	if r := l.Retention; r != (Retention{}) {
		if r.Mode == LockNone || r.Until.IsZero() {
			return invalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
		}
		if err := s.checkRetention(r); err != nil {
			return err
		}
		if err := s.allow(ctx, who, actPutRetention, b, key); err != nil {
			return err
		}
	}
	if l.Hold != HoldUnset {
		if err := s.allow(ctx, who, actPutLegalHold, b, key); err != nil {
			return err
		}
	}
	if l != (ObjectLock{}) && !b.Lock.Enabled {
		// The cache may lag behind another node's change.
		if b, err := s.readPresence(ctx, b.Bucket, b.settings); err != nil {
			return err
		} else if !b.Lock.Enabled {
			return lockMissing()
		}
	}
	return nil
}

// checkRetention refuses a retention that would be over already.
func (s *Service) checkRetention(r Retention) error {
	switch {
	case r.Mode != LockGovernance && r.Mode != LockCompliance:
		return invalidArgument("Unknown wormMode directive.")
	case !r.active(s.now()):
		return argument("RetainUntilDate", r.Until.UTC().Format("Mon Jan 02 15:04:05 MST 2006"), "The retain until date must be in the future!")
	}
	return nil
}

func lockMissing() error { return invalidRequest("Bucket is missing Object Lock Configuration") }

// lock gives the version that the transaction writes what its writer asked for, or the bucket's default. It rests on
// the bucket as the commit finds it.
func (tx *keyTx) lock(r *record) error {
	asked := r.asked
	if !tx.b.Lock.Enabled {
		if asked != (ObjectLock{}) {
			return lockMissing()
		}
		r.detail.setLock(ObjectLock{})
		return nil
	}
	if r.is(flagMarker) {
		return nil
	}
	if asked.Retention.Mode == LockNone {
		asked.Retention = tx.b.Lock.retention(tx.now)
	}
	r.detail.setLock(asked)
	return nil
}

// unlocked refuses to let a locked version go.
func (tx *keyTx) unlocked(r *record) error {
	l := r.detail.lock()
	if l.Hold == HoldOn {
		return protected()
	}
	if !l.Retention.active(tx.now) {
		return nil
	}
	return tx.yields(l.Retention)
}

// yields tells whether an active retention gives way to whoever makes the transaction.
func (tx *keyTx) yields(r Retention) error {
	if r.Mode != LockGovernance || tx.bypass == nil {
		return protected()
	}
	return tx.s.allow(tx.ctx, tx.bypass, actBypassGovernance, tx.b, tx.key)
}

func protected() error {
	return errs.New(errs.Denied, AccessDenied, "Access Denied because object protected by object lock.")
}

// setLock keeps l in the record.
func (d *detail) setLock(l ObjectLock) {
	d.LockMode, d.LockUntil, d.Hold = uint8(l.Retention.Mode), 0, uint8(l.Hold)
	if l.Retention.Mode != LockNone {
		d.LockUntil = l.Retention.Until.UnixMilli()
	}
}

// lock reads what setLock wrote.
func (d *detail) lock() ObjectLock {
	l := ObjectLock{Hold: LegalHold(d.Hold)}
	if d.LockMode != 0 {
		l.Retention = Retention{LockMode(d.LockMode), time.UnixMilli(d.LockUntil).UTC()}
	}
	return l
}
