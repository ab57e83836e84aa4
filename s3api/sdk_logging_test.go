package s3api_test

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/s3api"
)

// logsOf waits for lines delivered under a prefix.
func (f *fixture) logsOf(bucket, prefix string, least int) (keys, lines []string) {
	f.t.Helper()
	c := f.client()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		keys, lines = nil, nil
		l, err := c.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		must(f.t, err)
		for _, o := range l.Contents {
			g, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
			must(f.t, err)
			data, err := io.ReadAll(g.Body)
			must(f.t, err)
			must(f.t, g.Body.Close())
			keys = append(keys, *o.Key)
			lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
		}
		if len(lines) >= least {
			return keys, lines
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%d records under %s: %q", len(lines), prefix, lines)
		}
	}
}

var logLine = regexp.MustCompile(`^[0-9a-f]{64} src \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] 127\.0\.0\.1 (\S+) [0-9A-F]{16} (\S+) (\S+) "([^"]*)" (\d+) (\S+) (\S+) (\S+) \d+ - "([^"]*)" "([^"]*)" (\S+) \S+ (\S+) - (\S+) \S+ - - -$`)

func TestSDKBucketLogging(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.LogInterval = 30 * time.Millisecond })
	c := f.client()
	ctx := context.Background()
	src, dst := aws.String(f.bucket("src")), aws.String(f.bucket("dst"))
	if l, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: src}); err != nil || l.LoggingEnabled != nil {
		t.Errorf("%+v %v", l, err)
	}
	enable := func(format *types.TargetObjectKeyFormat) error {
		_, err := c.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: src, BucketLoggingStatus: &types.BucketLoggingStatus{
			LoggingEnabled: &types.LoggingEnabled{TargetBucket: dst, TargetPrefix: aws.String("log/"), TargetObjectKeyFormat: format}}})
		return err
	}
	must(t, enable(nil))
	l, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: src})
	must(t, err)
	if e := l.LoggingEnabled; e == nil || aws.ToString(e.TargetBucket) != "dst" || aws.ToString(e.TargetPrefix) != "log/" || e.TargetObjectKeyFormat != nil {
		t.Errorf("%+v", e)
	}
	// Nothing is delivered where nobody allowed it.
	f.do("PUT", "/src/lost", "x")
	time.Sleep(100 * time.Millisecond)
	f.putPolicy("dst", `{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::dst/log/*",
		"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::src"},"StringEquals":{"aws:SourceAccount":"`+testAccount+`"}}}`)
	f.do("PUT", "/src/a%20b", "hello", "User-Agent: test \"quoted\"", "Referer: http://from.example/")
	f.do("GET", "/src/a%20b?versionId=null", "")
	f.anonymous("GET", "/src/a%20b?X=1&Signature=secret", "")
	f.do("GET", "/src?list-type=2", "")
	f.do("DELETE", "/src/a%20b", "")
	keys, lines := f.logsOf("dst", "log/", 5)
	for _, k := range keys {
		if !regexp.MustCompile(`^log/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$`).MatchString(k) {
			t.Errorf("key %s", k)
		}
	}
	var got []string
	for _, line := range lines {
		m := logLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("record %q", line)
			continue
		}
		got = append(got, strings.Join(m[2:8], " "))
		switch {
		case m[2] == "REST.PUT.OBJECT" && (m[9] != "5" && m[8] != "5" || m[10] != "http://from.example/" && m[9] != "http://from.example/"):
			t.Errorf("%q", m)
		case strings.Contains(line, "secret"), strings.Contains(line, `"quoted"`):
			t.Errorf("record %q", line)
		}
	}
	wantLogs := []string{
		"REST.PUT.OBJECT a%20b PUT /src/a%20b HTTP/1.1 200 - -",
		"REST.GET.OBJECT a%20b GET /src/a%20b?versionId=null HTTP/1.1 200 - 5",
		"REST.GET.OBJECT a%20b GET /src/a%20b?X=1&Signature=REDACTED HTTP/1.1 403 AccessDenied",
		"REST.GET.BUCKET - GET /src?list-type=2 HTTP/1.1 200 -",
		"REST.DELETE.OBJECT a%20b DELETE /src/a%20b HTTP/1.1 204 - -",
	}
	for _, w := range wantLogs { // their order over several objects is not that of the objects' names
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			t.Errorf("%q lacks %q", got, w)
		}
	}

	must(t, enable(&types.TargetObjectKeyFormat{PartitionedPrefix: &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSourceEventTime}}))
	f.do("PUT", "/src/k", "x")
	day := time.Now().UTC()
	f.logsOf("dst", "log/"+testAccount+"/us-east-1/src/"+day.Format("2006/01/02")+"/"+day.Format("2006-01-02"), 1)
	_, err = c.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: src, BucketLoggingStatus: &types.BucketLoggingStatus{}})
	must(t, err)
	if l, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: src}); err != nil || l.LoggingEnabled != nil {
		t.Errorf("%+v %v", l, err)
	}
}

func TestBucketLoggingErrors(t *testing.T) {
	f := start(t)
	f.bucket("src")
	f.bucket("dst")
	if a := f.do("PUT", "/far", "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"); a.status != 200 {
		t.Logf("no bucket of another region: %d %s", a.status, a.body)
	}
	other, _ := f.stranger("logger")
	_, err := other.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("theirs")})
	must(t, err)
	status := func(s string) string {
		return "<BucketLoggingStatus><LoggingEnabled>" + s + "</LoggingEnabled></BucketLoggingStatus>"
	}
	const prefix = "<TargetPrefix></TargetPrefix>"
	for name, c := range map[string]struct {
		target, body string
		status       int
		code         string
	}{
		"no target":   {"/src", status("<TargetBucket>nothing-there</TargetBucket>" + prefix), 400, "InvalidTargetBucketForLogging"},
		"theirs":      {"/src", status("<TargetBucket>theirs</TargetBucket>" + prefix), 400, "InvalidTargetBucketForLogging"},
		"no prefix":   {"/src", status("<TargetBucket>dst</TargetBucket>"), 400, "MalformedXML"},
		"no bucket":   {"/src", status(prefix), 400, "MalformedXML"},
		"format":      {"/src", status("<TargetBucket>dst</TargetBucket>" + prefix + "<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>x</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>"), 400, "MalformedXML"},
		"grants":      {"/src", status("<TargetBucket>dst</TargetBucket>" + prefix + "<TargetGrants><Grant><Grantee><ID>" + strings.Repeat("a", 64) + "</ID></Grantee><Permission>READ</Permission></Grant></TargetGrants>"), 400, "InvalidArgument"},
		"nowhere":     {"/nobody", status("<TargetBucket>dst</TargetBucket>" + prefix), 404, "NoSuchBucket"},
		"not theirs":  {"/theirs", status("<TargetBucket>theirs</TargetBucket>" + prefix), 403, "AccessDenied"},
		"into itself": {"/src", status("<TargetBucket>src</TargetBucket>" + prefix), 200, ""},
	} {
		if a := f.do("PUT", c.target+"?logging", c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// A DeleteObjects has a record of its own and one for each key, as at Amazon.
func TestSDKBucketLoggingBatchDelete(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.LogInterval = 30 * time.Millisecond })
	c := f.client()
	ctx := context.Background()
	f.bucket("src")
	f.bucket("dst")
	f.putPolicy("dst", `{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::dst/*"}`)
	f.putPolicy("src", `{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::src/kept"}`)
	f.do("PUT", "/src/kept", "x")
	f.do("PUT", "/src/a%20b", "x")
	_, err := c.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: aws.String("src"), BucketLoggingStatus: &types.BucketLoggingStatus{
		LoggingEnabled: &types.LoggingEnabled{TargetBucket: aws.String("dst"), TargetPrefix: aws.String("")}}})
	must(t, err)
	_, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("src"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a b")}, {Key: aws.String("kept")}, {Key: aws.String("never"), VersionId: aws.String("null")}}}})
	must(t, err)
	_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String("src")})
	must(t, err)
	_, lines := f.logsOf("dst", "", 6)
	for _, want := range []string{
		` REST\.PUT\.LOGGING_STATUS - "PUT /src\?logging=? HTTP/1\.1" 200 - `,
		` REST\.DELETE\.BUCKETPOLICY - "DELETE /src\?policy=? HTTP/1\.1" 204 - `, // what changes a bucket is recorded, too
		` BATCH\.DELETE\.OBJECT a%20b - 204 - - - - - - - - \S+ SigV4 - AuthHeader \S+ - - -$`,
		` BATCH\.DELETE\.OBJECT kept - 403 AccessDenied - - - - - - - \S+ SigV4 - AuthHeader \S+ - - -$`,
		` BATCH\.DELETE\.OBJECT never - 204 - - - - - - - null \S+ SigV4 - AuthHeader \S+ - - -$`,
		` REST\.POST\.MULTI_OBJECT_DELETE - "POST /src\?delete=? HTTP/1\.1" 200 - `,
	} {
		if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
			t.Errorf("no record %s in %q", want, lines)
		}
	}
}

// The log of the bucket that a copy reads has a record of that, whether the bucket that it writes to has a log or not.
func TestBucketLoggingOfCopies(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.LogInterval = 30 * time.Millisecond })
	for _, b := range []string{"src", "dst", "other"} {
		f.bucket(b)
	}
	f.putPolicy("dst", `{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::dst/*"}`)
	f.do("PUT", "/src/a%20b", "hello")
	_, err := f.client().PutBucketLogging(context.Background(), &s3.PutBucketLoggingInput{Bucket: aws.String("src"), BucketLoggingStatus: &types.BucketLoggingStatus{
		LoggingEnabled: &types.LoggingEnabled{TargetBucket: aws.String("dst"), TargetPrefix: aws.String("")}}})
	must(t, err)
	f.do("PUT", "/src/refused", "", "x-amz-copy-source: /other/none")
	f.do("PUT", "/other/copy", "", "x-amz-copy-source: /src/a%20b")
	f.do("PUT", "/src/copy", "", "x-amz-copy-source: /src/a%20b?versionId=null")
	up, err := f.client().CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: aws.String("other"), Key: aws.String("parts")})
	must(t, err)
	f.do("PUT", "/other/parts?partNumber=1&uploadId="+*up.UploadId, "", "x-amz-copy-source: /src/a%20b")
	_, lines := f.logsOf("dst", "", 6)
	for _, want := range []string{
		` REST\.PUT\.LOGGING_STATUS `,
		` REST\.COPY\.OBJECT refused "PUT /src/refused HTTP/1\.1" 404 NoSuchKey `,
		` REST\.COPY\.OBJECT_GET a%20b - 200 - - 5 - - - - - \S+ SigV4 - AuthHeader \S+ - - -$`,
		` REST\.COPY\.OBJECT_GET a%20b - 200 - - 5 - - - - null \S+ SigV4 - AuthHeader \S+ - - -$`,
		` REST\.COPY\.OBJECT copy "PUT /src/copy HTTP/1\.1" 200 - `,
		` REST\.COPY\.PART_GET a%20b - 200 - - 5 - - - - - \S+ SigV4 - AuthHeader \S+ - - -$`,
	} {
		if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
			t.Errorf("no record %s in %q", want, lines)
		}
	}
	if len(lines) != 6 {
		t.Errorf("%d records: %q", len(lines), lines)
	}
}
