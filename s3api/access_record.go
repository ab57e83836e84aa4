package s3api

import (
	"crypto/tls"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
)

// logAccess adds a record of the request to the log of its bucket, if the bucket has one.
func (r *request) logAccess() {
	if r.bucket == "" || r.srv.accessLog == nil {
		return
	}
	to := r.srv.objects.LoggingOf(r.ctx, r.bucket)
	if to == nil {
		return
	}
	r.srv.accessLog.Add(to, r.start, r.accessRecord(to, logOperation(r), r.key))
}

// accessRecord is a line in the format of Amazon S3 server access logs:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
func (r *request) accessRecord(to *object.Logging, operation, key string) []byte {
	b := make([]byte, 0, 512)
	word := func(s string) {
		if s == "" {
			s = "-"
		}
		b = append(append(b, ' '), s...)
	}
	number := func(n int64) {
		if n <= 0 {
			word("")
			return
		}
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	quote := func(s string) {
		b = append(b, ` "`...)
		if s == "" {
			s = "-"
		}
		for i := range len(s) {
			if c := s[i]; c < ' ' || c == '"' || c == 0x7F {
				b = append(b, '%')
				b = append(b, "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			} else {
				b = append(b, c)
			}
		}
		b = append(b, '"')
	}
	requester := r.who.CanonicalID
	if !r.who.Root {
		requester = r.who.ARN
	}
	code := ""
	if r.failure != nil {
		code = string(r.failure.Code)
	}
	b = append(b, to.Source.Owner.CanonicalID...)
	word(to.Source.Bucket)
	b = r.start.UTC().AppendFormat(append(b, ' '), "[02/Jan/2006:15:04:05 -0700]")
	word(r.fctx.RemoteIP().String())
	word(requester)
	word(r.id)
	word(operation)
	word(string(appendPathEscaped(nil, key)))
	quote(r.method + " " + r.loggedURI() + " HTTP/1.1")
	number(int64(r.fctx.Response.StatusCode()))
	word(code)
	number(r.bytesOut)
	number(max(r.size, r.bytesIn))
	number(max(time.Since(r.start).Milliseconds(), 1))
	word("") // turn-around time
	quote(r.header("Referer"))
	quote(r.header("User-Agent"))
	version := r.version
	if version == "" {
		version = r.query.get("versionId")
	}
	word(version)
	word(r.srv.ids.hostID)
	r.logAuth(word)
	word("") // access point
	word("") // whether an access control list was needed
	return append(b, '\n')
}

// logAuth writes how the request was signed and came.
func (r *request) logAuth(word func(string)) {
	version, cipher, protocol, kind := "", "", "", ""
	if r.auth.Signed() {
		version, kind = "SigV4", "AuthHeader"
		if r.verified.Version == 2 {
			version = "SigV2"
		}
		switch {
		case r.verified.Presigned:
			kind = "QueryString"
		case r.op.auth == byForm:
			kind = "POST"
		}
	}
	if st := r.fctx.TLSConnectionState(); st != nil {
		cipher = tls.CipherSuiteName(st.CipherSuite)
		protocol = strings.Replace(tls.VersionName(st.Version), "TLS ", "TLSv", 1)
	}
	word(version)
	word(cipher)
	word(kind)
	word(r.host)
	word(protocol)
}

// loggedURI is the target of the request without what would let a reader of the log repeat a presigned one.
func (r *request) loggedURI() string {
	if r.rawQuery == "" {
		return r.rawPath
	}
	var kept []string
	for item := range strings.SplitSeq(r.rawQuery, "&") {
		name, _, _ := strings.Cut(item, "=")
		switch strings.ToLower(name) {
		case "x-amz-signature", "signature", "x-amz-security-token":
			item = name + "=REDACTED"
		}
		kept = append(kept, item)
	}
	return r.rawPath + "?" + strings.Join(kept, "&")
}

// logOperation is how the operation of a request is called in access logs.
func logOperation(r *request) string {
	if r.op == &opWebsite {
		return "WEBSITE." + r.method + ".OBJECT"
	}
	switch r.op.name {
	case "CopyObject":
		return "REST.COPY.OBJECT"
	case "UploadPartCopy":
		return "REST.COPY.PART"
	case "UploadPart":
		return "REST.PUT.PART"
	case "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts":
		return "REST." + r.method + ".UPLOAD"
	case "CreateMultipartUpload", "ListMultipartUploads":
		return "REST." + r.method + ".UPLOADS"
	case "DeleteObjects":
		return "REST.POST.MULTI_OBJECT_DELETE"
	case "ListObjectVersions":
		return "REST.GET.BUCKETVERSIONS"
	case "PreflightBucket", "PreflightObject":
		return "REST.OPTIONS.PREFLIGHT"
	case "RestoreObject":
		return "REST.POST.RESTORE"
	}
	return "REST." + r.method + "." + logResource(r)
}

// logResource is the last part of the name of an operation.
func logResource(r *request) string {
	switch r.op.sub {
	case "", "list-type":
		if r.key != "" {
			return "OBJECT"
		}
		return "BUCKET"
	case "tagging":
		if r.key != "" {
			return "OBJECT_TAGGING"
		}
		return "TAGGING"
	case "policy":
		return "BUCKETPOLICY"
	case "logging":
		return "LOGGING_STATUS"
	case "object-lock":
		return "OBJECT_LOCK_CONFIGURATION"
	case "publicAccessBlock":
		return "PUBLIC_ACCESS_BLOCK"
	case "ownershipControls":
		return "OWNERSHIP_CONTROLS"
	case "requestPayment":
		return "REQUEST_PAYMENT"
	}
	return strings.ToUpper(strings.ReplaceAll(r.op.sub, "-", "_"))
}
