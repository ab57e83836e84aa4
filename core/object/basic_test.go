package object_test

import (
	"bytes"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// sizes cross every limit: nothing, in the record, inlined, one blob, several, a manifest.
var sizes = []int{0, 1, 100, 128, 129, 16 << 10, 16<<10 + 1, 100_000, 3<<20 + 7}

func TestPutAndGetBack(t *testing.T) {
	w := newWorld(t, func(c *object.Config) { c.BlobSize = 512 << 10 })
	w.bucket("bkt")
	for i, n := range sizes {
		data := body(i, n)
		key := "dir/" + string(rune('a'+i))
		res := w.put("bkt", key, data)
		if res.ETag != etagOf(data) || res.Size != int64(n) || res.VersionID != "" || len(res.Checksums) != 1 {
			t.Errorf("size %d: %+v", n, res)
		}
		got := w.wantBody("bkt", key, "", data)
		if got.ETag != res.ETag || !got.LastModified.Equal(res.LastModified) || got.Partial || got.StorageClass != "STANDARD" || !got.IsLatest {
			t.Errorf("size %d: %+v", n, got.Info)
		}
		if got.Checksums[0].Value != res.Checksums[0].Value || got.Owner.AccountID != alice.AccountID {
			t.Errorf("size %d: %+v", n, got.Info)
		}
		for _, r := range []struct{ off, n int }{{0, 1}, {n / 2, 1}, {n / 3, n / 3}, {n - 1, 1}, {0, n}} {
			if r.n < 1 || r.off < 0 || r.off+r.n > n {
				continue
			}
			part, res, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: key,
				Range: object.Range{Kind: object.RangeFromTo, First: int64(r.off), Last: int64(r.off + r.n - 1)}})
			must(t, err)
			if !bytes.Equal(part, data[r.off:r.off+r.n]) || !res.Partial || res.Size != int64(n) || (res.Checksums != nil) != (r.n == n) {
				t.Errorf("size %d range %v: %d bytes, %+v", n, r, len(part), res)
			}
		}
	}
	u, err := w.UsageOf(ctx, alice, "bkt")
	must(t, err)
	total := 0
	for _, n := range sizes {
		total += n
	}
	if u.Objects != int64(len(sizes)) || u.Bytes != int64(total) || u.Versions != u.Objects {
		t.Errorf("usage %+v", u)
	}
	for i := range sizes {
		_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "dir/" + string(rune('a'+i))})
		must(t, err)
	}
	if u, _ = w.UsageOf(ctx, alice, "bkt"); u != (object.Usage{}) {
		t.Errorf("usage after deletion %+v", u)
	}
	if _, _, err = w.get("bkt", "dir/a", ""); errs.ReasonOf(err) != object.NoSuchKey {
		t.Errorf("get after deletion: %v", err)
	}
	if left := w.collect(0); left != 0 {
		t.Errorf("%d blobs left after collection", left)
	}
	must(t, w.DeleteBucket(ctx, alice, "bkt"))
	_, err = w.HeadBucket(ctx, alice, "bkt")
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
}
