package s3api_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/s3api"
)

// A difference between dialects: one thing that is asked of a server, and what each answers to it.
type difference struct {
	field string // of dialect.Dialect, and name of the test
	ask   func(t *testing.T, f *fixture) string
	aws   string
	ceph  string
}

// compare asks all the differences of a server of each dialect.
func compare(t *testing.T, all []difference) {
	for _, name := range dialect.Names() {
		t.Run(name, func(t *testing.T) {
			d, err := dialect.Parse(name)
			must(t, err)
			f := start(t, func(c *s3api.Config) { c.Dialect, c.LogInterval = d, 30*time.Millisecond })
			for _, x := range all {
				t.Run(x.field, func(t *testing.T) {
					want := x.aws
					if name == dialect.NameCeph {
						want = x.ceph
					}
					if got := x.ask(t, f); got != want {
						t.Errorf("got  %s\nwant %s", got, want)
					}
				})
			}
		})
	}
}

// outcome is the status and code of an answer: "200", "404 NoSuchBucket".
func outcome(err error) string {
	if err == nil {
		return "200"
	}
	var api smithy.APIError
	var resp *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.HTTPStatusCode(), api.ErrorCode())
}

func TestDialectBuckets(t *testing.T) {
	ctx := context.Background()
	compare(t, []difference{
		{"RecreateComparesACL", func(t *testing.T, f *fixture) string {
			b := f.listed("again", types.ObjectOwnershipObjectWriter)
			again := func(acl types.BucketCannedACL) string {
				_, err := f.client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b, ACL: acl, ObjectOwnership: "ObjectWriter"})
				made := outcome(err)
				out, err := f.client().GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
				must(t, err)
				return fmt.Sprintf("%s, %d grants", made, len(out.Grants))
			}
			return again("") + "; " + again("public-read") + "; " + again("private")
		}, "200, 1 grants; 200, 2 grants; 200, 1 grants",
			"200, 1 grants; 409 BucketAlreadyExists, 1 grants; 200, 1 grants"},
		{"PolicyStatusOfACL", func(t *testing.T, f *fixture) string {
			b := f.listed("status", types.ObjectOwnershipObjectWriter)
			status := func(acl types.BucketCannedACL) string {
				_, err := f.client().PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: acl})
				must(t, err)
				return f.brief("GET", "/status?policyStatus", "", "IsPublic")
			}
			return status("private") + "; " + status("public-read") + "; " + status("authenticated-read")
		}, "404 NoSuchBucketPolicy; 404 NoSuchBucketPolicy; 404 NoSuchBucketPolicy", "200 false; 200 true; 200 true"},
		{"OddExpiresDenied", func(t *testing.T, f *fixture) string {
			f.bucket("presign")
			now := time.Now().UTC()
			var got []string
			for _, expires := range []string{"-1", "soon", "604801", "604800"} {
				a := f.anonymous("GET", "/presign/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+testKeyID+"/"+now.Format("20060102")+
					"/us-east-1/s3/aws4_request&X-Amz-Date="+now.Format("20060102T150405Z")+"&X-Amz-Expires="+expires+
					"&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("0", 64), "")
				got = append(got, brief(a, ""))
			}
			return strings.Join(got, "; ")
		}, "400 AuthorizationQueryParametersError; 400 AuthorizationQueryParametersError; 400 AuthorizationQueryParametersError; 403 SignatureDoesNotMatch",
			"403 AccessDenied; 403 AccessDenied; 403 AccessDenied; 403 SignatureDoesNotMatch"},
		{"GrantsByGrantee", func(t *testing.T, f *fixture) string {
			b := f.listed("order", types.ObjectOwnershipObjectWriter)
			_, root := f.iam.Root()
			me := root.Principal.CanonicalID
			_, err := f.client().PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, AccessControlPolicy: &types.AccessControlPolicy{
				Owner: &types.Owner{ID: &me},
				Grants: []types.Grant{
					{Grantee: &types.Grantee{Type: "CanonicalUser", ID: &me}, Permission: "FULL_CONTROL"},
					{Grantee: &types.Grantee{Type: "Group", URI: aws.String("http://acs.amazonaws.com/groups/global/AllUsers")}, Permission: "WRITE"},
					{Grantee: &types.Grantee{Type: "Group", URI: aws.String("http://acs.amazonaws.com/groups/global/AllUsers")}, Permission: "READ"},
				}}})
			must(t, err)
			out, err := f.client().GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
			must(t, err)
			return strings.ReplaceAll(grants(out.Grants), me, "me")
		}, "me=FULL_CONTROL AllUsers=WRITE AllUsers=READ", "AllUsers=WRITE AllUsers=READ me=FULL_CONTROL"},
		{"GrantsByEmail", func(t *testing.T, f *fixture) string {
			b := f.listed("mail", types.ObjectOwnershipObjectWriter)
			for name, address := range map[string]string{"one": "one@example.com", "two": "shared@example.com", "three": "shared@example.com"} {
				_, _, err := f.iam.CreateUser(ctx, name, iam.CreateUserOptions{Email: address})
				must(t, err)
			}
			var got []string
			for _, address := range []string{"one@example.com", "nobody@example.com", "shared@example.com", ""} {
				got = append(got, f.brief("PUT", "/mail?acl", "", "", `x-amz-grant-read: emailAddress="`+address+`"`))
				body := `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>` + f.owner() + `</ID></Owner><AccessControlList>` +
					`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="AmazonCustomerByEmail"><EmailAddress>` + address +
					`</EmailAddress></Grantee><Permission>WRITE</Permission></Grant></AccessControlList></AccessControlPolicy>`
				got = append(got, f.brief("PUT", "/mail?acl", body, ""))
			}
			out, err := f.client().GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
			must(t, err)
			list := ""
			for _, g := range out.Grants {
				list += aws.ToString(g.Grantee.DisplayName) + "=" + string(g.Permission) + " "
			}
			return strings.Join(got, "; ") + ": " + list
		}, "405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed; 405 MethodNotAllowed: root=FULL_CONTROL ",
			"200; 200; 400 UnresolvableGrantByEmailAddress; 400 UnresolvableGrantByEmailAddress; 400 UnresolvableGrantByEmailAddress; " +
				"400 UnresolvableGrantByEmailAddress; 400 UnresolvableGrantByEmailAddress; 400 UnresolvableGrantByEmailAddress: one=WRITE "},
		{"ExpectedOwnerAnyID", func(t *testing.T, f *fixture) string {
			f.bucket("expected")
			var got []string
			for _, id := range []string{testAccount, f.owner(), f.owner() + "x", "999999999999", "somebody"} {
				got = append(got, f.brief("GET", "/expected", "", "", "x-amz-expected-bucket-owner: "+id))
			}
			return strings.Join(got, "; ")
		}, "200; 400 InvalidBucketOwnerAWSAccountID; 400 InvalidBucketOwnerAWSAccountID; 403 AccessDenied; 400 InvalidBucketOwnerAWSAccountID",
			"200; 200; 403 AccessDenied; 403 AccessDenied; 403 AccessDenied"},
		{"ExcessTagsInvalid", func(t *testing.T, f *fixture) string {
			f.bucket("tags")
			must(t, f.succeeds("PUT", "/tags/key"))
			eleven := "x-amz-tagging: a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k="
			set := "<Tagging><TagSet>"
			for _, k := range "abcdefghijk" {
				set += "<Tag><Key>" + string(k) + "</Key><Value></Value></Tag>"
			}
			return f.brief("PUT", "/tags/other", "", "", eleven) + "; " + f.brief("PUT", "/tags/key?tagging", set+"</TagSet></Tagging>", "")
		}, "400 BadRequest; 400 BadRequest", "400 InvalidTag; 400 InvalidTag"},
		{"EmptyTokenStarts", func(t *testing.T, f *fixture) string {
			f.bucket("empty")
			must(t, f.succeeds("PUT", "/empty/key"))
			a := f.do("GET", "/empty?list-type=2&continuation-token=&start-after=l", "")
			return fmt.Sprint(brief(a, "Key"), " ", strings.Contains(a.body, "<ContinuationToken></ContinuationToken>"))
		}, "400 InvalidArgument false", "200 key true"},
		{"StartAfterBesideToken", func(t *testing.T, f *fixture) string {
			f.bucket("after")
			must(t, errors.Join(f.succeeds("PUT", "/after/a"), f.succeeds("PUT", "/after/b"), f.succeeds("PUT", "/after/c")))
			first := f.do("GET", "/after?list-type=2&start-after=a&max-keys=1", "")
			token := element(first.body, "NextContinuationToken")
			next := f.do("GET", "/after?list-type=2&start-after=a&continuation-token="+url.QueryEscape(token), "")
			return element(first.body, "StartAfter") + ", " + element(next.body, "Key") + ", " + element(next.body, "StartAfter")
		}, "a, c, ", "a, c, a"},
		{"NoTenantNamed", func(t *testing.T, f *fixture) string {
			f.bucket("plain")
			must(t, f.succeeds("PUT", "/plain/key"))
			made := f.brief("PUT", "/%3Amade", "", "")
			return strings.Join([]string{
				f.brief("GET", "/%3Aplain", "", "Key"), f.brief("GET", "/%3Aplain/key", "", ""), brief(f.anonymous("GET", "/:plain/key", ""), ""),
				f.brief("PUT", "/plain/copy", "", "", "x-amz-copy-source: :plain/key"), f.brief("GET", "/tenant%3Aplain", "", ""), f.brief("GET", "/%3A", "", ""),
				made, f.brief("GET", "/made", "", "Name"),
			}, "; ")
		}, "404 NoSuchBucket; 404 NoSuchBucket; 404 NoSuchBucket; 404 NoSuchBucket; 404 NoSuchBucket; 404 NoSuchBucket; 400 InvalidBucketName; 404 NoSuchBucket",
			"200 key; 200; 403 AccessDenied; 200; 404 NoSuchBucket; 404 NoSuchBucket; 200; 200 made"},
		{"ListPrefixPlain", func(t *testing.T, f *fixture) string {
			f.bucket("prefix")
			list := func(query string) string {
				return element(f.do("GET", "/prefix?prefix=a%2Bb&"+query, "").body, "Prefix")
			}
			return list("encoding-type=url") + ", " + list("list-type=2&encoding-type=url") + ", " + list("list-type=2")
		}, "a%2Bb, a%2Bb, a+b", "a+b, a+b, a+b"},
	})
}

// owner is the canonical id of the root.
func (f *fixture) owner() string {
	_, root := f.iam.Root()
	return root.Principal.CanonicalID
}

// brief asks and gives the status and code of the answer, or the text of an element of one that succeeds.
func (f *fixture) brief(method, target, body, name string, header ...string) string {
	return brief(f.do(method, target, body, header...), name)
}

// succeeds asks for what must succeed.
func (f *fixture) succeeds(method, target string) error {
	if got := f.brief(method, target, "", ""); got != "200" {
		return errors.New(method + " " + target + ": " + got)
	}
	return nil
}

func brief(a answer, name string) string {
	if a.status >= 300 {
		name = "Code"
	}
	return strings.TrimSpace(fmt.Sprint(a.status, " ", element(a.body, name)))
}
