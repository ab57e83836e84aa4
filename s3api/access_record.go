package s3api

import (
	"crypto/tls"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// logAccess adds a record of the request to the log of its bucket, if the bucket has one.
func (r *request) logAccess() {
	if r.bucket == "" || r.srv.accessLog == nil {
		return
	}
	r.logSource()
	to := r.srv.objects.LoggingOf(r.ctx, r.bucket)
	if to == nil {
		return
	}
	r.srv.accessLog.Add(to, r.start, r.accessRecord(to, logOperation(r), r.key))
}

// logLine is a line in the format of Amazon S3 server access logs:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
type logLine []byte

func (b *logLine) word(s string) {
	if s == "" {
		s = "-"
	}
	*b = append(append(*b, ' '), s...)
}

func (b *logLine) number(n int64) {
	if n <= 0 {
		b.word("")
		return
	}
	*b = strconv.AppendInt(append(*b, ' '), n, 10)
}

func (b *logLine) quote(s string) {
	*b = append(*b, ` "`...)
	if s == "" {
		s = "-"
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == 0x7F {
			*b = append(*b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			*b = append(*b, c)
		}
	}
	*b = append(*b, '"')
}

// beginLine writes whose bucket was used, and when.
func beginLine(to *object.Logging, at time.Time) logLine {
	b := append(make(logLine, 0, 512), to.Source.Owner.CanonicalID...)
	b.word(to.Source.Bucket)
	return at.UTC().AppendFormat(append(b, ' '), "[02/Jan/2006:15:04:05 -0700]")
}

// beginRecord writes what a record says first: whose bucket, when, who, and what was done to which key.
func (r *request) beginRecord(to *object.Logging, operation, key string) *logLine {
	requester := r.who.CanonicalID
	if !r.who.Root {
		requester = r.who.ARN
	}
	b := beginLine(to, r.start)
	b.word(r.fctx.RemoteIP().String())
	b.word(requester)
	b.word(r.id)
	b.word(operation)
	b.word(string(appendPathEscaped(nil, key)))
	return &b
}

// endRecord writes what a record says last.
func (r *request) endRecord(b *logLine, version string) []byte {
	b.word(version)
	b.word(r.srv.ids.hostID)
	r.logAuth(b)
	b.word("") // access point
	b.word("") // whether an access control list was needed
	return append(*b, '\n')
}

// accessRecord is the record of the request as a whole.
func (r *request) accessRecord(to *object.Logging, operation, key string) []byte {
	code := ""
	if r.failure != nil {
		code = string(r.failure.Code)
	}
	b := r.beginRecord(to, operation, key)
	b.quote(r.method + " " + r.loggedURI() + " HTTP/1.1")
	b.number(int64(r.fctx.Response.StatusCode()))
	b.word(code)
	b.number(r.bytesOut)
	b.number(max(r.size, r.bytesIn))
	b.number(max(time.Since(r.start).Milliseconds(), 1))
	b.word("") // turn-around time
	b.quote(r.header("Referer"))
	b.quote(r.header("User-Agent"))
	version := r.version
	if version == "" {
		version = r.query.get("versionId")
	}
	return r.endRecord(b, version)
}

// logBatch adds a record for each key of a DeleteObjects. They look as Amazon's do: no request, no times, no client.
func (r *request) logBatch(keys []s3xml.DeleteObject, outcomes []deletion) {
	to := r.srv.objects.LoggingOf(r.ctx, r.bucket)
	if to == nil || r.srv.accessLog == nil {
		return
	}
	for i := range keys {
		status, code, version := http.StatusNoContent, "", keys[i].VersionID
		if err := outcomes[i].err; err != nil {
			e := s3err.From(err)
			status, code = e.Status, string(e.Code)
		} else if version == "" {
			version = outcomes[i].res.VersionID
		}
		b := r.beginRecord(to, "BATCH.DELETE.OBJECT", keys[i].Key)
		b.word("") // no request of its own
		b.number(int64(status))
		b.word(code)
		for range 6 { // bytes sent, size, times, referrer and user agent
			b.word("")
		}
		r.srv.accessLog.Add(to, r.start, r.endRecord(b, version))
	}
}

// copiedFrom is the object that a copy read.
type copiedFrom struct {
	bucket, key string
	version     string // as named by the request
	size        int64
}

// logSource adds a record of what a copy read to the log of the source's bucket (LogFormat, additional logging for copy
// operations). Amazon's have no request, no times and no client; of a copy that was refused there is none here.
func (r *request) logSource() {
	src := r.source.Load()
	if src == nil {
		return
	}
	to := r.srv.objects.LoggingOf(r.ctx, src.bucket)
	if to == nil {
		return
	}
	b := r.beginRecord(to, logOperation(r)+"_GET", src.key)
	b.word("") // no request of its own
	b.number(http.StatusOK)
	b.word("") // error code
	b.word("") // bytes sent
	b.number(src.size)
	for range 4 { // times, referrer and user agent
		b.word("")
	}
	r.srv.accessLog.Add(to, r.start, r.endRecord(b, src.version))
}

// logAuth writes how the request was signed and came.
func (r *request) logAuth(b *logLine) {
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
	b.word(version)
	b.word(cipher)
	b.word(kind)
	b.word(r.host)
	b.word(protocol)
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
