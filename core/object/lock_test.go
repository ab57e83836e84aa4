package object_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// lockWorld is a store with a bucket "lck" that has object lock.
func lockWorld(t *testing.T) *world {
	w := newWorld(t)
	_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "lck", ObjectLock: true})
	must(t, err)
	return w
}

func (w *world) putLocked(key string, l object.ObjectLock) string {
	w.t.Helper()
	res, err := w.Put(ctx, alice, &object.PutInput{Bucket: "lck", Key: key, Body: bytes.NewReader([]byte("data")), Size: 4, Lock: l})
	must(w.t, err)
	return res.VersionID
}

func (w *world) retain(key, version string, mode object.LockMode, until time.Time, bypass bool) error {
	return w.PutRetention(ctx, alice, &object.RetentionInput{Bucket: "lck", Key: key, VersionID: version,
		Retention: object.Retention{Mode: mode, Until: until}, BypassGovernance: bypass})
}

func (w *world) deleteVersion(key, version string, bypass bool) error {
	_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "lck", Key: key, VersionID: version, BypassGovernance: bypass})
	return err
}

func lockedBy(mode object.LockMode, d time.Duration) object.ObjectLock {
	return object.ObjectLock{Retention: object.Retention{Mode: mode, Until: time.Now().Add(d)}}
}

// Every way around a lock is closed: whatever is tried, the version is there afterwards, and locked.
func TestLockCannotBeCircumvented(t *testing.T) {
	locks := map[string]object.ObjectLock{
		"governance": lockedBy(object.LockGovernance, time.Hour),
		"compliance": lockedBy(object.LockCompliance, time.Hour),
		"hold":       {Hold: object.HoldOn},
	}
	denied := func(t *testing.T, err error) { t.Helper(); wantErr(t, err, errs.Denied, object.AccessDenied) }
	for name, try := range map[string]func(t *testing.T, w *world, v string, l object.ObjectLock){
		"delete by version": func(t *testing.T, w *world, v string, _ object.ObjectLock) {
			denied(t, w.deleteVersion("key", v, false))
		},
		"delete with bypass but without the permission": func(t *testing.T, w *world, v string, l object.ObjectLock) {
			w.rules.set("s3:BypassGovernanceRetention")
			err := w.deleteVersion("key", v, true)
			w.rules.set()
			if errs.KindOf(err) != errs.Denied {
				t.Errorf("%v", err)
			}
		},
		"delete with bypass": func(t *testing.T, w *world, v string, l object.ObjectLock) {
			if l.Retention.Mode == object.LockGovernance {
				t.Log("governance yields to that; see TestGovernanceBypass")
				return
			}
			denied(t, w.deleteVersion("key", v, true))
		},
		"delete the noncurrent version": func(t *testing.T, w *world, v string, _ object.ObjectLock) {
			w.put("lck", "key", []byte("newer"))
			denied(t, w.deleteVersion("key", v, false))
		},
		"delete below a marker": func(t *testing.T, w *world, v string, _ object.ObjectLock) {
			must(t, w.deleteVersion("key", "", false))
			denied(t, w.deleteVersion("key", v, false))
		},
		"overwrite": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			w.put("lck", "key", []byte("newer"))
		},
		"copy onto": func(t *testing.T, w *world, v string, _ object.ObjectLock) {
			_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "lck", SrcKey: "key", SrcVersionID: v, Bucket: "lck", Key: "key", ReplaceMetadata: true})
			must(t, err)
		},
		"complete an upload onto": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "lck", Key: "key"})
			must(t, err)
			p, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "lck", Key: "key", UploadID: u.UploadID, PartNumber: 1, Body: bytes.NewReader([]byte("p")), Size: 1})
			must(t, err)
			_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "lck", Key: "key", UploadID: u.UploadID,
				Parts: []object.CompletePart{{Number: 1, ETag: p.ETag}}})
			must(t, err)
		},
		"rename away": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			wantErr(t, w.Rename(ctx, alice, &object.RenameInput{Bucket: "lck", Source: "key", Key: "elsewhere"}), errs.NotImplemented, object.NotImplemented)
		},
		"rename onto": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			w.put("lck", "newer", []byte("newer"))
			wantErr(t, w.Rename(ctx, alice, &object.RenameInput{Bucket: "lck", Source: "newer", Key: "key"}), errs.NotImplemented, object.NotImplemented)
		},
		"suspend versioning": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			wantErr(t, w.SetVersioning(ctx, alice, "lck", object.VersioningSuspended), errs.Conflict, object.InvalidBucketState)
		},
		"switch the lock of the bucket off": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			wantErr(t, w.PutLockConfig(ctx, alice, "lck", object.LockConfig{}), errs.Invalid, object.InvalidArgument)
		},
		"delete the bucket": func(t *testing.T, w *world, _ string, _ object.ObjectLock) {
			wantErr(t, w.DeleteBucket(ctx, alice, "lck"), errs.Conflict, object.BucketNotEmpty)
		},
		"shorten the retention": func(t *testing.T, w *world, v string, l object.ObjectLock) {
			if l.Retention.Mode == object.LockNone {
				return
			}
			denied(t, w.retain("key", v, l.Retention.Mode, time.Now().Add(time.Minute), false))
			denied(t, w.PutRetention(ctx, alice, &object.RetentionInput{Bucket: "lck", Key: "key", VersionID: v}))
			if l.Retention.Mode == object.LockCompliance {
				denied(t, w.retain("key", v, object.LockCompliance, time.Now().Add(time.Minute), true))
				denied(t, w.retain("key", v, object.LockGovernance, time.Now().Add(2*time.Hour), true))
				denied(t, w.PutRetention(ctx, alice, &object.RetentionInput{Bucket: "lck", Key: "key", VersionID: v, BypassGovernance: true}))
			}
		},
		"retain into the past": func(t *testing.T, w *world, v string, l object.ObjectLock) {
			wantErr(t, w.retain("key", v, object.LockCompliance, time.Now().Add(-time.Minute), true), errs.Invalid, object.InvalidArgument)
		},
		"change the tags": func(t *testing.T, w *world, v string, _ object.ObjectLock) {
			_, err := w.PutTagging(ctx, alice, "lck", "key", v, tags(1))
			must(t, err)
		},
	} {
		for kind, l := range locks {
			t.Run(name+"/"+kind, func(t *testing.T) {
				w := lockWorld(t)
				v := w.putLocked("key", l)
				try(t, w, v, l)
				got := w.wantBody("lck", "key", v, []byte("data"))
				if got.Lock.Hold != l.Hold || !got.Lock.Retention.Until.Equal(l.Retention.Until.Truncate(time.Millisecond)) || got.Lock.Retention.Mode != l.Retention.Mode {
					t.Errorf("%+v, want %+v", got.Lock, l)
				}
				denied(t, w.deleteVersion("key", v, false))
			})
		}
	}
}

// A null version from before the lock is locked like any other.
func TestLockOfNullVersion(t *testing.T) {
	w := newWorld(t)
	w.bucket("lck")
	w.put("lck", "key", []byte("data"))
	must(t, w.SetVersioning(ctx, alice, "lck", object.VersioningSuspended))
	wantErr(t, w.PutLockConfig(ctx, alice, "lck", object.LockConfig{Enabled: true}), errs.Conflict, object.InvalidBucketState)
	must(t, w.SetVersioning(ctx, alice, "lck", object.VersioningEnabled))
	must(t, w.PutLockConfig(ctx, alice, "lck", object.LockConfig{Enabled: true}))
	must(t, w.PutLegalHold(ctx, alice, "lck", "key", "null", object.HoldOn))
	w.put("lck", "key", []byte("newer"))
	wantErr(t, w.deleteVersion("key", "null", true), errs.Denied, object.AccessDenied)
	w.wantBody("lck", "key", "null", []byte("data"))
}

func TestGovernanceBypass(t *testing.T) {
	w := lockWorld(t)
	v := w.putLocked("key", lockedBy(object.LockGovernance, time.Hour))
	must(t, w.retain("key", v, object.LockGovernance, time.Now().Add(2*time.Hour), false)) // longer is always allowed
	wantErr(t, w.retain("key", v, object.LockCompliance, time.Now().Add(3*time.Hour), false), errs.Denied, object.AccessDenied)
	must(t, w.retain("key", v, object.LockGovernance, time.Now().Add(time.Minute), true))
	must(t, w.deleteVersion("key", v, true))

	v = w.putLocked("key", lockedBy(object.LockGovernance, time.Hour))
	must(t, w.PutRetention(ctx, alice, &object.RetentionInput{Bucket: "lck", Key: "key", VersionID: v, BypassGovernance: true}))
	_, err := w.Retention(ctx, alice, "lck", "key", v)
	wantErr(t, err, errs.NotFound, object.NoSuchObjectLock)
	must(t, w.deleteVersion("key", v, false))
}

func TestRetentionEnds(t *testing.T) {
	w := lockWorld(t)
	v := w.putLocked("key", lockedBy(object.LockCompliance, 2*time.Second))
	wantErr(t, w.deleteVersion("key", v, true), errs.Denied, object.AccessDenied)
	time.Sleep(2100 * time.Millisecond)
	if r, err := w.Retention(ctx, alice, "lck", "key", v); err != nil || r.Mode != object.LockCompliance {
		t.Errorf("%+v %v", r, err)
	}
	must(t, w.deleteVersion("key", v, false))
}

func TestDefaultRetention(t *testing.T) {
	w := lockWorld(t)
	if c, err := w.LockConfig(ctx, alice, "lck"); err != nil || c != (object.LockConfig{Enabled: true}) {
		t.Errorf("%+v %v", c, err)
	}
	for _, c := range []object.LockConfig{
		{Enabled: true, Mode: object.LockGovernance}, {Enabled: true, Mode: object.LockGovernance, Days: -1},
		{Enabled: true, Mode: object.LockGovernance, Days: object.MaxRetentionDays + 1},
		{Enabled: true, Mode: object.LockCompliance, Years: object.MaxRetentionYears + 1},
	} {
		wantErr(t, w.PutLockConfig(ctx, alice, "lck", c), errs.Invalid, object.InvalidRetentionPeriod)
	}
	for _, c := range []object.LockConfig{{Enabled: true, Mode: object.LockGovernance, Days: 1, Years: 1}, {Enabled: true, Mode: 9, Days: 1}, {Enabled: true, Days: 1}} {
		wantErr(t, w.PutLockConfig(ctx, alice, "lck", c), errs.Invalid, object.InvalidArgument)
	}
	days := object.LockConfig{Enabled: true, Mode: object.LockCompliance, Days: 2}
	must(t, w.PutLockConfig(ctx, alice, "lck", days))
	if c, err := w.LockConfig(ctx, alice, "lck"); err != nil || c != days {
		t.Errorf("%+v %v", c, err)
	}
	near := func(key string, want time.Duration) {
		t.Helper()
		r, err := w.Retention(ctx, alice, "lck", key, "")
		if d := time.Until(r.Until) - want; err != nil || r.Mode != object.LockCompliance || d > time.Minute || d < -time.Minute {
			t.Errorf("%s: %+v %v, want in %v", key, r, err, want)
		}
	}
	w.put("lck", "put", []byte("x"))
	near("put", 48*time.Hour)
	_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "lck", SrcKey: "put", Bucket: "lck", Key: "copy"})
	must(t, err)
	near("copy", 48*time.Hour)
	u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "lck", Key: "mp"})
	must(t, err)
	p, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "lck", Key: "mp", UploadID: u.UploadID, PartNumber: 1, Body: bytes.NewReader([]byte("p")), Size: 1})
	must(t, err)
	_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "lck", Key: "mp", UploadID: u.UploadID, Parts: []object.CompletePart{{Number: 1, ETag: p.ETag}}})
	must(t, err)
	near("mp", 48*time.Hour)
	w.putLocked("own", lockedBy(object.LockCompliance, 5*time.Hour))
	near("own", 5*time.Hour)
	// A delete marker is not an object and is never retained.
	res, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "lck", Key: "put"})
	must(t, err)
	must(t, w.deleteVersion("put", res.VersionID, false))
	near("put", 48*time.Hour)
}

func TestLockNeedsLockedBucket(t *testing.T) {
	w := newWorld(t)
	w.bucket("lck")
	w.put("lck", "key", []byte("x"))
	_, err := w.LockConfig(ctx, alice, "lck")
	wantErr(t, err, errs.NotFound, object.LockConfigNotFound)
	_, err = w.Retention(ctx, alice, "lck", "key", "")
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
	_, err = w.LegalHold(ctx, alice, "lck", "key", "")
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
	wantErr(t, w.PutLegalHold(ctx, alice, "lck", "key", "", object.HoldOn), errs.Invalid, object.InvalidRequest)
	hold := object.ObjectLock{Hold: object.HoldOn}
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "lck", Key: "k", Lock: hold})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "lck", SrcKey: "key", Bucket: "lck", Key: "k", Lock: hold})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
	_, err = w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "lck", Key: "k", Lock: hold})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
}

// What is locked is locked after a restart, and who may not see a lock does not.
func TestLockPermissionsAndRestart(t *testing.T) {
	fs := vfs.NewMem()
	w := openWorld(t, fs)
	_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "lck", ObjectLock: true})
	must(t, err)
	l := lockedBy(object.LockCompliance, time.Hour)
	l.Hold = object.HoldOn
	v := w.putLocked("key", l)
	for _, c := range []struct {
		action string
		do     func() error
	}{
		{"s3:PutObjectRetention", func() error { return w.retain("key", v, object.LockCompliance, time.Now().Add(9*time.Hour), false) }},
		{"s3:PutObjectRetention", func() error {
			_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "lck", Key: "k", Lock: lockedBy(object.LockCompliance, time.Hour)})
			return err
		}},
		{"s3:PutObjectLegalHold", func() error { return w.PutLegalHold(ctx, alice, "lck", "key", v, object.HoldOff) }},
		{"s3:PutObjectLegalHold", func() error {
			_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "lck", Key: "k", Lock: object.ObjectLock{Hold: object.HoldOn}})
			return err
		}},
		{"s3:GetObjectRetention", func() error { _, err := w.Retention(ctx, alice, "lck", "key", v); return err }},
		{"s3:GetObjectLegalHold", func() error { _, err := w.LegalHold(ctx, alice, "lck", "key", v); return err }},
		{"s3:GetBucketObjectLockConfiguration", func() error { _, err := w.LockConfig(ctx, alice, "lck"); return err }},
		{"s3:PutBucketObjectLockConfiguration", func() error { return w.PutLockConfig(ctx, alice, "lck", object.LockConfig{Enabled: true}) }},
		{"s3:PutBucketObjectLockConfiguration", func() error {
			_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "lck2", ObjectLock: true})
			return err
		}},
	} {
		w.rules.set(c.action)
		if err := c.do(); errs.KindOf(err) != errs.Denied {
			t.Errorf("without %s: %v", c.action, err)
		}
	}
	w.rules.set("s3:GetObjectRetention", "s3:GetObjectLegalHold")
	if res := w.wantBody("lck", "key", v, []byte("data")); res.Lock != (object.ObjectLock{}) {
		t.Errorf("shown to one who may not see it: %+v", res.Lock)
	}
	w.close()
	w = openWorld(t, fs)
	defer w.close()
	must(t, w.PutLegalHold(ctx, alice, "lck", "key", v, object.HoldOff))
	if h, err := w.LegalHold(ctx, alice, "lck", "key", v); err != nil || h != object.HoldOff {
		t.Errorf("%v %v", h, err)
	}
	wantErr(t, w.deleteVersion("key", v, true), errs.Denied, object.AccessDenied)
}
