package object_test

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/storage/repair"
)

func smallBlobs(c *object.Config) {
	c.InlineLimit, c.BlobSize, c.MinPartSize = inlineLimit, blobSize, minPart
}

// together runs n functions at once and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

func TestOneCreatorWins(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter)
	w.bucket("bkt")
	for round := range 20 {
		key := fmt.Sprint("k", round)
		var won atomic.Int32
		together(8, func(i int) {
			_, err := w.tryPut("bkt", key, body(i, 10+i*60), object.WriteConditions{IfNoneMatch: "*"})
			if err == nil {
				won.Add(1)
			} else if errs.ReasonOf(err) != object.PreconditionFailed {
				t.Error(err)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("%d creators won", won.Load())
		}
	}
}

// TestCompareAndSwap counts with If-Match: no increment may be lost.
func TestCompareAndSwap(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter)
	w.bucket("bkt")
	w.put("bkt", "n", []byte("0"))
	var done atomic.Int64
	together(8, func(int) {
		for range 25 {
			data, res, err := w.get("bkt", "n", "")
			if err != nil {
				t.Error(err)
				return
			}
			n, _ := strconv.Atoi(string(data))
			_, err = w.tryPut("bkt", "n", []byte(strconv.Itoa(n+1)), object.WriteConditions{IfMatch: `"` + res.ETag + `"`})
			if err == nil {
				done.Add(1)
			} else if errs.ReasonOf(err) != object.PreconditionFailed {
				t.Error(err)
			}
		}
	})
	if data, _, _ := w.get("bkt", "n", ""); string(data) != fmt.Sprint(done.Load()) {
		t.Errorf("counted to %s, %d increments succeeded", data, done.Load())
	}
}

// TestWritersOfOneKey: without conditions everybody succeeds and somebody is last; what was overwritten is collected.
func TestWritersOfOneKey(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter)
	w.bucket("bkt")
	for _, v := range []object.Versioning{object.VersioningOff, object.VersioningEnabled, object.VersioningSuspended} {
		if v != object.VersioningOff {
			must(t, w.SetVersioning(ctx, alice, "bkt", v))
		}
		var mu sync.Mutex
		last := time.Time{}
		together(12, func(i int) {
			for j := range 8 {
				res, err := w.tryPut("bkt", "key", body(i*100+j, 1+(i*j*97)%3000), object.WriteConditions{})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if res.LastModified.After(last) {
					last = res.LastModified
				}
				mu.Unlock()
			}
		})
		_, res, err := w.get("bkt", "key", "")
		must(t, err)
		if res.LastModified.Before(last) {
			t.Errorf("the last write has the time %v, another had %v", res.LastModified, last)
		}
	}
	u, err := w.UsageOf(ctx, alice, "bkt")
	must(t, err)
	if u.Objects != 96+1 { // all enabled ones and one null version
		t.Errorf("usage %+v", u)
	}
}

// TestDeleteBucketOrPut: a bucket is deleted or has what was put into it, never both.
func TestDeleteBucketOrPut(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter)
	for round := range 60 {
		name := fmt.Sprintf("bkt-%d", round%3)
		w.bucket(name)
		var puts atomic.Int32
		var deleted bool
		together(5, func(i int) {
			if i == 0 {
				err := w.DeleteBucket(ctx, alice, name)
				if deleted = err == nil; !deleted && errs.ReasonOf(err) != object.BucketNotEmpty && errs.ReasonOf(err) != object.OperationAborted {
					t.Error(err)
				}
				return
			}
			_, err := w.tryPut(name, fmt.Sprint("k", i), body(i, i*50), object.WriteConditions{})
			if err == nil {
				puts.Add(1)
			} else if errs.ReasonOf(err) != object.NoSuchBucket {
				t.Error(err)
			}
		})
		if deleted == (puts.Load() > 0) {
			t.Fatalf("round %d: deleted %v, %d puts succeeded", round, deleted, puts.Load())
		}
		if deleted {
			_, err := w.List(ctx, alice, &object.ListInput{Bucket: name, MaxKeys: 10})
			wantErr(t, err, errs.NotFound, object.NoSuchBucket)
			continue
		}
		for i := 1; i < 5; i++ {
			_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: name, Key: fmt.Sprint("k", i)})
			must(t, err)
		}
		must(t, w.DeleteBucket(ctx, alice, name))
	}
	if left := w.collect(0); left != 0 {
		t.Errorf("%d blobs left", left)
	}
}

// TestCompleteOrUploadPart: an object has exactly the parts that were listed, whatever was uploaded meanwhile.
func TestCompleteOrUploadPart(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter)
	w.bucket("bkt")
	for round := range 40 {
		key := fmt.Sprint("k", round)
		u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: key})
		must(t, err)
		upload := func(n, seed int) ([]byte, string, error) {
			data := body(seed, 100+seed)
			res, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: key, UploadID: u.UploadID, PartNumber: n,
				Body: bytes.NewReader(data), Size: int64(len(data))})
			if err != nil {
				return nil, "", err
			}
			return data, res.ETag, nil
		}
		one, etag, err := upload(1, 1)
		must(t, err)
		completed := false
		together(4, func(i int) {
			if i == 0 {
				_, err := w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: key, UploadID: u.UploadID,
					Parts: []object.CompletePart{{Number: 1, ETag: etag}}})
				if completed = err == nil; !completed && errs.ReasonOf(err) != object.InvalidPart {
					t.Error(err)
				}
				return
			}
			// One replaces part 1, the others add parts that nobody lists.
			if _, _, err := upload(i, 10+i); err != nil && errs.ReasonOf(err) != object.NoSuchUpload {
				t.Error(err)
			}
		})
		if !completed {
			must(t, w.AbortUpload(ctx, alice, "bkt", key, u.UploadID))
			continue
		}
		w.wantBody("bkt", key, "", one)
		_, err = w.ListParts(ctx, alice, &object.ListPartsInput{Bucket: "bkt", Key: key, UploadID: u.UploadID, Max: 10})
		wantErr(t, err, errs.NotFound, object.NoSuchUpload)
	}
	use, err := w.UsageOf(ctx, alice, "bkt")
	must(t, err)
	if left := w.collect(0); int64(left) != use.Objects || use.Uploads != 0 || use.UploadBytes != 0 {
		t.Errorf("%d blobs left for %+v", left, use)
	}
}

// TestReadersSeeWholeVersions: whatever is overwritten and collected meanwhile, a reader gets one version, whole.
func TestReadersSeeWholeVersions(t *testing.T) {
	w := newWorld(t, smallBlobs, jitter, func(c *object.Config) { c.Grace = 100 * time.Millisecond })
	w.bucket("bkt")
	w.put("bkt", "key", bytes.Repeat([]byte{0}, 5000))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := w.tryPut("bkt", "key", bytes.Repeat([]byte{byte(i)}, 1+i*37%9000), object.WriteConditions{}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() {
		cfg := repair.DefaultConfig()
		cfg.OrphanGrace = 0
		r, err := repair.New(cfg, w.pool, w.Service, w.Service)
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Stop()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := r.CollectOnce(ctx, time.Now()); err != nil {
				t.Error(err)
			}
			if _, err := r.CollectOrphansOnce(ctx, time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		}
	})
	together(3, func(int) {
		for range 300 {
			data, res, err := w.get("bkt", "key", "")
			if err != nil {
				t.Error(err)
				return
			}
			if etagOf(data) != res.ETag {
				t.Error("the body is not the version's")
				return
			}
		}
	})
	close(stop)
	wg.Wait()
}

func TestCreateBucketOnce(t *testing.T) {
	w := newWorld(t, outside, jitter)
	for round := range 10 {
		name := fmt.Sprint("bucket-", round)
		var made atomic.Int32
		together(6, func(i int) {
			who := alice
			if i%2 == 1 {
				who = bob
			}
			_, err := w.CreateBucket(ctx, who, object.CreateBucketInput{Name: name})
			if err == nil {
				made.Add(1)
			} else if r := errs.ReasonOf(err); r != object.BucketExists && r != object.BucketOwned {
				t.Error(err)
			}
		})
		if made.Load() != 1 {
			t.Errorf("made %d times", made.Load())
		}
	}
	n := 0
	for _, who := range []string{"a", "b"} {
		p := alice
		if who == "b" {
			p = bob
		}
		page, err := w.ListBuckets(ctx, p, object.ListBucketsInput{})
		must(t, err)
		n += len(page.Buckets)
	}
	if n != 10 {
		t.Errorf("%d buckets listed", n)
	}
}
