package s3api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
)

// stranger is a client of another account, and its account id.
func (f *fixture) stranger(name string) (*s3.Client, string) {
	f.t.Helper()
	u, key, err := f.iam.CreateUser(context.Background(), name, iam.CreateUserOptions{})
	must(f.t, err)
	return f.client(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")
	}), u.Account.ID
}

func (f *fixture) putPolicy(bucket, statements string) {
	f.t.Helper()
	_, err := f.client().PutBucketPolicy(context.Background(), &s3.PutBucketPolicyInput{
		Bucket: &bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)})
	must(f.t, err)
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	switch {
	case code == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case code != "" && (err == nil || errorCode(err) != code):
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestBucketPolicyDocument(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("policies"))
	other, _ := f.stranger("other")
	_, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "get of none", err, "NoSuchBucketPolicy")
	_, err = c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: b})
	wantCode(t, "status of none", err, "NoSuchBucketPolicy")
	const good = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::policies/*"}]}`
	for name, doc := range map[string]string{
		"not JSON":          `{`,
		"no statement":      `{"Version":"2012-10-17","Statement":[]}`,
		"another bucket":    strings.ReplaceAll(good, "policies", "policies2"),
		"action of EC2":     strings.ReplaceAll(good, "s3:GetObject", "ec2:RunInstances"),
		"unknown member":    strings.ReplaceAll(good, `"Effect"`, `"Efect"`),
		"no principal":      strings.ReplaceAll(good, `"Principal":"*",`, ``),
		"allow NotPrincipl": strings.ReplaceAll(good, `"Principal":"*"`, `"NotPrincipal":{"AWS":"111122223333"}`),
	} {
		_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: &doc})
		wantCode(t, name, err, "MalformedPolicy")
	}
	for _, resource := range []string{"arn:aws:s3:::*/*", "arn:aws:s3:::polic*", "arn:aws:s3:::policies*"} {
		_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(strings.ReplaceAll(good, "arn:aws:s3:::policies/*", resource))})
		wantCode(t, "resource "+resource, err, "")
	}
	_, err = other.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(good)})
	wantCode(t, "put by a stranger", err, "AccessDenied")
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(good)})
	must(t, err)
	got, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	must(t, err)
	if *got.Policy != good {
		t.Errorf("policy %s", *got.Policy)
	}
	status, err := c.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: b})
	must(t, err)
	if !*status.PolicyStatus.IsPublic {
		t.Error("a policy for everybody is not public")
	}
	for what, call := range map[string]func() error{
		"get": func() error { _, err := other.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b}); return err },
		"delete": func() error {
			_, err := other.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: b})
			return err
		},
	} {
		wantCode(t, what+" by a stranger", call(), "AccessDenied")
	}
	for range 2 {
		_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: b})
		must(t, err)
	}
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "get of a deleted one", err, "NoSuchBucketPolicy")
}

func TestBucketPolicyDecides(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("decides"))
	other, account := f.stranger("other")
	put := func(c *s3.Client, key string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("x"), Tagging: aws.String("team=" + key)})
		return err
	}
	get := func(c *s3.Client, key string) error {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: &key})
		if err == nil {
			out.Body.Close()
		}
		return err
	}
	list := func(c *s3.Client, prefix string) error {
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: &prefix})
		return err
	}
	must(t, put(c, "red"))
	must(t, put(c, "blue"))

	wantCode(t, "stranger without policy", get(other, "red"), "AccessDenied")
	if a := f.anonymous("GET", "/decides/red", ""); a.status != 403 || a.code() != "AccessDenied" {
		t.Errorf("anonymous without policy: %d %s", a.status, a.code())
	}

	// One account may read; existing tags and prefixes narrow it.
	f.putPolicy(*b, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::decides/*",
		"Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"red"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::decides",
		"Condition":{"StringLike":{"s3:prefix":"pub/*"}}}`, account, account))
	wantCode(t, "red", get(other, "red"), "")
	wantCode(t, "blue", get(other, "blue"), "AccessDenied")
	wantCode(t, "absent, without the right to list", get(other, "green"), "AccessDenied")
	wantCode(t, "list of the prefix", list(other, "pub/x"), "")
	wantCode(t, "list of another prefix", list(other, "x"), "AccessDenied")
	wantCode(t, "put", put(other, "red"), "AccessDenied")
	if a := f.anonymous("GET", "/decides/red", ""); a.status != 403 {
		t.Errorf("anonymous: %d", a.status)
	}

	// Everybody may read and list: absence shows, and conditions are answered.
	f.putPolicy(*b, `{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::decides","arn:aws:s3:::decides/*"]}`)
	if a := f.anonymous("GET", "/decides/red", ""); a.status != 200 || a.body != "x" {
		t.Errorf("anonymous read: %d %q", a.status, a.body)
	}
	if a := f.anonymous("GET", "/decides/green", ""); a.status != 404 || a.code() != "NoSuchKey" {
		t.Errorf("anonymous read of nothing: %d %s", a.status, a.code())
	}
	if a := f.anonymous("PUT", "/decides/new", "y"); a.status != 403 {
		t.Errorf("anonymous write: %d", a.status)
	}
	if a := f.anonymous("GET", "/no-such-bucket-here/green", ""); a.status != 404 || a.code() != "NoSuchBucket" {
		t.Errorf("anonymous read in no bucket: %d %s", a.status, a.code())
	}

	// A deny wins over the owner, who can still mend the policy.
	f.putPolicy(*b, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":["arn:aws:s3:::decides","arn:aws:s3:::decides/*"]}`)
	wantCode(t, "denied owner", get(c, "red"), "AccessDenied")
	wantCode(t, "denied owner with a condition", func() error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("red"), Body: strings.NewReader(""), IfNoneMatch: aws.String("*")})
		return err
	}(), "AccessDenied")
	_, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "denied owner reads the policy", err, "")

	// Writes by the tags and headers of the request.
	f.putPolicy(*b, `{"Effect":"Allow","Principal":"*","Action":["s3:PutObject","s3:PutObjectTagging"],"Resource":"arn:aws:s3:::decides/*"},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::decides/*",
		"Condition":{"StringNotEquals":{"s3:RequestObjectTag/team":"red"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::decides/*",
		"Condition":{"Bool":{"aws:SecureTransport":"true"}}}`)
	wantCode(t, "put with the tag", put(other, "red"), "")
	wantCode(t, "put with another tag", put(other, "blue"), "AccessDenied")
	wantCode(t, "get is the owner's", get(c, "red"), "")
	wantCode(t, "get is not the stranger's", get(other, "red"), "AccessDenied")

	// The policy goes with its bucket.
	for _, key := range []string{"red", "blue"} {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: &key})
		must(t, err)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	must(t, err)
	f.bucket("decides")
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "policy of a bucket made anew", err, "NoSuchBucketPolicy")
	wantCode(t, "put into a bucket made anew", put(other, "red"), "AccessDenied")
}

func TestPublicAccessBlock(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("blocked"))
	other, account := f.stranger("other")
	_, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	wantCode(t, "get of none", err, "NoSuchPublicAccessBlockConfiguration")
	block := func(p types.PublicAccessBlockConfiguration) {
		t.Helper()
		_, err := c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &p})
		must(t, err)
	}
	public := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::blocked/*"}]}`
	fixed := strings.ReplaceAll(public, `"*",`, `{"AWS":"`+account+`"},`)
	set := func(doc string) error {
		_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: &doc})
		return err
	}
	block(types.PublicAccessBlockConfiguration{BlockPublicPolicy: aws.Bool(true)})
	wantCode(t, "public policy", set(public), "AccessDenied")
	wantCode(t, "policy for one account", set(fixed), "")

	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("v")})
	must(t, err)
	get := func() error {
		out, err := other.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
		if err == nil {
			out.Body.Close()
		}
		return err
	}
	block(types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true)})
	got, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	must(t, err)
	if p := got.PublicAccessBlockConfiguration; !*p.RestrictPublicBuckets || *p.BlockPublicPolicy || *p.IgnorePublicAcls || *p.BlockPublicAcls {
		t.Errorf("public access block %+v", p)
	}
	wantCode(t, "an account that is named", get(), "")
	must(t, set(public))
	wantCode(t, "stranger under a restricted policy", get(), "AccessDenied")
	if a := f.anonymous("GET", "/blocked/k", ""); a.status != 403 {
		t.Errorf("anonymous under a restricted policy: %d", a.status)
	}
	if a := f.do("GET", "/blocked/k", ""); a.status != 200 {
		t.Errorf("owner under a restricted policy: %d", a.status)
	}
	_, err = other.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: b})
	wantCode(t, "delete by a stranger", err, "AccessDenied")
	_, err = c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: b})
	must(t, err)
	wantCode(t, "stranger without the block", get(), "")
	if a := f.anonymous("GET", "/blocked/k", ""); a.status != 200 {
		t.Errorf("anonymous without the block: %d", a.status)
	}
}

func TestCORS(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("cors"))
	_, err := c.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: b})
	wantCode(t, "get of none", err, "NoSuchCORSConfiguration")
	set := func(rules ...types.CORSRule) error {
		_, err := c.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: b, CORSConfiguration: &types.CORSConfiguration{CORSRules: rules}})
		return err
	}
	any := []string{"*"}
	wantCode(t, "bad method", set(types.CORSRule{AllowedMethods: []string{"PATCH"}, AllowedOrigins: any}), "InvalidRequest")
	wantCode(t, "two wildcards", set(types.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"a*b*"}}), "InvalidRequest")
	wantCode(t, "exposed wildcard", set(types.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: any, ExposeHeaders: any}), "InvalidRequest")
	must(t, set(
		types.CORSRule{ID: aws.String("one"), AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"http://*.example.com"},
			AllowedHeaders: []string{"X-Amz-*", "content-type"}, ExposeHeaders: []string{"ETag", "x-amz-version-id"}, MaxAgeSeconds: aws.Int32(60)},
		types.CORSRule{AllowedMethods: []string{"GET"}, AllowedOrigins: any}))
	got, err := c.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: b})
	must(t, err)
	if r := got.CORSRules; len(r) != 2 || *r[0].ID != "one" || r[0].AllowedOrigins[0] != "http://*.example.com" || *r[0].MaxAgeSeconds != 60 || r[1].MaxAgeSeconds != nil {
		t.Errorf("rules %+v", r)
	}
	for name, tc := range map[string]struct {
		method, origin, ask, headers string
		status                       int
		allow, methods               string
	}{
		"preflight":                  {"OPTIONS", "http://a.example.com", "PUT", "x-amz-date, Content-Type", 200, "http://a.example.com", "GET, PUT"},
		"preflight, any origin":      {"OPTIONS", "http://other", "GET", "", 200, "*", "GET"},
		"preflight, other header":    {"OPTIONS", "http://a.example.com", "PUT", "x-other", 403, "", ""},
		"preflight, other method":    {"OPTIONS", "http://other", "PUT", "", 403, "", ""},
		"preflight without origin":   {"OPTIONS", "", "PUT", "", 400, "", ""},
		"preflight without method":   {"OPTIONS", "http://other", "", "", 400, "", ""},
		"answer":                     {"GET", "http://a.example.com", "", "", 404, "http://a.example.com", "GET, PUT"},
		"answer, any origin":         {"GET", "http://other", "", "", 404, "*", "GET"},
		"answer to a foreign delete": {"DELETE", "http://other", "", "", 204, "", ""},
		"answer without origin":      {"GET", "", "", "", 404, "", ""},
	} {
		var header []string
		for name, v := range map[string]string{"Origin": tc.origin, "Access-Control-Request-Method": tc.ask, "Access-Control-Request-Headers": tc.headers} {
			if v != "" {
				header = append(header, name+": "+v)
			}
		}
		send := f.do
		if tc.method == "OPTIONS" {
			send = f.anonymous
		}
		a := send(tc.method, "/cors/key", "", header...)
		if a.status != tc.status || a.header.Get("Access-Control-Allow-Origin") != tc.allow || a.header.Get("Access-Control-Allow-Methods") != tc.methods {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
		if named := tc.allow != "" && tc.allow != "*"; named != (a.header.Get("Access-Control-Allow-Credentials") == "true") ||
			named != (a.header.Get("Access-Control-Max-Age") == "60") || named != (a.header.Get("Access-Control-Expose-Headers") == "ETag, x-amz-version-id") {
			t.Errorf("%s: %v", name, a.header)
		}
		if (tc.allow != "") != strings.Contains(a.header.Get("Vary"), "Origin") {
			t.Errorf("%s: Vary %q", name, a.header.Get("Vary"))
		}
	}
	for _, target := range []string{"/no-such-bucket-here/key", "/no-such-bucket-here"} {
		for method, header := range map[string][]string{"GET": {"Origin: http://a", "Access-Control-Request-Method: GET"}, "OPTIONS": {"Origin: http://a"}} {
			a := f.anonymous("OPTIONS", target, "", header...)
			if a.status != 403 || a.code() != "AccessForbidden" || !strings.Contains(a.body, "<Message>CORSResponse: Bucket not found</Message><Method>"+method+"</Method><ResourceType>BUCKET</ResourceType>") {
				t.Errorf("preflight of %s: %d %s", target, a.status, a.body)
			}
		}
	}
	if a := f.anonymous("OPTIONS", "/cors", "", "Origin: http://other", "Access-Control-Request-Method: PUT"); a.status != 403 || a.code() != "AccessForbidden" {
		t.Errorf("preflight of a bucket by another origin: %d %s", a.status, a.code())
	}
	for _, target := range []string{"/cors/key?uploadId=1&partNumber=1", "/cors/key?uploads", "/cors/key?tagging&versionId=null", "/cors?uploads", "/cors?acl", "/cors?lifecycle&acl"} {
		a := f.anonymous("OPTIONS", target, "", "Origin: http://a.example.com", "Access-Control-Request-Method: PUT")
		if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "http://a.example.com" {
			t.Errorf("preflight of %s: %d %v %s", target, a.status, a.header, a.body)
		}
	}
	other, _ := f.stranger("other")
	_, err = other.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: b})
	wantCode(t, "delete by a stranger", err, "AccessDenied")
	_, err = c.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: b})
	must(t, err)
	for method, header := range map[string][]string{"GET": {"Origin: http://a", "Access-Control-Request-Method: GET"}, "OPTIONS": {"Origin: http://a"}} {
		a := f.anonymous("OPTIONS", "/cors/key", "", header...)
		if a.status != 403 || !strings.Contains(a.body, "CORS is not enabled for this bucket.</Message><Method>"+method+"</Method><ResourceType>BUCKET</ResourceType>") {
			t.Errorf("preflight without rules: %d %s", a.status, a.body)
		}
	}
}

// Who may list a key learns that it is not there, whether it may read it or not; nobody else does.
func TestAbsenceAndListing(t *testing.T) {
	f := start(t)
	f.bucket("absent")
	f.putPolicy("absent", `{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::absent","Condition":{"StringLike":{"s3:prefix":"open/*"}}},
		{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::absent/readable/*"}`)
	must(t, party{Client: f.client()}.put(aws.String("absent"), "open/there", ""))
	for target, want := range map[string]int{
		"/absent/open/there": 403, "/absent/open/not-there": 404, "/absent/closed": 403, "/absent/readable/not-there": 403,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if got := f.nobody(method, target); got != want {
				t.Errorf("%s %s: %d, want %d", method, target, got, want)
			}
		}
	}
	b := f.listed("absent-lists", "ObjectWriter")
	_, err := f.client().PutBucketAcl(context.Background(), &s3.PutBucketAclInput{Bucket: b, ACL: "public-read"})
	must(t, err)
	must(t, party{Client: f.client()}.put(b, "there", ""))
	for target, want := range map[string]int{"/absent-lists/there": 403, "/absent-lists/not-there": 404} {
		if got := f.nobody("GET", target); got != want {
			t.Errorf("GET %s: %d, want %d", target, got, want)
		}
	}
}

// Who waits for a 100 is refused before it sends what it may not write.
func TestExpectIsAuthorized(t *testing.T) {
	f := start(t)
	f.bucket("expect")
	c := f.dial()
	defer c.Close()
	_, err := fmt.Fprintf(c, "PUT /expect/k HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", f.addr)
	must(t, err)
	if a := c.read("PUT"); a.status != 403 {
		t.Errorf("answer %d", a.status)
	}
}
