package s3api_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/s3api"
)

// With no patience every completion and copy is answered by white space first; clients find the result, or the error, in
// the body.
func TestSlowAnswers(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.Limits.Patience, c.Limits.Heartbeat = 1, time.Millisecond })
	c := f.client()
	ctx := context.Background()
	bucket, key := f.bucket("slow"), aws.String("k")
	for range 20 {
		up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: key})
		must(t, err)
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")})
		must(t, err)
		done := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}
		bad := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(2), ETag: part.ETag}}}
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, MultipartUpload: bad})
		if errorCode(err) != "InvalidPart" {
			t.Errorf("wrong part: %v", err)
		}
		res, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, MultipartUpload: done})
		must(t, err)
		if !strings.HasSuffix(aws.ToString(res.ETag), `-1"`) {
			t.Errorf("completed: %+v", res)
		}
		cp, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("copy"), CopySource: aws.String("slow/k")})
		must(t, err)
		if cp.CopyObjectResult == nil || aws.ToString(cp.CopyObjectResult.ETag) == "" {
			t.Errorf("copied: %+v", cp)
		}
	}
	// The client leaves while the answer is being made.
	for range 5 {
		conn := f.dial()
		r := newRequest("PUT", "/slow/copy2", "", "x-amz-copy-source: slow/k")
		r.sign(f.addr, testKeyID, testSecret)
		_, err := io.WriteString(conn, r.wire())
		must(t, err)
		conn.Close()
	}
}

// Shutdown waits for requests under way and refuses new ones.
func TestShutdownDrains(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	body := string(randomBytes(3, 300_000))
	r := newRequest("PUT", "/bkt/late", body)
	r.sign(f.addr, testKeyID, testSecret)
	wire := r.wire()
	c := f.dial()
	_, err := io.WriteString(c, wire[:len(wire)-1000])
	must(t, err)
	time.Sleep(50 * time.Millisecond)
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		check(t, f.server.Shutdown(ctx))
	})
	time.Sleep(50 * time.Millisecond)
	if nc, err := net.Dial("tcp", f.addr); err == nil {
		nc.Close()
		t.Error("a new connection was accepted during the shutdown")
	}
	_, err = io.WriteString(c, wire[len(wire)-1000:])
	must(t, err)
	if a := c.read("PUT"); a.status != 200 || !a.close {
		t.Errorf("the request under way: %d %s close=%t", a.status, a.body, a.close)
	}
	wg.Wait()
	if _, err := c.br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the shutdown: %v", err)
	}
}
