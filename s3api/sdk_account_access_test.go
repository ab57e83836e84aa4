package s3api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/aureole-cloud/aureole/core/iam"
)

// What an account blocks is blocked in every bucket of it, whatever the bucket says.
func TestAccountPublicAccessBlock(t *testing.T) {
	f := start(t)
	ctx, c := context.Background(), f.client()
	ctl := f.control("s3-control.example.org:9000", testKeyID, testSecret)
	account := aws.String(testAccount)
	put := func(p types.PublicAccessBlockConfiguration) error {
		_, err := ctl.PutPublicAccessBlock(ctx, &s3control.PutPublicAccessBlockInput{AccountId: account, PublicAccessBlockConfiguration: &p})
		return err
	}
	_, err := ctl.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: account})
	wantAPI(t, err, "NoSuchPublicAccessBlockConfiguration")

	// One bucket is public by policy, one by its list; both from before, and one of them has no settings of its own to begin with.
	f.bucket("by-policy")
	byList := f.listed("by-list", s3types.ObjectOwnershipObjectWriter)
	must(t, f.succeeds("PUT", "/by-policy/key"))
	public := `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::by-policy/*"}`
	f.putPolicy("by-policy", public)
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: byList, ACL: s3types.BucketCannedACLPublicRead})
	must(t, err)
	seen := func() string { return fmt.Sprint(f.nobody("GET", "/by-policy/key"), f.nobody("GET", "/by-list")) }
	if got := seen(); got != "200 200" {
		t.Errorf("before: %s", got)
	}
	must(t, put(types.PublicAccessBlockConfiguration{IgnorePublicAcls: aws.Bool(true)}))
	if got := seen(); got != "200 403" {
		t.Errorf("lists ignored: %s", got)
	}
	must(t, put(types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true), BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true)}))
	if got := seen(); got != "403 200" {
		t.Errorf("buckets restricted: %s", got)
	}
	got, err := ctl.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: account})
	must(t, err)
	if p := got.PublicAccessBlockConfiguration; !*p.RestrictPublicBuckets || !*p.BlockPublicAcls || !*p.BlockPublicPolicy || *p.IgnorePublicAcls {
		t.Errorf("block = %+v", p)
	}
	_, err = c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: aws.String("by-policy")})
	wantCode(t, "the bucket's own", err, "NoSuchPublicAccessBlockConfiguration")
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("by-policy"), Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + public + `]}`)})
	wantCode(t, "a public policy", err, "AccessDenied")
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: byList, ACL: s3types.BucketCannedACLPublicRead})
	wantCode(t, "a public list", err, "AccessDenied")
	create := func() error {
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("born-public"), ACL: s3types.BucketCannedACLPublicRead,
			ObjectOwnership: s3types.ObjectOwnershipObjectWriter})
		return err
	}
	wantCode(t, "a new public bucket", create(), "AccessDenied")
	// Other accounts are not concerned.
	other := f.party("another-account")
	_, err = other.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("others-public"), ACL: s3types.BucketCannedACLPublicRead,
		ObjectOwnership: s3types.ObjectOwnershipObjectWriter})
	wantCode(t, "a new public bucket of another account", err, "")

	for range 2 {
		_, err = ctl.DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: account})
		must(t, err)
	}
	if got := seen(); got != "200 200" {
		t.Errorf("afterwards: %s", got)
	}
	wantCode(t, "a new public bucket, afterwards", create(), "")

	wantAPI(t, put(types.PublicAccessBlockConfiguration{}), "InvalidRequest")
	account = aws.String("999999999999")
	for name, err := range map[string]error{
		"GetAccountPublicAccessBlock":    errorOf(ctl.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: account})),
		"PutAccountPublicAccessBlock":    put(types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)}),
		"DeleteAccountPublicAccessBlock": errorOf(ctl.DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: account})),
	} {
		wantCode(t, name+" of another account", err, "AccessDenied")
	}
	account = aws.String(testAccount)
	_, key, err := f.iam.CreateUser(ctx, "may-look", iam.CreateUserOptions{AccountID: testAccount})
	must(t, err)
	must(t, f.iam.PutPolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: "may-look"}, "p",
		[]byte(`{"Statement":[{"Effect":"Allow","Action":"s3:GetAccountPublicAccessBlock","Resource":"*"}]}`)))
	ctl = s3control.New(ctl.Options(), func(o *s3control.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")
	})
	wantAPI(t, put(types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)}), "AccessDenied")
	_, err = ctl.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: account})
	wantAPI(t, err, "NoSuchPublicAccessBlockConfiguration")

	// A bucket's block has to say something, too.
	a := f.do("PUT", "/by-policy?publicAccessBlock", "<PublicAccessBlockConfiguration/>")
	if a.status != 400 || a.code() != "InvalidRequest" || !strings.Contains(string(a.body), "Must specify at least one configuration.") {
		t.Errorf("an empty block: %d %s", a.status, a.body)
	}
}

// errorOf is the error of a call whose answer does not matter.
func errorOf[T any](_ T, err error) error { return err }
