package s3api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// restoreObject: POST /bucket/key?restore
func restoreObject(r *request) (*response, error) {
	var in s3xml.RestoreRequest
	if err := r.readXML("RestoreRequest", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	if in.Type != "" || in.Select != nil || in.Output != nil {
		return nil, s3err.Newf(s3err.NotImplemented, "Select restores are not implemented")
	}
	tier := in.Tier
	if in.Job != nil {
		tier = in.Job.Tier
	}
	switch tier {
	case "", "Standard", "Bulk", "Expedited":
	default:
		return nil, s3err.New(s3err.MalformedXML)
	}
	switch {
	case in.Days == nil:
		return nil, s3err.New(s3err.MalformedXML)
	case *in.Days < 1 || *in.Days > 1<<30/86400:
		return nil, s3err.Argument("Days", strconv.Itoa(*in.Days), "restoration days should be at least 1")
	}
	res, err := r.srv.objects.RestoreObject(r.ctx, r.who, &object.RestoreInput{
		Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId"), Days: *in.Days, Expedited: tier == "Expedited",
	})
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	if !res.Already {
		resp.status = http.StatusAccepted
	}
	resp.setMade(res.VersionID)
	return resp, nil
}

// setRestore tells how an archived object can be read.
func (p *response) setRestore(s *object.Restore) {
	switch {
	case s == nil:
	case s.Ongoing:
		p.set("x-amz-restore", `ongoing-request="true"`)
	default:
		p.set("x-amz-restore", `ongoing-request="false", expiry-date="`+httpTime(s.Until)+`"`)
	}
}

// listsRestores reports whether a listing is to show the restores of archived objects.
func (r *request) listsRestores() bool {
	return strings.Contains(r.headerList("x-amz-optional-object-attributes"), "RestoreStatus")
}

// writeRestore writes the restore of an object of a listing.
func writeRestore(x *s3xml.Doc, s *object.Restore) {
	if s == nil {
		return
	}
	x.Open("RestoreStatus")
	x.Bool("IsRestoreInProgress", s.Ongoing)
	if !s.Ongoing {
		x.Time("RestoreExpiryDate", s.Until)
	}
	x.Close("RestoreStatus")
}
