package clients

import (
	"bytes"
	"context"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// sumSizes are the bytes of each checksum that the SDK makes.
var sumSizes = map[types.ChecksumAlgorithm]int{"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}

// changing returns a client that replaces a header before it signs.
func changing(t *testing.T, s *harness.Server, name, value string) *s3.Client {
	return goClient(t, s, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("changing", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				in.Request.(*smithyhttp.Request).Header.Set(name, value)
				return next.HandleFinalize(ctx, in)
			}), "Signing", middleware.Before)
		})
	})
}

// TestDocumentsAreVerified sends every operation with a body under each checksum: with the right one it is carried out, or refused for what it
// asks; with another one, and with another MD5, it is refused for that, and changes nothing.
func TestDocumentsAreVerified(t *testing.T) {
	s := harness.Start(t, harness.Options{Args: []string{"--default-object-ownership", "ObjectWriter"}})
	c, ctx := goClient(t, s), t.Context()
	asked := 0
	for algorithm, size := range sumSizes {
		b := bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b, ObjectLockEnabledForBucket: aws.Bool(true)}))
		put(t, c, b, "k", []byte("as it was"))
		up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("k"), ChecksumAlgorithm: algorithm}))
		wrongSum := changing(t, s, "x-amz-checksum-"+strings.ToLower(string(algorithm)), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xA5}, size)))
		wrongMD5 := changing(t, s, "Content-MD5", base64.StdEncoding.EncodeToString(make([]byte, 16)))
		ops := append(operations(b+"/k", *up.UploadId), &s3.DeleteObjectsInput{Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k")}}}})
		for _, in := range ops {
			name := nameOf(in)
			if name == "CopyObject" || name == "CreateMultipartUpload" || name == "PutBucketNotificationConfiguration" {
				continue // whose algorithm is about the object, not about a body; or which have no such field
			}
			f := reflect.ValueOf(in).Elem().FieldByName("ChecksumAlgorithm")
			if !f.IsValid() {
				continue
			}
			asked++
			f.SetString(string(algorithm))
			set(in, "Bucket", b)
			set(in, "Key", "k")
			if code, status := call(ctx, wrongSum, in); code != "BadDigest" || status != 400 {
				t.Errorf("%s with a wrong %s: %d %s", name, algorithm, status, code)
			}
			if code, status := call(ctx, wrongMD5, in); code != "BadDigest" || status != 400 {
				t.Errorf("%s with a wrong MD5 beside %s: %d %s", name, algorithm, status, code)
			}
			// Some are refused for what they ask: no access, no destination, nothing to restore.
			if code, status := call(ctx, c, in); status >= 500 || slices.Contains([]string{"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "SignatureDoesNotMatch", "MalformedXML"}, code) {
				t.Errorf("%s with the right %s: %d %s", name, algorithm, status, code)
			}
		}
	}
	if asked < 5*23 {
		t.Errorf("only %d were asked", asked)
	}
}
