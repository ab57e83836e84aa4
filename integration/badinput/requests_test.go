package badinput

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// TestRefused sends whole, well-framed requests whose content is wrong.
func TestRefused(t *testing.T) {
	u := start(t)
	small, large := []byte("hello"), harness.Bytes(1, 300_000)
	object := "/" + bucket + "/object"
	put := func(body []byte, headers ...wire.Field) *wire.Request {
		return &wire.Request{Method: "PUT", Path: object, Body: body, Headers: headers}
	}
	f := func(name, value string) wire.Field { return wire.Field{Name: name, Value: value} }
	sign := func(r *wire.Request, change func(*wire.Signer)) *wire.Request {
		r.Host = u.Host()
		s := u.Signer()
		change(s)
		s.SignV4(r, time.Now())
		return r
	}
	signedThen := func(r *wire.Request, change func(*wire.Request)) *wire.Request {
		r.Host = u.Host()
		u.Signer().SignV4(r, time.Now())
		change(r)
		return r
	}
	at := func(r *wire.Request, offset time.Duration) *wire.Request {
		r.Host = u.Host()
		u.Signer().SignV4(r, time.Now().Add(offset))
		return r
	}

	cases := []struct {
		name string
		r    *wire.Request
		want want
	}{
		// Integrity of the body.
		{"sha256 small", &wire.Request{Method: "PUT", Path: object, Body: small, SHA256: wire.Hash([]byte("hullo"))}, refused(400, "XAmzContentSHA256Mismatch")},
		{"sha256 large", &wire.Request{Method: "PUT", Path: object, Body: large, SHA256: wire.Hash([]byte("hullo"))}, refused(400, "XAmzContentSHA256Mismatch")},
		{"sha256 malformed", &wire.Request{Method: "PUT", Path: object, Body: small, SHA256: "zz"}, refused(400, "InvalidArgument")},
		{"sha256 unknown form", &wire.Request{Method: "PUT", Path: object, Body: small, SHA256: "STREAMING-SOMETHING"}, refused(400, "InvalidArgument")},
		{"sigv4a chunks", &wire.Request{Method: "PUT", Path: object, Body: small, SHA256: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}, refused(501, "NotImplemented")},
		{"md5", put(small, f("Content-MD5", md5Of(large))), refused(400, "BadDigest")},
		{"md5 large", put(large, f("Content-MD5", md5Of(small))), refused(400, "BadDigest")},
		{"md5 malformed", put(small, f("Content-MD5", "@@@")), refused(400, "InvalidDigest")},
		{"md5 short", put(small, f("Content-MD5", "aGVsbG8=")), refused(400, "InvalidDigest")},
		{"crc32", put(small, f("x-amz-checksum-crc32", "AAAAAA==")), refused(400, "BadDigest")},
		{"crc32 large", put(large, f("x-amz-checksum-crc32", "AAAAAA==")), refused(400, "BadDigest")},
		{"crc64nvme", put(small, f("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")), refused(400, "BadDigest")},
		{"crc32 malformed", put(small, f("x-amz-checksum-crc32", "hello")), refused(400, "InvalidRequest")},
		{"crc32 too long", put(small, f("x-amz-checksum-crc32", "AAAAAAAAAAA=")), refused(400, "InvalidRequest")},
		{"two checksums", put(small, f("x-amz-checksum-crc32", "NhCmhg=="), f("x-amz-checksum-crc32c", "mnG7TA==")), refused(400, "InvalidRequest")},
		{"unknown algorithm", put(small, f("x-amz-sdk-checksum-algorithm", "CRC99")), refused(400, "InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")},
		{"algorithm without value", put(small, f("x-amz-sdk-checksum-algorithm", "CRC32C")), refused(400, "InvalidRequest")},

		// Lengths and limits.
		{"no length", &wire.Request{Method: "PUT", Path: object, NoLength: true}, refused(411, "MissingContentLength")},
		{"over 5 GiB", &wire.Request{Method: "PUT", Path: object, Length: 5<<30 + 1, Headers: []wire.Field{f("Expect", "100-continue")}}, refused(400, "EntityTooLarge")},
		{"negative length", &wire.Request{Method: "PUT", Path: object, NoLength: true, Headers: []wire.Field{f("Content-Length", "-5")}}, refused(400, "BadRequest", "An error occurred when parsing the HTTP request.")},
		{"length of letters", &wire.Request{Method: "PUT", Path: object, NoLength: true, Headers: []wire.Field{f("Content-Length", "five")}}, refused(400, "BadRequest", "An error occurred when parsing the HTTP request.")},
		{"long key", &wire.Request{Method: "PUT", Path: "/" + bucket + "/" + strings.Repeat("k", 1025), Body: small}, refused(400, "KeyTooLongError")},
		{"long key in UTF-8", &wire.Request{Method: "PUT", Path: "/" + bucket + "/" + strings.Repeat("%C3%A9", 513), Body: small}, refused(400, "KeyTooLongError")},
		{"huge key", &wire.Request{Method: "PUT", Path: "/" + bucket + "/" + strings.Repeat("k", 200_000), Body: small}, refused(400, "RequestHeaderSectionTooLarge")},
		{"metadata", put(small, f("x-amz-meta-big", strings.Repeat("m", 2100))), refused(400, "MetadataTooLarge")},
		{"huge header", put(small, f("x-amz-meta-big", strings.Repeat("m", 200_000))), refused(400, "RequestHeaderSectionTooLarge")},
		{"many headers", put(small, manyHeaders(5000)...), refused(400, "RequestHeaderSectionTooLarge")},
		{"11 tags", put(small, f("x-amz-tagging", "a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1")), refused(400, "BadRequest", "Object tags cannot be greater than 10")},
		{"long tag", put(small, f("x-amz-tagging", strings.Repeat("t", 129)+"=1")), refused(400, "InvalidTag")},
		{"storage class", put(small, f("x-amz-storage-class", "CARDBOARD")), refused(400, "InvalidStorageClass")},
		{"acl", put(small, f("x-amz-acl", "everybody-please")), refused(400, "InvalidArgument")},

		// URIs.
		{"not UTF-8", &wire.Request{Method: "PUT", Path: "/" + bucket + "/a%FFb", Body: small}, refused(400, "InvalidURI")},
		{"no bucket", &wire.Request{Method: "PUT", Path: "/", Body: small}, refused(405, "MethodNotAllowed")},
		{"bucket name", &wire.Request{Method: "PUT", Path: "/No_Good"}, refused(400, "InvalidBucketName")},
		{"directory bucket", &wire.Request{Method: "PUT", Path: "/abc--use1-az4--x-s3"}, refused(400, "InvalidBucketName")},
		{"method", &wire.Request{Method: "PATCH", Path: object, Body: small}, refused(405, "MethodNotAllowed")},
		{"made-up method", &wire.Request{Method: "BREW", Path: object}, refused(405, "MethodNotAllowed")},

		// Parameters.
		{"max-keys letters", &wire.Request{Method: "GET", Path: "/" + bucket, Query: "max-keys=many"}, refused(400, "InvalidArgument")},
		{"max-keys negative", &wire.Request{Method: "GET", Path: "/" + bucket, Query: "list-type=2&max-keys=-1"}, refused(400, "InvalidArgument")},
		{"max-keys huge", &wire.Request{Method: "GET", Path: "/" + bucket, Query: "max-keys=99999999999999999999"}, refused(400, "InvalidArgument")},
		{"encoding-type", &wire.Request{Method: "GET", Path: "/" + bucket, Query: "encoding-type=rot13"}, refused(400, "InvalidArgument")},
		{"token", &wire.Request{Method: "GET", Path: "/" + bucket, Query: "continuation-token=%00%01nonsense&list-type=2"}, refused(400, "InvalidArgument")},
		{"part number 10001", &wire.Request{Method: "PUT", Path: object, Query: "partNumber=10001&uploadId=abc", Body: small}, refused(400, "InvalidArgument")},
		{"part number 0", &wire.Request{Method: "PUT", Path: object, Query: "partNumber=0&uploadId=abc", Body: small}, refused(400, "InvalidArgument")},
		{"part number letters", &wire.Request{Method: "PUT", Path: object, Query: "partNumber=x&uploadId=abc", Body: small}, refused(400, "InvalidArgument")},
		{"part without upload", &wire.Request{Method: "PUT", Path: object, Query: "partNumber=1&uploadId=no-such", Body: small}, refused(404, "NoSuchUpload")},
		{"copy source", put(nil, f("x-amz-copy-source", "no-slash")), refused(400, "InvalidArgument")},
		{"copy source missing", put(nil, f("x-amz-copy-source", "/"+bucket+"/none")), refused(404, "NoSuchKey")},
		{"copy source bucket", put(nil, f("x-amz-copy-source", "/no-such-bucket-here/none")), refused(404, "NoSuchBucket")},
		{"if-none-match etags", put(small, f("If-None-Match", `"abc", "def"`)), refused(501, "NotImplemented", "<Header>If-None-Match</Header>")},
		{"expires date", put(small, f("x-amz-copy-source", "/"+bucket+"/x"), f("x-amz-metadata-directive", "SHRED")), refused(400, "InvalidArgument")},

		// Identity.
		{"wrong secret", sign(put(small), func(s *wire.Signer) { s.Secret = "wrong" }), refused(403, "SignatureDoesNotMatch")},
		{"unknown key", sign(put(small), func(s *wire.Signer) { s.Access = "AKIANOBODY" }), refused(403, "InvalidAccessKeyId")},
		{"late", at(put(small), -16*time.Minute), refused(403, "RequestTimeTooSkewed")},
		{"early", at(put(small), 16*time.Minute), refused(403, "RequestTimeTooSkewed")},
		{"unsigned amz header", signedThen(put(small), func(r *wire.Request) { r.Set("x-amz-meta-sneaked", "in") }), refused(403, "AccessDenied")},
		{"unsigned copy source", signedThen(put(nil), func(r *wire.Request) { r.Set("x-amz-copy-source", "/"+bucket+"/x") }), refused(403, "AccessDenied")},
		{"changed path", signedThen(put(small), func(r *wire.Request) { r.Path += "x" }), refused(403, "SignatureDoesNotMatch")},
		{"changed query", signedThen(put(small), func(r *wire.Request) { r.Query = "tagging=" }), refused(403, "SignatureDoesNotMatch")},
		{"malformed authorization", signedThen(put(small), func(r *wire.Request) { r.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }), refused(400, "AuthorizationHeaderMalformed")},
		{"unknown scheme", signedThen(put(small), func(r *wire.Request) { r.Set("Authorization", "Bearer abc") }), refused(400, "InvalidArgument", "Unsupported Authorization Type")},
		{"two kinds", signedThen(put(small), func(r *wire.Request) { r.Query = "X-Amz-Signature=aa&X-Amz-Algorithm=AWS4-HMAC-SHA256" }), refused(400, "InvalidArgument")},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reply, err := u.Do(tc.r)
			if err != nil {
				t.Fatal(err)
			}
			tc.want.check(t, reply)
		})
	}

	for _, path := range []string{"/a%zz", "/a%2", "/%"} {
		t.Run("escape "+path, func(t *testing.T) {
			reply, err := u.Do(&wire.Request{Method: "PUT", Path: "/" + bucket + path, Body: small})
			if err != nil {
				t.Fatal(err)
			}
			refused(400, "InvalidURI").check(t, reply)
		})
	}
	t.Run("anonymous", func(t *testing.T) {
		reply, err := u.Send(&wire.Request{Method: "PUT", Path: object, Body: small})
		if err != nil {
			t.Fatal(err)
		}
		refused(403, "AccessDenied").check(t, reply)
	})
	t.Run("HEAD has no body", func(t *testing.T) {
		reply, err := u.Do(&wire.Request{Method: "HEAD", Path: object})
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != 404 || len(reply.Body) != 0 {
			t.Errorf("HEAD of nothing: %d with %d bytes", reply.Status, len(reply.Body))
		}
	})
	u.unharmed()
}

func manyHeaders(n int) []wire.Field {
	var list []wire.Field
	for i := range n {
		list = append(list, wire.Field{Name: fmt.Sprintf("x-amz-meta-%d", i), Value: strings.Repeat("v", 20)})
	}
	return list
}
