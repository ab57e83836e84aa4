package sigv4_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func mustVerifier(t testing.TB, cfg sigv4.Config) *sigv4.Verifier {
	t.Helper()
	v, err := sigv4.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// verify runs both phases.
func verify(v *sigv4.Verifier, r *sigv4.Request, secret string) (sigv4.Verified, error) {
	a, err := v.Parse(r)
	if err != nil {
		return sigv4.Verified{}, err
	}
	return v.Verify(r, &a, secret)
}

// fields reads "Name: value" lines.
func fields(lines ...string) []sigv4.Field {
	var fs []sigv4.Field
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		fs = append(fs, sigv4.Field{Name: name, Value: strings.TrimPrefix(value, " ")})
	}
	return fs
}

func v4Header(scope, signed, signature string) string {
	return "Authorization: AWS4-HMAC-SHA256 Credential=" + exampleKey + "/" + scope + ",SignedHeaders=" + signed + ",Signature=" + signature
}

// The examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
func TestS3DocumentationV4(t *testing.T) {
	const scope = "20130524/us-east-1/s3/aws4_request"
	const host = "examplebucket.s3.amazonaws.com"
	empty := "x-amz-content-sha256: " + sigv4.EmptySHA256
	date := "x-amz-date: 20130524T000000Z"
	for _, tc := range []struct {
		name string
		req  sigv4.Request
	}{
		{"GetObject", sigv4.Request{
			Method: "GET", RawPath: "/test.txt", Host: host,
			Headers: fields("Host: "+host, "Range: bytes=0-9", empty, date, v4Header(scope,
				"host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")),
		}},
		{"PutObject", sigv4.Request{
			Method: "PUT", RawPath: "/test$file.text", Host: host,
			Headers: fields("Date: Fri, 24 May 2013 00:00:00 GMT", date, "x-amz-storage-class: REDUCED_REDUNDANCY",
				"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", v4Header(scope,
					"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")),
		}},
		{"GetBucketLifecycle", sigv4.Request{
			Method: "GET", RawPath: "/", RawQuery: "lifecycle", Host: host,
			Headers: fields(empty, date, v4Header(scope,
				"host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
		}},
		{"ListObjects", sigv4.Request{
			Method: "GET", RawPath: "/", RawQuery: "max-keys=2&prefix=J", Host: host,
			Headers: fields(empty, date, v4Header(scope,
				"host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
		}},
		{"Presigned", sigv4.Request{
			Method: "GET", RawPath: "/test.txt", Host: host,
			RawQuery: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
				"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
				"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
		}},
		{"Chunked", sigv4.Request{
			Method: "PUT", RawPath: "/examplebucket/chunkObject.txt", Host: "s3.amazonaws.com",
			Headers: fields(date, "x-amz-storage-class: REDUCED_REDUNDANCY", "x-amz-content-sha256: "+sigv4.StreamingSigned,
				"Content-Encoding: aws-chunked", "x-amz-decoded-content-length: 66560", "Content-Length: 66824", v4Header(scope,
					"content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
					"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")),
		}},
		{"ChunkedTrailer", sigv4.Request{
			Method: "PUT", RawPath: "/examplebucket/chunkObject.txt", Host: "s3.amazonaws.com",
			Headers: fields(date, "x-amz-storage-class: REDUCED_REDUNDANCY", "x-amz-content-sha256: "+sigv4.StreamingSignedTrailer,
				"Content-Encoding: aws-chunked", "x-amz-decoded-content-length: 66560", "x-amz-trailer: x-amz-checksum-crc32c", v4Header(scope,
					"content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
					"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := mustVerifier(t, sigv4.Config{})
			tc.req.Now = mustTime(t, "2013-05-24T00:01:00Z")
			ok, err := verify(v, &tc.req, exampleSecret)
			if err != nil {
				t.Fatalf("%v\n%s", err, detail(err, "CanonicalRequest"))
			}
			if ok.AccessKeyID != exampleKey || ok.Region != "us-east-1" || ok.Scope() != scope || ok.Version != 4 {
				t.Errorf("verified %+v", ok)
			}
			if _, err := verify(v, &tc.req, exampleSecret+"x"); reason(err) != sigv4.SignatureDoesNotMatch {
				t.Errorf("wrong secret: %v", err)
			}
		})
	}
}

// The examples of "Signing and Authenticating REST Requests" (Version 2).
func TestS3DocumentationV2(t *testing.T) {
	for _, tc := range []struct {
		name string
		req  sigv4.Request
		now  string
	}{
		{"GetObject", sigv4.Request{
			Method: "GET", RawPath: "/photos/puppy.jpg", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com",
			Headers: fields("Date: Tue, 27 Mar 2007 19:36:42 +0000", "Authorization: AWS "+exampleKey+":bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
		}, "2007-03-27T19:40:00Z"},
		{"PutObject", sigv4.Request{
			Method: "PUT", RawPath: "/photos/puppy.jpg", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com",
			Headers: fields("Content-Type: image/jpeg", "Content-Length: 94328", "Date: Tue, 27 Mar 2007 21:15:45 +0000",
				"Authorization: AWS "+exampleKey+":MyyxeRY7whkBe+bq8fHCL/2kKUg="),
		}, "2007-03-27T21:20:00Z"},
		{"ListObjects", sigv4.Request{
			Method: "GET", RawPath: "/", RawQuery: "prefix=photos&max-keys=50&marker=puppy", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com",
			Headers: fields("User-Agent: Mozilla/5.0", "Date: Tue, 27 Mar 2007 19:42:41 +0000", "Authorization: AWS "+exampleKey+":htDYFYduRNen8P9ZfE/s9SuKy0U="),
		}, "2007-03-27T19:42:41Z"},
		{"GetBucketAcl", sigv4.Request{
			Method: "GET", RawPath: "/", RawQuery: "acl", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com",
			Headers: fields("Date: Tue, 27 Mar 2007 19:44:46 +0000", "Authorization: AWS "+exampleKey+":c2WLPFtWHVgbEmeEG93a4cG37dM="),
		}, "2007-03-27T19:44:46Z"},
		{"Upload", sigv4.Request{
			Method: "PUT", RawPath: "/db-backup.dat.gz", HostBucket: "static.johnsmith.net", Host: "static.johnsmith.net:8080",
			Headers: fields("User-Agent: curl/7.15.5", "Date: Tue, 27 Mar 2007 21:06:08 +0000", "x-amz-acl: public-read",
				"content-type: application/x-download", "Content-MD5: 4gJE4saaMU4BqNR0kLY+lw==", "X-Amz-Meta-ReviewedBy: joe@johnsmith.net",
				"X-Amz-Meta-ReviewedBy: jane@johnsmith.net", "X-Amz-Meta-FileChecksum: 0x02661779", "X-Amz-Meta-ChecksumAlgorithm: crc32",
				"Content-Disposition: attachment; filename=database.dat", "Content-Encoding: gzip", "Content-Length: 5913339",
				"Authorization: AWS "+exampleKey+":ilyl83RwaSoYIEdixDQcA4OnAnc="),
		}, "2007-03-27T21:06:08Z"},
		{"ListBuckets", sigv4.Request{
			Method: "GET", RawPath: "/", Host: "s3.amazonaws.com",
			Headers: fields("Date: Wed, 28 Mar 2007 01:29:59 +0000", "Authorization: AWS "+exampleKey+":qGdzdERIC03wnaRNKh6OqZehG9s="),
		}, "2007-03-28T01:29:59Z"},
		{"UnicodeKey", sigv4.Request{
			Method: "GET", RawPath: "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re", Host: "s3.amazonaws.com",
			Headers: fields("Date: Wed, 28 Mar 2007 01:49:49 +0000", "Authorization: AWS "+exampleKey+":DNEZGsoieTZ92F3bUfSPQcbGmlM="),
		}, "2007-03-28T01:49:49Z"},
		{"Presigned", sigv4.Request{
			Method: "GET", RawPath: "/photos/puppy.jpg", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com",
			RawQuery: "AWSAccessKeyId=" + exampleKey + "&Signature=" + url.QueryEscape("NpgCjnDzrM+WFzoENXmpNDUsSn8=") + "&Expires=1175139620",
		}, "2007-03-29T03:40:20Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := mustVerifier(t, sigv4.Config{})
			tc.req.Now = mustTime(t, tc.now)
			ok, err := verify(v, &tc.req, exampleSecret)
			if err != nil {
				t.Fatalf("%v\n%s", err, detail(err, "StringToSign"))
			}
			if ok.Version != 2 || ok.AccessKeyID != exampleKey {
				t.Errorf("verified %+v", ok)
			}
			if _, err := verify(v, &tc.req, exampleSecret+"x"); reason(err) != sigv4.SignatureDoesNotMatch {
				t.Errorf("wrong secret: %v", err)
			}
			strict := mustVerifier(t, sigv4.Config{DisableV2: true})
			if _, err := strict.Parse(&tc.req); reason(err) != sigv4.InvalidRequest {
				t.Errorf("V2 disabled: %v", err)
			}
		})
	}
}

// The vectors of the published Signature Version 4 test suite.
func TestV4Suite(t *testing.T) {
	const (
		key    = "AKIDEXAMPLE"
		secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
		host   = "example.amazonaws.com"
	)
	for _, tc := range []struct {
		name, method, path, query, signed, signature string
		headers                                      []string
		body                                         string
	}{
		{name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-vanilla-query-order-key-case", query: "Param2=value2&Param1=value1", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{name: "get-vanilla-query-order-key", query: "Param1=value2&Param1=Value1", signature: "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
		{name: "get-vanilla-query-order-value", query: "Param1=value2&Param1=value1", signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
		{name: "get-vanilla-utf8-query", query: "ሴ=bar", signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{name: "get-unreserved", path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{name: "get-utf8", path: "/ሴ", signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{name: "get-relative", path: "/example/..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-relative-relative", path: "/example1/example2/../..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-slash", path: "//", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-slash-dot-slash", path: "/./", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "get-slashes", path: "//example//", signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{name: "get-space", path: "/example space/", signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{name: "get-header-key-duplicate", signed: "host;my-header1;x-amz-date", headers: []string{"My-Header1: value2", "My-Header1: value2", "My-Header1: value1"},
			signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
		{name: "get-header-value-trim", signed: "host;my-header1;my-header2;x-amz-date", headers: []string{"My-Header1:  value1", `My-Header2: "a   b   c"`},
			signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{name: "post-vanilla", method: "POST", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{name: "post-vanilla-query", method: "POST", query: "Param1=value1", signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{name: "post-x-www-form-urlencoded", method: "POST", signed: "content-type;host;x-amz-date", headers: []string{"Content-Type: application/x-www-form-urlencoded"},
			body: "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e", signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := mustVerifier(t, sigv4.Config{Protocol: sigv4.Query})
			r := sigv4.Request{Method: tc.method, RawPath: tc.path, RawQuery: tc.query, Host: host, BodySHA256: tc.body, Now: mustTime(t, "2015-08-30T12:36:00Z")}
			if r.Method == "" {
				r.Method = "GET"
			}
			if r.RawPath == "" {
				r.RawPath = "/"
			}
			if r.BodySHA256 == "" {
				r.BodySHA256 = sigv4.EmptySHA256
			}
			signed := tc.signed
			if signed == "" {
				signed = "host;x-amz-date"
			}
			r.Headers = fields(append(tc.headers, "X-Amz-Date: 20150830T123600Z",
				"Authorization: AWS4-HMAC-SHA256 Credential="+key+"/20150830/us-east-1/service/aws4_request, SignedHeaders="+signed+", Signature="+tc.signature)...)
			ok, err := verify(v, &r, secret)
			if err != nil {
				t.Fatalf("%v\n%s", err, detail(err, "CanonicalRequest"))
			}
			if ok.Service != "service" || ok.PayloadHash != r.BodySHA256 {
				t.Errorf("verified %+v", ok)
			}
		})
	}
}
