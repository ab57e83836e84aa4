package s3api

import (
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// deleteObjects: POST /bucket?delete. Each key succeeds or fails on its own.
func deleteObjects(r *request) (*response, error) {
	var in s3xml.Delete
	if err := r.readXML("Delete", r.srv.cfg.Limits.DeleteBody, mustDigest, &in); err != nil {
		return nil, err
	}
	if len(in.Objects) == 0 || len(in.Objects) > object.MaxDeleteKeys {
		return nil, s3err.New(s3err.MalformedXML)
	}
	if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	x := s3xml.New("DeleteResult", 64*len(in.Objects))
	for i := range in.Objects {
		r.deleteOne(x, &in.Objects[i], in.Quiet)
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

func (r *request) deleteOne(x *s3xml.Doc, o *s3xml.DeleteObject, quiet bool) {
	conditions, err := entryConditions(o)
	var res *object.DeleteResult
	if err == nil {
		res, err = r.srv.objects.Delete(r.ctx, r.who, &object.DeleteInput{
			Bucket: r.bucket, Key: o.Key, VersionID: o.VersionID, Conditions: conditions,
		})
	}
	if err != nil {
		e := s3err.From(err)
		if e.Cause != nil && errs.KindOf(err) != errs.Canceled {
			r.srv.log.Error("delete", "req", r.id, "bucket", r.bucket, "key", o.Key, "err", e.Cause)
		}
		x.Open("Error")
		x.Text("Key", o.Key)
		x.Optional("VersionId", o.VersionID)
		x.Text("Code", string(e.Code))
		x.Text("Message", e.Message)
		x.Close("Error")
		return
	}
	if quiet {
		return
	}
	x.Open("Deleted")
	x.Text("Key", o.Key)
	x.Optional("VersionId", o.VersionID)
	if res.DeleteMarker {
		x.Bool("DeleteMarker", true)
		x.Optional("DeleteMarkerVersionId", res.VersionID)
	}
	x.Close("Deleted")
}

// entryConditions reads the conditions that one key of the list may carry.
func entryConditions(o *s3xml.DeleteObject) (object.WriteConditions, error) {
	c := object.WriteConditions{IfMatch: bareETag(o.ETag), IfMatchSize: o.Size}
	if o.LastModifiedTime != "" {
		t, ok := parseTime(o.LastModifiedTime)
		if !ok {
			return c, s3err.Newf(s3err.InvalidArgument, "Invalid LastModifiedTime")
		}
		c.IfMatchLastModified = t.Truncate(time.Second)
	}
	return c, nil
}
