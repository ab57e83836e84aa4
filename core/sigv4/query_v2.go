package sigv4

import (
	"strings"
	"time"
)

// parseQueryV2 reads the SignatureVersion=2 parameters of the Query API, from the query and the form.
func (v *Verifier) parseQueryV2(r *Request, a *Auth) *Error {
	if e := v.refuseV2(); e != nil {
		return e
	}
	a.Scheme = V2Query
	get := func(name string) string {
		if value, ok := paramValue(r.RawQuery, name); ok {
			return value
		}
		value, _ := paramValue(r.Form, name)
		return value
	}
	if version := get("SignatureVersion"); version != "2" {
		return refuse(InvalidArgument, "SignatureVersion %q is not supported; use 2, or sign with AWS4-HMAC-SHA256", clip(version))
	}
	switch method := get("SignatureMethod"); method {
	case "HmacSHA256":
		a.hash = hmacSHA256
	case "HmacSHA1":
		a.hash = hmacSHA1
	default:
		return refuse(InvalidArgument, "SignatureMethod %q is not supported; use HmacSHA256 or HmacSHA1", clip(method))
	}
	a.AccessKeyID, a.signature = get("AWSAccessKeyId"), get("Signature")
	if a.AccessKeyID == "" || a.signature == "" || len(a.AccessKeyID) > 256 {
		return refuse(MissingSecurityHeader, "The request must contain the parameters AWSAccessKeyId and Signature")
	}
	a.SecurityToken = get("SecurityToken")

	timestamp, expires := get("Timestamp"), get("Expires")
	switch {
	case (timestamp == "") == (expires == ""):
		return refuse(MissingSecurityHeader, "The request must contain either the parameter Timestamp or Expires, not both")
	case timestamp != "":
		t, ok := parseTimestamp(timestamp)
		if !ok {
			return refuse(InvalidArgument, "Timestamp %q must be in ISO8601 format", clip(timestamp))
		}
		if a.time = t; tooSkewed(t, r.Now) {
			return skewed(clip(timestamp), r.Now)
		}
	default:
		t, ok := parseTimestamp(expires)
		if !ok {
			return refuse(InvalidArgument, "Expires %q must be in ISO8601 format", clip(expires))
		}
		if a.expires = t; r.Now.After(t) {
			return expired(t, r.Now, "")
		}
	}
	a.bodyHash = UnsignedPayload
	return nil
}

// parseTimestamp reads ISO 8601 as old tools write it: with or without fractions and zone.
func parseTimestamp(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", timeFormat} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// verifyQueryV2 signs method, host, path and all sorted parameters but the signature.
func (v *Verifier) verifyQueryV2(r *Request, a *Auth, secret string) (Verified, error) {
	s := v.scratch.Get().(*scratch)
	defer v.scratch.Put(s)
	toSign := s.stringToSignQuery(r, regular)
	if v2Matches(a.hash, secret, toSign, a.signature) {
		return verifiedV2(a), nil
	}
	if v2Matches(a.hash, secret, s.stringToSignQuery(r, hostSansPort), a.signature) {
		return verifiedV2(a), nil
	}
	return Verified{}, mismatch(a, "", toSign)
}

func (s *scratch) stringToSignQuery(r *Request, v variant) string {
	host := strings.ToLower(r.Host)
	if v&hostSansPort != 0 {
		if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:at]
		}
	}
	b := append(s.buf[:0], r.Method...)
	b = append(b, '\n')
	b = append(b, host...)
	b = append(b, '\n')
	if r.RawPath == "" {
		b = append(b, '/')
	} else {
		b = append(b, r.RawPath...)
	}
	b = append(b, '\n')
	s.enc, s.params = s.enc[:0], s.params[:0]
	s.addParams(r.RawQuery, "Signature")
	s.addParams(r.Form, "Signature")
	s.buf = s.appendParams(b)
	return string(s.buf)
}
