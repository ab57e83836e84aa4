package object_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/object"
)

// The replica of what was uploaded in parts has the same parts, ETag and checksum, whatever the encryption at either end, and its blobs
// are nobody's garbage once it is noncurrent.
func TestReplicationOfUploads(t *testing.T) {
	f := &far{}
	w := newWorld(t, func(c *object.Config) { c.Replicator, c.Workers, c.MinPartSize = f, true, 1 })
	w.versioned("src")
	for _, b := range []string{"plain", "sealed", "keyed"} {
		w.versioned(b)
	}
	must(t, w.PutBucketEncryption(ctx, alice, "sealed", object.BucketEncryption{Method: object.EncryptS3}))
	must(t, w.PutBucketEncryption(ctx, alice, "keyed", object.BucketEncryption{Method: object.EncryptKMS}))
	w.replicate(object.ReplicationRule{Bucket: "arn:aws:s3:::plain"}, object.ReplicationRule{Bucket: "arn:aws:s3:::sealed"}, object.ReplicationRule{Bucket: "arn:aws:s3:::keyed"})

	parts := map[int][]byte{1: body(1, 300<<10), 2: body(2, 70), 7: body(3, 100<<10), 9: {}}
	numbers := []int{1, 2, 7, 9}
	var whole []byte
	for _, n := range numbers {
		whole = append(whole, parts[n]...)
	}
	for _, c := range []struct {
		name      string
		algorithm checksum.Algorithm
		typ       checksum.Type
		enc       object.Encryption
	}{
		{"default", checksum.None, checksum.NoType, object.Encryption{}},
		{"composite", checksum.SHA256, checksum.Composite, object.Encryption{}},
		{"full", checksum.CRC32C, checksum.FullObject, object.Encryption{Method: object.EncryptS3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var versions []string
			var head *object.GetResult
			for range 2 { // so that one is noncurrent
				u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "src", Key: c.name, ChecksumAlgorithm: c.algorithm, ChecksumType: c.typ, Encryption: c.enc})
				must(t, err)
				var list []object.CompletePart
				for _, n := range numbers {
					in := &object.PartInput{Bucket: "src", Key: c.name, UploadID: u.UploadID, PartNumber: n, Body: bytes.NewReader(parts[n]), Size: int64(len(parts[n]))}
					p, err := w.UploadPart(ctx, alice, in)
					must(t, err)
					list = append(list, object.CompletePart{Number: n, ETag: p.ETag, Checksums: p.Checksums})
				}
				made, err := w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "src", Key: c.name, UploadID: u.UploadID, Parts: list})
				must(t, err)
				versions = append(versions, made.VersionID)
				head = w.status(c.name, object.ReplicationCompleted)
			}
			w.collect(time.Hour)
			for _, dst := range []string{"plain", "sealed", "keyed"} {
				for _, v := range versions {
					got := w.wantBody(dst, c.name, v, whole)
					if got.Replication != object.ReplicationReplica || got.PartsCount != head.PartsCount || (got.ETag == head.ETag) == (dst == "keyed" && c.enc.Method == object.EncryptNone) {
						t.Errorf("%s: %+v, the original %+v", dst, got.Info, head.Info)
					}
					if len(got.Checksums) != len(head.Checksums) || len(got.Checksums) > 0 && got.Checksums[0] != head.Checksums[0] {
						t.Errorf("%s: checksums %v, want %v", dst, got.Checksums, head.Checksums)
					}
					part, err := w.Get(ctx, alice, &object.GetInput{Bucket: dst, Key: c.name, VersionID: v, PartNumber: 7})
					must(t, err)
					data, err := io.ReadAll(part.Body)
					must(t, errors.Join(err, part.Body.Close()))
					if !bytes.Equal(data, parts[7]) {
						t.Errorf("%s: part 7 has %d bytes, or other ones", dst, len(data))
					}
				}
			}
		})
	}
}
