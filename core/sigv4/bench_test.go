package sigv4_test

import (
	"fmt"
	"testing"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

// put is a PutObject as the Go SDK sends it.
func put(t testing.TB) sigv4.Request {
	return sigv4.Request{
		Method: "PUT", RawPath: "/examplebucket/backups/2026/data%20file.bin", RawQuery: "x-id=PutObject", Host: "127.0.0.1:9000", Now: mustTime(t, "2026-03-01T12:00:00Z"),
		Headers: fields("Host: 127.0.0.1:9000", "User-Agent: aws-sdk-go-v2/1.47.5", "Content-Length: 4096", "Accept-Encoding: identity",
			"Amz-Sdk-Invocation-Id: 0a1b2c3d-0000-4000-8000-000000000000", "Amz-Sdk-Request: attempt=1; max=3",
			"Content-Type: application/octet-stream", "X-Amz-Checksum-Crc32: AAAAAA==",
			"X-Amz-Content-Sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "X-Amz-Date: 20260301T120000Z",
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/s3/aws4_request, SignedHeaders="+
				"accept-encoding;amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date, Signature="),
	}
}

// sign puts the right signature on a request with an empty one.
func sign(t testing.TB, r sigv4.Request, secret string) sigv4.Request {
	t.Helper()
	auth := &r.Headers[len(r.Headers)-1]
	v := mustVerifier(t, sigv4.Config{})
	probe := r
	probe.Headers = append([]sigv4.Field(nil), r.Headers...)
	probe.Headers[len(probe.Headers)-1].Value += "0"
	_, err := verify(v, &probe, secret)
	key := sigv4.DeriveKey(secret, "20260301", "us-east-1", "s3")
	mac := sigv4.HMAC(&key, []byte(detail(err, "StringToSign")))
	auth.Value += fmt.Sprintf("%x", mac)
	return r
}

func BenchmarkVerifyHeader(b *testing.B) {
	r := sign(b, put(b), "secret")
	v := mustVerifier(b, sigv4.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(v, &r, "secret"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPresigned(b *testing.B) {
	r := sigv4.Request{Method: "GET", RawPath: "/test.txt", Host: "examplebucket.s3.amazonaws.com", Now: mustTime(b, "2013-05-24T00:01:00Z"),
		RawQuery: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
			"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
			"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"}
	v := mustVerifier(b, sigv4.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(v, &r, exampleSecret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyV2(b *testing.B) {
	r := sigv4.Request{Method: "GET", RawPath: "/photos/puppy.jpg", HostBucket: "johnsmith", Host: "johnsmith.s3.amazonaws.com", Now: mustTime(b, "2007-03-27T19:40:00Z"),
		Headers: fields("Date: Tue, 27 Mar 2007 19:36:42 +0000", "Authorization: AWS "+exampleKey+":bWq2s1WEIj+Ydj0vQ697zp+IXMU=")}
	v := mustVerifier(b, sigv4.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(v, &r, exampleSecret); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations bounds what a signature costs: every request has one.
func TestAllocations(t *testing.T) {
	r := sign(t, put(t), "secret")
	v := mustVerifier(t, sigv4.Config{})
	n := testing.AllocsPerRun(100, func() {
		if _, err := verify(v, &r, "secret"); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 { // 4, and more where the race detector makes pools forget
		t.Errorf("%v allocations, want 8 at most", n)
	}
}
