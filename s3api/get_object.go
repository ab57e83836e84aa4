package s3api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// defaultContentType is what S3 calls an object that was stored without a type.
const defaultContentType = "binary/octet-stream"

// getObject: GET /bucket/key
func getObject(r *request) (*response, error) {
	in, err := r.readInput()
	if err != nil {
		return nil, err
	}
	res, err := r.read(r.srv.objects.Get, &in)
	if err != nil {
		return nil, r.readFailure(err)
	}
	resp := r.describe(res, &in)
	resp.body, resp.length = res.Body, res.Length
	return resp, nil
}

// headObject: HEAD /bucket/key
func headObject(r *request) (*response, error) {
	in, err := r.readInput()
	if err != nil {
		return nil, err
	}
	res, err := r.read(r.srv.objects.Head, &in)
	if err != nil {
		return nil, r.readFailure(err)
	}
	resp := r.describe(res, &in)
	resp.length = res.Length
	return resp, nil
}

type reader func(context.Context, iam.Principal, *object.GetInput) (*object.GetResult, error)

// read reads with If-Range: when the object is no longer the one that the client holds a piece of, the range is dropped
// and it gets the whole.
func (r *request) read(f reader, in *object.GetInput) (*object.GetResult, error) {
	v := r.header("If-Range")
	if v == "" || in.Range.Kind == object.RangeNone || len(in.Conditions.IfMatch) > 0 || !in.Conditions.IfUnmodifiedSince.IsZero() {
		return f(r.ctx, r.who, in)
	}
	asked := *in
	if t, ok := parseTime(v); ok {
		asked.Conditions.IfUnmodifiedSince = t
	} else {
		asked.Conditions.IfMatch = []string{bareETag(v)}
	}
	res, err := f(r.ctx, r.who, &asked)
	if errs.KindOf(err) == errs.Precondition {
		in.Range = object.Range{}
		return f(r.ctx, r.who, in)
	}
	return res, err
}

func (r *request) readInput() (object.GetInput, error) {
	in := object.GetInput{Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId")}
	if v := r.header("Range"); v != "" {
		in.Range = parseRange(v)
	}
	if v, ok := r.query.lookup("partNumber"); ok {
		n, err := parsePartNumber(v)
		if err != nil {
			return in, err
		}
		if in.Range.Kind != object.RangeNone {
			return in, s3err.Newf(s3err.InvalidRequest, "Cannot specify both Range header and partNumber query parameter")
		}
		in.PartNumber = n
	}
	in.Conditions = r.readConditions("")
	var err error
	if in.Customer, err = r.readersKey(); err != nil {
		return in, err
	}
	if r.who.Anonymous {
		for i := range r.query {
			if strings.HasPrefix(r.query[i].name, "response-") {
				return in, s3err.Newf(s3err.InvalidRequest, "Request specific response headers cannot be used for anonymous GET requests.")
			}
		}
	}
	return in, nil
}

func parsePartNumber(v string) (int, error) {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 1 || n > object.MaxParts {
		return 0, s3err.Argument("partNumber", v, "Part number must be an integer between 1 and 10000, inclusive")
	}
	return int(n), nil
}

// describe makes the headers of an object.
func (r *request) describe(res *object.GetResult, in *object.GetInput) *response {
	resp := r.ok()
	h := &res.Headers
	r.size, r.version = res.Size, res.VersionID
	resp.set("Last-Modified", httpTime(res.LastModified))
	resp.set("ETag", quoted(res.ETag))
	resp.set("Accept-Ranges", "bytes")
	if res.Partial {
		resp.status = http.StatusPartialContent
		if res.Length > 0 {
			resp.set("Content-Range", contentRange(res.Offset, res.Length, res.Size))
		}
	}
	contentType := h.ContentType
	if contentType == "" {
		contentType = defaultContentType
	}
	overridden := r.overrides()
	resp.set("Content-Type", overridden("response-content-type", contentType))
	resp.set("Cache-Control", overridden("response-cache-control", h.CacheControl))
	resp.set("Content-Disposition", overridden("response-content-disposition", h.ContentDisposition))
	resp.set("Content-Encoding", overridden("response-content-encoding", h.ContentEncoding))
	resp.set("Content-Language", overridden("response-content-language", h.ContentLanguage))
	resp.set("Expires", overridden("response-expires", h.Expires))
	resp.set("x-amz-website-redirect-location", h.WebsiteRedirect)
	resp.set("x-amz-version-id", res.VersionID)
	resp.setLock(res.Lock)
	resp.setExpiry(res.Expires)
	resp.setRestore(res.Restore)
	resp.set("x-amz-replication-status", res.Replication.String())
	resp.setEncryption(&res.Encryption)
	if res.StorageClass != "STANDARD" {
		resp.set("x-amz-storage-class", res.StorageClass)
	}
	if in.PartNumber > 0 && res.PartsCount > 0 {
		resp.set("x-amz-mp-parts-count", strconv.Itoa(res.PartsCount))
	}
	if len(res.Tags) > 0 {
		resp.set("x-amz-tagging-count", strconv.Itoa(len(res.Tags)))
	}
	// With less than the whole, clients would hold its checksum against the wrong bytes. Of a part, core gives the part's.
	if len(res.Checksums) > 0 && (in.Range.Kind == object.RangeNone || res.Length == res.Size) && r.checksumMode() {
		resp.setChecksums(res.Checksums, true)
	}
	resp.setMetadata(res.Metadata)
	return resp
}

// overrides gives the response-* parameters of the query. They are part of what was signed; readInput has refused them to
// the anonymous.
func (r *request) overrides() func(name, stored string) string {
	if len(r.query) == 0 {
		return func(_, stored string) string { return stored }
	}
	return func(name, stored string) string {
		if v := r.query.get(name); v != "" {
			return v
		}
		return stored
	}
}

// readFailure adds the headers that belong to a read that failed: of the version when it was not modified, of the size
// when the range lay outside.
func (r *request) readFailure(err error) error {
	switch errs.KindOf(err) {
	case errs.NotModified:
		e := s3err.New(s3err.NotModified)
		if etag := s3err.Detail(err, "ETag"); etag != "" {
			e = e.WithHeader("ETag", quoted(etag))
		}
		if t, ok := parseTime(s3err.Detail(err, "LastModified")); ok {
			e = e.WithHeader("Last-Modified", httpTime(t))
		}
		return e
	case errs.RangeUnsatisfied:
		e := s3err.From(err)
		if e.Code == s3err.InvalidRange {
			e = e.With("RangeRequested", r.header("Range"))
			if size := s3err.Detail(err, "ActualObjectSize"); size != "" {
				e = e.WithHeader("Content-Range", "bytes */"+size)
			}
		}
		return e
	}
	return err
}
