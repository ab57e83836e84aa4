package s3api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSDKObjectLock(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := "locked"
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	if v, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b}); err != nil || v.Status != types.BucketVersioningStatusEnabled {
		t.Errorf("%+v %v", v, err)
	}
	conf, err := c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b})
	must(t, err)
	if conf.ObjectLockConfiguration.ObjectLockEnabled != types.ObjectLockEnabledEnabled || conf.ObjectLockConfiguration.Rule != nil {
		t.Errorf("%+v", conf.ObjectLockConfiguration)
	}
	_, err = c.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{Bucket: &b, ObjectLockConfiguration: &types.ObjectLockConfiguration{
		ObjectLockEnabled: types.ObjectLockEnabledEnabled,
		Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1)}}}})
	must(t, err)
	conf, err = c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b})
	must(t, err)
	if r := conf.ObjectLockConfiguration.Rule; r == nil || r.DefaultRetention.Mode != types.ObjectLockRetentionModeGovernance || aws.ToInt32(r.DefaultRetention.Days) != 1 {
		t.Errorf("%+v", r)
	}

	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: strings.NewReader("x"),
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until, ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn})
	must(t, err)
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("k")})
	must(t, err)
	if head.ObjectLockMode != types.ObjectLockModeCompliance || !aws.ToTime(head.ObjectLockRetainUntilDate).Equal(until) ||
		head.ObjectLockLegalHoldStatus != types.ObjectLockLegalHoldStatusOn {
		t.Errorf("%+v", head)
	}
	// Put, copy and upload without a word get the default.
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("copy"), CopySource: aws.String(b + "/k")})
	must(t, err)
	u, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("mp"), ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn})
	must(t, err)
	part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: aws.String("mp"), UploadId: u.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("p")})
	must(t, err)
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: aws.String("mp"), UploadId: u.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumCRC32: part.ChecksumCRC32}}}})
	must(t, err)
	for _, key := range []string{"copy", "mp"} {
		r, err := c.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &b, Key: &key})
		must(t, err)
		if d := time.Until(aws.ToTime(r.Retention.RetainUntilDate)); r.Retention.Mode != types.ObjectLockRetentionModeGovernance || d > 24*time.Hour || d < 23*time.Hour {
			t.Errorf("%s: %+v", key, r.Retention)
		}
	}
	if h, err := c.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: &b, Key: aws.String("mp")}); err != nil || h.LegalHold.Status != types.ObjectLockLegalHoldStatusOn {
		t.Errorf("%+v %v", h, err)
	}
	if _, err := c.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: &b, Key: aws.String("copy")}); errorCode(err) != "NoSuchObjectLockConfiguration" {
		t.Errorf("no hold: %v", err)
	}

	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("k"), VersionId: put.VersionId, BypassGovernanceRetention: aws.Bool(true)})
	if errorCode(err) != "AccessDenied" {
		t.Errorf("delete of a locked version: %v", err)
	}
	copied, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("copy")})
	must(t, err)
	list := &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k"), VersionId: put.VersionId}, {Key: aws.String("copy"), VersionId: copied.VersionId}}}
	res, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: list})
	must(t, err)
	if len(res.Errors) != 2 || aws.ToString(res.Errors[0].Code) != "AccessDenied" || len(res.Deleted) != 0 {
		t.Errorf("%+v", res)
	}
	if res, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: list, BypassGovernanceRetention: aws.Bool(true)}); err != nil ||
		len(res.Errors) != 1 || len(res.Deleted) != 1 || aws.ToString(res.Deleted[0].Key) != "copy" {
		t.Errorf("with bypass: %+v %v", res, err)
	}
	longer := until.Add(time.Hour)
	_, err = c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b, Key: aws.String("k"),
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &longer}})
	must(t, err)
	_, err = c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b, Key: aws.String("k"), BypassGovernanceRetention: aws.Bool(true),
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &until}})
	if errorCode(err) != "AccessDenied" {
		t.Errorf("shorter: %v", err)
	}
	_, err = c.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{Bucket: &b, Key: aws.String("k"), LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff}})
	must(t, err)
}

func TestLockErrors(t *testing.T) {
	f := start(t)
	f.bucket("plain")
	if a := f.do("PUT", "/lck", "", "x-amz-bucket-object-lock-enabled: true"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	f.do("PUT", "/plain/k", "x")
	f.do("PUT", "/lck/k", "x")
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	config := func(s string) string {
		return "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>" + s + "</ObjectLockConfiguration>"
	}
	rule := func(s string) string {
		return config("<Rule><DefaultRetention>" + s + "</DefaultRetention></Rule>")
	}
	retention := func(mode, until string) string {
		return fmt.Sprintf("<Retention><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>", mode, until)
	}
	sum := func(s string) string { return "x-amz-checksum-crc32: " + crc32Of(s) }
	for name, c := range map[string]struct {
		method, target, body string
		header               []string
		status               int
		code                 string
	}{
		"config of none":         {"GET", "/plain?object-lock", "", nil, 404, "ObjectLockConfigurationNotFoundError"},
		"config unversioned":     {"PUT", "/plain?object-lock", config(""), nil, 409, "InvalidBucketState"},
		"config disabled":        {"PUT", "/lck?object-lock", "<ObjectLockConfiguration><ObjectLockEnabled>Disabled</ObjectLockEnabled></ObjectLockConfiguration>", nil, 400, "MalformedXML"},
		"config days and years":  {"PUT", "/lck?object-lock", rule("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"), nil, 400, "MalformedXML"},
		"config no period":       {"PUT", "/lck?object-lock", rule("<Mode>GOVERNANCE</Mode>"), nil, 400, "MalformedXML"},
		"config bad mode":        {"PUT", "/lck?object-lock", rule("<Mode>governance</Mode><Days>1</Days>"), nil, 400, "MalformedXML"},
		"config zero days":       {"PUT", "/lck?object-lock", rule("<Mode>GOVERNANCE</Mode><Days>0</Days>"), nil, 400, "InvalidRetentionPeriod"},
		"config negative years":  {"PUT", "/lck?object-lock", rule("<Mode>GOVERNANCE</Mode><Years>-1</Years>"), nil, 400, "InvalidRetentionPeriod"},
		"config too long":        {"PUT", "/lck?object-lock", rule("<Mode>GOVERNANCE</Mode><Years>101</Years>"), nil, 400, "InvalidRetentionPeriod"},
		"suspend":                {"PUT", "/lck?versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", nil, 409, "InvalidBucketState"},
		"retention, plain":       {"GET", "/plain/k?retention", "", nil, 400, "InvalidRequest"},
		"set retention, plain":   {"PUT", "/plain/k?retention", retention("GOVERNANCE", future), nil, 400, "InvalidRequest"},
		"hold, plain":            {"GET", "/plain/k?legal-hold", "", nil, 400, "InvalidRequest"},
		"set hold, plain":        {"PUT", "/plain/k?legal-hold", "<LegalHold><Status>ON</Status></LegalHold>", nil, 400, "InvalidRequest"},
		"no retention":           {"GET", "/lck/k?retention", "", nil, 404, "NoSuchObjectLockConfiguration"},
		"no hold":                {"GET", "/lck/k?legal-hold", "", nil, 404, "NoSuchObjectLockConfiguration"},
		"no key":                 {"GET", "/lck/nothing?retention", "", nil, 404, "NoSuchKey"},
		"retention bad mode":     {"PUT", "/lck/k?retention", retention("abc", future), nil, 400, "MalformedXML"},
		"retention bad date":     {"PUT", "/lck/k?retention", retention("GOVERNANCE", "tomorrow"), nil, 400, "MalformedXML"},
		"retention past":         {"PUT", "/lck/k?retention", retention("GOVERNANCE", "2001-01-01T00:00:00Z"), nil, 400, "InvalidArgument"},
		"hold bad":               {"PUT", "/lck/k?legal-hold", "<LegalHold><Status>abc</Status></LegalHold>", nil, 400, "MalformedXML"},
		"put, plain":             {"PUT", "/plain/k", "x", []string{sum("x"), "x-amz-object-lock-legal-hold: ON"}, 400, "InvalidRequest"},
		"put without date":       {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-mode: GOVERNANCE"}, 400, "InvalidArgument"},
		"put without mode":       {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-retain-until-date: " + future}, 400, "InvalidArgument"},
		"put bad mode":           {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-mode: x", "x-amz-object-lock-retain-until-date: " + future}, 400, "InvalidArgument"},
		"put bad date":           {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-mode: GOVERNANCE", "x-amz-object-lock-retain-until-date: x"}, 400, "InvalidArgument"},
		"put past":               {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-mode: GOVERNANCE", "x-amz-object-lock-retain-until-date: 2001-01-01T00:00:00Z"}, 400, "InvalidArgument"},
		"put bad hold":           {"PUT", "/lck/k", "x", []string{sum("x"), "x-amz-object-lock-legal-hold: maybe"}, 400, "InvalidArgument"},
		"put without checksum":   {"PUT", "/lck/k", "x", []string{"x-amz-object-lock-legal-hold: ON"}, 400, "InvalidRequest"},
		"bucket with odd header": {"PUT", "/newb", "", []string{"x-amz-bucket-object-lock-enabled: perhaps"}, 400, "InvalidArgument"},
	} {
		if a := f.do(c.method, c.target, c.body, c.header...); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
