package s3api

import (
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

const hdrMinimumSize = "x-amz-transition-default-minimum-object-size"

// getBucketLifecycle: GET /bucket?lifecycle
func getBucketLifecycle(r *request) (*response, error) {
	c, err := r.srv.objects.Lifecycle(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("LifecycleConfiguration", 1024)
	for i := range c.Rules {
		writeLifecycleRule(x, &c.Rules[i])
	}
	resp := r.ok()
	resp.set(hdrMinimumSize, c.MinimumSize)
	resp.xml = x.Bytes()
	return resp, nil
}

func writeLifecycleRule(x *s3xml.Doc, rule *object.LifecycleRule) {
	x.Open("Rule")
	x.Text("ID", rule.ID)
	if rule.Prefix != nil {
		x.Text("Prefix", *rule.Prefix)
	}
	if f := rule.Filter; f != nil {
		x.Open("Filter")
		if f.And {
			x.Open("And")
		}
		if f.Prefix != nil {
			x.Text("Prefix", *f.Prefix)
		}
		for _, t := range f.Tags {
			x.Open("Tag")
			x.Text("Key", t.Key)
			x.Text("Value", t.Value)
			x.Close("Tag")
		}
		optionalInt(x, "ObjectSizeGreaterThan", f.GreaterThan)
		optionalInt(x, "ObjectSizeLessThan", f.LessThan)
		if f.And {
			x.Close("And")
		}
		x.Close("Filter")
	}
	status := "Disabled"
	if rule.Enabled {
		status = "Enabled"
	}
	x.Text("Status", status)
	if e := rule.Expiration; e != nil {
		x.Open("Expiration")
		optionalInt(x, "Days", e.Days)
		optionalDate(x, e.Date)
		if e.Markers != nil {
			x.Bool("ExpiredObjectDeleteMarker", *e.Markers)
		}
		x.Close("Expiration")
	}
	for _, t := range rule.Transitions {
		x.Open("Transition")
		optionalInt(x, "Days", t.Days)
		optionalDate(x, t.Date)
		x.Text("StorageClass", t.Class)
		x.Close("Transition")
	}
	if n := rule.Noncurrent; n != nil {
		x.Open("NoncurrentVersionExpiration")
		x.Int("NoncurrentDays", int64(n.Days))
		optionalInt(x, "NewerNoncurrentVersions", n.Keep)
		x.Close("NoncurrentVersionExpiration")
	}
	for _, t := range rule.NoncurrentTransitions {
		x.Open("NoncurrentVersionTransition")
		x.Int("NoncurrentDays", int64(t.Days))
		optionalInt(x, "NewerNoncurrentVersions", t.Keep)
		x.Text("StorageClass", t.Class)
		x.Close("NoncurrentVersionTransition")
	}
	if rule.AbortDays != nil {
		x.Open("AbortIncompleteMultipartUpload")
		x.Int("DaysAfterInitiation", int64(*rule.AbortDays))
		x.Close("AbortIncompleteMultipartUpload")
	}
	x.Close("Rule")
}

func optionalInt[T int | int64](x *s3xml.Doc, name string, n *T) {
	if n != nil {
		x.Int(name, int64(*n))
	}
}

func optionalDate(x *s3xml.Doc, t *time.Time) {
	if t != nil {
		x.Time("Date", *t)
	}
}

// putBucketLifecycle: PUT /bucket?lifecycle
func putBucketLifecycle(r *request) (*response, error) {
	var in s3xml.LifecycleConfiguration
	if err := r.readXML("LifecycleConfiguration", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	c := &object.LifecycleConfig{MinimumSize: r.header(hdrMinimumSize)}
	for i := range in.Rules {
		rule, err := lifecycleRule(&in.Rules[i])
		if err != nil {
			return nil, err
		}
		c.Rules = append(c.Rules, rule)
	}
	if err := r.srv.objects.PutLifecycle(r.ctx, r.who, r.bucket, c); err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.set(hdrMinimumSize, c.MinimumSize)
	return resp, nil
}

// lifecycleRule reads a rule; what is missing or cannot be read is malformed, what makes no sense is for core to say.
func lifecycleRule(in *s3xml.LifecycleRule) (rule object.LifecycleRule, err error) {
	malformed := s3err.New(s3err.MalformedXML)
	rule = object.LifecycleRule{ID: in.ID, Enabled: in.Status == "Enabled", Prefix: in.Prefix}
	if in.Status != "Enabled" && in.Status != "Disabled" {
		return rule, malformed
	}
	if in.Filter != nil {
		if rule.Filter, err = lifecycleFilter(in.Filter); err != nil {
			return rule, err
		}
	}
	if e := in.Expiration; e != nil {
		rule.Expiration = &object.LifecycleExpiration{Days: e.Days, Markers: e.Markers}
		if rule.Expiration.Date, err = lifecycleDate(e.Date); err != nil {
			return rule, err
		}
	}
	if n := in.Noncurrent; n != nil {
		if n.Days == nil {
			return rule, malformed
		}
		rule.Noncurrent = &object.LifecycleNoncurrent{Days: *n.Days, Keep: n.Keep}
	}
	for _, t := range in.Transitions {
		out := object.LifecycleTransition{Days: t.Days, Class: t.Class}
		if out.Date, err = lifecycleDate(t.Date); err != nil {
			return rule, err
		}
		rule.Transitions = append(rule.Transitions, out)
	}
	for _, t := range in.NoncurrentTransitions {
		if t.Days == nil {
			return rule, malformed
		}
		rule.NoncurrentTransitions = append(rule.NoncurrentTransitions, object.LifecycleNoncurrentTransition{Days: *t.Days, Keep: t.Keep, Class: t.Class})
	}
	if in.Abort != nil {
		if in.Abort.Days == nil {
			return rule, malformed
		}
		rule.AbortDays = in.Abort.Days
	}
	return rule, nil
}

func lifecycleFilter(in *s3xml.LifecycleFilter) (*object.LifecycleFilter, error) {
	f := &object.LifecycleFilter{Prefix: in.Prefix, GreaterThan: in.GreaterThan, LessThan: in.LessThan}
	var tags []s3xml.Tag
	if in.Tag != nil {
		tags = append(tags, *in.Tag)
	}
	if a := in.And; a != nil {
		if in.Prefix != nil || in.Tag != nil || in.GreaterThan != nil || in.LessThan != nil {
			return nil, s3err.New(s3err.MalformedXML)
		}
		f = &object.LifecycleFilter{And: true, Prefix: a.Prefix, GreaterThan: a.GreaterThan, LessThan: a.LessThan}
		tags = a.Tags
	}
	for _, t := range tags {
		if t.Key == nil || t.Value == nil {
			return nil, s3err.New(s3err.MalformedXML)
		}
		f.Tags = append(f.Tags, object.Tag{Key: *t.Key, Value: *t.Value})
	}
	return f, nil
}

// lifecycleDate reads a date in one of the forms of ISO 8601 that clients send.
func lifecycleDate(v *string) (*time.Time, error) {
	if v == nil {
		return nil, nil
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, *v); err == nil {
			t = t.UTC()
			return &t, nil
		}
	}
	return nil, s3err.New(s3err.MalformedXML)
}

// setExpiry tells when lifecycle ends an object.
func (p *response) setExpiry(e *object.Expiry) {
	if e != nil {
		p.set("x-amz-expiration", `expiry-date="`+httpTime(e.Date)+`", rule-id="`+string(appendPathEscaped(nil, e.Rule))+`"`)
	}
}

// setAbort tells when lifecycle gives an upload up.
func (p *response) setAbort(e *object.Expiry) {
	if e != nil {
		p.set("x-amz-abort-date", httpTime(e.Date))
		p.set("x-amz-abort-rule-id", string(appendPathEscaped(nil, e.Rule)))
	}
}
