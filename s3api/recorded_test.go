package s3api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Answers that Amazon gives where the reference is silent, as the snapshots of LocalStack's S3 tests have them.

func TestCopyOntoItself(t *testing.T) {
	f := start(t)
	f.bucket("plain")
	f.bucket("sealed")
	f.put(t, "/sealed?encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>`+
		`<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)
	for _, b := range []string{"plain", "sealed"} {
		f.put(t, "/"+b+"/key", "body", "x-amz-meta-a: 1")
	}
	itself := func(b string, header ...string) answer {
		return f.do("PUT", "/"+b+"/key", "", append(header, "x-amz-copy-source: "+b+"/key")...)
	}
	for name, c := range map[string]struct {
		got  answer
		code string
	}{
		"nothing changes":                {itself("plain"), "InvalidRequest"},
		"only tags":                      {itself("plain", "x-amz-tagging-directive: REPLACE"), "InvalidRequest"},
		"class":                          {itself("plain", "x-amz-storage-class: STANDARD"), ""},
		"in a bucket with an encryption": {itself("sealed"), ""},
		"redirect":                       {itself("plain", "x-amz-website-redirect-location: /there"), ""},
	} {
		if c.got.code() != c.code {
			t.Errorf("%s: %d %s", name, c.got.status, c.got.body)
		}
	}
	h := f.do("HEAD", "/plain/key", "").header // as the redirect was copied last
	if h.Get("x-amz-website-redirect-location") != "/there" || h.Get("x-amz-meta-a") != "1" {
		t.Errorf("copied: %v", h)
	}

	// The null version that a copy makes has its name in the answer; the one that it is made of has not.
	replace := []string{"x-amz-metadata-directive: REPLACE"}
	if h := itself("plain", replace...).header; h.Get("x-amz-version-id") != "" {
		t.Errorf("without versions: %v", h)
	}
	versions := func(status string) {
		f.put(t, "/plain?versioning", "<VersioningConfiguration><Status>"+status+"</Status></VersioningConfiguration>")
	}
	versions("Suspended")
	for range 2 {
		if h := itself("plain", replace...).header; h.Get("x-amz-version-id") != "null" || h.Get("x-amz-copy-source-version-id") != "" {
			t.Errorf("suspended: %v", h)
		}
	}
	if h := f.do("PUT", "/plain/key", "body").header; h.Get("x-amz-version-id") != "" {
		t.Errorf("PutObject, suspended: %v", h)
	}
	versions("Enabled")
	first := itself("plain", replace...).header
	if first.Get("x-amz-version-id") == "" || first.Get("x-amz-copy-source-version-id") != "" {
		t.Errorf("enabled again: %v", first)
	}
	if h := itself("plain", replace...).header; h.Get("x-amz-copy-source-version-id") != first.Get("x-amz-version-id") {
		t.Errorf("of a version: %v", h)
	}
}

// put sends a PUT that must succeed.
func (f *fixture) put(t *testing.T, target, body string, header ...string) answer {
	t.Helper()
	a := f.do("PUT", target, body, header...)
	if a.status/100 != 2 {
		t.Fatalf("PUT %s: %d %s", target, a.status, a.body)
	}
	return a
}

// TestUploadOverDeleted: an object that was deleted while an upload for its key was under way is a conflict, not an absence.
func TestUploadOverDeleted(t *testing.T) {
	f := start(t)
	f.bucket("unversioned")
	f.bucket("versioned")
	f.put(t, "/versioned?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	begin := func(target string) func() answer {
		id := element(f.do("POST", target+"?uploads", "").body, "UploadId")
		etag := f.put(t, target+"?partNumber=1&uploadId="+id, "part").header.Get("ETag")
		return func() answer {
			return f.do("POST", target+"?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"+
				"<ETag>%s</ETag></Part></CompleteMultipartUpload>", etag), "If-None-Match: *")
		}
	}
	for _, target := range []string{"/unversioned/key", "/versioned/key"} {
		f.put(t, target, "body")
		over := begin(target)
		if a := over(); a.status != 412 || element(a.body, "Condition") != "If-None-Match" {
			t.Errorf("%s is there: %d %s", target, a.status, a.body)
		}
		f.do("DELETE", target, "")
		for range 2 { // it stays so
			if a := over(); a.status != 409 || a.code() != "ConditionalRequestConflict" || element(a.body, "Condition") != "If-None-Match" || element(a.body, "Key") != "key" {
				t.Errorf("%s was deleted meanwhile: %d %s", target, a.status, a.body)
			}
		}
		if a := begin(target)(); a.status != 200 {
			t.Errorf("%s, begun again: %d %s", target, a.status, a.body)
		}
	}
	if a := begin("/unversioned/other")(); a.status != 200 {
		t.Errorf("never there: %d %s", a.status, a.body)
	}
}

// TestRefusalsInOrder: of several things wrong, Amazon names the bucket first, and who is no grantee before that lists are off.
func TestRefusalsInOrder(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.put(t, "/bkt/key", "body")
	acl := func(id string) string {
		return `<AccessControlPolicy><Owner/><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">` +
			`<ID>` + id + `</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
	}
	someone := f.party("someone").canonical
	for name, c := range map[string]struct {
		method, target, body, header, code, has string
	}{
		"bucket's list for nobody":      {"PUT", "/bkt?acl", acl("nobody"), "", "InvalidArgument", "<ArgumentName>CanonicalUser/ID</ArgumentName>"},
		"bucket's list for somebody":    {"PUT", "/bkt?acl", acl(someone), "", "AccessControlListNotSupported", ""},
		"bucket's list, header, nobody": {"PUT", "/bkt?acl", "", "x-amz-grant-write: id=nobody", "InvalidArgument", "<ArgumentName>id</ArgumentName>"},
		"object's list for nobody":      {"PUT", "/bkt/key?acl", acl("nobody"), "", "InvalidArgument", "<ArgumentValue>nobody</ArgumentValue>"},
		"object's list for somebody":    {"PUT", "/bkt/key?acl", acl(someone), "", "AccessControlListNotSupported", ""},
		"new object, nobody":            {"PUT", "/bkt/new", "body", "x-amz-grant-read: id=nobody", "InvalidArgument", "<ArgumentName>id</ArgumentName>"},
		"new object, somebody":          {"PUT", "/bkt/new", "body", "x-amz-grant-read: id=" + someone, "AccessControlListNotSupported", ""},
		"no bucket, not XML":            {"PUT", "/nobody?versioning", "<", "", "NoSuchBucket", "<BucketName>nobody</BucketName>"},
		"no bucket, not what is wanted": {"PUT", "/nobody?encryption", "<ServerSideEncryptionConfiguration/>", "", "NoSuchBucket", ""},
		"no bucket, tags":               {"PUT", "/nobody?tagging", "<Tagging/>", "", "NoSuchBucket", ""},
		"no bucket, retention":          {"PUT", "/nobody/key?retention", "<Retention><Mode>X</Mode></Retention>", "", "NoSuchBucket", ""},
		"no bucket, policy":             {"PUT", "/nobody?policy", "{", "", "NoSuchBucket", ""},
		"no bucket, delete nothing":     {"POST", "/nobody?delete", "<Delete/>", "", "NoSuchBucket", ""},
		"a bucket, not XML":             {"PUT", "/bkt?versioning", "<", "", "MalformedXML", ""},
	} {
		var header []string
		if c.header != "" {
			header = []string{c.header}
		}
		a := f.do(c.method, c.target, c.body, header...)
		if a.code() != c.code || !strings.Contains(a.body, c.has) {
			t.Errorf("%s: %d %s, want %s %s", name, a.status, a.body, c.code, c.has)
		}
	}
}

// TestCompleteWithMalformedChecksum: what cannot be the checksum of the whole is no match, whatever else is wrong.
func TestCompleteWithMalformedChecksum(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	id := element(f.do("POST", "/bkt/key?uploads", "", "x-amz-checksum-algorithm: SHA256").body, "UploadId")
	h := sha256.Sum256([]byte("part"))
	sum := base64.StdEncoding.EncodeToString(h[:])
	part := f.put(t, "/bkt/key?partNumber=1&uploadId="+id, "part", "x-amz-checksum-sha256: "+sum)
	for _, listed := range []string{"<ChecksumSHA256>" + sum + "</ChecksumSHA256>", ""} {
		a := f.do("POST", "/bkt/key?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag>%s</Part></CompleteMultipartUpload>",
			part.header.Get("ETag"), listed), "x-amz-checksum-sha256: bad")
		if a.status != 400 || a.code() != "BadDigest" || element(a.body, "Message") != "The sha256 you specified did not match the calculated checksum." {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
