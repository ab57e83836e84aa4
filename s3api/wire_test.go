package s3api_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/s3api/httpd"

	"github.com/aureole-cloud/aureole/s3api"
)

// Keys come back exactly as they were sent, in paths and in listings.
func TestOddKeys(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("odd")
	keys := []string{
		"a//b", "a/./b", "a/../b", "../x", "./x", "/leading", "trailing/", "//", ".", "..", "...", "a%2Fb", "a%b", "%", "%%%", "a+b", "a b", " ", "a\\b",
		"ü/ñ/日本語", "😀", "q?x=1&y", "h#frag", "a;b=c", "quote\"'<>&", "tab\there", strings.Repeat("x", 1024), strings.Repeat("ü", 512), "key\u2028sep", "~-_.!*'()",
	}
	for _, key := range keys {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)})
		if err != nil {
			t.Errorf("put %q: %v", key, err)
			continue
		}
		get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			t.Errorf("get %q: %v", key, err)
			continue
		}
		if body, _ := io.ReadAll(get.Body); string(body) != key {
			t.Errorf("%q holds %q", key, body)
		}
	}
	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, EncodingType: "url"})
	must(t, err)
	got := map[string]bool{}
	for _, o := range list.Contents {
		got[urlDecode(t, *o.Key)] = true
	}
	for _, key := range keys {
		if !got[key] {
			t.Errorf("the listing misses %q", key)
		}
	}
	if len(got) != len(keys) {
		t.Errorf("%d keys listed, %d put", len(got), len(keys))
	}
}

func TestVirtualHost(t *testing.T) {
	f := start(t)
	f.bucket("dotted.bucket")
	f.bucket("plain")
	for _, c := range []struct{ host, target, bucket, key string }{
		{"dotted.bucket.s3.example.test", "/k1", "dotted.bucket", "k1"},
		{"plain.s3.example.test:9000", "//k2", "plain", "/k2"},
		{"PLAIN.S3.Example.Test", "/plain/k3", "plain", "plain/k3"},
		{"s3.example.test", "/plain/k4", "plain", "k4"},
		{"127.0.0.1:9000", "/plain/k5", "plain", "k5"},
		{"[::1]:9000", "/plain/k6", "plain", "k6"},
		{"elsewhere.org", "/plain/k7", "plain", "k7"},
	} {
		if a := f.do("PUT", c.target, c.key, "Host: "+c.host); a.status != 200 {
			t.Errorf("%s%s: %d %s", c.host, c.target, a.status, a.body)
			continue
		}
		key := strings.ReplaceAll(url.PathEscape(c.key), "%2F", "/")
		if a := f.do("GET", "/"+c.bucket+"/"+key, ""); a.body != c.key {
			t.Errorf("%s%s was stored elsewhere: %d %s", c.host, c.target, a.status, a.body)
		}
	}
	if a := f.do("GET", "/?max-keys=1", "", "Host: plain.s3.example.test"); element(a.body, "Name") != "plain" {
		t.Errorf("listing by host: %s", a.body)
	}
}

func TestConditionalReads(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	put := f.do("PUT", "/bkt/k", "content", "Cache-Control: max-age=5")
	etag := put.header.Get("ETag")
	modified := f.do("HEAD", "/bkt/k", "").header.Get("Last-Modified")
	past, future := "Mon, 02 Jan 2006 15:04:05 GMT", time.Now().Add(time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"If-None-Match: " + etag}, 304},
		{[]string{"If-None-Match: W/" + etag}, 304},
		{[]string{`If-None-Match: "other", ` + etag}, 304},
		{[]string{"If-None-Match: *"}, 304},
		{[]string{`If-None-Match: "other"`}, 200},
		{[]string{"If-Modified-Since: " + modified}, 304},
		{[]string{"If-Modified-Since: " + past}, 200},
		{[]string{"If-Modified-Since: yesterday"}, 200},
		{[]string{"If-Match: " + etag}, 200},
		{[]string{"If-Match: " + strings.Trim(etag, `"`)}, 200},
		{[]string{`If-Match: "other"`}, 412},
		{[]string{"If-Unmodified-Since: " + past}, 412},
		{[]string{"If-Unmodified-Since: " + future}, 200},
		// An ETag that matches wins over a date that does not, and the other way round for the negative forms.
		{[]string{"If-Match: " + etag, "If-Unmodified-Since: " + past}, 200},
		{[]string{"If-None-Match: " + etag, "If-Modified-Since: " + past}, 304},
		{[]string{`If-None-Match: "other"`, "If-Modified-Since: " + future}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := f.do(method, "/bkt/k", "", c.header...)
			if a.status != c.status {
				t.Errorf("%s %v: got %d, want %d", method, c.header, a.status, c.status)
			}
			if a.status == 304 && (a.body != "" || a.header.Get("ETag") != etag || a.header.Get("Last-Modified") != modified) {
				t.Errorf("%s %v: 304 with %q %v", method, c.header, a.body, a.header)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.do("PUT", "/bkt/k", "0123456789", "x-amz-checksum-crc32: "+crc32Of("0123456789"))
	for spec, want := range map[string]struct {
		status int
		body   string
		cr     string
	}{
		"bytes=0-0":                   {206, "0", "bytes 0-0/10"},
		"bytes=3-5":                   {206, "345", "bytes 3-5/10"},
		"bytes=7-":                    {206, "789", "bytes 7-9/10"},
		"bytes=7-100":                 {206, "789", "bytes 7-9/10"},
		"bytes=-3":                    {206, "789", "bytes 7-9/10"},
		"bytes=-30":                   {206, "0123456789", "bytes 0-9/10"},
		"bytes=0-9":                   {206, "0123456789", "bytes 0-9/10"},
		"bytes=0-1,3-4":               {200, "0123456789", ""},
		"bytes=5-3":                   {200, "0123456789", ""},
		"bytes=a-b":                   {200, "0123456789", ""},
		"lines=1-2":                   {200, "0123456789", ""},
		"bytes=10-":                   {416, "", "bytes */10"},
		"bytes=99999999999999999999-": {416, "", "bytes */10"},
	} {
		a := f.do("GET", "/bkt/k", "", "Range: "+spec, "x-amz-checksum-mode: ENABLED")
		if a.status != want.status || a.header.Get("Content-Range") != want.cr || a.status < 400 && a.body != want.body {
			t.Errorf("%s: got %d %q %q", spec, a.status, a.body, a.header.Get("Content-Range"))
		}
		if sum := a.header.Get("x-amz-checksum-crc32"); (sum != "") != (a.status < 400 && len(a.body) == 10) {
			t.Errorf("%s: checksum %q with status %d", spec, sum, a.status)
		}
	}
}

// An upload in one of the framings of aws-chunked is stored without it.
func TestStreamingUploads(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	const content = "hello, streamed world"
	sum := crc32Of(content)
	unsigned := func(content, trailer string) string {
		return fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n\r\n", len(content), content, trailer)
	}
	send := func(target string, body string, chunked bool, header ...string) answer {
		t.Helper()
		r := newRequest("PUT", target, body, header...)
		r.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		r.sign(f.addr, testKeyID, testSecret)
		if chunked {
			r.noLength = true
			r.header = append(r.header, "Transfer-Encoding: chunked")
			half := len(body) / 2
			r.body = fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
		}
		c := f.dial()
		defer c.Close()
		_, err := io.WriteString(c, r.wire())
		must(t, err)
		return c.read("PUT")
	}
	length := fmt.Sprintf("x-amz-decoded-content-length: %d", len(content))
	for i, chunked := range []bool{false, true} {
		target := fmt.Sprintf("/bkt/u%d", i)
		a := send(target, unsigned(content, "x-amz-checksum-crc32:"+sum), chunked, length, "x-amz-trailer: x-amz-checksum-crc32",
			"x-amz-sdk-checksum-algorithm: CRC32", "Content-Encoding: gzip,aws-chunked")
		if a.status != 200 || a.header.Get("x-amz-checksum-crc32") != sum {
			t.Fatalf("chunked=%t: %d %s %v", chunked, a.status, a.body, a.header)
		}
		g := f.do("GET", target, "", "x-amz-checksum-mode: ENABLED")
		if g.body != content || g.header.Get("x-amz-checksum-crc32") != sum || g.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("chunked=%t: stored %q %v", chunked, g.body, g.header)
		}
	}
	for name, c := range map[string]struct {
		body   string
		header []string
		code   string
	}{
		"wrong trailer":        {unsigned(content, "x-amz-checksum-crc32:AAAAAA=="), []string{length, "x-amz-trailer: x-amz-checksum-crc32"}, "BadDigest"},
		"missing trailer":      {fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(content), content), []string{length, "x-amz-trailer: x-amz-checksum-crc32"}, "MalformedTrailerError"},
		"unannounced trailer":  {unsigned(content, "x-amz-checksum-crc32:"+sum), []string{length}, "MalformedTrailerError"},
		"unknown trailer":      {unsigned(content, "x-amz-checksum-crc9:"+sum), []string{length, "x-amz-trailer: x-amz-checksum-crc9"}, "InvalidRequest"},
		"malformed trailer":    {unsigned(content, "x-amz-checksum-crc32:zz"), []string{length, "x-amz-trailer: x-amz-checksum-crc32"}, "InvalidRequest"},
		"no decoded length":    {unsigned(content, "x-amz-checksum-crc32:"+sum), []string{"x-amz-trailer: x-amz-checksum-crc32"}, "MissingContentLength"},
		"wrong decoded length": {unsigned(content, "x-amz-checksum-crc32:"+sum), []string{"x-amz-decoded-content-length: 5", "x-amz-trailer: x-amz-checksum-crc32"}, "IncompleteBody"},
	} {
		if a := send("/bkt/bad", c.body, false, c.header...); a.code() != c.code {
			t.Errorf("%s: got %d %s, want %s\n%s", name, a.status, a.code(), c.code, a.body)
		}
	}
	if a := f.do("GET", "/bkt/bad", ""); a.status != 404 {
		t.Errorf("a refused upload was stored: %d %q", a.status, a.body)
	}

	// Signed chunks, without "Content-Encoding: aws-chunked" as minio-go sends them.
	r := newRequest("PUT", "/bkt/signed", "", length)
	r.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	r.sign(f.addr, testKeyID, testSecret)
	body := r.signedChunks(testSecret, content[:10], content[10:], "")
	for name, sent := range map[string]string{"right": body, "altered": strings.Replace(body, "hello", "HELLO", 1)} {
		r.body = sent
		c := f.dial()
		_, err := io.WriteString(c, r.wire())
		must(t, err)
		a := c.read("PUT")
		c.Close()
		if want := map[string]int{"right": 200, "altered": 403}[name]; a.status != want {
			t.Errorf("signed chunks, %s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.do("GET", "/bkt/signed", ""); a.body != content {
		t.Errorf("stored %q", a.body)
	}
}

// signedChunks frames chunks with signatures that continue the request's.
func (r *rawRequest) signedChunks(secret string, chunks ...string) string {
	var stamp, previous, scope string
	for _, h := range r.header {
		if v, ok := strings.CutPrefix(h, "x-amz-date: "); ok {
			stamp = v
		}
		if strings.HasPrefix(h, "Authorization: ") {
			_, previous, _ = strings.Cut(h, "Signature=")
		}
	}
	scope = stamp[:8] + "/us-east-1/s3/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+secret), stamp[:8]), "us-east-1"), "s3"), "aws4_request")
	var b strings.Builder
	for _, c := range chunks {
		previous = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256-PAYLOAD\n"+stamp+"\n"+scope+"\n"+previous+"\n"+sha("")+"\n"+sha(c)))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s\r\n", len(c), previous, c)
	}
	return b.String()
}

func TestExpectContinue(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	c := f.dial()
	r := newRequest("PUT", "/bkt/k", "0123456789", "Expect: 100-continue")
	r.sign(f.addr, testKeyID, testSecret)
	head, _, _ := strings.Cut(r.wire(), "\r\n\r\n")
	fmt.Fprint(c, head+"\r\n\r\n")
	line, err := c.br.ReadString('\n')
	must(t, err)
	if line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q before the body", line)
	}
	_, _ = c.br.ReadString('\n')
	fmt.Fprint(c, r.body)
	if a := c.read("PUT"); a.status != 200 || a.header.Get("ETag") == "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	// A wrong signature is refused before the body is asked for.
	r.sign(f.addr, testKeyID, "wrong")
	r = newRequest("PUT", "/bkt/k2", "0123456789", "Expect: 100-continue")
	r.sign(f.addr, testKeyID, "wrong")
	head, _, _ = strings.Cut(r.wire(), "\r\n\r\n")
	fmt.Fprint(c, head+"\r\n\r\n")
	a := c.read("PUT")
	if a.status != 403 || a.code() != "SignatureDoesNotMatch" || !a.close || a.header.Get("x-amz-request-id") == "" {
		t.Errorf("got %d %s close=%t", a.status, a.code(), a.close)
	}
	f.events.waitFor(t, a.header.Get("x-amz-request-id"))
}

// A client that promises more than it sends, or goes away, leaves nothing behind.
func TestBrokenUploads(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.HTTP = httpd.Limits{BodyIdle: 300 * time.Millisecond} })
	f.bucket("bkt")
	for _, size := range []int{100, 100_000} {
		body := string(randomBytes(9, size))
		r := newRequest("PUT", "/bkt/broken", body)
		r.sign(f.addr, testKeyID, testSecret)
		wire := r.wire()

		c := f.dial() // stalls
		_, err := io.WriteString(c, wire[:len(wire)-10])
		must(t, err)
		if size > 8<<10 { // smaller ones are still under the header's time
			a := c.read("PUT")
			if a.status != 400 || a.code() != "RequestTimeout" || !a.close {
				t.Errorf("%d bytes, stalled: %d %s", size, a.status, a.code())
			}
		}
		c.Close()

		c = f.dial() // goes away
		_, err = io.WriteString(c, wire[:len(wire)-10])
		must(t, err)
		c.Close()
	}
	time.Sleep(100 * time.Millisecond)
	if a := f.do("GET", "/bkt", ""); strings.Contains(a.body, "<Key>") {
		t.Errorf("stored: %s", a.body)
	}
}

// Clients that leave in the middle of a download cost nothing that stays: goleak watches, and Close of the object
// service waits for readers.
func TestBrokenDownloads(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	body := string(randomBytes(5, 8<<20))
	if a := f.do("PUT", "/bkt/big", body); a.status != 200 {
		t.Fatal(a.body)
	}
	for range 5 {
		c := f.dial()
		r := newRequest("GET", "/bkt/big", "")
		r.sign(f.addr, testKeyID, testSecret)
		_, err := io.WriteString(c, r.wire())
		must(t, err)
		_, err = io.ReadFull(c, make([]byte, 100_000))
		must(t, err)
		c.Close()
	}
	// A client that leaves is no failure of the server.
	for deadline, left := time.Now().Add(60*time.Second), 0; left < 5; time.Sleep(2 * time.Millisecond) {
		left = 0
		f.events.mu.Lock()
		for _, ev := range f.events.list {
			if ev.Operation == "GetObject" {
				left++
				if ev.Status != 200 || ev.Err == nil || ev.Code != "" || ev.Cut || ev.BytesOut >= 8<<20 {
					t.Errorf("a client left: %+v", ev)
				}
			}
		}
		f.events.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("%d clients left, 5 did", left)
		}
	}
	if a := f.do("GET", "/bkt/big", ""); a.body != body {
		t.Error("the object changed")
	}
}

func TestBrokenRequests(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.HTTP = httpd.Limits{HeaderTimeout: 300 * time.Millisecond} })
	for name, c := range map[string]struct{ send, code string }{
		"garbage":         {"\x16\x03\x01\x02\x00\r\n\r\n", "BadRequest"},
		"no host":         {"GET / HTTP/1.1\r\n\r\n", "BadRequest"},
		"header too long": {"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", "RequestHeaderSectionTooLarge"},
		"uri too long":    {"GET /" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "RequestHeaderSectionTooLarge"},
		"coding":          {"PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "NotImplemented"},
		"slow":            {"GET / HTTP/1.1\r\nHost: a\r\n", "RequestTimeout"},
		"many parameters": {"GET /b?" + strings.Repeat("a&", 300) + " HTTP/1.1\r\nHost: a\r\n\r\n", "InvalidURI"},
	} {
		conn := f.dial()
		_, err := io.WriteString(conn, c.send)
		must(t, err)
		a := conn.read("GET")
		if a.code() != c.code || a.header.Get("x-amz-request-id") == "" || a.header.Get("Date") == "" {
			t.Errorf("%s: got %d %s %v", name, a.status, a.body, a.header)
		}
		conn.Close()
	}
}

var volatile = regexp.MustCompile(`<(LastModified|CreationDate|RequestId|HostId|ID|Initiated|UploadId|NextUploadIdMarker)>[^<]*<`)

// TestGolden compares whole documents.
func TestGolden(t *testing.T) {
	f := start(t)
	f.bucket("gold")
	f.do("PUT", "/gold/a%20b/%3C%26%3E", "x", "x-amz-checksum-sha256: LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=")
	f.do("PUT", "/gold/top", "y", "x-amz-storage-class: STANDARD_IA")
	up := f.do("POST", "/gold/up?uploads", "")
	if !strings.HasPrefix(up.body, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>gold</Bucket><Key>up</Key><UploadId>`) {
		t.Errorf("CreateMultipartUpload: %s", up.body)
	}
	const ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	for _, c := range []struct{ method, target, body, want string }{
		{"GET", "/gold?versioning", "", `<VersioningConfiguration` + ns + `></VersioningConfiguration>`},
		{"GET", "/gold?location", "", `<LocationConstraint` + ns + `></LocationConstraint>`},
		{"GET", "/gold?requestPayment", "", `<RequestPaymentConfiguration` + ns + `><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`},
		{"GET", "/gold?logging", "", `<BucketLoggingStatus` + ns + `></BucketLoggingStatus>`},
		{"GET", "/gold?acl", "", `<AccessControlPolicy` + ns + `><Owner><ID>*</ID><DisplayName>root</DisplayName></Owner><AccessControlList><Grant>` +
			`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>*</ID><DisplayName>root</DisplayName></Grantee>` +
			`<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`},
		{"GET", "/", "", `<ListAllMyBucketsResult` + ns + `><Owner><ID>*</ID><DisplayName>root</DisplayName></Owner><Buckets><Bucket><Name>gold</Name>` +
			`<CreationDate>*</CreationDate><BucketArn>arn:aws:s3:::gold</BucketArn></Bucket></Buckets></ListAllMyBucketsResult>`},
		{"GET", "/gold?delimiter=%20", "", `<ListBucketResult` + ns + `><Name>gold</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys>` +
			`<Delimiter> </Delimiter><IsTruncated>false</IsTruncated><Contents><Key>top</Key><LastModified>*</LastModified>` +
			`<ETag>&quot;415290769594460e2e485922904f345d&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>` +
			`<Size>1</Size><Owner><ID>*</ID><DisplayName>root</DisplayName></Owner><StorageClass>STANDARD_IA</StorageClass></Contents>` +
			`<CommonPrefixes><Prefix>a </Prefix></CommonPrefixes></ListBucketResult>`},
		{"GET", "/gold?encoding-type=url&list-type=2&max-keys=1&prefix=a%20b&start-after=a%20a", "", `<ListBucketResult` + ns + `><Name>gold</Name><Prefix>a%20b</Prefix>` +
			`<StartAfter>a%20a</StartAfter><KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>` +
			`<Contents><Key>a%20b/%3C%26%3E</Key><LastModified>*</LastModified><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag>` +
			`<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>`},
		{"GET", "/gold?max-keys=0", "", `<ListBucketResult` + ns + `><Name>gold</Name><Prefix></Prefix><Marker></Marker><MaxKeys>0</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`},
		{"GET", "/gold?uploads", "", `<ListMultipartUploadsResult` + ns + `><Bucket>gold</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><NextKeyMarker>up</NextKeyMarker><NextUploadIdMarker>*</NextUploadIdMarker>` +
			`<MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated><Upload><Key>up</Key><UploadId>*</UploadId><Initiator><ID>*</ID><DisplayName>root</DisplayName></Initiator>` +
			`<Owner><ID>*</ID><DisplayName>root</DisplayName></Owner><StorageClass>STANDARD</StorageClass><Initiated>*</Initiated></Upload></ListMultipartUploadsResult>`},
		{"POST", "/gold?delete", `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>top</Key></Object><Object><Key>a b/&lt;&amp;&gt;</Key><ETag>"no"</ETag></Object></Delete>`,
			`<DeleteResult` + ns + `><Deleted><Key>top</Key></Deleted><Error><Key>a b/&lt;&amp;&gt;</Key><Code>PreconditionFailed</Code>` +
				`<Message>At least one of the pre-conditions you specified did not hold</Message></Error></DeleteResult>`},
		{"GET", "/gold/none", "", `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>none</Key><RequestId>*</RequestId><HostId>*</HostId></Error>`},
	} {
		a := f.do(c.method, c.target, c.body)
		got := volatile.ReplaceAllString(a.body, "<$1>*<")
		want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + c.want
		if got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.method, c.target, got, want)
		}
	}
}

// Concurrent requests on few connections must never see each other's strings: fasthttp reuses its buffers.
func TestNoAliasing(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("alias")
	errs := make(chan error)
	const workers = 8
	for w := range workers {
		go func() {
			for i := range 20 {
				key := fmt.Sprintf("w%d/%s/%d", w, strings.Repeat("k", (w*7+i)%50), i)
				data := randomBytes(uint64(w*100+i), (w*3001+i*997)%40_000)
				_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), Metadata: map[string]string{"key": key},
					ContentType: aws.String("type/" + key)})
				if err != nil {
					errs <- err
					return
				}
				get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
				if err != nil {
					errs <- err
					return
				}
				got, err := io.ReadAll(get.Body)
				get.Body.Close()
				if err != nil || !bytes.Equal(got, data) || get.Metadata["key"] != key || *get.ContentType != "type/"+key {
					errs <- fmt.Errorf("%s: %d bytes, %v, %v, %w", key, len(got), get.Metadata, *get.ContentType, err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range workers {
		check(t, <-errs)
	}
}

func TestIfRange(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	put := f.do("PUT", "/bkt/k", "0123456789")
	modified := f.do("HEAD", "/bkt/k", "").header.Get("Last-Modified")
	for ifRange, want := range map[string]int{
		put.header.Get("ETag"): 206, `"other"`: 200, modified: 206, "Mon, 02 Jan 2006 15:04:05 GMT": 200,
	} {
		if a := f.do("GET", "/bkt/k", "", "Range: bytes=2-3", "If-Range: "+ifRange); a.status != want {
			t.Errorf("%s: got %d %q, want %d", ifRange, a.status, a.body, want)
		}
	}
}

// A client that stops reading is cut off, and what it was sent from is released.
func TestStalledReader(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.HTTP = httpd.Limits{WriteIdle: 400 * time.Millisecond} })
	f.bucket("bkt")
	if a := f.do("PUT", "/bkt/big", string(randomBytes(5, 16<<20))); a.status != 200 {
		t.Fatal(a.body)
	}
	c := f.dial()
	must(t, c.Conn.(*net.TCPConn).SetReadBuffer(64<<10)) // or the kernel would take it all
	r := newRequest("GET", "/bkt/big", "")
	r.sign(f.addr, testKeyID, testSecret)
	_, err := io.WriteString(c, r.wire())
	must(t, err)
	head, err := c.br.ReadString('\n')
	must(t, err)
	if !strings.Contains(head, "200") {
		t.Fatal(head)
	}
	time.Sleep(1500 * time.Millisecond)
	if n, err := io.Copy(io.Discard, c.br); n >= 16<<20 {
		t.Errorf("%d bytes came after the stall, %v", n, err)
	}
}

// Chunks of HTTP whose size nobody told are refused as by Amazon; told it, the body is taken.
func TestPlainChunks(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	for target, c := range map[string]struct {
		header []string
		want   string
	}{
		"/bkt/size":    {[]string{"x-amz-decoded-content-length: 5"}, "200 "},
		"/bkt/no-size": {nil, "501 NotImplemented Transfer-Encoding"},
	} {
		r := newRequest("PUT", target, "hello", c.header...)
		r.payload = "UNSIGNED-PAYLOAD"
		r.sign(f.addr, testKeyID, testSecret)
		r.noLength = true
		r.header = append(r.header, "Transfer-Encoding: chunked")
		r.body = "5\r\nhello\r\n0\r\n\r\n"
		conn := f.dial()
		_, err := io.WriteString(conn, r.wire())
		must(t, err)
		a := conn.read("PUT")
		must(t, conn.Close())
		got := strings.TrimRight(fmt.Sprintf("%d %s %s", a.status, a.code(), element(a.body, "Header")), " ")
		if got != strings.TrimRight(c.want, " ") {
			t.Errorf("%s: %s, want %s", target, got, c.want)
		}
	}
}

// What follows a body that is too long for its Content-Length is not taken for a request.
func TestWrongLengthCloses(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	r := newRequest("PUT", "/bkt/k", "bar", "Content-MD5: N7UdGUp1E+RbVvZSTy1R8g==") // of bar
	r.payload = "UNSIGNED-PAYLOAD"
	r.sign(f.addr, testKeyID, testSecret)
	r.noLength = true
	r.header = append(r.header, "Content-Length: 2")
	c := f.dial()
	defer c.Close()
	_, err := io.WriteString(c, r.wire())
	must(t, err)
	if a := c.read("PUT"); a.status != 400 || a.code() != "BadDigest" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	if _, err := c.br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error("the connection goes on")
	}
}

func TestContentEncodingWithoutEnvelope(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	for sent, want := range map[string]string{
		"deflate, gzip":             "deflate, gzip",
		"deflate, gzip,aws-chunked": "deflate, gzip", // as SDKs append it
		"aws-chunked, gzip":         "gzip",
		"aws-chunked, AWS-Chunked":  "",
	} {
		f.do("PUT", "/bkt/k", "x", "Content-Encoding: "+sent)
		if a := f.do("HEAD", "/bkt/k", ""); a.header.Get("Content-Encoding") != want {
			t.Errorf("%q: %q, want %q", sent, a.header.Get("Content-Encoding"), want)
		}
	}
}
