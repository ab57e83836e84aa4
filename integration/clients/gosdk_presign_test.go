package clients

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// fetch sends a presigned request and returns status, body and headers.
func fetch(t testing.TB, hc *http.Client, method, link string, header http.Header, body []byte) (int, []byte, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, link, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if !strings.EqualFold(name, "Host") && !strings.EqualFold(name, "Content-Length") {
			req.Header[name] = values
		}
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b, resp.Header
}

func wantErrorBody(t testing.TB, status int, body []byte, wantStatus int, code string) {
	t.Helper()
	if status != wantStatus || !bytes.Contains(body, []byte("<Code>"+code+"</Code>")) {
		t.Errorf("got %d %s, want %d %s", status, body, wantStatus, code)
	}
}

func TestGoSDKPresign(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		c := goClient(t, s)
		hc := httpClient(t, s)
		p := s3.NewPresignClient(c)
		ctx := t.Context()
		b := newBucket(t, c)
		key := "pre signed/é+key&x=1"
		body := harness.Bytes(3, 100_000)

		req := must[*v4.PresignedHTTPRequest](t)(p.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, ContentType: aws.String("text/x")}))
		if status, out, _ := fetch(t, hc, req.Method, req.URL, req.SignedHeader, body); status != 200 {
			t.Fatalf("presigned PUT: %d %s", status, out)
		}
		wantBytes(t, "after presigned PUT", get(t, c, b, key), body)

		req = must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, ResponseContentType: aws.String("x/y")}, s3.WithPresignExpires(time.Minute)))
		status, out, header := fetch(t, hc, req.Method, req.URL, req.SignedHeader, nil)
		if status != 200 || header.Get("Content-Type") != "x/y" {
			t.Fatalf("presigned GET: %d %q %.300s", status, header.Get("Content-Type"), out)
		}
		wantBytes(t, "presigned GET", out, body)
		getURL := req.URL

		req = must[*v4.PresignedHTTPRequest](t)(p.PresignHeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key}))
		if status, _, header := fetch(t, hc, req.Method, req.URL, req.SignedHeader, nil); status != 200 || header.Get("Content-Length") != "100000" {
			t.Errorf("presigned HEAD: %d length %s", status, header.Get("Content-Length"))
		}

		// A signature is good for what was signed and nothing else.
		tamper := func(name string, change func(url.Values)) (int, []byte) {
			u, err := url.Parse(getURL)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			change(q)
			u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
			status, out, _ := fetch(t, hc, "GET", u.String(), nil, nil)
			return status, out
		}
		status, out = tamper("other override", func(q url.Values) { q.Set("response-content-type", "z/z") })
		wantErrorBody(t, status, out, 403, "SignatureDoesNotMatch")
		status, out = tamper("key", func(q url.Values) {
			q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), s.AccessKey, "AKIANOSUCHKEY", 1))
		})
		wantErrorBody(t, status, out, 403, "InvalidAccessKeyId")
		status, out = tamper("expired", func(q url.Values) { q.Set("X-Amz-Expires", "604801") })
		wantErrorBody(t, status, out, 400, "AuthorizationQueryParametersError")
		status, out, _ = fetch(t, hc, "DELETE", getURL, nil, nil)
		wantErrorBody(t, status, out, 403, "SignatureDoesNotMatch")
		status, out, _ = fetch(t, hc, "GET", s.Endpoint+"/"+b+"/x", nil, nil)
		wantErrorBody(t, status, out, 403, "AccessDenied")

		req = must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key}, s3.WithPresignExpires(time.Second)))
		time.Sleep(2100 * time.Millisecond)
		status, out, _ = fetch(t, hc, "GET", req.URL, nil, nil)
		wantErrorBody(t, status, out, 403, "AccessDenied")

		req = must[*v4.PresignedHTTPRequest](t)(p.PresignDeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key}))
		if status, out, _ := fetch(t, hc, req.Method, req.URL, req.SignedHeader, nil); status != 204 {
			t.Errorf("presigned DELETE: %d %s", status, out)
		}
		absent(t, c, b, key)
	})
}

// TestGoSDKVirtualHost addresses buckets by host name, the default of every SDK.
func TestGoSDKVirtualHost(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		if s.External {
			t.Log("an external server's domains are its own: only path style is tested")
			return
		}
		_, port, _ := strings.Cut(s.Host, ":")
		hc := httpClient(t, s)
		dialLocal(hc.Transport.(*http.Transport), s.Host)
		scheme, _, _ := strings.Cut(s.Endpoint, "://")
		c := goClient(t, s, func(o *s3.Options) {
			o.UsePathStyle = false
			o.BaseEndpoint = aws.String(scheme + "://s3.localhost:" + port)
			o.HTTPClient = hc
		})
		b := newBucket(t, c)
		for _, key := range []string{"k", "//odd//key", "a b+c%", b + "/looks-like-a-path"} {
			put(t, c, b, key, []byte(key))
			wantBytes(t, key, get(t, c, b, key), []byte(key))
		}
		if got := keys(t, c, b, ""); len(got) != 4 {
			t.Errorf("keys = %q", got)
		}
		path := goClient(t, s)
		wantBytes(t, "path style sees the same", get(t, path, b, "k"), []byte("k"))
	})
}
