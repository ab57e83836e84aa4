package s3api_test

import (
	"context"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestRenameObject(t *testing.T) {
	f := start(t)
	c, b := f.client(), f.bucket("bkt")
	ctx := context.Background()
	put := func(key, body string) *s3.PutObjectOutput {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{"m": "1"}})
		must(t, err)
		return out
	}
	a := put("dir/ä + b", "one")
	put("c", "two")
	// SDKs take the source as the service wants it: encoded, with or without the bucket.
	for i, source := range []string{"dir/ä + b", "bkt/d0", "/bkt/d1"} {
		_, err := c.RenameObject(ctx, &s3.RenameObjectInput{Bucket: &b, Key: aws.String("d" + string(rune('0'+i))),
			RenameSource: aws.String(strings.ReplaceAll(url.QueryEscape(source), "+", "%20")), SourceIfMatch: a.ETag})
		must(t, err)
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: aws.String("d2")})
	must(t, err)
	if body, _ := io.ReadAll(got.Body); string(body) != "one" || *got.ETag != *a.ETag || got.Metadata["m"] != "1" {
		t.Errorf("renamed = %q, %+v", body, got)
	}
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("dir/ä + b")})
	wantAPI(t, err, "NotFound")
	rename := func(in s3.RenameObjectInput) error {
		in.Bucket = &b
		if in.RenameSource == nil {
			in.RenameSource = aws.String("d2")
		}
		_, err := c.RenameObject(ctx, &in)
		return err
	}
	wantAPI(t, rename(s3.RenameObjectInput{Key: aws.String("c"), DestinationIfNoneMatch: aws.String("*")}), "PreconditionFailed")
	wantAPI(t, rename(s3.RenameObjectInput{Key: aws.String("x"), SourceIfMatch: aws.String("other")}), "PreconditionFailed")
	if a := f.do("PUT", "/"+b+"/x?renameObject", "", "x-amz-rename-source: d2", "x-amz-rename-source-if-match: other"); !strings.Contains(a.body, "<Condition>x-amz-rename-source-If-Match</Condition>") {
		t.Errorf("a source that is another: %d %s", a.status, a.body)
	}
	wantAPI(t, rename(s3.RenameObjectInput{Key: aws.String("d2")}), "InvalidRequest")
	wantAPI(t, rename(s3.RenameObjectInput{Key: aws.String("x"), RenameSource: aws.String("none")}), "NoSuchKey")
	must(t, rename(s3.RenameObjectInput{Key: aws.String("c"), ClientToken: aws.String("t1")}))
	must(t, rename(s3.RenameObjectInput{Key: aws.String("c"), ClientToken: aws.String("t1")}))
	wantAPI(t, rename(s3.RenameObjectInput{Key: aws.String("c"), RenameSource: aws.String("y"), ClientToken: aws.String("t1")}), "IdempotencyParameterMismatch")
	stranger, _ := f.stranger("eve")
	_, err = stranger.RenameObject(ctx, &s3.RenameObjectInput{Bucket: &b, Key: aws.String("x"), RenameSource: aws.String("c")})
	wantAPI(t, err, "AccessDenied")
}
