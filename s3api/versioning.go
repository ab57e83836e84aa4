package s3api

import (
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketVersioning: GET /bucket?versioning. A bucket that was never versioned has an empty answer.
func getBucketVersioning(r *request) (*response, error) {
	v, err := r.srv.objects.BucketVersioning(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("VersioningConfiguration", 256)
	switch v {
	case object.VersioningEnabled:
		x.Text("Status", "Enabled")
	case object.VersioningSuspended:
		x.Text("Status", "Suspended")
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketVersioning: PUT /bucket?versioning
func putBucketVersioning(r *request) (*response, error) {
	var in s3xml.VersioningConfiguration
	if err := r.readXML("VersioningConfiguration", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	switch in.MfaDelete {
	case "", "Disabled":
	case "Enabled":
		if r.hasHeader("x-amz-mfa") {
			return nil, s3err.Header("x-amz-mfa")
		}
		return nil, s3err.Newf(s3err.AccessDenied, "Mfa Authentication must be used for this request")
	default:
		return nil, s3err.New(s3err.MalformedXML)
	}
	if in.Status == nil {
		return nil, s3err.New(s3err.IllegalVersioningConfiguration)
	}
	state := object.VersioningEnabled
	switch *in.Status {
	case "Enabled":
	case "Suspended":
		state = object.VersioningSuspended
	default:
		return nil, s3err.New(s3err.MalformedXML)
	}
	if err := r.srv.objects.SetVersioning(r.ctx, r.who, r.bucket, state); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// markerFailure is the answer to a read that found a delete marker, else nil: not found when it is the current version,
// and a method not allowed when it was asked by its id. Both say that it is a marker, and which.
func markerFailure(err error) *s3err.Error {
	var from *errs.E
	if !errors.As(err, &from) {
		return nil
	}
	var e *s3err.Error
	switch from.Reason {
	case object.MarkerNotFound:
		e = s3err.New(s3err.NoSuchKey)
	case object.MethodNotAllowed:
		e = s3err.New(s3err.MethodNotAllowed).With("ResourceType", "DeleteMarker").WithHeader("Allow", "DELETE")
		if t, ok := parseTime(from.Detail["LastModified"]); ok {
			e = e.WithHeader("Last-Modified", httpTime(t))
		}
	default:
		return nil
	}
	e = e.WithHeader("x-amz-delete-marker", "true")
	if id := from.Detail["VersionId"]; id != "" {
		e = e.WithHeader("x-amz-version-id", id)
	}
	return e
}

// atMarker is the failure of an operation on what belongs to a version: where the current one is a delete marker it is not
// allowed, rather than not found.
func atMarker(err error) error {
	var from *errs.E
	if !errors.As(err, &from) || from.Reason != object.MarkerNotFound {
		return err
	}
	e := *from
	e.Reason = object.MethodNotAllowed
	return &e
}

// setMade names the version that a write made. A null version is not named to its writer: it is what a client gets that
// knows nothing of versions.
func (p *response) setMade(version string) {
	if version != "null" {
		p.set("x-amz-version-id", version)
	}
}
