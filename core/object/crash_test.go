package object_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

var crashes = flag.Int("crashes", 8, "power cuts of the crash test")

// TestPowerCuts cuts the power under concurrent writers, again and again: what was acknowledged is there with the right
// bytes, what was not is there whole or not at all, listings agree with reads, counters with both, and the collector
// leaves no blob too many.
func TestPowerCuts(t *testing.T) {
	for name, method := range map[string]object.EncryptionMethod{"plain": object.EncryptNone, "encrypted": object.EncryptS3} {
		t.Run(name, func(t *testing.T) { powerCuts(t, method) })
	}
}

func powerCuts(t *testing.T, method object.EncryptionMethod) {
	fs := vfs.NewCrashableMem()
	c := &crashRun{t: t, sealed: method != object.EncryptNone, config: func(c *object.Config) {
		smallBlobs(c)
		c.DefaultEncryption = method
	}}
	w := openWorld(t, fs, c.config)
	defer w.close()
	w.bucket("bkt")
	c.w = w
	for i := range 6 {
		c.writers = append(c.writers, &crashWriter{run: c, id: i, r: rand.New(rand.NewPCG(uint64(i), 3)), acked: map[string]*mversion{}})
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, cw := range c.writers {
		wg.Go(func() { cw.work(stop) })
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range *crashes {
		time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
		states, clone := c.cut(fs, r.IntN(101), r)
		c.check(i, clone, states)
		if t.Failed() {
			break
		}
	}
	close(stop)
	wg.Wait()
	if n := c.ops.Load(); n < 100 {
		t.Errorf("only %d operations", n)
	}
}

type crashRun struct {
	t       *testing.T
	w       *world
	config  func(*object.Config)
	sealed  bool
	writers []*crashWriter
	gate    sync.RWMutex // held for writing while the power is cut: nobody begins an operation then
	ops     atomic.Int64
}

// crashWriter owns some keys. acked is what it was told; pending is what its operation under way will leave behind.
type crashWriter struct {
	run     *crashRun
	id      int
	r       *rand.Rand
	mu      sync.Mutex
	acked   map[string]*mversion // nil: deleted
	pending *pendingOp
}

type pendingOp struct {
	key  string
	then *mversion // nil: deleted
}

// writerState is what was acknowledged at the moment of the cut, and what was under way.
type writerState struct {
	acked   map[string]*mversion
	pending *pendingOp
}

func (c *crashRun) cut(fs *vfs.MemFS, percent int, r *rand.Rand) ([]writerState, *vfs.MemFS) {
	c.gate.Lock()
	defer c.gate.Unlock()
	var states []writerState
	for _, cw := range c.writers {
		cw.mu.Lock()
		s := writerState{acked: map[string]*mversion{}, pending: cw.pending}
		for k, v := range cw.acked {
			s.acked[k] = v
		}
		cw.mu.Unlock()
		states = append(states, s)
	}
	return states, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
}

func (cw *crashWriter) work(stop chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		key := fmt.Sprintf("w%d/%d", cw.id, cw.r.IntN(5))
		data := body(cw.id<<16|n, []int{0, 10, inlineLimit + 1, blobSize, 3 * blobSize, 6*blobSize + 5}[cw.r.IntN(6)])
		var err error
		switch cw.r.IntN(5) {
		case 0:
			cw.begin(key, nil)
			_, err = cw.run.w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: key})
		case 1:
			err = cw.multipart(key, data)
		default:
			cw.begin(key, &mversion{data: data, etag: etagOf(data), blobs: blobsOf(len(data), cw.run.sealed)})
			_, err = cw.run.w.tryPut("bkt", key, data, object.WriteConditions{})
		}
		if err != nil {
			cw.run.t.Error(err)
			return
		}
		cw.end()
		cw.run.ops.Add(1)
	}
}

func (cw *crashWriter) begin(key string, then *mversion) {
	cw.run.gate.RLock()
	defer cw.run.gate.RUnlock()
	cw.mu.Lock()
	defer cw.mu.Unlock()
	cw.pending = &pendingOp{key, then}
}

func (cw *crashWriter) end() {
	cw.mu.Lock()
	defer cw.mu.Unlock()
	cw.acked[cw.pending.key] = cw.pending.then
	cw.pending = nil
}

func (cw *crashWriter) multipart(key string, data []byte) error {
	w := cw.run.w
	u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: key})
	if err != nil {
		return err
	}
	in := &object.CompleteInput{Bucket: "bkt", Key: key, UploadID: u.UploadID}
	mu := &mupload{parts: map[int]*mversion{}}
	numbers := []int{1, 2}
	for _, n := range numbers {
		part := append(bytes.Clone(data), make([]byte, minPart*n)...)
		res, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: key, UploadID: u.UploadID, PartNumber: n,
			Body: bytes.NewReader(part), Size: int64(len(part))})
		if err != nil {
			return err
		}
		mu.parts[n] = &mversion{data: part, etag: res.ETag, blobs: piecesOf(len(part), cw.run.sealed)}
		in.Parts = append(in.Parts, object.CompletePart{Number: n, ETag: res.ETag})
	}
	cw.begin(key, mu.complete(numbers))
	_, err = w.CompleteUpload(ctx, alice, in)
	return err
}

// check opens what the power cut left and looks at everything.
func (c *crashRun) check(i int, fs *vfs.MemFS, states []writerState) {
	t := c.t
	w := openWorld(t, fs, c.config)
	defer w.close()
	present := map[string]*mversion{}
	for id, s := range states {
		for n := range 5 {
			key := fmt.Sprintf("w%d/%d", id, n)
			data, res, err := w.get("bkt", key, "")
			if err != nil && errs.ReasonOf(err) != object.NoSuchKey {
				t.Errorf("cut %d: %s: %v", i, key, err)
				continue
			}
			var got *mversion
			if err == nil {
				got = &mversion{data: data, etag: res.ETag}
				present[key] = got
			}
			if same(got, s.acked[key]) {
				if got != nil {
					got.blobs = s.acked[key].blobs
				}
			} else if p := s.pending; p != nil && p.key == key && same(got, p.then) {
				if got != nil {
					got.blobs = p.then.blobs
				}
			} else {
				t.Errorf("cut %d: %s is neither what was acknowledged nor what was under way", i, key)
			}
		}
	}
	page := w.list(object.ListInput{Bucket: "bkt", MaxKeys: 1000})
	if len(page.Entries) != len(present) {
		t.Errorf("cut %d: %d keys listed, %d found", i, len(page.Entries), len(present))
	}
	var want object.Usage
	wantBlobs := 0
	for _, e := range page.Entries {
		v := present[e.Key]
		if v == nil || v.etag != e.ETag || int64(len(v.data)) != e.Size {
			t.Errorf("cut %d: listing and read of %s disagree", i, e.Key)
			continue
		}
		want.Objects++
		want.Versions++
		want.Bytes += e.Size
		wantBlobs += v.blobs
	}
	got, err := w.UsageOf(ctx, alice, "bkt")
	must(t, err)
	ups, err := w.ListUploads(ctx, alice, &object.ListUploadsInput{Bucket: "bkt", Max: 1000})
	must(t, err)
	want.Uploads = int64(len(ups.Uploads))
	for _, u := range ups.Uploads {
		parts, err := w.ListParts(ctx, alice, &object.ListPartsInput{Bucket: "bkt", Key: u.Key, UploadID: u.UploadID, Max: 1000})
		must(t, err)
		for _, p := range parts.Parts {
			want.UploadBytes += p.Size
			wantBlobs += piecesOf(int(p.Size), c.sealed)
		}
	}
	if got != want {
		t.Errorf("cut %d: usage %+v, want %+v", i, got, want)
	}
	if left := w.collect(0); left != wantBlobs {
		t.Errorf("cut %d: %d blobs after collection, want %d", i, left, wantBlobs)
	}
	for key, v := range present {
		w.wantBody("bkt", key, "", v.data)
	}
}

func same(a, b *mversion) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.etag == b.etag && bytes.Equal(a.data, b.data)
}

// TestBucketsThroughPowerCuts creates and deletes buckets under power cuts: after each, every bucket exists wholly or
// not at all, and may be created or deleted again.
func TestBucketsThroughPowerCuts(t *testing.T) {
	fs := vfs.NewCrashableMem()
	w := openWorld(t, fs, smallBlobs)
	defer w.close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			name := fmt.Sprint("bucket-", i)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: name}); err != nil {
					t.Error(err)
				}
				u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: name, Key: "k"})
				if err == nil {
					_, err = w.UploadPart(ctx, alice, &object.PartInput{Bucket: name, Key: "k", UploadID: u.UploadID, PartNumber: 1,
						Body: bytes.NewReader(make([]byte, 2000)), Size: 2000})
				}
				if err != nil {
					t.Error(err)
				}
				if err := w.DeleteBucket(ctx, alice, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range *crashes {
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		after := openWorld(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r}), smallBlobs)
		page, err := after.ListBuckets(ctx, alice, object.ListBucketsInput{})
		must(t, err)
		listed := map[string]bool{}
		for _, b := range page.Buckets {
			listed[b.Name] = true
		}
		for i := range 3 {
			name := fmt.Sprint("bucket-", i)
			_, err := after.HeadBucket(ctx, alice, name)
			if (err == nil) != listed[name] {
				t.Errorf("%s: head says %v, listed %v", name, err, listed[name])
			}
			if err == nil {
				must(t, after.DeleteBucket(ctx, alice, name))
			}
			after.bucket(name)
			must(t, after.DeleteBucket(ctx, alice, name))
		}
		if left := after.collect(0); left != 0 {
			t.Errorf("%d blobs left without buckets", left)
		}
		after.close()
	}
	close(stop)
	wg.Wait()
}
