package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getOwnershipControls: GET /bucket?ownershipControls
func getOwnershipControls(r *request) (*response, error) {
	o, err := r.srv.objects.Ownership(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("OwnershipControls", 256)
	x.Open("Rule")
	x.Text("ObjectOwnership", o.String())
	x.Close("Rule")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putOwnershipControls: PUT /bucket?ownershipControls
func putOwnershipControls(r *request) (*response, error) {
	var doc s3xml.OwnershipControls
	if err := r.readXML("OwnershipControls", r.srv.cfg.Limits.XMLBody, optionalDigest, &doc); err != nil {
		return nil, err
	}
	if len(doc.Rules) != 1 {
		return nil, s3err.New(s3err.MalformedXML)
	}
	o, ok := object.ParseOwnership(doc.Rules[0].ObjectOwnership)
	if !ok {
		return nil, s3err.New(s3err.MalformedXML)
	}
	if err := r.srv.objects.PutOwnership(r.ctx, r.who, r.bucket, o); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// deleteOwnershipControls: DELETE /bucket?ownershipControls
func deleteOwnershipControls(r *request) (*response, error) {
	if err := r.srv.objects.PutOwnership(r.ctx, r.who, r.bucket, object.OwnershipUnset); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// ownershipHeader reads x-amz-object-ownership; nil when it is not there.
func (r *request) ownershipHeader() (*object.Ownership, error) {
	const name = "x-amz-object-ownership"
	v, ok := r.lookupHeader(name)
	if !ok {
		return nil, nil
	}
	o, ok := object.ParseOwnership(v)
	if !ok {
		return nil, s3err.Newf(s3err.InvalidArgument, "Invalid %s header: %s", name, v).With("ArgumentName", name)
	}
	return &o, nil
}
