package sigv4_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

var sdkTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fromHTTP is what a server sees of a request that net/http would send.
func fromHTTP(req *http.Request) sigv4.Request {
	r := sigv4.Request{Method: req.Method, RawPath: req.URL.EscapedPath(), RawQuery: req.URL.RawQuery, Host: req.Host, Now: sdkTime}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	for name, values := range req.Header {
		for _, v := range values {
			r.Headers = append(r.Headers, sigv4.Field{Name: name, Value: v})
		}
	}
	if req.ContentLength > 0 {
		r.Headers = append(r.Headers, sigv4.Field{Name: "Content-Length", Value: fmt.Sprint(req.ContentLength)})
	}
	return r
}

// oddText draws strings full of what goes wrong in canonical forms.
func oddText(rng *rand.Rand, n int) string {
	pieces := []string{"a", "Z", "0", " ", "  ", "+", "%", "%2F", "%zz", "/", "//", ".", "..", "~", "-", "_", "!", "*", "'", "(", ")", "&", "=", "?", "#",
		";", ":", "@", "$", ",", "[", "]", "é", "€", "日本", "\\", "\"", "<", ">", "|", "^", "`", "{", "}", "\u00a0"}
	var b strings.Builder
	for range rng.IntN(n) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// Requests that the AWS SDK signed, with random keys, parameters and headers, verify; changed ones do not.
func TestGoSDK(t *testing.T) {
	ctx := context.Background()
	creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/+key"}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	v := mustVerifier(t, sigv4.Config{})
	for i := range 2000 {
		rng := rand.New(rand.NewPCG(uint64(i), 7))
		if i%10 == 0 {
			creds.SessionToken = "token/+==" + strings.TrimSpace(oddText(rng, 3))
		} else {
			creds.SessionToken = ""
		}
		req := &http.Request{Method: []string{"GET", "PUT", "POST", "DELETE", "HEAD"}[rng.IntN(5)], Header: http.Header{}, Host: "localhost:9000",
			URL: &url.URL{Scheme: "http", Host: "localhost:9000"}}
		key := "/bucket/" + oddText(rng, 12)
		req.URL.Path, req.URL.RawPath = key, escapeLikeSDK(key)
		q := url.Values{}
		for range rng.IntN(5) {
			// Plain and different names: the SDK sorts before it encodes, S3 says after.
			q.Set([]string{"prefix", "delimiter", "Marker", "x-id", "list-type"}[rng.IntN(5)], oddText(rng, 6))
		}
		if rng.IntN(3) == 0 {
			q.Add("uploads", "")
		}
		req.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
		for j := range rng.IntN(4) {
			req.Header.Add(fmt.Sprint("X-Amz-Meta-", j), strings.TrimSpace(oddText(rng, 6)))
		}
		if rng.IntN(4) == 0 {
			req.Header["X-Amz-Meta-Multi"] = []string{"a", " b ", "c  d"}
		}
		region := []string{"us-east-1", "eu-west-1", "made-up"}[rng.IntN(3)]

		presign := i%3 == 0
		if presign {
			req.URL.RawQuery = joinQuery(req.URL.RawQuery, "X-Amz-Expires=60")
			signed, headers, err := signer.PresignHTTP(ctx, creds, req, sigv4.UnsignedPayload, "s3", region, sdkTime)
			if err != nil {
				t.Fatal(err)
			}
			_, req.URL.RawQuery, _ = strings.Cut(signed, "?")
			for name := range req.Header { // what the signer moved into the query is not sent
				if _, stays := headers[name]; !stays {
					req.Header.Del(name)
				}
			}
		} else {
			req.Header.Set("X-Amz-Content-Sha256", sigv4.EmptySHA256)
			if err := signer.SignHTTP(ctx, creds, req, sigv4.EmptySHA256, "s3", region, sdkTime); err != nil {
				t.Fatal(err)
			}
		}
		r := fromHTTP(req)
		ok, err := verify(v, &r, creds.SecretAccessKey)
		if err != nil {
			t.Fatalf("#%d %s %q %q\n%v\n%s", i, r.Method, r.RawPath, r.RawQuery, err, detail(err, "CanonicalRequest"))
		}
		if ok.AccessKeyID != creds.AccessKeyID || ok.Region != region || ok.Presigned != presign {
			t.Fatalf("#%d %+v", i, ok)
		}
		for what, change := range map[string]func(r *sigv4.Request){
			"method": func(r *sigv4.Request) { r.Method = "PATCH" },
			"path":   func(r *sigv4.Request) { r.RawPath += "x" },
			"slash":  func(r *sigv4.Request) { r.RawPath = "/" + r.RawPath },
			"query":  func(r *sigv4.Request) { r.RawQuery = joinQuery(r.RawQuery, "acl") },
			"host":   func(r *sigv4.Request) { r.Host = "localhost" },
			"header": func(r *sigv4.Request) {
				r.Headers = append(append([]sigv4.Field(nil), r.Headers...), sigv4.Field{Name: "x-AMZ-acl", Value: "public-read"})
			},
		} {
			changed := r
			change(&changed)
			if _, err := verify(v, &changed, creds.SecretAccessKey); err == nil {
				t.Fatalf("#%d: %s changed: accepted", i, what)
			}
		}
	}
}

func joinQuery(q, more string) string {
	if q == "" {
		return more
	}
	return q + "&" + more
}

// escapeLikeSDK escapes a path as the S3 client does: everything but unreserved characters and slashes.
func escapeLikeSDK(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c == '/' || c == '-' || c == '_' || c == '.' || c == '~' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
