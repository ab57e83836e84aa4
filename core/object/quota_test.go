package object_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func TestBucketQuota(t *testing.T) {
	w := newWorld(t, func(c *object.Config) { c.MinPartSize = 1 })
	w.bucket("bkt")
	must(t, w.SetBucketQuota(ctx, "bkt", object.Quota{Objects: 3, Bytes: 1000}))
	put := func(key string, size int) error {
		_, err := w.tryPut("bkt", key, body(1, size), object.WriteConditions{})
		return err
	}
	must(t, put("a", 600))
	reason(t, put("b", 401), object.QuotaExceeded)
	must(t, put("b", 400))
	must(t, put("a", 500)) // in place of the larger one
	must(t, put("c", 100))
	reason(t, put("d", 0), object.QuotaExceeded) // the objects
	reason(t, put("c", 101), object.QuotaExceeded)
	reason(t, put("c", 20_000), object.QuotaExceeded)
	if left := w.collect(1 << 62); left != 0 {
		t.Errorf("%d blobs are left of what was refused", left)
	}
	_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "a", Bucket: "bkt", Key: "e"})
	reason(t, err, object.QuotaExceeded)
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "c"})
	must(t, err)

	// Parts count, and completing an upload with them is no growth.
	up, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "u"})
	must(t, err)
	part := func(n, size int) (*object.PutResult, error) {
		return w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "u", UploadID: up.UploadID, PartNumber: n,
			Body: bytes.NewReader(body(1, size)), Size: int64(size)})
	}
	_, err = part(1, 101)
	reason(t, err, object.QuotaExceeded)
	p, err := part(1, 100)
	must(t, err)
	_, err = part(2, 1)
	reason(t, err, object.QuotaExceeded)
	reason(t, put("b", 401), object.QuotaExceeded)
	_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: "u", UploadID: up.UploadID,
		Parts: []object.CompletePart{{Number: 1, ETag: p.ETag}}})
	must(t, err)

	u, err := w.BucketQuota(ctx, "bkt")
	must(t, err)
	if want := (object.Quota{Objects: 3, Bytes: 1000}); u.Quota != want || u.Used != want {
		t.Errorf("quota = %+v", u)
	}
	// A bucket that is full can be emptied, versioned or not.
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "u"})
	must(t, err)
	must(t, w.SetBucketQuota(ctx, "bkt", object.Quota{}))
	must(t, put("b", 4000))
	if err := w.SetBucketQuota(ctx, "bkt", object.Quota{Bytes: -1}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("negative: %v", err)
	}
	reason(t, w.SetBucketQuota(ctx, "none", object.Quota{Bytes: 1}), object.NoSuchBucket)
}

// TestQuotasHoldAgainstWritersAtTheSameTime: of many writers no more get through than fit.
func TestQuotasHoldAgainstWritersAtTheSameTime(t *testing.T) {
	for _, of := range []string{"bucket", "account"} {
		t.Run(of, func(t *testing.T) {
			w := newWorld(t)
			w.bucket("bkt-a")
			w.bucket("bkt-b")
			if of == "bucket" {
				must(t, w.SetBucketQuota(ctx, "bkt-a", object.Quota{Bytes: 1000}))
				must(t, w.SetBucketQuota(ctx, "bkt-b", object.Quota{Objects: 10}))
			} else {
				must(t, w.SetAccountQuota(ctx, alice.AccountID, object.Quota{Bytes: 2000, Objects: 20}))
			}
			var stored atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					for n := range 10 {
						_, err := w.tryPut([]string{"bkt-a", "bkt-b"}[n%2], fmt.Sprint(i, n), body(1, 100), object.WriteConditions{})
						switch {
						case err == nil:
							stored.Add(1)
						case errs.ReasonOf(err) != object.QuotaExceeded:
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if stored.Load() != 20 {
				t.Errorf("%d objects were stored, 20 fit", stored.Load())
			}
		})
	}
}

func TestAccountQuota(t *testing.T) {
	fs := vfs.NewMem()
	w := openWorld(t, fs)
	w.bucket("bkt-a")
	w.bucket("bkt-b")
	put := func(bucket, key string, size int) error {
		_, err := w.tryPut(bucket, key, body(1, size), object.WriteConditions{})
		return err
	}
	must(t, put("bkt-a", "k", 600))
	must(t, w.SetAccountQuota(ctx, alice.AccountID, object.Quota{Bytes: 1000}))
	must(t, w.SetAccountQuota(ctx, bob.AccountID, object.Quota{Bytes: 1}))
	reason(t, put("bkt-b", "k", 401), object.QuotaExceeded)
	must(t, put("bkt-b", "k", 400))
	reason(t, put("bkt-b", "l", 1), object.QuotaExceeded)
	_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt-a", Key: "k"})
	must(t, err)
	must(t, put("bkt-b", "l", 600))
	w.close()
	w = openWorld(t, fs)
	defer w.close()
	reason(t, put("bkt-a", "m", 1), object.QuotaExceeded)
	all, err := w.Quotas(ctx)
	must(t, err)
	if len(all) != 2 {
		t.Errorf("quotas = %+v", all)
	}
	u, err := w.AccountQuota(ctx, alice.AccountID)
	must(t, err)
	if u.Bytes != 1000 || u.Used.Bytes != 1000 || u.Used.Objects != 2 {
		t.Errorf("quota = %+v", u)
	}
	must(t, w.SetAccountQuota(ctx, alice.AccountID, object.Quota{}))
	must(t, put("bkt-a", "m", 1))
	if err := w.SetAccountQuota(ctx, "x", object.Quota{Bytes: 1}); err == nil {
		t.Error("an account that cannot be")
	}
}

// Configurations of buckets and quotas of accounts share a shard, not their rows.
func TestNamedConfigurationIsNoQuota(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.bucket("111122223333") // looks like an account
	for _, b := range []string{"bkt", "111122223333"} {
		for _, k := range []object.NamedKind{object.NamedAnalytics, object.NamedInventory, object.NamedMetrics, object.NamedTiering} {
			must(t, w.PutNamed(ctx, alice, b, k, "a", []byte("document")))
		}
	}
	must(t, w.SetAccountQuota(ctx, "111122223333", object.Quota{Objects: 7})) // what is known of quotas is read again
	w.put("bkt", "k", []byte("x"))
	all, err := w.Quotas(ctx)
	must(t, err)
	if len(all) != 1 || all[0].Account != "111122223333" || all[0].Objects != 7 {
		t.Errorf("%+v", all)
	}
	page, err := w.ListNamed(ctx, alice, "bkt", object.NamedMetrics, "")
	must(t, err)
	if len(page.IDs) != 1 {
		t.Errorf("%+v", page)
	}
}
