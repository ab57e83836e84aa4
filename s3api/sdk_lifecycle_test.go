package s3api_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSDKLifecycle(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("life"))
	_, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	if errorCode(err) != "NoSuchLifecycleConfiguration" {
		t.Errorf("%v", err)
	}
	date := time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)
	tag := types.Tag{Key: aws.String("k"), Value: aws.String("v")}
	rules := []types.LifecycleRule{
		{ID: aws.String("old form"), Status: types.ExpirationStatusEnabled, Prefix: aws.String("old/"),
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(7)}},
		{ID: aws.String("all"), Status: types.ExpirationStatusDisabled, Filter: &types.LifecycleRuleFilter{},
			Expiration:                     &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(3)},
			NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(90), NewerNoncurrentVersions: aws.Int32(2)},
			NoncurrentVersionTransitions:   []types.NoncurrentVersionTransition{{NoncurrentDays: aws.Int32(30), StorageClass: types.TransitionStorageClassStandardIa}}},
		{ID: aws.String("and"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{
			Prefix: aws.String("p"), Tags: []types.Tag{tag}, ObjectSizeGreaterThan: aws.Int64(1), ObjectSizeLessThan: aws.Int64(100)}},
			Expiration:  &types.LifecycleExpiration{Date: &date},
			Transitions: []types.Transition{{Date: aws.Time(date.AddDate(0, 0, -30)), StorageClass: types.TransitionStorageClassGlacier}}},
		{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("mp/")},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}},
	}
	put, err := c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: b,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}})
	must(t, err)
	if put.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" {
		t.Errorf("%+v", put)
	}
	got, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	must(t, err)
	if got.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" || len(got.Rules) != 4 || len(aws.ToString(got.Rules[3].ID)) < 16 {
		t.Fatalf("%+v", got)
	}
	rules[3].ID = got.Rules[3].ID
	for i := range rules {
		if !reflect.DeepEqual(rules[i], got.Rules[i]) {
			t.Errorf("rule %d: got %+v, want %+v", i, got.Rules[i], rules[i])
		}
	}

	// What a rule ends is told with the object.
	made, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("old/x"), Body: strings.NewReader("x")})
	must(t, err)
	want := fmt.Sprintf(`expiry-date="%s", rule-id="old%%20form"`, time.Now().UTC().AddDate(0, 0, 8).Truncate(24*time.Hour).Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	if aws.ToString(made.Expiration) != want {
		t.Errorf("%s, want %s", aws.ToString(made.Expiration), want)
	}
	if h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("old/x")}); err != nil || aws.ToString(h.Expiration) != want {
		t.Errorf("%+v %v", h, err)
	}
	if cp, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("old/y"), CopySource: aws.String("life/old/x")}); err != nil || aws.ToString(cp.Expiration) != want {
		t.Errorf("%+v %v", cp, err)
	}
	if p, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("p1"), Body: strings.NewReader("xx"), Tagging: aws.String("k=v")}); err != nil ||
		!strings.Contains(aws.ToString(p.Expiration), "06 May 2031 00:00:00 GMT") {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("p2"), Body: strings.NewReader("xx")}); err != nil || p.Expiration != nil {
		t.Errorf("%+v %v", p, err)
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("mp/1")})
	must(t, err)
	if up.AbortDate == nil || aws.ToString(up.AbortRuleId) != aws.ToString(rules[3].ID) {
		t.Errorf("%+v", up)
	}
	if l, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: b, Key: aws.String("mp/1"), UploadId: up.UploadId}); err != nil || !aws.ToTime(l.AbortDate).Equal(*up.AbortDate) {
		t.Errorf("%+v %v", l, err)
	}
	_, err = c.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: b})
	must(t, err)
	if h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("old/x")}); err != nil || h.Expiration != nil {
		t.Errorf("%+v %v", h, err)
	}
}

func TestLifecycleErrors(t *testing.T) {
	f := start(t)
	f.bucket("life")
	config := func(rule string) string {
		return "<LifecycleConfiguration><Rule>" + rule + "</Rule></LifecycleConfiguration>"
	}
	const filter, expire = "<Filter><Prefix></Prefix></Filter>", "<Expiration><Days>1</Days></Expiration>"
	const enabled = "<Status>Enabled</Status>"
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
		code   string
	}{
		"status":            {config(filter + expire + "<Status>enabled</Status>"), nil, 400, "MalformedXML"},
		"no status":         {config(filter + expire), nil, 400, "MalformedXML"},
		"no rules":          {"<LifecycleConfiguration></LifecycleConfiguration>", nil, 400, "MalformedXML"},
		"id":                {config("<ID>" + strings.Repeat("x", 256) + "</ID>" + filter + expire + enabled), nil, 400, "InvalidArgument"},
		"date":              {config(filter + enabled + "<Expiration><Date>20200101</Date></Expiration>"), nil, 400, "MalformedXML"},
		"noon":              {config(filter + enabled + "<Expiration><Date>2030-01-01T12:00:00Z</Date></Expiration>"), nil, 400, "InvalidArgument"},
		"and and prefix":    {config("<Filter><Prefix>a</Prefix><And><Prefix>a</Prefix></And></Filter>" + expire + enabled), nil, 400, "MalformedXML"},
		"tag without value": {config("<Filter><Tag><Key>a</Key></Tag></Filter>" + expire + enabled), nil, 400, "MalformedXML"},
		"noncurrent":        {config(filter + enabled + "<NoncurrentVersionExpiration></NoncurrentVersionExpiration>"), nil, 400, "MalformedXML"},
		"abort":             {config(filter + enabled + "<AbortIncompleteMultipartUpload></AbortIncompleteMultipartUpload>"), nil, 400, "MalformedXML"},
		"size":              {config(filter + expire + enabled), []string{"x-amz-transition-default-minimum-object-size: big"}, 400, "InvalidRequest"},
		"no body":           {"", nil, 400, "MissingRequestBodyError"},
		"fine":              {config(filter + expire + enabled), []string{"x-amz-transition-default-minimum-object-size: varies_by_storage_class"}, 200, ""},
	} {
		if a := f.do("PUT", "/life?lifecycle", c.body, c.header...); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.do("GET", "/life?lifecycle", ""); a.header.Get("x-amz-transition-default-minimum-object-size") != "varies_by_storage_class" {
		t.Errorf("%v", a.header)
	}
	if a := f.anonymous("GET", "/life?lifecycle", ""); a.status != 403 || a.code() != "AccessDenied" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do("PUT", "/nobody?lifecycle", config(filter+expire+enabled)); a.status != 404 || a.code() != "NoSuchBucket" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestStorageClassesAndRestore(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("cold"))
	for _, class := range []types.StorageClass{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"} {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String(string(class)), Body: strings.NewReader("x"), StorageClass: class})
		must(t, err)
		h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String(string(class))})
		must(t, err)
		if shown := h.StorageClass; shown != class && (class != "STANDARD" || shown != "") {
			t.Errorf("%s: head shows %s", class, shown)
		}
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String(string(class))})
		if err == nil {
			check(t, got.Body.Close())
		}
		if archived := class == "GLACIER" || class == "DEEP_ARCHIVE"; archived && errorCode(err) != "InvalidObjectState" || !archived && err != nil {
			t.Errorf("%s: %v", class, err)
		}
	}
	l, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	must(t, err)
	for _, o := range l.Contents {
		if string(o.StorageClass) != *o.Key {
			t.Errorf("%s: listed as %s", *o.Key, o.StorageClass)
		}
	}
	if a := f.do("PUT", "/cold/k", "x", "x-amz-storage-class: OUTPOSTS"); a.status != 400 || a.code() != "InvalidStorageClass" || element(a.body, "StorageClassRequested") != "OUTPOSTS" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do("GET", "/cold/GLACIER", ""); a.status != 403 || element(a.body, "StorageClass") != "GLACIER" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do("PUT", "/cold/copy", "", "x-amz-copy-source: /cold/GLACIER"); a.status != 403 || a.code() != "InvalidObjectState" {
		t.Errorf("%d %s", a.status, a.body)
	}
	// The class of a copy is its own.
	if a := f.do("PUT", "/cold/copy", "", "x-amz-copy-source: /cold/STANDARD_IA"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("copy")}); err != nil || h.StorageClass != "" {
		t.Errorf("%+v %v", h, err)
	}

	restore := func(key, body string) answer { return f.do("POST", "/cold/"+key+"?restore", body) }
	const twoDays = "<RestoreRequest><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>"
	for name, c := range map[string]struct {
		key, body string
		status    int
		code      string
	}{
		"no days":   {"GLACIER", "<RestoreRequest></RestoreRequest>", 400, "MalformedXML"},
		"zero days": {"GLACIER", "<RestoreRequest><Days>0</Days></RestoreRequest>", 400, "InvalidArgument"},
		"tier":      {"GLACIER", "<RestoreRequest><Days>1</Days><Tier>Fast</Tier></RestoreRequest>", 400, "MalformedXML"},
		"class":     {"STANDARD_IA", twoDays, 403, "InvalidObjectState"},
		"absent":    {"nothing", twoDays, 404, "NoSuchKey"},
	} {
		if a := restore(c.key, c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := restore("GLACIER", twoDays); a.status != 202 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := restore("GLACIER", twoDays); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	asked := []types.OptionalObjectAttributes{types.OptionalObjectAttributesRestoreStatus}
	l, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("GLACIER"), OptionalObjectAttributes: asked})
	must(t, err)
	if len(l.Contents) != 2 || l.Contents[0].RestoreStatus == nil || l.Contents[0].RestoreStatus.RestoreExpiryDate == nil || l.Contents[1].RestoreStatus != nil {
		t.Errorf("%+v", l.Contents)
	}
	if v, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b, Prefix: aws.String("GLACIER"), OptionalObjectAttributes: asked}); err != nil ||
		len(v.Versions) != 2 || v.Versions[0].RestoreStatus == nil || aws.ToBool(v.Versions[0].RestoreStatus.IsRestoreInProgress) {
		t.Errorf("%+v %v", v, err)
	}
	g, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("GLACIER")})
	must(t, err)
	g.Body.Close()
	if g.StorageClass != "GLACIER" || !strings.HasPrefix(aws.ToString(g.Restore), `ongoing-request="false", expiry-date="`) {
		t.Errorf("%+v", g)
	}
}
