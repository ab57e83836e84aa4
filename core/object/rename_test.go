package object_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func (w *world) rename(from, to string) error {
	return w.Rename(ctx, alice, &object.RenameInput{Bucket: "bkt", Source: from, Key: to})
}

func TestRename(t *testing.T) {
	for name, enc := range map[string]object.Encryption{"plain": {}, "encrypted": {Method: object.EncryptS3}} {
		for _, size := range []int{0, 100, 200_000, 3_000_000} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				w := newWorld(t, evenBlobs)
				w.bucket("bkt")
				data := body(1, size)
				put, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "a", Body: bytes.NewReader(data), Size: int64(size), Encryption: enc,
					Tags: []object.Tag{{Key: "t", Value: "v"}}, Metadata: []object.Meta{{Name: "m", Value: "n"}}})
				must(t, err)
				w.put("bkt", "b", body(2, 150_000)) // is replaced
				blobs := w.collect(1 << 62)
				must(t, w.rename("a", "b"))
				_, _, err = w.get("bkt", "a", "")
				reason(t, err, object.NoSuchKey)
				res := w.wantBody("bkt", "b", "", data)
				if res.ETag != put.ETag || !res.LastModified.Equal(put.LastModified) || len(res.Tags) != 1 || len(res.Metadata) != 1 {
					t.Errorf("renamed = %+v", res.Info)
				}
				must(t, w.rename("b", "c"))
				w.put("bkt", "a", body(3, 10))
				// Blobs know the key that they were written for. They stay for the one they have.
				want := blobs - 1
				if left := w.collect(time.Nanosecond); left != want {
					t.Errorf("%d blobs are left, want %d", left, want)
				}
				w.wantBody("bkt", "c", "", data)
				w.wantBody("bkt", "a", "", body(3, 10))
				must(t, w.rename("c", "a")) // where it was made
				if left := w.collect(time.Nanosecond); left != want {
					t.Errorf("%d blobs are left, want %d", left, want)
				}
				readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: "a"}, data)
				must(t, w.rename("a", "d"))
				_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "d"})
				must(t, err)
				if left := w.collect(time.Nanosecond); left != 0 {
					t.Errorf("%d blobs are left", left)
				}
				u, err := w.UsageOf(ctx, alice, "bkt")
				if err != nil || u != (object.Usage{}) {
					t.Errorf("usage = %+v, %v", u, err)
				}
				must(t, w.DeleteBucket(ctx, alice, "bkt"))
			})
		}
	}
}

func TestRenameOfUpload(t *testing.T) {
	w := newWorld(t, evenBlobs, func(c *object.Config) { c.MinPartSize = 1 })
	w.bucket("bkt")
	up, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "a"})
	must(t, err)
	in := &object.CompleteInput{Bucket: "bkt", Key: "a", UploadID: up.UploadID}
	var whole []byte
	for n := 1; n <= 3; n++ {
		data := body(n, 300_000)
		p, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "a", UploadID: up.UploadID, PartNumber: n, Body: bytes.NewReader(data), Size: int64(len(data))})
		must(t, err)
		in.Parts = append(in.Parts, object.CompletePart{Number: n, ETag: p.ETag})
		whole = append(whole, data...)
	}
	_, err = w.CompleteUpload(ctx, alice, in)
	must(t, err)
	blobs := w.collect(1 << 62)
	must(t, w.rename("a", "b"))
	if left := w.collect(time.Nanosecond); left != blobs {
		t.Errorf("%d blobs are left, want %d", left, blobs)
	}
	w.wantBody("bkt", "b", "", whole)
	// Versioning may begin later: the renamed version is then one among others.
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	w.put("bkt", "b", body(9, 10))
	if left := w.collect(time.Nanosecond); left != blobs {
		t.Errorf("%d blobs are left, want %d", left, blobs)
	}
	w.wantBody("bkt", "b", "null", whole)
	if err := w.rename("b", "c"); errs.KindOf(err) != errs.NotImplemented {
		t.Errorf("in a versioned bucket: %v", err)
	}
}

func TestRenameConditions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	a := w.put("bkt", "a", body(1, 10))
	b := w.put("bkt", "b", body(2, 10))
	try := func(in object.RenameInput) error {
		in.Bucket = "bkt"
		return w.Rename(ctx, alice, &in)
	}
	src, dst := object.ReadConditions{}, object.ReadConditions{}
	src.IfMatch, dst.IfMatch = []string{b.ETag}, []string{a.ETag}
	for _, in := range []object.RenameInput{
		{Source: "a", Key: "c", SrcConditions: src},
		{Source: "a", Key: "b", Conditions: dst},
		{Source: "a", Key: "c", Conditions: dst},
		{Source: "a", Key: "b", Conditions: object.ReadConditions{IfNoneMatch: []string{"*"}}},
		{Source: "a", Key: "c", SrcConditions: object.ReadConditions{IfModifiedSince: time.Now()}},
		{Source: "a", Key: "c", SrcConditions: object.ReadConditions{IfUnmodifiedSince: time.Now().Add(-time.Hour)}},
	} {
		if err := try(in); errs.KindOf(err) != errs.Precondition {
			t.Errorf("%+v: %v", in, err)
		}
	}
	reason(t, try(object.RenameInput{Source: "none", Key: "c"}), object.NoSuchKey)
	reason(t, try(object.RenameInput{Source: "a", Key: "a"}), object.InvalidRequest)
	must(t, try(object.RenameInput{Source: "a", Key: "b", SrcConditions: object.ReadConditions{IfMatch: []string{a.ETag}},
		Conditions: object.ReadConditions{IfMatch: []string{b.ETag}}, Token: "t"}))
	// The same request again, and its token on another one.
	must(t, try(object.RenameInput{Source: "a", Key: "b", Token: "t"}))
	reason(t, try(object.RenameInput{Source: "x", Key: "b", Token: "t"}), object.IdempotencyMismatch)
	reason(t, try(object.RenameInput{Source: "a", Key: "b"}), object.NoSuchKey)
	w.wantBody("bkt", "b", "", body(1, 10))
	for _, action := range []string{"s3:PutObject", "s3:GetObject", "s3:DeleteObject"} {
		w.rules.set(action)
		reason(t, w.rename("b", "c"), object.AccessDenied)
	}
}

// TestRenameAgainstWriters: whatever happens at the same time, nothing that was answered is lost and nothing is there twice.
func TestRenameAgainstWriters(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	for round := range 50 {
		w.put("bkt", "a", body(round, 100))
		var wg sync.WaitGroup
		moved := make(chan string, 4)
		for i := range 4 {
			wg.Go(func() {
				to := fmt.Sprint("to", i)
				switch err := w.rename("a", to); {
				case err == nil:
					moved <- to
				case errs.ReasonOf(err) != object.NoSuchKey:
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if res, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "a"}); err == nil {
				if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, body(round, 100)) {
					t.Errorf("a reader got %d bytes, %v", len(got), err)
				}
				res.Body.Close()
			} else if errs.ReasonOf(err) != object.NoSuchKey {
				t.Error(err)
			}
		})
		wg.Wait()
		close(moved)
		var to []string
		for k := range moved {
			to = append(to, k)
		}
		if len(to) != 1 {
			t.Fatalf("it was renamed to %v", to)
		}
		w.wantBody("bkt", to[0], "", body(round, 100))
		_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: to[0]})
		must(t, err)
	}
}
