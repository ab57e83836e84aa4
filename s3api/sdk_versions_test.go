package s3api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (f *fixture) versioning(bucket string, status types.BucketVersioningStatus) {
	f.t.Helper()
	_, err := f.client().PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
	must(f.t, err)
}

// allVersions lists by pages of n: "key id [latest] [marker]", prefixes as they are.
func (f *fixture) allVersions(bucket string, n int32) (all []string) {
	f.t.Helper()
	p := s3.NewListObjectVersionsPaginator(f.client(), &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: &n})
	for p.HasMorePages() {
		page, err := p.NextPage(context.Background())
		must(f.t, err)
		for _, v := range page.Versions {
			all = append(all, fmt.Sprint(*v.Key, " ", *v.VersionId, " ", *v.IsLatest))
		}
		for _, m := range page.DeleteMarkers {
			all = append(all, fmt.Sprint(*m.Key, " ", *m.VersionId, " ", *m.IsLatest, " marker"))
		}
	}
	return all
}

func TestSDKVersions(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := f.bucket("versions")
	put := func(key, body string) string {
		t.Helper()
		res, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader(body)})
		must(t, err)
		return aws.ToString(res.VersionId)
	}
	read := func(key, version string) string {
		t.Helper()
		in := &s3.GetObjectInput{Bucket: &b, Key: &key}
		if version != "" {
			in.VersionId = &version
		}
		res, err := c.GetObject(ctx, in)
		if err != nil {
			return errorCode(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		must(t, err)
		if version != "" && aws.ToString(res.VersionId) != version {
			t.Errorf("version %q answered as %q", version, aws.ToString(res.VersionId))
		}
		return string(body)
	}
	if v := put("k", "old"); v != "" {
		t.Errorf("unversioned put answers version %q", v)
	}
	f.versioning(b, types.BucketVersioningStatusEnabled)
	if s, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b}); err != nil || s.Status != types.BucketVersioningStatusEnabled {
		t.Errorf("%+v %v", s, err)
	}
	one, two := put("k", "one"), put("k", "two")
	del, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("k")})
	must(t, err)
	marker := aws.ToString(del.VersionId)
	if !aws.ToBool(del.DeleteMarker) || marker == "" {
		t.Errorf("%+v", del)
	}
	want := []string{"k " + two + " false", "k " + one + " false", "k null false", "k " + marker + " true marker"}
	if got := f.allVersions(b, 1000); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("versions %q, want %q", got, want)
	}
	if got := f.allVersions(b, 1); len(got) != 4 {
		t.Errorf("by pages of one: %q", got)
	}
	for version, body := range map[string]string{"": "NoSuchKey", marker: "MethodNotAllowed", two: "two", one: "one", "null": "old",
		strings.Repeat("ab", 16): "NoSuchVersion", "nonsense": "InvalidArgument"} {
		if got := read("k", version); got != body {
			t.Errorf("version %q: %q, want %q", version, got, body)
		}
	}
	cp, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("copy"), CopySource: aws.String(b + "/k?versionId=" + one)})
	must(t, err)
	if aws.ToString(cp.CopySourceVersionId) != one || aws.ToString(cp.VersionId) == "" || read("copy", "") != "one" {
		t.Errorf("%+v", cp)
	}
	// Without its marker the key is back.
	res, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: &marker}, {Key: aws.String("copy")}}}})
	must(t, err)
	if len(res.Errors) != 0 || !aws.ToBool(res.Deleted[0].DeleteMarker) || aws.ToString(res.Deleted[0].DeleteMarkerVersionId) != marker ||
		!aws.ToBool(res.Deleted[1].DeleteMarker) || aws.ToString(res.Deleted[1].DeleteMarkerVersionId) == "" || res.Deleted[1].VersionId != nil {
		t.Errorf("%+v", res)
	}
	if got := read("k", ""); got != "two" {
		t.Errorf("without the marker: %q", got)
	}
	f.versioning(b, types.BucketVersioningStatusSuspended)
	if v := put("k", "null2"); v != "" {
		t.Errorf("suspended put answers version %q", v)
	}
	if read("k", "null") != "null2" || read("k", one) != "one" {
		t.Error("suspended: the wrong versions")
	}
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("k"), VersionId: &two})
	must(t, err)
	if got := read("k", two); got != "NoSuchVersion" {
		t.Errorf("deleted version: %q", got)
	}
}

// What a reader is told about a delete marker, on every way of reading.
func TestDeleteMarkerAnswers(t *testing.T) {
	f := start(t)
	b := f.bucket("markers")
	f.versioning(b, types.BucketVersioningStatusEnabled)
	f.do("PUT", "/markers/k", "x")
	marker := f.do("DELETE", "/markers/k", "").header.Get("x-amz-version-id")
	for _, target := range []string{"/markers/k", "/markers/k?tagging", "/markers/k?versionId=" + marker, "/markers/k?tagging&versionId=" + marker} {
		for _, method := range []string{"GET", "HEAD"} {
			if method == "HEAD" && strings.Contains(target, "tagging") {
				continue
			}
			a := f.do(method, target, "")
			status, code := http.StatusNotFound, "NoSuchKey"
			if strings.Contains(target, "tagging") {
				status, code = http.StatusMethodNotAllowed, "MethodNotAllowed"
			}
			if strings.Contains(target, "versionId") {
				status, code = http.StatusMethodNotAllowed, "MethodNotAllowed"
				if a.header.Get("Last-Modified") == "" || a.header.Get("Allow") != "DELETE" {
					t.Errorf("%s %s: %v", method, target, a.header)
				}
			}
			if a.status != status || method == "GET" && a.code() != code || a.header.Get("x-amz-delete-marker") != "true" ||
				a.header.Get("x-amz-version-id") != marker {
				t.Errorf("%s %s: %d %v %s", method, target, a.status, a.header, a.body)
			}
		}
	}
}

func TestVersioningErrors(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	for name, c := range map[string]struct {
		method, target, body string
		status               int
		code                 string
	}{
		"no such bucket":       {"PUT", "/nobody?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", 404, "NoSuchBucket"},
		"get of no bucket":     {"GET", "/nobody?versioning", "", 404, "NoSuchBucket"},
		"no body":              {"PUT", "/bkt?versioning", "", 400, "MissingRequestBodyError"},
		"no status":            {"PUT", "/bkt?versioning", "<VersioningConfiguration></VersioningConfiguration>", 400, "IllegalVersioningConfigurationException"},
		"bad status":           {"PUT", "/bkt?versioning", "<VersioningConfiguration><Status>enabled</Status></VersioningConfiguration>", 400, "MalformedXML"},
		"another document":     {"PUT", "/bkt?versioning", "<Tagging></Tagging>", 400, "MalformedXML"},
		"mfa":                  {"PUT", "/bkt?versioning", "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>", 403, "AccessDenied"},
		"mfa unknown":          {"PUT", "/bkt?versioning", "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>x</MfaDelete></VersioningConfiguration>", 400, "MalformedXML"},
		"empty version":        {"GET", "/bkt/k?versionId=", "", 400, "InvalidArgument"},
		"delete empty version": {"DELETE", "/bkt/k?versionId=", "", 400, "InvalidArgument"},
		"marker without key":   {"GET", "/bkt?versions&version-id-marker=null", "", 400, "InvalidArgument"},
		"empty marker":         {"GET", "/bkt?versions&key-marker=a&version-id-marker=", "", 400, "InvalidArgument"},
		"bad marker":           {"GET", "/bkt?versions&key-marker=a&version-id-marker=x", "", 400, "InvalidArgument"},
		"bad max-keys":         {"GET", "/bkt?versions&max-keys=-1", "", 400, "InvalidArgument"},
		"list of no bucket":    {"GET", "/nobody?versions", "", 404, "NoSuchBucket"},
	} {
		if a := f.do(c.method, c.target, c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.anonymous("GET", "/bkt?versions", ""); a.status != 403 {
		t.Errorf("anonymous: %d", a.status)
	}
}
