package sigv4_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

// testdata/botocore.json holds requests signed by botocore 1.43 with all its signers: S3 with V4 and V2, in headers,
// URLs and forms, with and without a session token, and the Query API with V2 and V4.
type botocoreCase struct {
	Kind, Name, Method, Path, Query, Host, Form, Body string
	Headers                                           [][2]string
	Fields                                            map[string]string
}

func (c *botocoreCase) request(t *testing.T) sigv4.Request {
	r := sigv4.Request{Method: c.Method, RawPath: c.Path, RawQuery: c.Query, Host: c.Host, Form: c.Form, BodySHA256: c.Body,
		Now: mustTime(t, "2026-03-01T12:05:00Z")}
	for _, h := range c.Headers {
		r.Headers = append(r.Headers, sigv4.Field{Name: h[0], Value: h[1]})
	}
	if strings.HasPrefix(c.Name, "vhost") {
		r.HostBucket = "bucket"
	}
	return r
}

func TestBotocore(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	raw, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []botocoreCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	schemes := map[string]sigv4.Scheme{"v4": sigv4.V4Header, "v4query": sigv4.V4Presigned, "v2": sigv4.V2Header, "v2query": sigv4.V2Presigned,
		"ec2v2": sigv4.V2Query, "ec2v4": sigv4.V4Header, "post4": sigv4.V4Post, "post2": sigv4.V2Post}
	for _, c := range cases {
		t.Run(c.Kind+"/"+c.Name, func(t *testing.T) {
			cfg := sigv4.Config{}
			if strings.HasPrefix(c.Kind, "ec2") {
				cfg.Protocol = sigv4.Query
			}
			v := mustVerifier(t, cfg)
			r := c.request(t)
			var a sigv4.Auth
			var err error
			if c.Fields != nil {
				a, err = v.ParsePost(func(name string) string {
					for k, value := range c.Fields {
						if strings.EqualFold(k, name) {
							return value
						}
					}
					return ""
				}, r.Now)
			} else {
				a, err = v.Parse(&r)
			}
			if err != nil {
				t.Fatal(err)
			}
			ok, err := v.Verify(&r, &a, secret)
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, detail(err, "CanonicalRequest"), detail(err, "StringToSign"))
			}
			if ok.Scheme != schemes[c.Kind] {
				t.Errorf("scheme %v", ok.Scheme)
			}
			token := strings.Contains(c.Name, "token") || c.Fields != nil
			if token && a.SecurityToken != "tok/en+with==odd&chars" || token != (ok.AccessKeyID == "ASIAEXAMPLE") {
				t.Errorf("key %q, token %q", ok.AccessKeyID, a.SecurityToken)
			}
			if _, err := v.Verify(&r, &a, "another"); reason(err) != sigv4.SignatureDoesNotMatch {
				t.Errorf("another secret: %v", err)
			}
		})
	}
}
