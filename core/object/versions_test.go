package object_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.put("bkt", "key", []byte("old"))
	v, err := w.BucketVersioning(ctx, alice, "bkt")
	if err != nil || v != object.VersioningOff {
		t.Errorf("%v %v", v, err)
	}
	wantErr(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningOff), errs.Invalid, object.InvalidArgument)
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	if v, err = w.BucketVersioning(ctx, alice, "bkt"); err != nil || v != object.VersioningEnabled {
		t.Errorf("%v %v", v, err)
	}
	one := w.put("bkt", "key", []byte("one"))
	two := w.put("bkt", "key", []byte("two"))
	if one.VersionID == two.VersionID || len(one.VersionID) < 16 {
		t.Errorf("%q %q", one.VersionID, two.VersionID)
	}
	w.wantBody("bkt", "key", "null", []byte("old"))
	w.wantBody("bkt", "key", one.VersionID, []byte("one"))
	w.wantBody("bkt", "key", "", []byte("two"))

	del, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key"})
	must(t, err)
	if !del.DeleteMarker || del.VersionID == "" {
		t.Errorf("%+v", del)
	}
	_, _, err = w.get("bkt", "key", "")
	wantErr(t, err, errs.NotFound, object.MarkerNotFound)
	var e *errs.E
	if !errors.As(err, &e) || e.Detail["VersionId"] != del.VersionID {
		t.Errorf("%+v", e)
	}
	_, _, err = w.get("bkt", "key", del.VersionID)
	wantErr(t, err, errs.Invalid, object.MethodNotAllowed)
	if !errors.As(err, &e) || e.Detail["VersionId"] != del.VersionID || e.Detail["LastModified"] == "" {
		t.Errorf("%+v", e)
	}
	if p := w.list(object.ListInput{Bucket: "bkt", MaxKeys: 10}); len(p.Entries) != 0 {
		t.Errorf("a delete marker is listed: %+v", p)
	}
	for _, bad := range []string{"x", "00112233445566778899AABBCCDDEEFF", "0"} {
		_, _, err = w.get("bkt", "key", bad)
		wantErr(t, err, errs.Invalid, object.InvalidArgument)
		_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key", VersionID: bad})
		wantErr(t, err, errs.Invalid, object.InvalidArgument)
	}
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", Bucket: "bkt", Key: "copy"})
	wantErr(t, err, errs.NotFound, object.NoSuchKey)
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", SrcVersionID: del.VersionID, Bucket: "bkt", Key: "copy"})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)

	// An old version onto itself makes it the current one.
	cp, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", SrcVersionID: one.VersionID, Bucket: "bkt", Key: "key"})
	must(t, err)
	if cp.SrcVersionID != one.VersionID || cp.VersionID == one.VersionID {
		t.Errorf("%+v", cp)
	}
	w.wantBody("bkt", "key", "", []byte("one"))

	// Tags belong to one version.
	tv, err := w.PutTagging(ctx, alice, "bkt", "key", two.VersionID, tags(1))
	if err != nil || tv != two.VersionID {
		t.Errorf("%q %v", tv, err)
	}
	got, tv, err := w.Tagging(ctx, alice, "bkt", "key", two.VersionID)
	if err != nil || tv != two.VersionID || len(got) != 1 {
		t.Errorf("%v %q %v", got, tv, err)
	}
	if got, _, err = w.Tagging(ctx, alice, "bkt", "key", ""); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if _, err = w.DeleteTagging(ctx, alice, "bkt", "key", two.VersionID); err != nil {
		t.Error(err)
	}
	w.wantBody("bkt", "key", two.VersionID, []byte("two"))

	// Suspended: the null version is written, wherever it is.
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningSuspended))
	if res := w.put("bkt", "key", []byte("null2")); res.VersionID != "null" {
		t.Errorf("%+v", res)
	}
	w.wantBody("bkt", "key", "null", []byte("null2"))
	if del, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key"}); err != nil || del.VersionID != "null" || !del.DeleteMarker {
		t.Errorf("%+v %v", del, err)
	}
	_, _, err = w.get("bkt", "key", "null")
	wantErr(t, err, errs.Invalid, object.MethodNotAllowed)
	// Without the marker the youngest version is current again.
	if del, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key", VersionID: "null"}); err != nil || !del.DeleteMarker {
		t.Errorf("%+v %v", del, err)
	}
	w.wantBody("bkt", "key", "", []byte("one"))
}

func TestDeleteConditions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	size, other := int64(4), int64(5)
	for _, c := range []struct {
		name   string
		absent bool
		cond   func(r *object.PutResult) object.WriteConditions
		reason errs.Reason
	}{
		{"match", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatch: r.ETag} }, ""},
		{"quoted", false, func(r *object.PutResult) object.WriteConditions {
			return object.WriteConditions{IfMatch: `"` + r.ETag + `"`}
		}, ""},
		{"any", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatch: "*"} }, ""},
		{"other", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatch: "x"} }, object.PreconditionFailed},
		{"absent", true, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatch: "*"} }, object.NoSuchKey},
		{"size", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatchSize: &size} }, ""},
		{"other size", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatchSize: &other} }, object.PreconditionFailed},
		{"size of nothing", true, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfMatchSize: &other} }, ""},
		{"time", false, func(r *object.PutResult) object.WriteConditions {
			return object.WriteConditions{IfMatchLastModified: r.LastModified.Truncate(time.Second)}
		}, ""},
		{"other time", false, func(r *object.PutResult) object.WriteConditions {
			return object.WriteConditions{IfMatchLastModified: r.LastModified.Add(-time.Hour)}
		}, object.PreconditionFailed},
		{"none match", false, func(r *object.PutResult) object.WriteConditions { return object.WriteConditions{IfNoneMatch: "*"} }, object.InvalidRequest},
	} {
		res := w.put("bkt", "key", []byte("data"))
		key := "key"
		if c.absent {
			key = "absent"
		}
		_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: key, Conditions: c.cond(res)})
		if errs.ReasonOf(err) != c.reason || (err != nil) != (c.reason != "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
		_, _, err = w.get("bkt", "key", "")
		if gone := err != nil; gone != (c.reason == "" && !c.absent) {
			t.Errorf("%s: gone %v", c.name, gone)
		}
	}
}

func TestCopy(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.bucket("other")
	_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "src", Size: 0, StorageClass: "STANDARD_IA", Tags: tags(2),
		Headers:  object.Headers{ContentType: "a/b", CacheControl: "c", WebsiteRedirect: "/x", Expires: "e", ContentLanguage: "de", ContentDisposition: "d", ContentEncoding: "gzip"},
		Metadata: []object.Meta{{Name: "n", Value: "v"}}})
	must(t, err)
	head := func(bucket, key string) *object.GetResult {
		t.Helper()
		r, err := w.Head(ctx, alice, &object.GetInput{Bucket: bucket, Key: key})
		must(t, err)
		return r
	}
	if h := head("bkt", "src").Headers; h != (object.Headers{ContentType: "a/b", CacheControl: "c", WebsiteRedirect: "/x", Expires: "e", ContentLanguage: "de", ContentDisposition: "d", ContentEncoding: "gzip"}) {
		t.Errorf("%+v", h)
	}
	copyTo := func(change func(*object.CopyInput)) error {
		in := &object.CopyInput{SrcBucket: "bkt", SrcKey: "src", Bucket: "other", Key: "dst"}
		change(in)
		_, err := w.Copy(ctx, alice, in)
		return err
	}
	must(t, copyTo(func(*object.CopyInput) {}))
	if h := head("other", "dst"); h.Headers.ContentType != "a/b" || h.Headers.WebsiteRedirect != "" || len(h.Metadata) != 1 || len(h.Tags) != 2 || h.StorageClass != "STANDARD" {
		t.Errorf("%+v", h.Info)
	}
	must(t, copyTo(func(in *object.CopyInput) {
		in.ReplaceMetadata, in.Headers.ContentType, in.StorageClass = true, "x/y", "GLACIER_IR"
		in.ReplaceTags = true
	}))
	if h := head("other", "dst"); h.Headers.ContentType != "x/y" || h.Headers.CacheControl != "" || h.Metadata != nil || h.Tags != nil || h.StorageClass != "GLACIER_IR" {
		t.Errorf("%+v", h.Info)
	}
	itself := func(in *object.CopyInput) { in.Bucket, in.Key = "bkt", "src" }
	wantErr(t, copyTo(itself), errs.Invalid, object.InvalidRequest)
	must(t, copyTo(func(in *object.CopyInput) { itself(in); in.StorageClass = "STANDARD" }))
	must(t, copyTo(func(in *object.CopyInput) {
		itself(in)
		in.ReplaceMetadata, in.Metadata = true, []object.Meta{{Name: "new", Value: "1"}}
	}))
	if h := head("bkt", "src"); len(h.Metadata) != 1 || h.Metadata[0].Name != "new" || len(h.Tags) != 2 {
		t.Errorf("%+v", h.Info)
	}
	for name, c := range map[string]struct {
		change func(*object.CopyInput)
		reason errs.Reason
	}{
		"source":        {func(in *object.CopyInput) { in.SrcKey = "no" }, object.NoSuchKey},
		"source bucket": {func(in *object.CopyInput) { in.SrcBucket = "nobucket" }, object.NoSuchBucket},
		"bucket":        {func(in *object.CopyInput) { in.Bucket = "nobucket" }, object.NoSuchBucket},
		"range":         {func(in *object.CopyInput) { in.SrcRange.Kind = object.RangeFrom }, object.InvalidRequest},
		"key":           {func(in *object.CopyInput) { in.Key = "" }, object.InvalidArgument},
		"version":       {func(in *object.CopyInput) { in.SrcVersionID = "bad" }, object.InvalidArgument},
		"exists":        {func(in *object.CopyInput) { in.Conditions.IfNoneMatch = "*" }, object.PreconditionFailed},
		"algorithm":     {func(in *object.CopyInput) { in.ChecksumAlgorithm = 77 }, object.InvalidRequest},
	} {
		if err := copyTo(c.change); errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
}

// TestOneRequestPerVersion: times and versions of one key never run backwards, even when the clock does.
func TestTimesGrow(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	last := ""
	for range 200 {
		res := w.put("bkt", "key", nil)
		if res.VersionID <= last {
			t.Fatalf("version %s after %s", res.VersionID, last)
		}
		last = res.VersionID
	}
}
