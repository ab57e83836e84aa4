package s3api

import (
	"sync"
	"sync/atomic"
	"time"

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
	outcomes := r.deleteEach(in.Objects)
	r.logBatch(in.Objects, outcomes)
	x := s3xml.New("DeleteResult", 64*len(in.Objects))
	for i := range in.Objects {
		r.deleted(x, &in.Objects[i], outcomes[i], in.Quiet)
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// deleteWorkers is how many keys of one request are deleted at a time: they share the syncs of the store, so that a
// thousand deletes wait for some tens of syncs instead of a thousand.
const deleteWorkers = 32

type deletion struct {
	res *object.DeleteResult
	err error
}

func (r *request) deleteEach(list []s3xml.DeleteObject) []deletion {
	outcomes := make([]deletion, len(list))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(deleteWorkers, len(list)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				outcomes[i] = r.deleteOne(&list[i])
			}
		})
	}
	workers.Wait()
	return outcomes
}

func (r *request) deleteOne(o *s3xml.DeleteObject) (d deletion) {
	defer r.srv.recovered(r, &d.err)
	conditions, err := entryConditions(o)
	if err != nil {
		return deletion{err: err}
	}
	res, err := r.srv.objects.Delete(r.ctx, r.who, &object.DeleteInput{
		Bucket: r.bucket, Key: o.Key, VersionID: o.VersionID, Conditions: conditions,
		BypassGovernance: r.bypassGovernance(),
	})
	return deletion{res, err}
}

// deleted writes how the deletion of one key ended.
func (r *request) deleted(x *s3xml.Doc, o *s3xml.DeleteObject, d deletion, quiet bool) {
	if d.err != nil {
		e := s3err.From(d.err)
		if e.Code == s3err.InvalidArgument && s3err.Detail(d.err, "ArgumentName") == "versionId" {
			e = s3err.New(s3err.NoSuchVersion) // what is refused by itself is only not found in a list
		}
		if e.Cause != nil {
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
	if d.res.DeleteMarker {
		x.Bool("DeleteMarker", true)
		x.Optional("DeleteMarkerVersionId", d.res.VersionID)
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
