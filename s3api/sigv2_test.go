package s3api_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/s3api"
)

func signV2(s string) string {
	h := hmac.New(sha1.New, []byte(testSecret))
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestSignatureV2(t *testing.T) {
	f := start(t)
	f.bucket("old")
	date := time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	auth := "Authorization: AWS " + testKeyID + ":" + signV2("PUT\n\ntext/plain\n"+date+"\nx-amz-meta-a:b\n/old/dir/k")
	a := f.anonymous("PUT", "/old/dir/k", "content", "Date: "+date, "Content-Type: text/plain", "x-amz-meta-a: b", auth)
	if a.status != 200 {
		t.Fatalf("header: %d %s", a.status, a.body)
	}
	expires := time.Now().Add(time.Minute).Unix()
	target := fmt.Sprintf("/old/dir/k?AWSAccessKeyId=%s&Expires=%d&Signature=%s", testKeyID, expires, url.QueryEscape(signV2(fmt.Sprintf("GET\n\n\n%d\n/old/dir/k", expires))))
	if a := f.anonymous("GET", target, ""); a.body != "content" || a.header.Get("x-amz-meta-a") != "b" {
		t.Errorf("presigned: %d %s", a.status, a.body)
	}
	if a := f.anonymous("GET", target+"x", ""); a.code() != "SignatureDoesNotMatch" {
		t.Errorf("tampered: %d %s", a.status, a.body)
	}
	strict := start(t, func(c *s3api.Config) { c.DisableV2 = true })
	if a := strict.anonymous("GET", target, ""); a.code() != "InvalidRequest" {
		t.Errorf("disabled: %d %s", a.status, a.body)
	}
}

// Parameters of a presigned URL stand for headers: a checksum there is held against the body, as S3 does.
func TestHoistedHeaders(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	put := func(query, body string) answer {
		t.Helper()
		now := time.Now().UTC()
		stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
		scope := day + "/us-east-1/s3/aws4_request"
		q := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + url.QueryEscape(testKeyID+"/"+scope) + "&X-Amz-Date=" + stamp +
			"&X-Amz-Expires=60&X-Amz-SignedHeaders=host" + query
		canonical := "PUT\n/bkt/k\n" + q + "\nhost:" + f.addr + "\n\nhost\nUNSIGNED-PAYLOAD"
		toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sha(canonical)
		key := mac(mac(mac(mac([]byte("AWS4"+testSecret), day), "us-east-1"), "s3"), "aws4_request")
		return f.anonymous("PUT", "/bkt/k?"+q+"&X-Amz-Signature="+fmt.Sprintf("%x", mac(key, toSign)), body)
	}
	crc := url.QueryEscape(crc32Of("body"))
	if a := put("&x-amz-checksum-crc32="+crc+"&x-amz-meta-m=1&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject", "body"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := f.do("HEAD", "/bkt/k", ""); a.header.Get("x-amz-meta-m") != "1" {
		t.Errorf("metadata: %v", a.header)
	}
	if a := put("&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", "body"); a.code() != "BadDigest" {
		t.Errorf("checksum of nothing: %d %s", a.status, a.body)
	}
}
