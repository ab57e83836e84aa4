package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketLogging: GET /bucket?logging
func getBucketLogging(r *request) (*response, error) {
	l, err := r.srv.objects.LoggingConfig(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("BucketLoggingStatus", 512)
	if l != nil {
		x.Open("LoggingEnabled")
		x.Text("TargetBucket", l.Target)
		x.Text("TargetPrefix", l.Prefix)
		if len(l.Grants) > 0 {
			x.Open("TargetGrants")
			for i := range l.Grants {
				writeGrant(x, &l.Grants[i])
			}
			x.Close("TargetGrants")
		}
		keys := l.Keys
		if keys == object.LogKeysDefault && r.srv.cfg.Dialect.LoggingShowsDefaults {
			keys = object.LogKeysSimple
		}
		writeLogKeys(x, keys)
		x.Close("LoggingEnabled")
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

func writeLogKeys(x *s3xml.Doc, k object.LogKeys) {
	if k == object.LogKeysDefault {
		return
	}
	x.Open("TargetObjectKeyFormat")
	switch k {
	case object.LogKeysSimple:
		x.Text("SimplePrefix", "")
	default:
		source := "EventTime"
		if k == object.LogKeysByDelivery {
			source = "DeliveryTime"
		}
		x.Open("PartitionedPrefix")
		x.Text("PartitionDateSource", source)
		x.Close("PartitionedPrefix")
	}
	x.Close("TargetObjectKeyFormat")
}

// putBucketLogging: PUT /bucket?logging
func putBucketLogging(r *request) (*response, error) {
	var in s3xml.BucketLoggingStatus
	if err := r.readXML("BucketLoggingStatus", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	l, err := r.loggingOf(&in)
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutLoggingConfig(r.ctx, r.who, r.bucket, l); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// loggingOf reads a configuration; nil is none.
func (r *request) loggingOf(in *s3xml.BucketLoggingStatus) (*object.Logging, error) {
	e := in.Enabled
	if e == nil {
		return nil, nil
	}
	if e.TargetBucket == nil || e.TargetPrefix == nil || len(e.Grants) > object.MaxGrants {
		return nil, s3err.New(s3err.MalformedXML)
	}
	l := &object.Logging{Target: *e.TargetBucket, Prefix: *e.TargetPrefix}
	if r.srv.cfg.Dialect.LoggingShowsDefaults {
		e.Grants = nil
	}
	for i := range e.Grants {
		g, err := documentGrant(&e.Grants[i], r.byEmail)
		if err != nil {
			if s3err.From(err).Code == s3err.MalformedACL {
				err = s3err.New(s3err.MalformedXML)
			}
			return nil, err
		}
		l.Grants = append(l.Grants, g)
	}
	f := e.Format
	switch {
	case f == nil:
	case (f.Simple == nil) == (f.Partitioned == nil):
		return nil, s3err.New(s3err.MalformedXML)
	case f.Simple != nil:
		l.Keys = object.LogKeysSimple
	case f.Partitioned.DateSource == "EventTime":
		l.Keys = object.LogKeysByEvent
	case f.Partitioned.DateSource == "DeliveryTime":
		l.Keys = object.LogKeysByDelivery
	default:
		return nil, s3err.New(s3err.MalformedXML)
	}
	return l, nil
}
