package s3api_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/aws/smithy-go"
)

// control is a client of S3 Control at a host name, before which it puts the account.
func (f *fixture) control(host, id, secret string) *s3control.Client {
	f.t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, f.addr)
	}}
	f.t.Cleanup(transport.CloseIdleConnections)
	return s3control.New(s3control.Options{
		BaseEndpoint: aws.String("http://" + host),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, ""),
		HTTPClient:   &http.Client{Transport: transport},
		Retryer:      aws.NopRetryer{},
	})
}

func TestTagsThroughControl(t *testing.T) {
	f := start(t)
	ctx := context.Background()
	_, err := f.client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bkt.with-dots"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		Tags: []s3types.Tag{{Key: aws.String("made"), Value: aws.String("with")}}}})
	must(t, err)
	arn := aws.String("arn:aws:s3:::bkt.with-dots")
	account := aws.String(testAccount)
	// At a host name of the server's own, where the account could be taken for a bucket, and at another one.
	for _, host := range []string{"s3.example.test", "s3-control.example.org:9000"} {
		c := f.control(host, testKeyID, testSecret)
		list := func() (all []string) {
			t.Helper()
			out, err := c.ListTagsForResource(ctx, &s3control.ListTagsForResourceInput{AccountId: account, ResourceArn: arn})
			must(t, err)
			for _, tag := range out.Tags {
				all = append(all, *tag.Key+"="+*tag.Value)
			}
			slices.Sort(all)
			return all
		}
		tag := func(pairs ...string) error {
			in := &s3control.TagResourceInput{AccountId: account, ResourceArn: arn}
			for _, p := range pairs {
				k, v, _ := strings.Cut(p, "=")
				in.Tags = append(in.Tags, types.Tag{Key: &k, Value: &v})
			}
			_, err := c.TagResource(ctx, in)
			return err
		}
		if got := list(); !slices.Equal(got, []string{"made=with"}) {
			t.Errorf("tags = %v", got)
		}
		must(t, tag("a=1", "b=zwei wörter", "made=anew"))
		must(t, tag("a=2"))
		if got := list(); !slices.Equal(got, []string{"a=2", "b=zwei wörter", "made=anew"}) {
			t.Errorf("tags = %v", got)
		}
		got, err := f.client().GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("bkt.with-dots")})
		if err != nil || len(got.TagSet) != 3 {
			t.Errorf("GetBucketTagging = %+v, %v", got, err)
		}
		var many []string
		for i := range 48 {
			many = append(many, fmt.Sprintf("k%d=v", i))
		}
		wantAPI(t, tag(many...), "InvalidTag")
		wantAPI(t, tag("aws:x=1"), "InvalidTag")
		if got := list(); len(got) != 3 {
			t.Errorf("refused tags were added: %v", got)
		}
		_, err = c.UntagResource(ctx, &s3control.UntagResourceInput{AccountId: account, ResourceArn: arn, TagKeys: []string{"a", "b", "none", "made"}})
		must(t, err)
		if got := list(); len(got) != 0 {
			t.Errorf("tags = %v", got)
		}
		must(t, tag("made=with"))
		for name, want := range map[string]string{"arn:aws:s3:::none-such": "NoSuchBucket", "arn:aws:s3:us-east-1:1:x": "InvalidRequest", "arn:aws:s3:::bkt/key": "InvalidRequest"} {
			_, err := c.ListTagsForResource(ctx, &s3control.ListTagsForResourceInput{AccountId: account, ResourceArn: &name})
			wantAPI(t, err, want)
		}
		other := aws.String("999999999999")
		_, err = c.ListTagsForResource(ctx, &s3control.ListTagsForResourceInput{AccountId: other, ResourceArn: arn})
		wantAPI(t, err, "AccessDenied")
		_, err = c.TagResource(ctx, &s3control.TagResourceInput{AccountId: other, ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		wantAPI(t, err, "AccessDenied")
		_, err = c.UntagResource(ctx, &s3control.UntagResourceInput{AccountId: other, ResourceArn: arn, TagKeys: []string{"made"}})
		wantAPI(t, err, "AccessDenied")
		if got := list(); len(got) != 1 {
			t.Errorf("refused calls changed the tags: %v", got)
		}
		_, err = c.ListAccessPoints(ctx, &s3control.ListAccessPointsInput{AccountId: account})
		wantAPI(t, err, "NotImplemented")
		_, err = f.control(host, testKeyID, "wrong").ListTagsForResource(ctx, &s3control.ListTagsForResourceInput{AccountId: account, ResourceArn: arn})
		wantAPI(t, err, "SignatureDoesNotMatch")
	}
	// A bucket may be called like the path.
	f.bucket("v20180820")
	_, err = f.client().PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("v20180820"), Key: aws.String("tags/arn:aws:s3:::bkt"), Body: strings.NewReader("x")})
	must(t, err)
}

func wantAPI(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
