package object_test

import (
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// A version that is changed in place while it is deleted stays deleted, and a lock that was acknowledged before the
// delete holds.
func TestAmendAgainstDelete(t *testing.T) {
	w := lockWorld(t)
	for i := range 60 {
		v := w.putLocked("key", object.ObjectLock{})
		if i%2 == 0 {
			w.putLocked("key", object.ObjectLock{}) // v becomes noncurrent
		}
		var del, hold, tag error
		var wg sync.WaitGroup
		wg.Go(func() { del = w.deleteVersion("key", v, false) })
		wg.Go(func() { hold = w.PutLegalHold(ctx, alice, "lck", "key", v, object.HoldOn) })
		wg.Go(func() { _, tag = w.PutTagging(ctx, alice, "lck", "key", v, tags(1)) })
		wg.Wait()
		_, _, err := w.get("lck", "key", v)
		if (del == nil) != (errs.ReasonOf(err) == object.NoSuchVersion) || del == nil && hold == nil {
			t.Fatalf("round %d: delete %v, hold %v, tags %v, then get %v", i, del, hold, tag, err)
		}
	}
	page, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "lck", MaxKeys: 1000})
	must(t, err)
	if u, err := w.UsageOf(ctx, alice, "lck"); err != nil || u.Versions != int64(len(page.Entries)) {
		t.Errorf("%+v %v, %d listed", u, err, len(page.Entries))
	}
}

// Versions of one key deleted at the same moment all go, though some move up while others are looked for.
func TestDeleteVersionsTogether(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	for i := range 300 {
		ids := []string{w.put("bkt", "key", []byte("a")).VersionID, w.put("bkt", "key", []byte("b")).VersionID}
		res, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key"})
		must(t, err)
		var wg sync.WaitGroup
		for _, id := range append(ids, res.VersionID) {
			wg.Go(func() {
				if _, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key", VersionID: id}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		page, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "bkt", MaxKeys: 10})
		must(t, err)
		if len(page.Entries) != 0 {
			t.Fatalf("round %d: left %+v", i, page.Entries)
		}
	}
}

// The marker of a page may name a version that was deleted since: nothing is left out.
func TestListVersionsBehindDeleted(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.put("bkt", "a", []byte("null"))
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	for range 3 {
		w.put("bkt", "a", []byte("x"))
		time.Sleep(time.Millisecond)
	}
	w.put("bkt", "b", []byte("x"))
	seen := 0
	in := &object.ListVersionsInput{Bucket: "bkt", MaxKeys: 1}
	for {
		page, err := w.ListVersions(ctx, alice, in)
		must(t, err)
		for _, e := range page.Entries {
			seen++
			_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: e.Key, VersionID: e.VersionID})
			must(t, err)
		}
		if !page.Truncated {
			break
		}
		in.KeyMarker, in.VersionIDMarker = page.NextKey, page.NextVersionID
	}
	if u, err := w.UsageOf(ctx, alice, "bkt"); seen != 5 || err != nil || u != (object.Usage{}) {
		t.Errorf("%d seen, %+v left, %v", seen, u, err)
	}
	for _, in := range []*object.ListVersionsInput{
		{Bucket: "bkt", VersionIDMarker: "null", MaxKeys: 1}, {Bucket: "bkt", KeyMarker: "a", VersionIDMarker: "x", MaxKeys: 1}, {Bucket: "bkt", MaxKeys: -1},
	} {
		_, err := w.ListVersions(ctx, alice, in)
		wantErr(t, err, errs.Invalid, object.InvalidArgument)
	}
	w.rules.set("s3:ListBucketVersions")
	_, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "bkt", MaxKeys: 1})
	if errs.KindOf(err) != errs.Denied {
		t.Errorf("%v", err)
	}
}

// Listings page through versions by the thousand, whatever lies between.
func BenchmarkListVersions(b *testing.B) {
	w := newWorld(b)
	w.bucket("bkt")
	must(b, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	const keys, each = 2000, 5
	for range each {
		for i := range keys {
			w.put("bkt", "key/"+string(rune('a'+i%26))+"/"+string(rune(0x4e00+i)), []byte("x"))
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		in := &object.ListVersionsInput{Bucket: "bkt", MaxKeys: 1000}
		n := 0
		for {
			page, err := w.ListVersions(ctx, alice, in)
			must(b, err)
			n += len(page.Entries)
			if !page.Truncated {
				break
			}
			in.KeyMarker, in.VersionIDMarker = page.NextKey, page.NextVersionID
		}
		if n != keys*each {
			b.Fatalf("%d versions", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(keys*each/1000), "µs/page")
}
