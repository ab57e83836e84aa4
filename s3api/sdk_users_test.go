package s3api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
)

// Policies of users and groups decide together with those of buckets: within an account either allows, across accounts
// both must, and a denial anywhere wins.
func TestUserPolicies(t *testing.T) {
	f := start(t)
	ctx, c := context.Background(), f.client()
	hers := f.party("owner-of-another-account")
	user := func(name, account string) party {
		_, key, err := f.iam.CreateUser(ctx, name, iam.CreateUserOptions{AccountID: account})
		must(t, err)
		return party{Client: f.client(func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")
		})}
	}
	sam, eve := user("sam", testAccount), user("eve", hers.account)
	held := func(name, statements string) {
		t.Helper()
		must(t, f.iam.PutPolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: name}, "p", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`)))
	}
	b := aws.String(f.bucket("shared"))
	must(t, party{Client: c}.put(b, "sam/1", ""))
	must(t, party{Client: c}.put(b, "eve/1", ""))

	wantCode(t, "without a policy", sam.get(b, "sam/1"), "AccessDenied")
	held("sam", `{"Effect":"Allow","Action":"s3:*Object","Resource":"arn:aws:s3:::shared/${aws:username}/*"}`)
	wantCode(t, "own policy", sam.get(b, "sam/1"), "")
	wantCode(t, "own policy, write", sam.put(b, "sam/2", ""), "")
	wantCode(t, "elsewhere", sam.get(b, "eve/1"), "AccessDenied")
	wantCode(t, "a key that is not there and may not be listed", sam.get(b, "sam/none"), "AccessDenied")
	_, err := sam.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	wantCode(t, "list", err, "AccessDenied")
	_, err = sam.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("sams")})
	wantCode(t, "create a bucket", err, "AccessDenied")

	must(t, func() error { _, err := f.iam.CreateGroup(ctx, "", "lookers"); return err }())
	must(t, f.iam.PutPolicy(ctx, iam.Holder{Kind: iam.GroupPolicies, Name: "lookers"}, "look", []byte(
		`{"Statement":[{"Effect":"Allow","Action":["s3:ListBucket","s3:CreateBucket","s3:ListAllMyBuckets"],"Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`)))
	must(t, f.iam.AddToGroup(ctx, "", "lookers", "sam"))
	_, err = sam.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	wantCode(t, "list as a member", err, "")
	wantCode(t, "a key that is not there and may be listed", sam.get(b, "sam/none"), "NoSuchKey")
	_, err = sam.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("sam/2")})
	wantCode(t, "denied by the group", err, "AccessDenied")
	_, err = sam.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("sams")})
	wantCode(t, "create a bucket as a member", err, "")
	_, err = sam.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("sams-public"), ACL: "public-read", ObjectOwnership: "ObjectWriter"})
	wantCode(t, "create one with a list and an ownership", err, "AccessDenied")
	buckets, err := sam.ListBuckets(ctx, &s3.ListBucketsInput{})
	must(t, err)
	if len(buckets.Buckets) != 2 {
		t.Errorf("sam's account has %d buckets", len(buckets.Buckets))
	}
	must(t, f.iam.RemoveFromGroup(ctx, "", "lookers", "sam"))
	_, err = sam.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	wantCode(t, "list when no longer a member", err, "AccessDenied")

	f.putPolicy("shared", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+testAccount+`:user/sam"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/eve/*"},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::shared/sam/*"},
		{"Effect":"Allow","Principal":{"AWS":"`+hers.account+`"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/eve/*"}`)
	wantCode(t, "the bucket's policy alone", sam.get(b, "eve/1"), "")
	wantCode(t, "denied by the bucket's policy", sam.put(b, "sam/2", ""), "AccessDenied")
	wantCode(t, "the root of another account", hers.get(b, "eve/1"), "")
	wantCode(t, "a user of another account, allowed by the bucket only", eve.get(b, "eve/1"), "AccessDenied")
	held("eve", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
	wantCode(t, "a user of another account, allowed by both", eve.get(b, "eve/1"), "")
	wantCode(t, "a user of another account, allowed by its own only", eve.get(b, "sam/1"), "AccessDenied")

	// A list allows as the bucket's policy does: what is given to an account is its root's to give on.
	lists := f.listed("lists", types.ObjectOwnershipObjectWriter)
	for key, to := range map[string]string{"to-account": hers.canonical, "to-nobody": ""} {
		in := &s3.PutObjectInput{Bucket: lists, Key: &key, Body: strings.NewReader("x")}
		if to != "" {
			in.GrantRead = aws.String("id=" + to)
		}
		_, err := c.PutObject(ctx, in)
		must(t, err)
	}
	must(t, party{Client: c}.put(lists, "public", "public-read"))
	wantCode(t, "granted, and allowed by its own policy", eve.get(lists, "to-account"), "")
	wantCode(t, "not granted", eve.get(lists, "to-nobody"), "AccessDenied")
	must(t, f.iam.DeletePolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: "eve"}, "p"))
	wantCode(t, "granted, and not given on", eve.get(lists, "to-account"), "AccessDenied")
	wantCode(t, "public, within the account", sam.get(lists, "public"), "")
	wantCode(t, "the default list is the root's", sam.get(lists, "to-nobody"), "AccessDenied")
	held("sam", `{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`)
	wantCode(t, "write", sam.put(lists, "sam", ""), "")
	wantCode(t, "write with a list, which needs its own permission", sam.put(lists, "sam", "public-read"), "AccessDenied")
}
