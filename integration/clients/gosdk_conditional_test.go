package clients

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func TestGoSDKConditions(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)

	t.Run("read", func(t *testing.T) {
		key := "read"
		etag := put(t, c, b, key, []byte("v1")).ETag
		other := aws.String(`"00000000000000000000000000000000"`)
		modified := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key})).LastModified
		past, future := aws.Time(time.Now().Add(-time.Hour)), aws.Time(time.Now().Add(time.Hour))
		for _, tc := range []struct {
			name   string
			in     s3.GetObjectInput
			code   string
			status int
		}{
			{"If-Match same", s3.GetObjectInput{IfMatch: etag}, "", 200},
			{"If-Match bare", s3.GetObjectInput{IfMatch: aws.String(strings.Trim(*etag, `"`))}, "", 200},
			{"If-Match star", s3.GetObjectInput{IfMatch: aws.String("*")}, "", 200},
			{"If-Match other", s3.GetObjectInput{IfMatch: other}, "PreconditionFailed", 412},
			{"If-None-Match same", s3.GetObjectInput{IfNoneMatch: etag}, "NotModified", 304},
			{"If-None-Match other", s3.GetObjectInput{IfNoneMatch: other}, "", 200},
			{"If-Modified-Since past", s3.GetObjectInput{IfModifiedSince: past}, "", 200},
			{"If-Modified-Since then", s3.GetObjectInput{IfModifiedSince: modified}, "NotModified", 304},
			{"If-Unmodified-Since past", s3.GetObjectInput{IfUnmodifiedSince: past}, "PreconditionFailed", 412},
			{"If-Unmodified-Since future", s3.GetObjectInput{IfUnmodifiedSince: future}, "", 200},
			{"If-Match beats If-Unmodified-Since", s3.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: past}, "", 200},
			{"If-None-Match beats If-Modified-Since", s3.GetObjectInput{IfNoneMatch: etag, IfModifiedSince: past}, "NotModified", 304},
		} {
			t.Run(tc.name, func(t *testing.T) {
				in := tc.in
				in.Bucket, in.Key = &b, &key
				out, err := c.GetObject(ctx, &in)
				if tc.code != "" {
					wantCode(t, err, tc.code, tc.status)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "body", readAll(t, out.Body), []byte("v1"))
			})
		}
	})

	t.Run("put", func(t *testing.T) {
		key := "put"
		do := func(body string, set func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
			in := &s3.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader(body)}
			set(in)
			return c.PutObject(ctx, in)
		}
		_, err := do("x", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(`"abc"`) })
		wantCode(t, err, "NoSuchKey", 404)
		first := must[*s3.PutObjectOutput](t)(do("v1", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }))
		_, err = do("v2", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
		wantCode(t, err, "PreconditionFailed", 412)
		_, err = do("v2", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(`"00000000000000000000000000000000"`) })
		wantCode(t, err, "PreconditionFailed", 412)
		wantBytes(t, "after refused puts", get(t, c, b, key), []byte("v1"))
		second := must[*s3.PutObjectOutput](t)(do("v2", func(in *s3.PutObjectInput) { in.IfMatch = first.ETag }))
		must[*s3.PutObjectOutput](t)(do("v3", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(strings.Trim(*second.ETag, `"`)) }))
		wantBytes(t, "after If-Match", get(t, c, b, key), []byte("v3"))
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key}))
		must[*s3.PutObjectOutput](t)(do("v4", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }))
	})

	t.Run("delete", func(t *testing.T) {
		key := "delete"
		etag := put(t, c, b, key, []byte("v")).ETag
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key, IfMatch: aws.String(`"00000000000000000000000000000000"`)})
		wantCode(t, err, "PreconditionFailed", 412)
		get(t, c, b, key)
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key, IfMatch: etag}))
		absent(t, c, b, key)

		put(t, c, b, "d1", []byte("1"))
		e2 := put(t, c, b, "d2", []byte("2")).ETag
		out := must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
			{Key: aws.String("d1"), ETag: aws.String(`"00000000000000000000000000000000"`)}, {Key: aws.String("d2"), ETag: e2}}}}))
		if len(out.Errors) != 1 || aws.ToString(out.Errors[0].Code) != "PreconditionFailed" || len(out.Deleted) != 1 {
			t.Errorf("DeleteObjects with ETags: deleted %v errors %v", out.Deleted, out.Errors)
		}
		get(t, c, b, "d1")
		absent(t, c, b, "d2")
	})

	t.Run("copy", func(t *testing.T) {
		etag := put(t, c, b, "csrc", []byte("v")).ETag
		from := aws.String(b + "/csrc")
		_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cdst"), CopySource: from, CopySourceIfNoneMatch: etag})
		wantCode(t, err, "PreconditionFailed", 412)
		_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cdst"), CopySource: from, CopySourceIfMatch: aws.String(`"0"`)})
		wantCode(t, err, "PreconditionFailed", 412)
		_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cdst"), CopySource: from, CopySourceIfUnmodifiedSince: aws.Time(time.Now().Add(-time.Hour))})
		wantCode(t, err, "PreconditionFailed", 412)
		absent(t, c, b, "cdst")
		must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cdst"), CopySource: from, CopySourceIfMatch: etag, IfNoneMatch: aws.String("*")}))
		_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cdst"), CopySource: from, IfNoneMatch: aws.String("*")})
		wantCode(t, err, "PreconditionFailed", 412)
	})

	t.Run("complete", func(t *testing.T) {
		key := "complete"
		complete := func(set func(*s3.CompleteMultipartUploadInput)) error {
			up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key}))
			part := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")}))
			in := &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
				Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}
			set(in)
			_, err := c.CompleteMultipartUpload(ctx, in)
			return err
		}
		wantCode(t, complete(func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(`"0"`) }), "NoSuchKey", 404)
		if err := complete(func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }); err != nil {
			t.Fatal(err)
		}
		wantCode(t, complete(func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed", 412)
		wantCode(t, complete(func(in *s3.CompleteMultipartUploadInput) { in.IfMatch = aws.String(`"0"`) }), "PreconditionFailed", 412)
	})

	// The promise that locks are built on: of many who create a key, exactly one succeeds.
	t.Run("one winner", func(t *testing.T) {
		for round := range 10 {
			key := fmt.Sprint("lock/", round)
			var mu sync.Mutex
			var winners []string
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					body := fmt.Sprint("owner ", i)
					_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader([]byte(body)), IfNoneMatch: aws.String("*")})
					if err == nil {
						mu.Lock()
						winners = append(winners, body)
						mu.Unlock()
					} else if !strings.Contains(err.Error(), "PreconditionFailed") && !strings.Contains(err.Error(), "ConditionalRequestConflict") {
						t.Errorf("loser got %v", err)
					}
				})
			}
			wg.Wait()
			if len(winners) != 1 {
				t.Fatalf("round %d: winners %q, want exactly one", round, winners)
			}
			wantBytes(t, key, get(t, c, b, key), []byte(winners[0]))
		}
	})
}
