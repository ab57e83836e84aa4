package clients

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestLifecycleRuns lets days of two seconds pass over buckets with and without versions, with a crash on the first of them, and looks
// at what is left.
func TestLifecycleRuns(t *testing.T) {
	s := harness.Start(t, harness.Options{Env: []string{"AUREOLE_LIFECYCLE_DAY=2s"}})
	c, ctx := goClient(t, s), t.Context()
	locked := bucketName(t)
	must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &locked, ObjectLockEnabledForBucket: aws.Bool(true)}))
	plain := newBucket(t, c)
	day := aws.Int32(1)
	expire := &types.LifecycleExpiration{Days: day}
	under := func(prefix string) *types.LifecycleRuleFilter {
		return &types.LifecycleRuleFilter{Prefix: &prefix}
	}
	tagged := &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: aws.String("tag/"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}}
	large := &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: aws.String("size/"), ObjectSizeGreaterThan: aws.Int64(1000)}}
	rules := &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{
		{Status: "Enabled", Filter: under("exp/"), Expiration: expire}, {Status: "Disabled", Filter: under("off/"), Expiration: expire},
		{Status: "Enabled", Filter: tagged, Expiration: expire}, {Status: "Enabled", Filter: large, Expiration: expire},
		{Status: "Enabled", Filter: under("old/"), NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: day}},
		{Status: "Enabled", Filter: under("mark/"), Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}},
		{Status: "Enabled", Filter: under("up/"), AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: day}},
		{Status: "Enabled", Filter: under("cold/"), Transitions: []types.Transition{{Days: day, StorageClass: "GLACIER"}}},
	}}
	for _, b := range []string{plain, locked} {
		for key, size := range map[string]int{"exp/1": 10, "exp/2/ü +": 10, "off/1": 10, "stays": 10, "tag/yes": 10, "tag/no": 10, "size/large": 1001, "size/small": 1000, "cold/1": 200_000, "cold/small": 10, "old/1": 10, "mark/1": 1} {
			in := &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(harness.Bytes(1, size))}
			if key == "tag/yes" {
				in.Tagging = aws.String("a=b&c=d")
			}
			must[*s3.PutObjectOutput](t)(c.PutObject(ctx, in))
		}
		for _, key := range []string{"up/1", "left/1"} {
			must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key}))
		}
	}
	// With versions: one that is replaced, one that is replaced and locked, and a marker that is all that is left of a key.
	put(t, c, locked, "old/1", []byte("new"))
	must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &locked, Key: aws.String("old/locked"), Body: bytes.NewReader(harness.Bytes(1, 5)),
		ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: aws.Time(time.Now().Add(time.Hour))}))
	put(t, c, locked, "old/locked", []byte("new"))
	made := must[*s3.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &locked, Prefix: aws.String("mark/")}))
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &locked, Key: aws.String("mark/1")}))
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &locked, Key: aws.String("mark/1"), VersionId: made.Versions[0].VersionId}))
	for _, b := range []string{plain, locked} {
		must[*s3.PutBucketLifecycleConfigurationOutput](t)(c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &b, LifecycleConfiguration: rules}))
	}
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}

	// state is what is left of a bucket, one line for each version, marker and upload.
	state := func(b string) (lines []string) {
		t.Helper()
		l := must[*s3.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &b}))
		for _, v := range l.Versions {
			line := fmt.Sprint(*v.Key, " ", *v.Size)
			if !*v.IsLatest {
				line += " noncurrent"
			}
			if v.StorageClass != "STANDARD" {
				line += " " + string(v.StorageClass)
			}
			lines = append(lines, line)
		}
		for _, m := range l.DeleteMarkers {
			lines = append(lines, *m.Key+" marker")
		}
		u := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b}))
		for _, up := range u.Uploads {
			lines = append(lines, *up.Key+" upload")
		}
		slices.Sort(lines)
		return lines
	}
	for b, want := range map[string][]string{
		plain: {"cold/1 200000 GLACIER", "cold/small 10", "left/1 upload", "mark/1 1", "off/1 10", "old/1 10", "size/small 1000", "stays 10", "tag/no 10"},
		locked: {"cold/1 200000 GLACIER", "cold/small 10", "exp/1 10 noncurrent", "exp/1 marker", "exp/2/ü + 10 noncurrent", "exp/2/ü + marker", "left/1 upload", "off/1 10",
			"old/1 3", "old/locked 3", "old/locked 5 noncurrent", "size/large 1001 noncurrent", "size/large marker", "size/small 1000", "stays 10", "tag/no 10",
			"tag/yes 10 noncurrent", "tag/yes marker"},
	} {
		got := state(b)
		for deadline := time.Now().Add(40 * time.Second); !slices.Equal(got, want) && time.Now().Before(deadline); got = state(b) {
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(2 * time.Second) // another day changes nothing
		if got = state(b); !slices.Equal(got, want) {
			t.Errorf("%s has\n%q, want\n%q", b, got, want)
		}
	}
	_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &plain, Key: aws.String("cold/1")})
	wantCode(t, err, "InvalidObjectState", 403)
}
