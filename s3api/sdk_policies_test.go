package s3api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/s3api"
)

// What a policy of a bucket cannot mean is refused with Amazon's words, and so never protects less than its author thinks.
func TestBucketPolicyMeansSomething(t *testing.T) {
	f := start(t)
	f.bucket("means")
	const good = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::means/*"}]}`
	const noAction, noResource, noKey, noPrincipal = "Policy has invalid action", "Action does not apply to any resource(s) in statement",
		"Policy has an invalid condition key", "Invalid principal in policy"
	condition := func(op, key string) [2]string {
		return [2]string{`"Effect"`, `"Condition":{"` + op + `":{"` + key + `":"1"}},"Effect"`}
	}
	for name, row := range map[string]struct {
		change [2]string
		want   string // the message; empty when the policy is taken
	}{
		"as it is":                             {[2]string{}, ""},
		"an action of no service":              {[2]string{"s3:GetObject", "s3:GetObjects"}, noAction},
		"a pattern that no action matches":     {[2]string{"s3:GetObject", "s3:Fetch*"}, noAction},
		"a pattern that some action matches":   {[2]string{"s3:GetObject", "s3:get?bject*"}, ""},
		"all actions":                          {[2]string{"s3:GetObject", "s3:*"}, ""},
		"an action on the bucket, for objects": {[2]string{"s3:GetObject", "s3:ListBucket"}, noResource},
		"an action on objects, for the bucket": {[2]string{"means/*", "means"}, noResource},
		"one of two does not apply":            {[2]string{`"s3:GetObject"`, `["s3:GetObject","s3:ListBucket"]`}, noResource},
		"a wildcard may stand for keys":        {[2]string{"means/*", "means*"}, ""},
		"all but some resources":               {[2]string{"Resource", "NotResource"}, ""},
		"a condition key of S3 that is not":    {condition("StringEquals", "s3:prefixes"), noKey},
		"a condition key of no service":        {condition("StringEquals", "username"), noKey},
		"a tag without a key":                  {condition("StringEquals", "s3:ExistingObjectTag/"), noKey},
		"a tag":                                {condition("StringEquals", "s3:ExistingObjectTag/team"), ""},
		"the version of TLS":                   {condition("NumericLessThan", "s3:TlsVersion"), ""},
		"a key of another service":             {condition("StringEquals", "aws:PrincipalTag/team"), ""},
		"a wildcard in a principal":            {[2]string{`"*"`, `{"AWS":"arn:aws:iam::111122223333:user/*"}`}, noPrincipal},
		"any service":                          {[2]string{`"*"`, `{"Service":"*"}`}, noPrincipal},
		"a service":                            {[2]string{`"*"`, `{"Service":"logging.s3.amazonaws.com"}`}, ""},
		"a canonical id that is none":          {[2]string{`"*"`, `{"CanonicalUser":"c1"}`}, noPrincipal},
		"a member that is none":                {[2]string{"Effect", "Efect"}, "Unknown field Efect"},
		"another version":                      {[2]string{"2012", "2013"}, "The policy must contain a valid version string"},
		"another effect":                       {[2]string{"Deny", "Forbid"}, "Invalid effect: Forbid"},
		"no JSON":                              {[2]string{"]}", "]"}, "This policy contains invalid Json"},
	} {
		_, err := f.client().PutBucketPolicy(context.Background(), &s3.PutBucketPolicyInput{Bucket: aws.String("means"),
			Policy: aws.String(strings.Replace(good, row.change[0], row.change[1], 1))})
		if row.want == "" {
			wantCode(t, name, err, "")
			continue
		}
		wantCode(t, name, err, "MalformedPolicy")
		if !strings.Contains(fmt.Sprint(err), "MalformedPolicy: "+row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// Whoever else a policy allows to read, replace or delete it cannot: that is the owning account's.
func TestBucketPolicyStaysWithItsOwner(t *testing.T) {
	f := start(t)
	ctx, b := context.Background(), aws.String(f.bucket("stays"))
	other, account := f.stranger("other")
	all := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"s3:*","Resource":["arn:aws:s3:::stays","arn:aws:s3:::stays/*"]}]}`, account)
	_, err := f.client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: &all})
	must(t, err)
	_, err = other.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, "get", err, "MethodNotAllowed")
	f.putPolicy(*b, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::stays","arn:aws:s3:::stays/*"]}`)
	if a := f.anonymous("GET", "/stays?policy", ""); a.status != 405 || element(a.body, "ResourceType") != "BUCKETPOLICY" || a.header.Get("x-amz-delete-marker") != "" {
		t.Errorf("anonymous: %d %v %s", a.status, a.header, a.body)
	}
	_, err = f.client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: &all})
	must(t, err)
	_, err = other.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(strings.ReplaceAll(all, "Allow", "Deny"))})
	wantCode(t, "put", err, "MethodNotAllowed")
	_, err = other.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: b})
	wantCode(t, "delete", err, "MethodNotAllowed")
	_, err = other.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: b})
	wantCode(t, "what is not the policy", err, "NoSuchCORSConfiguration")
	got, err := f.client().GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	must(t, err)
	if *got.Policy != all {
		t.Errorf("the policy is now %s", *got.Policy)
	}
}

// Policies of users look at the same things as those of buckets: versions and the tags of objects that exist.
func TestUserPoliciesLookAtObjects(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("looks"))
	_, key, err := f.iam.CreateUser(ctx, "lou", iam.CreateUserOptions{AccountID: testAccount})
	must(t, err)
	lou := party{Client: f.client(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")
	})}
	held := func(statements string) {
		t.Helper()
		must(t, f.iam.PutPolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: "lou"}, "p", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`)))
	}
	f.versioning(*b, types.BucketVersioningStatusEnabled)
	ids := map[string]string{}
	for _, team := range []string{"red", "blue"} {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &team, Body: strings.NewReader("x"), Tagging: aws.String("team=" + team)})
		must(t, err)
		ids[team] = *out.VersionId
	}
	held(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"},
		{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"red"}}}`)
	wantCode(t, "denied by a tag", lou.get(b, "red"), "AccessDenied")
	wantCode(t, "another tag", lou.get(b, "blue"), "")
	held(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"red"}}}`)
	wantCode(t, "allowed by a tag", lou.get(b, "red"), "")
	wantCode(t, "not allowed by another tag", lou.get(b, "blue"), "AccessDenied")
	// The same while the bucket has a policy that does not look at tags.
	f.putPolicy(*b, `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::looks/*"}`)
	wantCode(t, "allowed by a tag, beside a policy", lou.get(b, "red"), "")
	wantCode(t, "not allowed by another tag, beside a policy", lou.get(b, "blue"), "AccessDenied")

	version := func(team string) error {
		out, err := lou.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: &team, VersionId: aws.String(ids[team])})
		if err == nil {
			out.Body.Close()
		}
		return err
	}
	held(`{"Effect":"Allow","Action":"s3:GetObjectVersion","Resource":"*","Condition":{"StringEquals":{"s3:VersionId":"` + ids["red"] + `"}}}`)
	wantCode(t, "the version", version("red"), "")
	wantCode(t, "another version", version("blue"), "AccessDenied")
	held(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ResourceAccount":"` + testAccount + `"},"Bool":{"aws:ViaAWSService":"false"}}}`)
	wantCode(t, "the account", lou.get(b, "red"), "")

	// Making a bucket with tags needs the right to tag it, and can be bound to tags and a place.
	create := func(name, team, place string) error {
		in := &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{}}
		if team != "" {
			in.CreateBucketConfiguration.Tags = []types.Tag{{Key: aws.String("team"), Value: &team}}
		}
		in.CreateBucketConfiguration.LocationConstraint = types.BucketLocationConstraint(place)
		_, err := lou.CreateBucket(ctx, in)
		return err
	}
	held(`{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"*","Condition":{"StringEquals":{"s3:LocationConstraint":"eu-west-1"}}},
		{"Effect":"Allow","Action":"s3:TagResource","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"}}}`)
	wantCode(t, "without a tag", create("looks-a", "", "eu-west-1"), "")
	wantCode(t, "with the tag", create("looks-b", "red", "eu-west-1"), "")
	wantCode(t, "with another tag", create("looks-c", "blue", "eu-west-1"), "AccessDenied")
	wantCode(t, "elsewhere", create("looks-d", "", "eu-west-2"), "AccessDenied")
}

// A policy can ask that objects are made on condition only, and leave the parts of an upload alone.
func TestPolicyAsksForConditionalWrites(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String(f.bucket("once"))
	f.putPolicy(*b, `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::once/*",
		"Condition":{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}}`)
	put := func(key string, once *string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("x"), IfNoneMatch: once})
		return err
	}
	wantCode(t, "put", put("a", nil), "AccessDenied")
	wantCode(t, "put once", put("a", aws.String("*")), "")
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("m")})
	must(t, err)
	part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: aws.String("m"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	must(t, err)
	done := &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("m"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}
	_, err = c.CompleteMultipartUpload(ctx, done)
	wantCode(t, "complete", err, "AccessDenied")
	done.IfNoneMatch = aws.String("*")
	_, err = c.CompleteMultipartUpload(ctx, done)
	wantCode(t, "complete once", err, "")
}

// Policies look at the lock that a request sets in its body as they do at that in headers.
func TestPoliciesLookAtLocks(t *testing.T) {
	f := start(t)
	ctx, c, b := context.Background(), f.client(), aws.String("locks")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	must(t, party{Client: c}.put(b, "key", ""))
	retain := func(mode types.ObjectLockRetentionMode, days int) error {
		_, err := c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: b, Key: aws.String("key"), BypassGovernanceRetention: aws.Bool(true),
			Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: aws.Time(time.Now().AddDate(0, 0, days))}})
		return err
	}
	hold := func(s types.ObjectLockLegalHoldStatus) error {
		_, err := c.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{Bucket: b, Key: aws.String("key"), LegalHold: &types.ObjectLockLegalHold{Status: s}})
		return err
	}
	f.putPolicy(*b, `{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectRetention","Resource":"arn:aws:s3:::locks/*",
			"Condition":{"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectRetention","Resource":"arn:aws:s3:::locks/*",
			"Condition":{"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectLegalHold","Resource":"arn:aws:s3:::locks/*",
			"Condition":{"StringEquals":{"s3:object-lock-legal-hold":"ON"}}}`)
	wantCode(t, "a day", retain(types.ObjectLockRetentionModeGovernance, 1), "")
	wantCode(t, "twenty days", retain(types.ObjectLockRetentionModeGovernance, 20), "AccessDenied")
	wantCode(t, "another mode", retain(types.ObjectLockRetentionModeCompliance, 1), "AccessDenied")
	wantCode(t, "a hold", hold(types.ObjectLockLegalHoldStatusOn), "AccessDenied")
	wantCode(t, "no hold", hold(types.ObjectLockLegalHoldStatusOff), "")
}

// A strict server names its region as Amazon does: us-east-1 is never named, any other one is where its buckets are.
func TestStrictLocations(t *testing.T) {
	for region, rows := range map[string]map[string]string{
		"us-east-1": {"": "", "us-east-1": "InvalidLocationConstraint", "eu-west-1": "IllegalLocationConstraintException"},
		"eu-west-1": {"eu-west-1": "", "us-east-1": "IllegalLocationConstraintException"},
	} {
		f := start(t, func(c *s3api.Config) { c.Region, c.StrictRegion = region, true })
		c := f.client(func(o *s3.Options) { o.Region = region })
		for location, want := range rows {
			in := &s3.CreateBucketInput{Bucket: aws.String("located")}
			if location != "" {
				in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(location)}
			}
			_, err := c.CreateBucket(context.Background(), in)
			wantCode(t, region+" asked for "+location, err, want)
		}
	}
}
