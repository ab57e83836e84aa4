package s3api

import (
	"crypto/tls"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/iam"
)

// headerKeys are the headers that policies may look at, with their condition keys.
var headerKeys = map[string]string{
	"user-agent":                                      "aws:useragent",
	"referer":                                         "aws:referer",
	"if-match":                                        "s3:if-match",
	"if-none-match":                                   "s3:if-none-match",
	"x-amz-object-lock-mode":                          "s3:object-lock-mode",
	"x-amz-object-lock-legal-hold":                    "s3:object-lock-legal-hold",
	"x-amz-object-lock-retain-until-date":             "s3:object-lock-retain-until-date",
	"x-amz-acl":                                       "s3:x-amz-acl",
	"x-amz-bucket-namespace":                          "s3:x-amz-bucket-namespace",
	"x-amz-content-sha256":                            "s3:x-amz-content-sha256",
	"x-amz-grant-full-control":                        "s3:x-amz-grant-full-control",
	"x-amz-grant-read":                                "s3:x-amz-grant-read",
	"x-amz-grant-read-acp":                            "s3:x-amz-grant-read-acp",
	"x-amz-grant-write":                               "s3:x-amz-grant-write",
	"x-amz-grant-write-acp":                           "s3:x-amz-grant-write-acp",
	"x-amz-metadata-directive":                        "s3:x-amz-metadata-directive",
	"x-amz-object-ownership":                          "s3:x-amz-object-ownership",
	"x-amz-server-side-encryption":                    "s3:x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id":     "s3:x-amz-server-side-encryption-aws-kms-key-id",
	"x-amz-server-side-encryption-customer-algorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
	"x-amz-storage-class":                             "s3:x-amz-storage-class",
	"x-amz-website-redirect-location":                 "s3:x-amz-website-redirect-location",
}

// facts are what policies may look at in a request.
type facts struct{ r *request }

var _ iam.Facts = facts{}

// Origin is where the request came from, its id and the server's.
func (f facts) Origin() (address, request, host string) {
	return f.r.fctx.RemoteIP().String(), f.r.id, f.r.srv.ids.hostID
}

// Conditions is all condition keys that the request itself decides.
func (f facts) Conditions() map[string][]string {
	r := f.r
	c := make(map[string][]string, 24)
	for i := range r.headers {
		h := &r.headers[i]
		if key, ok := headerKeys[strings.ToLower(h.Name)]; ok && c[key] == nil {
			c[key] = []string{h.Value}
		}
	}
	r.formFacts(c)
	c["aws:sourceip"] = []string{r.fctx.RemoteIP().String()}
	c["aws:securetransport"] = []string{strconv.FormatBool(r.fctx.IsTLS())}
	if t := r.fctx.TLSConnectionState(); t != nil {
		c["s3:tlsversion"] = []string{tlsVersion(t.Version)}
	}
	switch r.op.name {
	case "PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload", "RenameObject":
		c["s3:objectcreationoperation"] = []string{"true"}
	case "CreateMultipartUpload", "UploadPart", "UploadPartCopy":
		c["s3:objectcreationoperation"] = []string{"false"}
	}
	c["aws:requestedregion"] = []string{r.srv.cfg.Region}
	r.signatureFacts(c)
	r.copyFacts(c)
	r.tagFacts(c)
	return c
}

// tlsVersion is a version of TLS as policies compare it: a number.
func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return "1.1" // or older, which is not served
}

func (r *request) signatureFacts(c map[string][]string) {
	if !r.auth.Signed() {
		return
	}
	version, kind := "AWS4-HMAC-SHA256", "REST-HEADER"
	if r.verified.Version == 2 {
		version = "AWS"
	}
	switch {
	case r.verified.Presigned:
		kind = "REST-QUERY-STRING"
	case r.op.auth == byForm:
		kind = "POST"
	}
	c["s3:signatureversion"] = []string{version}
	c["s3:authtype"] = []string{kind}
	if !r.verified.Time.IsZero() {
		age := max(r.start.Sub(r.verified.Time), 0)
		c["s3:signatureage"] = []string{strconv.FormatInt(age.Milliseconds(), 10)}
	}
	if until, ok := c["s3:object-lock-retain-until-date"]; ok {
		if t, err := time.Parse(time.RFC3339, until[0]); err == nil {
			days := int64(t.Sub(r.start) / (24 * time.Hour))
			c["s3:object-lock-remaining-retention-days"] = []string{strconv.FormatInt(days, 10)}
		}
	}
}

// copyFacts is the source of a copy as policies name it: bucket/key.
func (r *request) copyFacts(c map[string][]string) {
	v := r.header("x-amz-copy-source")
	if v == "" {
		return
	}
	v, _, _ = strings.Cut(v, "?versionId=")
	if plain, err := url.PathUnescape(v); err == nil {
		v = plain
	}
	c["s3:x-amz-copy-source"] = []string{strings.TrimPrefix(v, "/")}
}

// formFacts are the fields of a POST form that would be headers elsewhere.
func (r *request) formFacts(c map[string][]string) {
	for name, value := range r.form {
		if name == "acl" {
			name = "x-amz-acl"
		}
		if key, ok := headerKeys[name]; ok && strings.HasPrefix(key, "s3:") {
			c[key] = []string{value}
		}
	}
	for _, t := range r.formTags {
		c["s3:requestobjecttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		c["s3:requestobjecttagkeys"] = append(c["s3:requestobjecttagkeys"], t.Key)
	}
}

// tagFacts are the tags that a new object is to have.
func (r *request) tagFacts(c map[string][]string) {
	v := r.header("x-amz-tagging")
	if v == "" {
		return
	}
	tags, err := url.ParseQuery(v)
	if err != nil {
		return // the operation refuses it
	}
	for name, values := range tags {
		c["s3:requestobjecttag/"+strings.ToLower(name)] = values[:1]
		c["s3:requestobjecttagkeys"] = append(c["s3:requestobjecttagkeys"], name)
	}
}

// identify makes who the principal of r.
func (r *request) identify(who iam.Principal) {
	who.Facts = facts{r}
	r.who = who
}
