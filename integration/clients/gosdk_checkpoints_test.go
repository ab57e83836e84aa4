package clients

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestCheckpoints is how backup programs for virtual machines (Veeam and its like) keep immutable copies: the bucket is checked first,
// blocks and a checkpoint that names them are written under a lock, each later run extends the locks of what it still needs, and what
// no checkpoint needs any more is deleted by version once its lock has ended, and not before.
func TestCheckpoints(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		c, ctx := goClient(t, s), t.Context()
		b := bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b, ObjectLockEnabledForBucket: aws.Bool(true)}))
		if v := must[*s3.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b})); v.Status != "Enabled" {
			t.Fatalf("versioning is %q", v.Status)
		}
		if l := must[*s3.GetObjectLockConfigurationOutput](t)(c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b})).ObjectLockConfiguration; l.ObjectLockEnabled != "Enabled" || l.Rule != nil {
			t.Fatalf("the lock is %+v", l)
		}
		// until is a while from now, as dates of locks are: in whole seconds.
		until := func(d time.Duration) *time.Time {
			return aws.Time(time.Now().Add(d + time.Second).UTC().Truncate(time.Second))
		}
		write := func(key string, data []byte, end *time.Time) types.ObjectIdentifier {
			t.Helper()
			sum := md5.Sum(data)
			out := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(data), ContentMD5: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
				ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: end}))
			return types.ObjectIdentifier{Key: &key, VersionId: out.VersionId}
		}
		// drop deletes versions, and says how many are gone; every other one has to be refused for its lock.
		drop := func(versions ...types.ObjectIdentifier) int {
			t.Helper()
			out := must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: versions}}))
			for _, e := range out.Errors {
				if aws.ToString(e.Code) != "AccessDenied" || aws.ToString(e.VersionId) == "" {
					t.Errorf("delete of %s: %s", aws.ToString(e.Key), aws.ToString(e.Code))
				}
			}
			if len(out.Deleted)+len(out.Errors) != len(versions) {
				t.Errorf("%d deleted and %d refused of %d", len(out.Deleted), len(out.Errors), len(versions))
			}
			return len(out.Deleted)
		}

		short := until(6 * time.Second) // all that is locked until then has to be written before
		var blocks []types.ObjectIdentifier
		for i := range 6 {
			blocks = append(blocks, write(fmt.Sprintf("blocks/%d", i), harness.Bytes(uint64(i), 100_000), short))
		}
		first := write("checkpoints/1", []byte("0 1 2 3 4 5"), short)
		// The second run needs half of them.
		for _, block := range blocks[3:] {
			must[*s3.PutObjectRetentionOutput](t)(c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b, Key: block.Key, VersionId: block.VersionId,
				Retention: &types.ObjectLockRetention{Mode: "COMPLIANCE", RetainUntilDate: until(time.Hour)}}))
			_, err := c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b, Key: block.Key, VersionId: block.VersionId, BypassGovernanceRetention: aws.Bool(true),
				Retention: &types.ObjectLockRetention{Mode: "COMPLIANCE", RetainUntilDate: until(time.Minute)}})
			wantCode(t, err, "AccessDenied", 403)
		}
		write("checkpoints/2", []byte("3 4 5"), until(time.Hour))
		if time.Now().Before(*short) {
			if n := drop(append(blocks, first)...); n != 0 && time.Now().Before(*short) {
				t.Errorf("%d versions went before their time", n)
			}
		}
		time.Sleep(time.Until(*short) + 100*time.Millisecond)
		if n := drop(append(blocks, first)...); n > 4 {
			t.Errorf("%d versions went, 4 were to", n)
		}
		for i, block := range blocks {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: block.Key, VersionId: block.VersionId})
			if i < 3 {
				wantCode(t, err, "NotFound", 404)
			} else if err != nil {
				t.Errorf("block %d: %v", i, err)
			}
		}
		_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: first.Key, VersionId: first.VersionId})
		wantCode(t, err, "NotFound", 404)
	})
}
