package s3api

import (
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

var lockModes = [...]string{object.LockNone: "", object.LockGovernance: "GOVERNANCE", object.LockCompliance: "COMPLIANCE"}

var legalHolds = [...]string{object.HoldUnset: "", object.HoldOn: "ON", object.HoldOff: "OFF"}

// lockMode reads a mode that is there.
func lockMode(v string) (object.LockMode, bool) {
	for m, name := range lockModes {
		if name == v && v != "" {
			return object.LockMode(m), true
		}
	}
	return object.LockNone, false
}

func legalHold(v string) (object.LegalHold, bool) {
	switch v {
	case "ON":
		return object.HoldOn, true
	case "OFF":
		return object.HoldOff, true
	}
	return object.HoldUnset, false
}

// lockTime reads a date of ISO 8601. Unlike the dates of conditions it must be one: what it says is kept for years.
func lockTime(v string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "20060102T150405Z0700", "2006-01-02"} {
		if t, err := time.Parse(layout, strings.TrimSpace(v)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

const (
	hdrLockMode  = "x-amz-object-lock-mode"
	hdrLockUntil = "x-amz-object-lock-retain-until-date"
	hdrLockHold  = "x-amz-object-lock-legal-hold"
)

// The headers of event holds, which keep a version until somebody releases it and for some time after that. They are not built.
const (
	hdrEventHold      = "x-amz-object-lock-event-hold"
	hdrEventHoldDays  = "x-amz-object-lock-event-hold-duration-days"
	hdrEventHoldYears = "x-amz-object-lock-event-hold-duration-years"
)

// refuseEventHold keeps a version from being written without the hold that was asked for. To have none is what it gets.
func refuseEventHold(header, value string) error {
	if header == hdrEventHold && value == "OFF" {
		return nil
	}
	return s3err.Header(header)
}

// lockHeaders reads the lock that a new version is to have.
func (r *request) lockHeaders() (l object.ObjectLock, err error) {
	return parseLock(r.header(hdrLockMode), r.header(hdrLockUntil), r.header(hdrLockHold))
}

func parseLock(mode, until, hold string) (l object.ObjectLock, err error) {
	if (mode == "") != (until == "") {
		missing := hdrLockMode
		if until == "" {
			missing = hdrLockUntil
		}
		return l, s3err.Newf(s3err.InvalidArgument, "%s and %s must both be supplied", hdrLockUntil, hdrLockMode).With("ArgumentName", missing)
	}
	var ok bool
	if mode != "" {
		if l.Retention.Mode, ok = lockMode(mode); !ok {
			return l, s3err.Argument(hdrLockMode, mode, "Unknown wormMode directive.")
		}
		if l.Retention.Until, ok = lockTime(until); !ok {
			return l, s3err.Argument(hdrLockUntil, until, "The retain until date must be provided in ISO 8601 format")
		}
	}
	if hold != "" {
		if l.Hold, ok = legalHold(hold); !ok {
			return l, s3err.Argument(hdrLockHold, hold, "Legal Hold must be either of 'ON' or 'OFF'")
		}
	}
	return l, nil
}

// setLock writes what protects a version.
func (p *response) setLock(l object.ObjectLock) {
	if l.Retention.Mode != object.LockNone {
		p.set(hdrLockMode, lockModes[l.Retention.Mode])
		p.set(hdrLockUntil, l.Retention.Until.UTC().Format(s3xml.TimeFormat))
	}
	p.set(hdrLockHold, legalHolds[l.Hold])
}

// bypassGovernance reports whether the caller asks to bypass governance retention. Where nothing can be locked there is nothing
// to bypass: Amazon refuses the header there, but tools that empty buckets send it always.
func (r *request) bypassGovernance() bool {
	return strings.EqualFold(r.header("x-amz-bypass-governance-retention"), "true")
}

// getObjectLockConfiguration: GET /bucket?object-lock
func getObjectLockConfiguration(r *request) (*response, error) {
	c, err := r.srv.objects.LockConfig(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ObjectLockConfiguration", 512)
	x.Text("ObjectLockEnabled", "Enabled")
	if c.Mode != object.LockNone {
		x.Open("Rule")
		x.Open("DefaultRetention")
		x.Text("Mode", lockModes[c.Mode])
		if c.Days > 0 {
			x.Int("Days", int64(c.Days))
		} else {
			x.Int("Years", int64(c.Years))
		}
		x.Close("DefaultRetention")
		x.Close("Rule")
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putObjectLockConfiguration: PUT /bucket?object-lock
func putObjectLockConfiguration(r *request) (*response, error) {
	var in s3xml.ObjectLockConfiguration
	if err := r.readXML("ObjectLockConfiguration", r.srv.cfg.Limits.XMLBody, mustDigest, &in); err != nil {
		return nil, err
	}
	if in.ObjectLockEnabled != "Enabled" {
		return nil, s3err.New(s3err.MalformedXML)
	}
	c := object.LockConfig{Enabled: true}
	if in.Rule != nil {
		d := in.Rule.DefaultRetention
		if d != nil && d.EventHold != nil {
			return nil, s3err.Newf(s3err.NotImplemented, "Event holds are not implemented")
		}
		if d == nil || (d.Days == nil) == (d.Years == nil) {
			return nil, s3err.New(s3err.MalformedXML)
		}
		var ok bool
		if c.Mode, ok = lockMode(d.Mode); !ok {
			return nil, s3err.New(s3err.MalformedXML)
		}
		if d.Days != nil {
			c.Days = int(*d.Days)
		} else {
			c.Years = int(*d.Years)
		}
	}
	if err := r.srv.objects.PutLockConfig(r.ctx, r.who, r.bucket, c); err != nil {
		return nil, err
	}
	return r.ok(), nil
}
