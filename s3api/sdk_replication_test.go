package s3api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/remote"
)

func (f *fixture) versioned(name string) *string {
	f.bucket(name)
	_, err := f.client().PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{Bucket: &name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	must(f.t, err)
	return &name
}

// eventually waits until ask says yes.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ask(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// One server replicates to another and to a bucket of its own.
func TestSDKReplication(t *testing.T) {
	here, there := start(t), start(t)
	c, away := here.client(), there.client()
	ctx := context.Background()
	src, dst := here.versioned("src"), here.versioned("dst")
	there.versioned("copies")
	must(t, here.targets.Put(ctx, remote.Target{Name: "far", Kind: remote.S3, URL: "http://" + there.addr, Bucket: "copies", AccessKey: testKeyID, Secret: iam.NewSecret(testSecret)}))
	if _, err := c.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: src}); errorCode(err) != "ReplicationConfigurationNotFoundError" {
		t.Errorf("%v", err)
	}
	conf := &types.ReplicationConfiguration{Role: aws.String("arn:aws:iam::123456789012:role/replication"), Rules: []types.ReplicationRule{
		{ID: aws.String("near"), Status: types.ReplicationRuleStatusEnabled, Priority: aws.Int32(1), Filter: &types.ReplicationRuleFilter{},
			DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusEnabled},
			Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::dst"), Metrics: &types.Metrics{Status: types.MetricsStatusEnabled, EventThreshold: &types.ReplicationTimeValue{Minutes: aws.Int32(15)}},
				ReplicationTime: &types.ReplicationTime{Status: types.ReplicationTimeStatusEnabled, Time: &types.ReplicationTimeValue{Minutes: aws.Int32(15)}}}},
		{ID: aws.String("far"), Status: types.ReplicationRuleStatusEnabled, Priority: aws.Int32(2),
			Filter:                  &types.ReplicationRuleFilter{And: &types.ReplicationRuleAndOperator{Prefix: aws.String("a"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}},
			DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusDisabled},
			Destination:             &types.Destination{Bucket: aws.String("arn:aws:s3:::far"), StorageClass: types.StorageClassStandardIa}},
	}}
	_, err := c.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: src, ReplicationConfiguration: conf})
	must(t, err)
	got, err := c.GetBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: src})
	must(t, err)
	if !reflect.DeepEqual(got.ReplicationConfiguration, conf) {
		t.Errorf("%+v", got.ReplicationConfiguration)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
	put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: src, Key: aws.String("a/b c"), Body: bytes.NewReader(data), Tagging: aws.String("k=v"), Metadata: map[string]string{"m": "1"}, ContentType: aws.String("text/x")})
	must(t, err)
	eventually(t, "the version is not replicated", func() bool {
		h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: src, Key: aws.String("a/b c")})
		must(t, err)
		return h.ReplicationStatus == "COMPLETED"
	})
	for where, get := range map[string]func() (*s3.GetObjectOutput, error){
		"near": func() (*s3.GetObjectOutput, error) {
			return c.GetObject(ctx, &s3.GetObjectInput{Bucket: dst, Key: aws.String("a/b c"), VersionId: put.VersionId})
		},
		"far": func() (*s3.GetObjectOutput, error) {
			return away.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("copies"), Key: aws.String("a/b c")})
		},
	} {
		g, err := get()
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		body, err := io.ReadAll(g.Body)
		check(t, err)
		check(t, g.Body.Close())
		if !bytes.Equal(body, data) || g.Metadata["m"] != "1" || aws.ToString(g.ContentType) != "text/x" || aws.ToInt32(g.TagCount) != 1 ||
			where == "near" && g.ReplicationStatus != "REPLICA" || where == "far" && g.StorageClass != types.StorageClassStandardIa {
			t.Errorf("%s: %d bytes, %+v", where, len(body), g)
		}
	}
	// What was uploaded in parts keeps them, and with them its ETag.
	parts := [][]byte{bytes.Repeat([]byte("p"), 5<<20+1), bytes.Repeat([]byte("q"), 5<<20), []byte("end")}
	u, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: src, Key: aws.String("a/parts"), Tagging: aws.String("k=v"), Metadata: map[string]string{"m": "1"}})
	must(t, err)
	done := &types.CompletedMultipartUpload{}
	for i, part := range parts {
		p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: src, Key: aws.String("a/parts"), UploadId: u.UploadId, PartNumber: aws.Int32(int32(2*i + 1)), Body: bytes.NewReader(part)})
		must(t, err)
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: aws.Int32(int32(2*i + 1)), ETag: p.ETag})
	}
	whole, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: src, Key: aws.String("a/parts"), UploadId: u.UploadId, MultipartUpload: done})
	must(t, err)
	eventually(t, "the upload is not replicated", func() bool {
		h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: src, Key: aws.String("a/parts")})
		must(t, err)
		return h.ReplicationStatus == "COMPLETED"
	})
	for where, get := range map[string]func(part int32) (*s3.GetObjectOutput, error){
		"near": func(part int32) (*s3.GetObjectOutput, error) {
			return c.GetObject(ctx, &s3.GetObjectInput{Bucket: dst, Key: aws.String("a/parts"), PartNumber: aws.Int32(2*part - 1)})
		},
		"far": func(part int32) (*s3.GetObjectOutput, error) {
			return away.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("copies"), Key: aws.String("a/parts"), PartNumber: &part})
		},
	} {
		for i, part := range parts {
			g, err := get(int32(i + 1))
			must(t, err)
			body, err := io.ReadAll(g.Body)
			check(t, err)
			check(t, g.Body.Close())
			if !bytes.Equal(body, part) || aws.ToString(g.ETag) != aws.ToString(whole.ETag) || g.Metadata["m"] != "1" || aws.ToInt32(g.TagCount) != 1 || aws.ToInt32(g.PartsCount) != 3 {
				t.Errorf("%s: part %d has %d bytes, %+v", where, i+1, len(body), g)
			}
		}
	}
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: src, Key: aws.String("a/b c")})
	must(t, err)
	eventually(t, "the marker is not replicated", func() bool {
		_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: dst, Key: aws.String("a/b c")})
		return err != nil
	})
	_, err = c.DeleteBucketReplication(ctx, &s3.DeleteBucketReplicationInput{Bucket: src})
	must(t, err)
}

func TestReplicationErrors(t *testing.T) {
	f := start(t)
	f.versioned("src")
	f.versioned("dst")
	f.bucket("plain")
	rule := func(s string) string {
		return "<ReplicationConfiguration><Role>arn:aws:iam::123456789012:role/a/path/r</Role><Rule><Status>Enabled</Status>" + s + "</Rule></ReplicationConfiguration>"
	}
	const dst, filter = "<Destination><Bucket>arn:aws:s3:::dst</Bucket></Destination>", "<Filter></Filter>"
	const rest = "<Priority>1</Priority><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
	for name, c := range map[string]struct {
		target, body string
		status       int
		code         string
	}{
		"unversioned":    {"/plain", rule(dst + filter + rest), 400, "InvalidRequest"},
		"into plain":     {"/src", rule("<Destination><Bucket>arn:aws:s3:::plain</Bucket></Destination>" + filter + rest), 400, "InvalidRequest"},
		"no rules":       {"/src", "<ReplicationConfiguration><Role>r</Role></ReplicationConfiguration>", 400, "MalformedXML"},
		"no role":        {"/src", "<ReplicationConfiguration><Rule><Status>Enabled</Status>" + dst + "</Rule></ReplicationConfiguration>", 400, "MalformedXML"},
		"no destination": {"/src", rule(filter + rest), 400, "MalformedXML"},
		"no priority":    {"/src", rule(dst + filter), 400, "InvalidRequest"},
		"a name as role": {"/src", strings.Replace(rule(dst+"<Prefix>x</Prefix>"), "arn:aws:iam::123456789012:role/a/path/r", "r", 1), 400, "InvalidArgument"},
		"a user as role": {"/src", strings.Replace(rule(dst+"<Prefix>x</Prefix>"), ":role/a/path/", ":user/", 1), 400, "InvalidArgument"},
		"role of nobody": {"/src", strings.Replace(rule(dst+"<Prefix>x</Prefix>"), "123456789012", "1", 1), 400, "InvalidArgument"},
		"role no name":   {"/src", strings.Replace(rule(dst+"<Prefix>x</Prefix>"), "a/path/r", "", 1), 400, "InvalidArgument"},
		"old form":       {"/src", rule(dst + "<Prefix>x</Prefix>"), 200, ""},
		"nowhere":        {"/nobody", rule(dst + filter + rest), 404, "NoSuchBucket"},
	} {
		if a := f.do("PUT", c.target+"?replication", c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.anonymous("GET", "/src?replication", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A webhook hears of changes through the whole server.
func TestSDKNotificationReachesWebhook(t *testing.T) {
	f := start(t)
	heard := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		heard <- string(data)
	}))
	defer hook.Close()
	ctx := context.Background()
	must(t, f.targets.Put(ctx, remote.Target{Name: "hook", Kind: remote.Webhook, URL: hook.URL}))
	b := aws.String(f.bucket("tell"))
	_, err := f.client().PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{
		QueueConfigurations: []types.QueueConfiguration{{Id: aws.String("q"), QueueArn: aws.String("arn:aws:sqs:us-east-1:123456789012:hook"), Events: []types.Event{"s3:ObjectCreated:*"}}}}})
	must(t, err)
	if m := <-heard; !strings.Contains(m, `"Event":"s3:TestEvent"`) || !strings.Contains(m, `"Bucket":"tell"`) {
		t.Error(m)
	}
	f.do("PUT", "/tell/a%20b", "hello")
	select {
	case m := <-heard:
		for _, part := range []string{`"eventVersion":"2.1"`, `"eventSource":"aws:s3"`, `"awsRegion":"us-east-1"`, `"eventName":"ObjectCreated:Put"`, `"userIdentity":{"principalId":"` + testAccount + `"}`,
			`"requestParameters":{"sourceIPAddress":"127.0.0.1"}`, `"x-amz-request-id":"`, `"configurationId":"q"`, `"bucket":{"name":"tell","ownerIdentity":{"principalId":"`, `"arn":"arn:aws:s3:::tell"`,
			`"object":{"key":"a+b","size":5,"eTag":"5d41402abc4b2a76b9719d911017c592","sequencer":"`} {
			if !strings.Contains(m, part) {
				t.Errorf("%s lacks %s", m, part)
			}
		}
	case <-time.After(60 * time.Second):
		t.Fatal("nothing is heard")
	}
}
