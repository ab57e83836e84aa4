package clients

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func TestGoSDKQuota(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)
	put := func(key string, size int) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(harness.Bytes(1, size))})
		return err
	}
	must[string](t)(s.CLI("admin", "quota", "set", "--bucket", b, "--bytes", "100KiB"))
	if err := put("a", 90_000); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put("b", 20_000), "QuotaExceeded", 403)
	absent(t, c, b, "b")
	_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("b"), CopySource: aws.String(b + "/a")})
	wantCode(t, err, "QuotaExceeded", 403)
	up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("m")}))
	_, err = c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: aws.String("m"), UploadId: up.UploadId, PartNumber: aws.Int32(1),
		Body: bytes.NewReader(harness.Bytes(1, 20_000))})
	wantCode(t, err, "QuotaExceeded", 403)

	var q struct{ MaxBytes, UsedBytes, UsedObjects int64 }
	if err := json.Unmarshal([]byte(must[string](t)(s.CLI("admin", "quota", "get", "--bucket", b))), &q); err != nil || q.MaxBytes != 100<<10 || q.UsedBytes != 90_000 {
		t.Errorf("quota = %+v, %v", q, err)
	}
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("a")}))
	if err := put("b", 100<<10); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]string{{"set", "--bytes", "1"}, {"set", "--bucket", b, "--bytes", "x"}, {"set", "--bucket", "none-such"}, {"set", "--account", "1", "--bytes", "1"}} {
		if out, err := s.CLI(append([]string{"admin", "quota"}, bad...)...); err == nil {
			t.Errorf("quota %v: %s", bad, out)
		}
	}
	must[string](t)(s.CLI("admin", "quota", "set", "--bucket", b))
	if err := put("c", 1); err != nil {
		t.Error(err)
	}
}
