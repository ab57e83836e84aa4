package s3api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// form is a browser upload. Fields are sent in order.
type form struct {
	fields [][2]string
	file   string
	noFile bool
}

func (m form) encode(t *testing.T) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range m.fields {
		check(t, w.WriteField(f[0], f[1]))
	}
	if !m.noFile {
		fw, err := w.CreateFormFile("file", "my photo.jpg")
		must(t, err)
		_, err = io.WriteString(fw, m.file)
		must(t, err)
	}
	must(t, w.Close())
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

// with returns the form with a field set, added or, with value "-", removed.
func (m form) with(name, value string) form {
	var fields [][2]string
	found := false
	for _, f := range m.fields {
		if f[0] == name {
			found = true
			if value == "-" {
				continue
			}
			f[1] = value
		}
		fields = append(fields, f)
	}
	if !found && value != "-" {
		fields = append([][2]string{{name, value}}, fields...)
	}
	m.fields = fields
	return m
}

func policyV4(expires time.Time, conditions string) [][2]string {
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	credential := testKeyID + "/" + day + "/us-east-1/s3/aws4_request"
	doc := fmt.Sprintf(`{"expiration": %q, "conditions": [%s, {"x-amz-credential": %q}, {"x-amz-algorithm": "AWS4-HMAC-SHA256"}, {"x-amz-date": %q}]}`,
		expires.UTC().Format("2006-01-02T15:04:05.000Z"), conditions, credential, stamp)
	policy := base64.StdEncoding.EncodeToString([]byte(doc))
	key := mac(mac(mac(mac([]byte("AWS4"+testSecret), day), "us-east-1"), "s3"), "aws4_request")
	return [][2]string{
		{"X-Amz-Credential", credential}, {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Date", stamp}, {"Policy", policy},
		{"X-Amz-Signature", hex.EncodeToString(mac(key, policy))},
	}
}

func policyV2(expires time.Time, conditions string) [][2]string {
	doc := fmt.Sprintf(`{"expiration": %q, "conditions": [%s]}`, expires.UTC().Format("2006-01-02T15:04:05.000Z"), conditions)
	policy := base64.StdEncoding.EncodeToString([]byte(doc))
	h := hmac.New(sha1.New, []byte(testSecret))
	h.Write([]byte(policy))
	return [][2]string{{"AWSAccessKeyId", testKeyID}, {"policy", policy}, {"signature", base64.StdEncoding.EncodeToString(h.Sum(nil))}}
}

func TestPostObject(t *testing.T) {
	f := start(t)
	f.bucket("forms")
	soon := time.Now().Add(time.Minute)
	const conditions = `{"bucket": "forms"}, ["starts-with", "$key", "user/"], {"acl": "private"}, ["starts-with", "$Content-Type", "image/"],` +
		`["starts-with", "$x-amz-meta-tag", ""], ["content-length-range", 5, 100000], ["starts-with", "$success_action_status", ""],` +
		`["starts-with", "$success_action_redirect", ""], ["starts-with", "$tagging", ""]`
	base := form{file: "file content", fields: [][2]string{{"key", "user/${filename}"}, {"acl", "private"}, {"Content-Type", "image/jpeg"}, {"x-amz-meta-tag", "ü"}}}
	v4, v2 := base, base
	v4.fields = append(append([][2]string{}, base.fields...), policyV4(soon, conditions)...)
	v2.fields = append(append([][2]string{}, base.fields...), policyV2(soon, conditions)...)
	send := func(m form, header ...string) answer {
		t.Helper()
		body, contentType := m.encode(t)
		return f.anonymous("POST", "/forms", body, append(header, contentType)...)
	}
	big := v4
	big.file = strings.Repeat("0123456789", 10_000)
	tooBig := v4
	tooBig.file = big.file + "x"
	small := v4
	small.file = "1234"
	none := v4
	none.noFile = true

	for name, m := range map[string]form{"v4": v4, "v2": v2, "large": big} {
		a := send(m)
		if a.status != 204 || a.body != "" || a.header.Get("ETag") == "" || !strings.HasSuffix(a.header.Get("Location"), "/forms/user%2Fmy%20photo.jpg") {
			t.Errorf("%s: %d %s %v", name, a.status, a.body, a.header)
		}
		g := f.do("GET", "/forms/user/my%20photo.jpg", "")
		if g.body != m.file || g.header.Get("Content-Type") != "image/jpeg" || g.header.Get("x-amz-meta-tag") != "=?UTF-8?B?w7w=?=" {
			t.Errorf("%s: stored %d bytes, %v", name, len(g.body), g.header)
		}
		f.do("DELETE", "/forms/user%2Fmy%20photo.jpg", "")
	}
	a := send(v4.with("success_action_status", "201"))
	if a.status != 201 || element(a.body, "Key") != "user/my photo.jpg" || element(a.body, "Bucket") != "forms" || element(a.body, "ETag") == "" {
		t.Errorf("201: %d %s", a.status, a.body)
	}
	a = send(v4.with("success_action_redirect", "http://example.org/done?a=b"))
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "http://example.org/done?a=b&bucket=forms&key=user%2Fmy+photo.jpg&etag=%22") {
		t.Errorf("redirect: %d %v", a.status, a.header)
	}
	a = send(v4.with("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"))
	if g := f.do("GET", "/forms/user%2Fmy%20photo.jpg?tagging", ""); a.status != 204 || element(g.body, "Key") != "a" {
		t.Errorf("tagging: %d %s %s", a.status, a.body, g.body)
	}
	f.do("DELETE", "/forms/user%2Fmy%20photo.jpg", "")

	expired := base
	expired.fields = append(append([][2]string{}, base.fields...), policyV4(time.Now().Add(-time.Minute), conditions)...)
	garbled := base
	garbled.fields = append(append([][2]string{}, base.fields...), policyV4(soon, `["nonsense"]`)...)
	for name, c := range map[string]struct {
		form form
		code string
		msg  string
	}{
		"anonymous":        {base, "AccessDenied", ""},
		"expired":          {expired, "AccessDenied", "Invalid according to Policy: Policy expired."},
		"garbled":          {garbled, "InvalidPolicyDocument", "Invalid Policy: Invalid Condition: a condition is an object or a list of three"},
		"signature":        {v4.with("X-Amz-Signature", strings.Repeat("0", 64)), "SignatureDoesNotMatch", ""},
		"signature v2":     {v2.with("signature", "AAAA"), "SignatureDoesNotMatch", ""},
		"other key":        {v4.with("key", "other/x"), "AccessDenied", `Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "user/"]`},
		"extra field":      {v4.with("x-amz-meta-extra", "1"), "AccessDenied", "Invalid according to Policy: Extra input fields: x-amz-meta-extra"},
		"no key":           {v4.with("key", "-"), "AccessDenied", ""},
		"too large":        {tooBig, "EntityTooLarge", ""},
		"too small":        {small, "EntityTooSmall", ""},
		"no file":          {none, "IncorrectNumberOfFilesInPostRequest", ""},
		"fields too large": {v4.with("x-amz-meta-tag", strings.Repeat("v", 30<<10)), "MaxPostPreDataLengthExceededError", ""},
		"endless field":    {v4.with("x-amz-meta-tag", strings.Repeat("v", 3<<20)), "MaxPostPreDataLengthExceededError", ""},
	} {
		a := send(c.form)
		if a.code() != c.code || c.msg != "" && unescapeXML(element(a.body, "Message")) != c.msg {
			t.Errorf("%s: got %d %s, want %s %q", name, a.status, a.body, c.code, c.msg)
		}
	}
	truncated, contentType := v4.encode(t)
	if a := f.anonymous("POST", "/forms", truncated[:len(truncated)-30], contentType); a.code() != "MalformedPOSTRequest" {
		t.Errorf("truncated: %d %s", a.status, a.body)
	}
	if a := f.do("GET", "/forms", ""); strings.Contains(a.body, "<Key>") {
		t.Errorf("a refused form was stored: %s", a.body)
	}
}

func unescapeXML(s string) string {
	return strings.NewReplacer("&quot;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// A file that ends where a buffer does: its end is asked for twice.
func TestPostObjectOfWholeBuffers(t *testing.T) {
	f := start(t)
	f.bucket("whole")
	m := form{fields: append([][2]string{{"key", "k"}, {"x-amz-checksum-crc32", ""}},
		policyV2(time.Now().Add(time.Minute), `{"bucket": "whole"}, {"key": "k"}`)...)}
	m = m.with("x-amz-checksum-crc32", "-")
	for _, size := range []int{1 << 20, 3 << 20, 3<<20 + 1} {
		m.file = strings.Repeat("x", size)
		body, contentType := m.encode(t)
		if a := f.anonymous("POST", "/whole", body, contentType); a.status != 204 {
			t.Errorf("%d bytes: %d %s", size, a.status, a.body)
		}
	}
	// A checksum needs no condition of the policy: it gives nobody anything.
	m.file = "x"
	for sum, want := range map[string]int{"nonsense": 400, "jNwWhA==": 400, "jNwWgw==": 204} {
		body, contentType := m.with("x-amz-checksum-crc32", sum).encode(t)
		if a := f.anonymous("POST", "/whole", body, contentType); a.status != want {
			t.Errorf("checksum %s: %d %s", sum, a.status, a.body)
		}
	}
}

// Bucket policies and access control lists look at the fields of forms as at headers.
func TestPostObjectAndAccess(t *testing.T) {
	f := start(t)
	f.listed("shared-forms", "ObjectWriter")
	f.putPolicy("shared-forms", `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::shared-forms/*",
		"Condition":{"StringEquals":{"s3:x-amz-acl":"public-read","s3:x-amz-storage-class":"STANDARD_IA"}}}`)
	send := func(m form) int {
		t.Helper()
		body, contentType := m.encode(t)
		return f.anonymous("POST", "/shared-forms", body, contentType).status
	}
	m := form{file: "x", fields: [][2]string{{"key", "k"}, {"acl", "public-read"}, {"x-amz-storage-class", "STANDARD_IA"}}}
	for what, tc := range map[string]struct {
		m    form
		want int
	}{
		"as the policy says":      {m, 204},
		"another list":            {m.with("acl", "private"), 403},
		"no list":                 {m.with("acl", "-"), 403},
		"another class":           {m.with("x-amz-storage-class", "STANDARD"), 403},
		"a list that is none":     {m.with("acl", "nonsense"), 400},
		"the list of another use": {m.with("acl", "log-delivery-write"), 400},
	} {
		if got := send(tc.m); got != tc.want {
			t.Errorf("%s: %d, want %d", what, got, tc.want)
		}
	}
	// The policy judges the key that the object gets, and who writes may tag what it writes.
	f.listed("named-forms", "ObjectWriter")
	_, err := f.client().PutBucketAcl(context.Background(), &s3.PutBucketAclInput{Bucket: aws.String("named-forms"), ACL: "public-read-write"})
	must(t, err)
	for name, want := range map[string]int{"my": 201, "other": 403} {
		m := form{file: "x", fields: append([][2]string{{"key", "${filename}"}, {"success_action_status", "201"}},
			policyV2(time.Now().Add(time.Minute), `{"bucket": "named-forms"}, ["starts-with", "$key", "`+name+`"], {"success_action_status": "201"}`)...)}
		body, contentType := m.encode(t)
		a := f.anonymous("POST", "/named-forms", body, contentType)
		if a.status != want || want == 201 && !strings.Contains(a.body, "<PostResponse><Location>") {
			t.Errorf("key %s: %d %s", name, a.status, a.body)
		}
	}
	tagged := form{file: "x", fields: [][2]string{{"key", "t"}, {"acl", "public-read"}, {"tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"}}}
	body, contentType := tagged.encode(t)
	if a := f.anonymous("POST", "/named-forms", body, contentType); a.status != 204 {
		t.Errorf("tags by nobody: %d %s", a.status, a.body)
	}
	if got := f.nobody("GET", "/shared-forms/k"); got != 200 {
		t.Errorf("what was made public: %d", got)
	}
}
