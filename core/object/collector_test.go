package object_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
)

// TestCollectorWaitsForReaders: a body that was opened before its version was overwritten is read to its end.
func TestCollectorWaitsForReaders(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	for _, n := range []int{3 * blobSize, 9 * blobSize} { // few pieces, and a manifest
		data := body(n, n)
		w.put("bkt", "key", data)
		res, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "key"})
		must(t, err)
		w.put("bkt", "key", []byte("new"))
		time.Sleep(2 * time.Millisecond)
		if left := w.collect(0); left != n/blobSize {
			t.Errorf("%d blobs while somebody reads %d", left, n/blobSize)
		}
		if got := text(res.Body); got != string(data) {
			t.Errorf("read %d bytes of %d, or other ones", len(got), n)
		}
		if left := w.collect(0); left != 0 {
			t.Errorf("%d blobs left", left)
		}
	}
}

// gatedReader gives the first half, then waits.
type gatedReader struct {
	io.Reader
	half    int
	reached chan struct{}
	goOn    chan struct{}
}

func (g *gatedReader) Read(p []byte) (int, error) {
	if g.half <= 0 && g.reached != nil {
		close(g.reached)
		g.reached = nil
		<-g.goOn
	}
	n, err := g.Reader.Read(p[:min(len(p), 100)])
	g.half -= n
	return n, err
}

// TestCollectorWaitsForWriters: the first pieces of a slow upload belong to nothing yet, and are no orphans.
func TestCollectorWaitsForWriters(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "mp"})
	must(t, err)
	data := body(1, 8*blobSize)
	for _, part := range []bool{false, true} {
		g := &gatedReader{Reader: bytes.NewReader(data), half: len(data) / 2, reached: make(chan struct{}), goOn: make(chan struct{})}
		reached := g.reached
		done := make(chan error)
		go func() {
			var err error
			if part {
				_, err = w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "mp", UploadID: u.UploadID, PartNumber: 1, Body: g, Size: int64(len(data))})
			} else {
				_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "key", Body: g, Size: int64(len(data))})
			}
			done <- err
		}()
		<-reached
		if left := w.collect(0); left == 0 {
			t.Error("the pieces of an upload under way were collected")
		}
		close(g.goOn)
		must(t, <-done)
	}
	w.collect(0)
	w.wantBody("bkt", "key", "", data)
	_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: "mp", UploadID: u.UploadID,
		Parts: []object.CompletePart{{Number: 1, ETag: etagOf(data)}}})
	must(t, err)
	w.collect(0)
	w.wantBody("bkt", "mp", "", data)
}

// TestGraceProtects: what was superseded a moment ago stays for those who are about to read it.
func TestGraceProtects(t *testing.T) {
	w := newWorld(t, smallBlobs, func(c *object.Config) { c.Grace = time.Hour })
	w.bucket("bkt")
	w.put("bkt", "key", body(1, 3*blobSize))
	w.put("bkt", "key", nil)
	entries, err := w.Due(ctx, time.Now(), 10)
	must(t, err)
	if len(entries) != 0 {
		t.Errorf("due at once: %v", entries)
	}
	entries, err = w.Due(ctx, time.Now().Add(2*time.Hour), 10)
	must(t, err)
	if len(entries) != 1 || len(entries[0].Refs) != 3 {
		t.Errorf("due: %v", entries)
	}
	live, err := w.Live(ctx, ownerNote(t, w, entries[0].Refs[0]), entries[0].Refs[0])
	if err != nil || !live {
		t.Errorf("disowned at first sight: %v %v", live, err)
	}
}
