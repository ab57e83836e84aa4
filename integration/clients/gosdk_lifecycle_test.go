package clients

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
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

// TestLifecycleIsLogged has rules do all that they can in buckets that log, and reads the records of it.
func TestLifecycleIsLogged(t *testing.T) {
	s := harness.Start(t, harness.Options{Env: []string{"AUREOLE_LIFECYCLE_DAY=1s"}})
	c, ctx := goClient(t, s), t.Context()
	logs := newBucket(t, c)
	must[*s3.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &logs, Policy: aws.String(
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::` + logs + `/*"}}`)}))
	day := aws.Int32(1)
	past := aws.Time(time.Now().UTC().Truncate(24 * time.Hour))
	rules := &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{
		{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("exp/")}, Expiration: &types.LifecycleExpiration{Days: day},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: day}},
		{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("exp/")}, AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: day}},
	}}
	kinds := map[types.TransitionStorageClass]string{"STANDARD_IA": "TRANSITION_SIA", "ONEZONE_IA": "TRANSITION_ZIA", "INTELLIGENT_TIERING": "TRANSITION_INT",
		"GLACIER_IR": "TRANSITION_GIR", "GLACIER": "TRANSITION", "DEEP_ARCHIVE": "TRANSITION_GDA"}
	for class := range kinds {
		rules.Rules = append(rules.Rules, types.LifecycleRule{Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String(string(class) + "/")},
			Transitions: []types.Transition{{Date: past, StorageClass: class}}})
	}
	plain, versioned := newBucket(t, c), newBucket(t, c)
	must[*s3.PutBucketVersioningOutput](t)(c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &versioned, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))
	var want []string // bucket, operation, key, size, version
	for _, b := range []string{plain, versioned} {
		for class, kind := range kinds {
			version := aws.ToString(put(t, c, b, string(class)+"/1", harness.Bytes(1, 140_000)).VersionId)
			want = append(want, fmt.Sprintf("%s S3.%s.OBJECT %s/1 140000 %s", b, kind, class, cmp.Or(version, "-")))
		}
		version := aws.ToString(put(t, c, b, "exp/ü 1", harness.Bytes(1, 7)).VersionId)
		must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("exp/up")}))
		want = append(want, b+" S3.EXPIRE.OBJECT exp/%C3%BC%201 7 "+cmp.Or(version, "-"), b+" S3.DELETE.UPLOAD exp/up - -")
		must[*s3.PutBucketLoggingOutput](t)(c.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: &b,
			BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{TargetBucket: &logs, TargetPrefix: aws.String("")}}}))
		must[*s3.PutBucketLifecycleConfigurationOutput](t)(c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &b, LifecycleConfiguration: rules}))
	}
	// The object becomes noncurrent behind a delete marker, ends, and then the marker that hides nothing ends as well.
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		l := must[*s3.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &versioned}))
		u := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &versioned}))
		moved := 0
		for _, v := range l.Versions {
			if v.StorageClass != "STANDARD" {
				moved++
			}
		}
		if moved == len(kinds) && len(l.Versions) == moved && len(l.DeleteMarkers) == 0 && len(u.Uploads) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the rules did not end: %+v", l)
		}
	}
	must[struct{}](t)(struct{}{}, s.Stop(ctx)) // which delivers
	must[struct{}](t)(struct{}{}, s.Start())
	line := regexp.MustCompile(`(?m)^[0-9a-f]{64} (\S+) \[\S+ \+0000\] - AmazonS3 [0-9A-F]{16} (S3\.\S+) (\S+) "-" - - - (\S+) - - "-" "-" (\S+) \S+ - - - - - - -$`)
	var got []string
	markers := map[string]string{}
	for _, key := range keys(t, c, logs, "") {
		for _, m := range line.FindAllStringSubmatch(string(get(t, c, logs, key)), -1) {
			if m[2] == "S3.CREATE.DELETEMARKER" {
				markers[m[1]+" S3.EXPIRE.OBJECT "+m[3]+" - "+m[5]] = m[4]
			}
			got = append(got, strings.Join(m[1:], " "))
		}
	}
	if len(markers) != 1 {
		t.Errorf("markers %q", markers)
	}
	for end, size := range markers { // each has a record of its begin and its end
		want = append(want, end, strings.Replace(end, "S3.EXPIRE.OBJECT", "S3.CREATE.DELETEMARKER", 1))
		if size != "-" || strings.HasSuffix(end, " -") || !strings.HasPrefix(end, versioned) {
			t.Errorf("marker %q of size %s", end, size)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
