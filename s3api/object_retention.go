package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getObjectRetention: GET /bucket/key?retention
func getObjectRetention(r *request) (*response, error) {
	ret, err := r.srv.objects.Retention(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"))
	if err != nil {
		return nil, err
	}
	x := s3xml.New("Retention", 256)
	x.Text("Mode", lockModes[ret.Mode])
	x.Text("RetainUntilDate", ret.Until.UTC().Format(s3xml.TimeFormat))
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putObjectRetention: PUT /bucket/key?retention. An empty document takes the retention off, where that is allowed.
func putObjectRetention(r *request) (*response, error) {
	var doc s3xml.Retention
	if err := r.readXML("Retention", r.srv.cfg.Limits.XMLBody, mustDigest, &doc); err != nil {
		return nil, err
	}
	if doc.EventHold != nil || doc.EventHoldDuration != nil {
		return nil, s3err.Newf(s3err.NotImplemented, "Event holds are not implemented")
	}
	in := &object.RetentionInput{
		Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId"), BypassGovernance: r.bypassGovernance(),
	}
	if doc != (s3xml.Retention{}) {
		var known, dated bool
		in.Retention.Mode, known = lockMode(doc.Mode)
		in.Retention.Until, dated = lockTime(doc.RetainUntilDate)
		if !known || !dated {
			return nil, s3err.New(s3err.MalformedXML)
		}
	}
	if err := r.srv.objects.PutRetention(r.ctx, r.who, in); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// getObjectLegalHold: GET /bucket/key?legal-hold
func getObjectLegalHold(r *request) (*response, error) {
	hold, err := r.srv.objects.LegalHold(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"))
	if err != nil {
		return nil, err
	}
	x := s3xml.New("LegalHold", 256)
	x.Text("Status", legalHolds[hold])
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putObjectLegalHold: PUT /bucket/key?legal-hold
func putObjectLegalHold(r *request) (*response, error) {
	var doc s3xml.LegalHold
	err := r.readXML("LegalHold", r.srv.cfg.Limits.XMLBody, mustDigest, &doc)
	if err != nil && s3err.From(err).Code != s3err.MissingRequestBody { // none is one without a status
		return nil, err
	}
	hold, ok := legalHold(doc.Status)
	if !ok {
		return nil, s3err.New(s3err.MalformedXML)
	}
	if err := r.srv.objects.PutLegalHold(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"), hold); err != nil {
		return nil, err
	}
	return r.ok(), nil
}
