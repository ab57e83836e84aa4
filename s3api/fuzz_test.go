package s3api_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzRequest sends well-signed requests of any content. Each is answered, and never by an internal error.
func FuzzRequest(f *testing.F) {
	s := start(f)
	s.events.off = true
	s.bucket("bkt")
	s.do("PUT", "/bkt/key", "0123456789")
	for _, seed := range [][4]string{
		{"GET", "/bkt/key?partNumber=1&response-expires=x", "Range: bytes=1-2\nIf-Range: x\nIf-None-Match: \"a\",b", ""},
		{"PUT", "/bkt/a%2F%zz//..", "x-amz-meta-a: =?UTF-8?Q?=C3?=\nx-amz-tagging: a=b&c\nContent-MD5: xx", "body"},
		{"PUT", "/bkt/k", "x-amz-copy-source: bkt/key?versionId=null\nx-amz-metadata-directive: REPLACE", ""},
		{"POST", "/bkt?delete", "x-amz-checksum-crc32: AAAAAA==", "<Delete><Object><Key>k</Key></Object></Delete>"},
		{"POST", "/bkt", "Content-Type: multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--x--"},
		{"POST", "/bkt/k?uploadId=x", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"},
		{"GET", "/bkt?list-type=2&continuation-token=AWE&max-keys=5&delimiter=%2F", "", ""},
		{"GET", "/bkt/key?attributes", "x-amz-object-attributes: ETag,ObjectParts", ""},
		{"PUT", "/bkt?tagging", "", "<Tagging><TagSet/></Tagging>"},
		{"DELETE", "/bkt/key?versionId=1", "x-amz-if-match-size: 5", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, method, target, headers, body string) {
		if strings.ContainsAny(method+target, " \r\n") || !strings.HasPrefix(target, "/") || method == "" || len(body) > 1<<16 {
			return
		}
		var header []string
		for h := range strings.SplitSeq(headers, "\n") {
			name, _, ok := strings.Cut(h, ":")
			if ok && !strings.EqualFold(name, "expect") && !strings.EqualFold(name, "connection") {
				header = append(header, strings.TrimRight(h, "\r"))
			}
		}
		r := newRequest(method, target, body, header...)
		r.sign(s.addr, testKeyID, testSecret)
		c, err := net.Dial("tcp", s.addr)
		must(t, err)
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(60 * time.Second))
		go func() { _, _ = io.WriteString(c, r.wire()) }()
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("no answer to %q: %v", r.wire(), err)
		}
		defer resp.Body.Close()
		if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode == http.StatusInternalServerError || resp.Header.Get("x-amz-request-id") == "" {
			t.Errorf("%q: %d %s %v", r.wire(), resp.StatusCode, answer, err)
		}
	})
}
