package sigv4_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/sigv4"
)

const (
	v4Scope  = "AKID/20260301/us-east-1/s3/aws4_request"
	v4Signed = "host;x-amz-content-sha256;x-amz-date"
	zeroSig  = "0000000000000000000000000000000000000000000000000000000000000000"
)

func v4Request(t *testing.T, authorization string, more ...string) sigv4.Request {
	r := sigv4.Request{Method: "GET", RawPath: "/b/k", Host: "localhost", Now: mustTime(t, "2026-03-01T12:00:00Z"), Headers: fields(more...)}
	if authorization != "" {
		r.Headers = append(r.Headers, sigv4.Field{Name: "Authorization", Value: authorization})
	}
	return r
}

func query(kv ...string) string {
	base := map[string]string{"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "AKID%2F20260301%2Fus-east-1%2Fs3%2Faws4_request",
		"X-Amz-Date": "20260301T120000Z", "X-Amz-Expires": "60", "X-Amz-SignedHeaders": "host", "X-Amz-Signature": zeroSig}
	for i := 0; i < len(kv); i += 2 {
		base[kv[i]] = kv[i+1]
	}
	var parts []string
	for _, k := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "AWSAccessKeyId", "Signature"} {
		if v, ok := base[k]; ok && v != "-" {
			parts = append(parts, k+"="+v)
		}
	}
	return strings.Join(parts, "&")
}

func TestRefusals(t *testing.T) {
	hash, date := "X-Amz-Content-Sha256: "+sigv4.EmptySHA256, "X-Amz-Date: 20260301T120000Z"
	auth := func(credential, signed, signature string) string {
		return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=" + signed + ", Signature=" + signature
	}
	good := auth(v4Scope, v4Signed, zeroSig)
	header := func(authorization string, more ...string) sigv4.Request { return v4Request(t, authorization, more...) }
	url := func(kv ...string) sigv4.Request {
		r := v4Request(t, "")
		r.RawQuery = query(kv...)
		return r
	}
	strict := sigv4.Config{Region: "eu-west-1", StrictRegion: true}
	const malformed, badQuery = sigv4.AuthorizationHeaderMalformed, sigv4.AuthorizationQueryParametersError
	for _, tc := range []struct {
		name string
		cfg  sigv4.Config
		req  sigv4.Request
		want sigv4.Reason
		msg  string // a part of the message
	}{
		{"wrong signature", sigv4.Config{}, header(good, hash, date), sigv4.SignatureDoesNotMatch, "The request signature we calculated"},
		{"unknown type", sigv4.Config{}, header("Basic Zm9vOmJhcg==", hash, date), sigv4.InvalidArgument, "Unsupported Authorization Type"},
		{"binary", sigv4.Config{}, header("\x07", hash, date), sigv4.InvalidArgument, ""},
		{"sigv4a", sigv4.Config{}, header("AWS4-ECDSA-P256-SHA256 Credential=AKID/20260301/s3/aws4_request, SignedHeaders=host, Signature=00", hash, date), sigv4.NotImplemented, "SigV4a"},
		{"two headers", sigv4.Config{}, header(good, hash, date, "Authorization: "+good), sigv4.InvalidArgument, "Only one auth mechanism"},
		{"header and query", sigv4.Config{}, func() sigv4.Request { r := header(good, hash, date); r.RawQuery = query(); return r }(), sigv4.InvalidArgument, "Only one auth mechanism"},
		{"v2 query and header", sigv4.Config{}, func() sigv4.Request {
			r := header(good, hash, date)
			r.RawQuery = "AWSAccessKeyId=AKID&Signature=x&Expires=9"
			return r
		}(), sigv4.InvalidArgument, "Only one auth mechanism"},
		{"both queries", sigv4.Config{}, url("AWSAccessKeyId", "AKID", "Signature", "x"), sigv4.InvalidArgument, "Only one auth mechanism"},

		{"empty v4", sigv4.Config{}, header("AWS4-HMAC-SHA256", hash, date), malformed, "missing Credential."},
		{"no signed headers", sigv4.Config{}, header("AWS4-HMAC-SHA256 Credential="+v4Scope, hash, date), malformed, "missing SignedHeaders."},
		{"no signature", sigv4.Config{}, header("AWS4-HMAC-SHA256 Credential="+v4Scope+",SignedHeaders=host", hash, date), malformed, "missing Signature."},
		{"component twice", sigv4.Config{}, header(good+", Signature=00", hash, date), malformed, "component"},
		{"unknown component", sigv4.Config{}, header(good+", Foo=bar", hash, date), malformed, `"Foo=bar"`},
		{"component without value", sigv4.Config{}, header(good+", Foo", hash, date), malformed, `"Foo"`},
		{"short credential", sigv4.Config{}, header(auth("AKID/20260301/us-east-1/s3", v4Signed, zeroSig), hash, date), malformed, "mal-formed"},
		{"no key in credential", sigv4.Config{}, header(auth("/20260301/us-east-1/s3/aws4_request", v4Signed, zeroSig), hash, date), malformed, "mal-formed"},
		{"long key", sigv4.Config{}, header(auth(strings.Repeat("A", 300)+v4Scope, v4Signed, zeroSig), hash, date), malformed, "mal-formed"},
		{"terminal", sigv4.Config{}, header(auth("AKID/20260301/us-east-1/s3/aws5_request", v4Signed, zeroSig), hash, date), malformed, `incorrect terminal "aws5_request"`},
		{"scope date", sigv4.Config{}, header(auth("AKID/2026031/us-east-1/s3/aws4_request", v4Signed, zeroSig), hash, date), malformed, `incorrect date format "2026031"`},
		{"another day", sigv4.Config{}, header(auth("AKID/20260302/us-east-1/s3/aws4_request", v4Signed, zeroSig), hash, date), malformed, `Invalid credential date "20260302"`},
		{"service", sigv4.Config{}, header(auth("AKID/20260301/us-east-1/ec2/aws4_request", v4Signed, zeroSig), hash, date), malformed, `incorrect service "ec2"`},
		{"region", strict, header(good, hash, date), malformed, `the region 'us-east-1' is wrong; expecting 'eu-west-1'`},
		{"no date", sigv4.Config{}, header(good, hash), sigv4.AccessDenied, "valid Date or x-amz-date"},
		{"empty amz date beside a date", sigv4.Config{}, header(good, hash, "X-Amz-Date:", "Date: Sun, 01 Mar 2026 12:00:00 GMT"), sigv4.AccessDenied, "valid Date"},
		{"two dates", sigv4.Config{}, header(good, hash, date, date), sigv4.AccessDenied, "valid Date"},
		{"bad date", sigv4.Config{}, header(good, hash, "X-Amz-Date: yesterday"), sigv4.AccessDenied, "valid Date"},
		{"late", sigv4.Config{}, header(good, hash, "X-Amz-Date: 20260301T114459Z"), sigv4.RequestTimeTooSkewed, "too large"},
		{"early", sigv4.Config{}, header(good, hash, "X-Amz-Date: 20260301T121501Z"), sigv4.RequestTimeTooSkewed, "too large"},
		{"no hash", sigv4.Config{}, header(good, date), sigv4.InvalidRequest, "x-amz-content-sha256"},
		{"bad hash", sigv4.Config{}, header(good, date, "X-Amz-Content-Sha256: abc"), sigv4.InvalidArgument, "valid sha256"},
		{"ecdsa chunks", sigv4.Config{}, header(good, date, "X-Amz-Content-Sha256: "+sigv4.StreamingECDSA), sigv4.NotImplemented, ""},
		{"host unsigned", sigv4.Config{}, header(auth(v4Scope, "x-amz-content-sha256;x-amz-date", zeroSig), hash, date), sigv4.AccessDenied, "not signed"},
		{"amz header unsigned", sigv4.Config{}, header(good, hash, date, "X-AMZ-Acl: public-read"), sigv4.AccessDenied, "not signed"},

		{"presigned, wrong", sigv4.Config{}, url(), sigv4.SignatureDoesNotMatch, ""},
		{"presigned, no date", sigv4.Config{}, url("X-Amz-Date", "-"), badQuery, "requires the X-Amz-Algorithm"},
		{"presigned, no algorithm", sigv4.Config{}, url("X-Amz-Algorithm", "-"), badQuery, "requires the X-Amz-Algorithm"},
		{"presigned, algorithm", sigv4.Config{}, url("X-Amz-Algorithm", "AWS4-HMAC-SHA1"), badQuery, "X-Amz-Algorithm only supports"},
		{"presigned, sigv4a", sigv4.Config{}, url("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256", "X-Amz-Credential", "-"), sigv4.NotImplemented, ""},
		{"presigned, date format", sigv4.Config{}, url("X-Amz-Date", "20260301"), badQuery, "ISO8601 Long Format"},
		{"presigned, another day", sigv4.Config{}, url("X-Amz-Date", "20260302T000000Z"), badQuery, "Invalid credential date"},
		{"presigned, expires", sigv4.Config{}, url("X-Amz-Expires", "soon"), badQuery, "should be a number"},
		{"presigned, negative", sigv4.Config{}, url("X-Amz-Expires", "-1"), badQuery, "non-negative"},
		{"presigned, over a week", sigv4.Config{}, url("X-Amz-Expires", "604801"), badQuery, "less than a week"},
		{"presigned, expired", sigv4.Config{}, url("X-Amz-Date", "20260301T115859Z"), sigv4.AccessDenied, "Request has expired"},
		{"presigned, not yet", sigv4.Config{}, url("X-Amz-Date", "20260301T121501Z"), sigv4.AccessDenied, "not valid yet"},
		{"presigned, region", strict, url(), badQuery, "expecting 'eu-west-1'"},
		{"presigned, service", sigv4.Config{}, url("X-Amz-Credential", "AKID/20260301/us-east-1/iam/aws4_request"), badQuery, "incorrect service"},
		{"presigned, host unsigned", sigv4.Config{}, url("X-Amz-SignedHeaders", "x-amz-date"), sigv4.AccessDenied, "not signed"},
		{"presigned, amz header unsigned", sigv4.Config{}, func() sigv4.Request { r := url(); r.Headers = fields("x-amz-acl: public-read"); return r }(), sigv4.AccessDenied, "not signed"},

		{"v2, garbage", sigv4.Config{}, header("AWS HAHAHA", "Date: Sun, 01 Mar 2026 12:00:00 GMT"), sigv4.InvalidArgument, "AwsAccessKeyId:signature"},
		{"v2, no date", sigv4.Config{}, header("AWS AKID:sig"), sigv4.AccessDenied, "valid Date"},
		{"v2, bad date", sigv4.Config{}, header("AWS AKID:sig", "x-amz-date: Bad Date"), sigv4.AccessDenied, "valid Date"},
		{"v2, empty date", sigv4.Config{}, header("AWS AKID:sig", "x-amz-date:"), sigv4.AccessDenied, "valid Date"},
		{"v2, before the epoch", sigv4.Config{}, header("AWS AKID:sig", "x-amz-date: Fri, 07 Jul 1950 21:53:04 GMT"), sigv4.AccessDenied, "valid Date"},
		{"v2, long ago", sigv4.Config{}, header("AWS AKID:sig", "x-amz-date: Wed, 07 Jul 2010 21:53:04 GMT"), sigv4.RequestTimeTooSkewed, ""},
		{"v2, wrong weekday, far ahead", sigv4.Config{}, header("AWS AKID:sig", "x-amz-date: Tue, 07 Jul 9999 21:53:04 GMT"), sigv4.RequestTimeTooSkewed, ""},
		{"v2, signed chunks", sigv4.Config{}, header("AWS AKID:sig", "Date: Sun, 01 Mar 2026 12:00:00 GMT", "x-amz-content-sha256: "+sigv4.StreamingSigned), sigv4.InvalidArgument, "version 4"},
		{"v2, wrong", sigv4.Config{}, header("AWS AKID:sig", "Date: Sun, 01 Mar 2026 12:00:00 GMT"), sigv4.SignatureDoesNotMatch, ""},
		{"v2 url, parts", sigv4.Config{}, func() sigv4.Request { r := header(""); r.RawQuery = "AWSAccessKeyId=AKID&Expires=1"; return r }(), sigv4.AccessDenied, "requires the Signature"},
		{"v2 url, expires", sigv4.Config{}, func() sigv4.Request {
			r := header("")
			r.RawQuery = "AWSAccessKeyId=AKID&Signature=x&Expires=never"
			return r
		}(), sigv4.AccessDenied, "seconds since epoch"},
		{"v2 url, expired", sigv4.Config{}, func() sigv4.Request {
			r := header("")
			r.RawQuery = "AWSAccessKeyId=AKID&Signature=x&Expires=1772366399"
			return r
		}(), sigv4.AccessDenied, "Request has expired"},

		{"query api, version", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request { r := header(""); r.Form = "SignatureVersion=1"; return r }(), sigv4.InvalidArgument, "SignatureVersion"},
		{"query api, method", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header("")
			r.Form = "SignatureVersion=2&SignatureMethod=MD5"
			return r
		}(), sigv4.InvalidArgument, "SignatureMethod"},
		{"query api, key", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header("")
			r.Form = "SignatureVersion=2&SignatureMethod=HmacSHA1"
			return r
		}(), sigv4.MissingSecurityHeader, ""},
		{"query api, no time", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header("")
			r.Form = "SignatureVersion=2&SignatureMethod=HmacSHA1&AWSAccessKeyId=A&Signature=x"
			return r
		}(), sigv4.MissingSecurityHeader, "Timestamp"},
		{"query api, old", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header("")
			r.Form = "SignatureVersion=2&SignatureMethod=HmacSHA1&AWSAccessKeyId=A&Signature=x&Timestamp=2026-03-01T11:00:00"
			return r
		}(), sigv4.RequestTimeTooSkewed, ""},
		{"query api, expired", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header("")
			r.Form = "SignatureVersion=2&SignatureMethod=HmacSHA1&AWSAccessKeyId=A&Signature=x&Expires=2026-03-01T11:00:00Z"
			return r
		}(), sigv4.AccessDenied, "expired"},
		{"query api, another body", sigv4.Config{Protocol: sigv4.Query}, func() sigv4.Request {
			r := header(auth("AKID/20260301/x/y/aws4_request", v4Signed, zeroSig), hash, date)
			r.BodySHA256 = strings.Repeat("ab", 32)
			return r
		}(), sigv4.SignatureDoesNotMatch, "does not match what was computed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := verify(mustVerifier(t, tc.cfg), &tc.req, "secret")
			if reason(err) != tc.want || !strings.Contains(fmt.Sprint(err), tc.msg) {
				t.Fatalf("got %v, want %s with %q", err, tc.want, tc.msg)
			}
			if errs.ReasonOf(err) != tc.want || errs.KindOf(err) == errs.Internal {
				t.Errorf("as core's error: %v %v", errs.KindOf(err), errs.ReasonOf(err))
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "secret") && !strings.Contains(tc.msg, "secret") {
				t.Errorf("the secret is shown: %+v", err)
			}
		})
	}
}

func TestDetails(t *testing.T) {
	hash, date := "X-Amz-Content-Sha256: "+sigv4.EmptySHA256, "X-Amz-Date: 20260301T120000Z"
	good := "AWS4-HMAC-SHA256 Credential=" + v4Scope + ", SignedHeaders=" + v4Signed + ", Signature=" + zeroSig
	for _, tc := range []struct {
		name   string
		cfg    sigv4.Config
		req    sigv4.Request
		detail map[string]string
	}{
		{"mismatch", sigv4.Config{}, v4Request(t, good, hash, date), map[string]string{"AWSAccessKeyId": "AKID", "SignatureProvided": zeroSig,
			"CanonicalRequest":  "GET\n/b/k\n\nhost:localhost\nx-amz-content-sha256:" + sigv4.EmptySHA256 + "\nx-amz-date:20260301T120000Z\n\n" + v4Signed + "\n" + sigv4.EmptySHA256,
			"StringToSignBytes": "41 57 53 34"}},
		{"region", sigv4.Config{Region: "eu-west-1", StrictRegion: true}, v4Request(t, good, hash, date), map[string]string{"Region": "eu-west-1"}},
		{"skew", sigv4.Config{}, v4Request(t, good, hash, "X-Amz-Date: 20260301T100000Z"), map[string]string{"RequestTime": "20260301T100000Z",
			"ServerTime": "2026-03-01T12:00:00Z", "MaxAllowedSkewMilliseconds": "900000"}},
		{"unsigned", sigv4.Config{}, v4Request(t, good, hash, date, "X-Amz-Acl: x", "x-amz-meta-A: y"), map[string]string{"HeadersNotSigned": "x-amz-acl, x-amz-meta-a"}},
	} {
		_, err := verify(mustVerifier(t, tc.cfg), &tc.req, "secret")
		for name, want := range tc.detail {
			if got := detail(err, name); got != want && !(strings.HasSuffix(name, "Bytes") && strings.HasPrefix(got, want)) {
				t.Errorf("%s: %s is %q, want %q", tc.name, name, got, want)
			}
		}
	}
}

func TestAnonymous(t *testing.T) {
	v := mustVerifier(t, sigv4.Config{})
	for name, r := range map[string]sigv4.Request{
		"plain": v4Request(t, ""), "empty header": v4Request(t, " ", "Authorization:"), "other query": {RawQuery: "prefix=X-Amz-Signature&Expires=1"},
	} {
		a, err := v.Parse(&r)
		if err != nil && name != "empty header" || err == nil && a.Signed() {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if _, err := v.Verify(&r, &sigv4.Auth{}, "secret"); reason(err) != sigv4.AccessDenied {
			t.Errorf("%s: verified as nobody: %v", name, err)
		}
	}
	if a, err := v.ParsePost(func(string) string { return "" }, time.Now()); err != nil || a.Signed() {
		t.Errorf("post: %+v, %v", a, err)
	}
}

func TestEmptySecret(t *testing.T) {
	for _, r := range []sigv4.Request{sign(t, put(t), "secret"), v4Request(t, "AWS AKID:x", "Date: Sun, 01 Mar 2026 12:00:00 GMT")} {
		if _, err := verify(mustVerifier(t, sigv4.Config{}), &r, ""); reason(err) != sigv4.InvalidAccessKeyID {
			t.Errorf("%v", err)
		}
	}
}

// What signs the very same request in a form that differs from the canonical one is accepted.
func TestVariants(t *testing.T) {
	const secret = "secret"
	key := sigv4.DeriveKey(secret, "20260301", "us-east-1", "s3")
	signature := func(canonical string) string {
		sum := sha256.Sum256([]byte(canonical))
		mac := sigv4.HMAC(&key, fmt.Appendf(nil, "AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/us-east-1/s3/aws4_request\n%x", sum))
		return fmt.Sprintf("%x", mac)
	}
	for _, tc := range []struct{ name, path, meta, canonicalPath, canonicalMeta string }{
		{"regular", "/b/a b+c%7e%2f", "x  y", "/b/a%20b%2Bc~%2F", "x y"},
		{"slash decoded", "/b/a%2fc", "x", "/b/a/c", "x"},
		{"spaces kept", "/b/a", "x  y", "/b/a", "x  y"},
		{"both", "/b/a%2Fb", "x \t y", "/b/a/b", "x \t y"},
		{"tab", "/b/a", "x\ty", "/b/a", "x y"},
	} {
		signed := "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a"
		sig := signature("GET\n" + tc.canonicalPath + "\n\nhost:localhost\nx-amz-content-sha256:" + sigv4.UnsignedPayload +
			"\nx-amz-date:20260301T120000Z\nx-amz-meta-a:" + tc.canonicalMeta + "\n\n" + signed + "\n" + sigv4.UnsignedPayload)
		r := v4Request(t, "AWS4-HMAC-SHA256 Credential="+v4Scope+", SignedHeaders="+signed+", Signature="+sig,
			"x-amz-content-sha256: "+sigv4.UnsignedPayload, "x-amz-date: 20260301T120000Z", "x-amz-meta-a: "+tc.meta)
		r.RawPath = tc.path
		if _, err := verify(mustVerifier(t, sigv4.Config{}), &r, secret); err != nil {
			t.Errorf("%s: %v\n%s", tc.name, err, detail(err, "CanonicalRequest"))
		}
	}
}

// A presigned URL may name a hash: when it is signed the body must have it, when it is not it is ignored.
func TestPresignedHash(t *testing.T) {
	const secret = "secret"
	hash := strings.Repeat("ab", 32)
	key := sigv4.DeriveKey(secret, "20260301", "us-east-1", "s3")
	for payload, want := range map[string]string{hash: hash, sigv4.UnsignedPayload: sigv4.UnsignedPayload} {
		r := v4Request(t, "")
		r.RawQuery = query("X-Amz-Signature", "-") + "&X-Amz-Content-Sha256=" + hash
		sum := sha256.Sum256([]byte("GET\n/b/k\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=" + hash + "&X-Amz-Credential=" + strings.ReplaceAll(v4Scope, "/", "%2F") +
			"&X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\nhost:localhost\n\nhost\n" + payload))
		mac := sigv4.HMAC(&key, fmt.Appendf(nil, "AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/us-east-1/s3/aws4_request\n%x", sum))
		r.RawQuery += fmt.Sprintf("&X-Amz-Signature=%x", mac)
		ok, err := verify(mustVerifier(t, sigv4.Config{}), &r, secret)
		if err != nil || ok.PayloadHash != want {
			t.Errorf("signed with %s: %s, %v", payload, ok.PayloadHash, err)
		}
	}
}

func TestHMAC(t *testing.T) {
	key := sha256.Sum256([]byte("key"))
	for _, n := range []int{0, 1, 63, 64, 65, 447, 448, 449, 1000} {
		msg := bytes.Repeat([]byte("m"), n)
		m := hmac.New(sha256.New, key[:])
		m.Write(msg)
		if got := sigv4.HMAC(&key, msg); !bytes.Equal(got[:], m.Sum(nil)) {
			t.Errorf("of %d bytes", n)
		}
	}
}

// The cache is bounded and never answers with a key of another secret.
func TestKeyCache(t *testing.T) {
	v := mustVerifier(t, sigv4.Config{CacheSize: 4})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				secret := fmt.Sprint("secret", (i+w)%7)
				r := sign(t, put(t), secret)
				if _, err := verify(v, &r, secret); err != nil {
					t.Errorf("%s: %v", secret, err)
				}
				if _, err := verify(v, &r, "other"+secret); reason(err) != sigv4.SignatureDoesNotMatch {
					t.Errorf("other %s: %v", secret, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]sigv4.Config{"strict without region": {StrictRegion: true}, "protocol": {Protocol: 9}, "cache": {CacheSize: -1}} {
		if _, err := sigv4.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// botocore signs the bucket with a slash by Version 2 even when it sends none; an object's path gets no such leave.
func TestBucketSlashV2(t *testing.T) {
	const secret, date = "secret", "Sun, 01 Mar 2026 12:00:00 GMT"
	for _, tc := range []struct {
		path, signed string
		ok           bool
	}{
		{"/bkt", "/bkt/", true},
		{"/bkt", "/bkt", true},
		{"/bkt/", "/bkt/", true},
		{"/bkt/key", "/bkt/key/", false},
		{"/", "//", false},
	} {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte("GET\n\n\n" + date + "\n" + tc.signed + "?acl"))
		r := sigv4.Request{Method: "GET", RawPath: tc.path, RawQuery: "acl", Now: mustTime(t, "2026-03-01T12:00:00Z"),
			Headers: fields("Host: localhost", "Date: "+date, "Authorization: AWS AK:"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))}
		if _, err := verify(mustVerifier(t, sigv4.Config{}), &r, secret); (err == nil) != tc.ok {
			t.Errorf("%s signed as %s: %v", tc.path, tc.signed, err)
		}
	}
}
