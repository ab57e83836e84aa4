package object_test

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// full makes writes fail with ENOSPC while it is on.
type full struct {
	on   atomic.Bool
	path string
}

func (f *full) MaybeError(op errorfs.Op) error {
	if f.on.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, f.path) {
		return syscall.ENOSPC
	}
	return nil
}

func (f *full) String() string { return "(full)" }

// TestBlobDeviceFull: a write that finds no room says so and leaves nothing; reads and deletes go on.
func TestBlobDeviceFull(t *testing.T) {
	f := &full{path: "segments"}
	w := openWorld(t, errorfs.Wrap(vfs.NewMem(), f), smallBlobs)
	defer w.close()
	w.bucket("bkt")
	w.put("bkt", "before", body(1, 5000))
	f.on.Store(true)
	_, err := w.tryPut("bkt", "key", body(2, 5000), object.WriteConditions{})
	if k := errs.KindOf(err); k != errs.NoSpace && k != errs.Unavailable {
		t.Errorf("on a full device: %v", err)
	}
	_, _, err = w.get("bkt", "key", "")
	wantErr(t, err, errs.NotFound, object.NoSuchKey)
	w.wantBody("bkt", "before", "", body(1, 5000))
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "before"})
	must(t, err)
	w.put("bkt", "small", []byte("in the store"))
}

func eachBlob(t *testing.T, w *world, f func(blobref.Ref)) {
	t.Helper()
	must(t, w.dev.Each(ctx, 0, 0, func(in blob.Info) error { f(in.Ref); return nil }))
}

// TestMissingBlob: an object whose bytes are gone is reported as damaged, never served short.
func TestMissingBlob(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	w.put("bkt", "key", body(1, 3*blobSize))
	w.put("bkt", "gone", body(2, 2*blobSize))
	var refs []blobref.Ref
	eachBlob(t, w, func(ref blobref.Ref) { refs = append(refs, ref) })
	must(t, w.pool.Delete(ctx, refs...))
	for _, key := range []string{"key", "gone"} {
		_, _, err := w.get("bkt", key, "")
		if errs.KindOf(err) != errs.Corrupt {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: key}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: key, Bucket: "bkt", Key: "copy"})
		if errs.KindOf(err) != errs.Corrupt {
			t.Errorf("copy of %s: %v", key, err)
		}
		_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: key})
		must(t, err)
	}
}

// TestNewerSchema: a record of a newer program is refused, not guessed at.
func TestNewerSchema(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.put("bkt", "key", []byte("x"))
	b, err := w.HeadBucket(ctx, alice, "bkt")
	must(t, err)
	found := false
	for shard := kv.Shard(1); int(shard) < w.store.Shards(); shard++ {
		view, err := w.store.View(ctx, shard)
		must(t, err)
		it := view.Scan(kv.ScanOptions{Lower: []byte("O"), Upper: []byte("P")})
		if it.First() {
			found = true
			row := append([]byte(nil), it.Key()...)
			value := append([]byte{99}, it.Value()[1:]...)
			defer func() {
				var batch kv.Batch
				batch.Put(row, value)
				_, err := w.store.Commit(ctx, shard, &batch)
				must(t, err)
				_, _, err = w.get("bkt", "key", "")
				if errs.KindOf(err) != errs.Corrupt || !strings.Contains(err.Error(), "newer") {
					t.Errorf("read of %s: %v", b.ID, err)
				}
				_, err = w.List(ctx, alice, &object.ListInput{Bucket: "bkt", MaxKeys: 5})
				if errs.KindOf(err) != errs.Corrupt {
					t.Errorf("listing: %v", err)
				}
				_, err = w.tryPut("bkt", "key", nil, object.WriteConditions{})
				if errs.KindOf(err) != errs.Corrupt {
					t.Errorf("overwriting: %v", err)
				}
			}()
		}
		must(t, it.Close())
		must(t, view.Close())
	}
	if !found {
		t.Error("no record found")
	}
}

// TestFailedUploadsLeaveNothing: whatever ends an upload of several pieces, no piece stays behind, even before the
// collector looks.
func TestFailedUploadsLeaveNothing(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	id := w.begin("mp", nil)
	data := body(1, 3*blobSize+500)
	for name, in := range map[string]*object.PutInput{
		"short":          {Body: bytes.NewReader(data), Size: 5 * blobSize},
		"long":           {Body: bytes.NewReader(data), Size: 3 * blobSize},
		"broken":         {Body: io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errReader)), Size: 5 * blobSize},
		"wrong MD5":      {Body: bytes.NewReader(data), Size: int64(len(data)), ContentMD5: make([]byte, 16)},
		"unknown broken": {Body: io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errReader)), Size: -1},
		"unknown large":  {Body: bytes.NewReader(data), Size: -1, MaxSize: 2 * blobSize},
		"condition":      {Body: &racer{Reader: bytes.NewReader(data), w: w}, Size: int64(len(data)), Conditions: object.WriteConditions{IfNoneMatch: "*"}},
	} {
		in.Bucket, in.Key = "bkt", "key/"+name
		if _, err := w.Put(ctx, alice, in); err == nil {
			t.Errorf("%s: put succeeded", name)
		}
		if name != "condition" && in.Size > 0 {
			_, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "mp", UploadID: id, PartNumber: 1,
				Body: io.MultiReader(bytes.NewReader(data[:2*blobSize+1]), iotest.ErrReader(errReader)), Size: 5 * blobSize})
			if err == nil {
				t.Errorf("%s: part succeeded", name)
			}
		}
	}
	eachBlob(t, w, func(ref blobref.Ref) { t.Errorf("left behind: %v", ref) })
	if s := w.Stats(); s != (object.Stats{}) {
		t.Errorf("%+v", s)
	}
}

// racer makes the object exist while the body of a conditional put is read.
type racer struct {
	io.Reader
	w    *world
	done bool
}

func (r *racer) Read(p []byte) (int, error) {
	if !r.done {
		r.done = true
		r.w.put("bkt", "key/condition", []byte("first"))
	}
	return r.Reader.Read(p)
}
