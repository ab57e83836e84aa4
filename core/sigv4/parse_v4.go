package sigv4

import (
	"strconv"
	"strings"
	"time"
)

const (
	wantCredential = `expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`
	missingParams  = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, " +
		"X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)

// parseHeaderV4 reads "Credential=…, SignedHeaders=…, Signature=…" behind the algorithm.
func (v *Verifier) parseHeaderV4(r *Request, a *Auth, rest string) *Error {
	a.Scheme = V4Header
	var credential string
	for rest != "" {
		var item string
		item, rest, _ = strings.Cut(rest, ",")
		item = strings.Trim(item, " \t")
		if item == "" {
			continue
		}
		name, value, found := strings.Cut(item, "=")
		if !found {
			return malformedHeader("the authorization component %q is malformed.", clip(item))
		}
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &a.signedHeaders
		case "Signature":
			to = &a.signature
		default:
			return malformedHeader("the authorization component %q is malformed.", clip(item))
		}
		if *to != "" {
			return malformedHeader("the authorization component %q is malformed.", clip(item))
		}
		*to = value
	}
	switch {
	case credential == "":
		return malformedHeader("missing Credential.")
	case a.signedHeaders == "":
		return malformedHeader("missing SignedHeaders.")
	case a.signature == "":
		return malformedHeader("missing Signature.")
	}
	if e := v.parseCredential(a, credential); e != nil {
		return e
	}

	t, sent, ok := requestTime(r)
	if !ok {
		return noDate()
	}
	a.time, a.timestamp = t, sent
	if len(sent) != len(timeFormat) || sent[8] != 'T' {
		a.timestamp = t.Format(timeFormat)
	}
	if tooSkewed(t, r.Now) {
		return skewed(clip(sent), r.Now)
	}
	if a.date != a.timestamp[:len(dateFormat)] {
		return malformedHeader("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.",
			clip(a.date), a.timestamp[:len(dateFormat)])
	}
	a.SecurityToken, _ = r.header("x-amz-security-token")

	hash, found := r.header("x-amz-content-sha256")
	switch {
	case found:
		if v.cfg.Protocol == S3 {
			if e := checkPayloadHash(hash); e != nil {
				return e
			}
		}
	case v.cfg.Protocol == Query && r.BodySHA256 != "":
		hash = r.BodySHA256
	default:
		return refuse(InvalidRequest, "Missing required header for this request: x-amz-content-sha256")
	}
	a.payloadHash, a.bodyHash = hash, hash
	if v.cfg.Protocol == Query && r.BodySHA256 != "" {
		// The body is here already: a hash that the client only claims must be that of the body.
		if found && hash != UnsignedPayload && hash != r.BodySHA256 {
			return refuse(SignatureDoesNotMatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
		a.bodyHash = r.BodySHA256
	}
	return nil
}

// parsePresignedV4 reads the X-Amz-* parameters of a presigned URL.
func (v *Verifier) parsePresignedV4(r *Request, a *Auth) *Error {
	a.Scheme = V4Presigned
	var credential, algorithm, expires string
	for _, p := range [...]struct {
		name string
		to   *string
	}{
		{"X-Amz-Algorithm", &algorithm},
		{"X-Amz-Credential", &credential},
		{"X-Amz-Signature", &a.signature},
		{"X-Amz-Date", &a.timestamp},
		{"X-Amz-SignedHeaders", &a.signedHeaders},
		{"X-Amz-Expires", &expires},
	} {
		value, ok := paramValue(r.RawQuery, p.name)
		if !ok || value == "" {
			if p.to != &algorithm && algorithm == algorithmV4a {
				return unsupportedV4a()
			}
			return badQuery(missingParams)
		}
		*p.to = value
	}
	if v.cfg.Protocol == S3 && hasParam(r.RawQuery, "AWSAccessKeyId") && hasParam(r.RawQuery, "Signature") {
		return severalMechanisms()
	}
	switch algorithm {
	case algorithmV4:
	case algorithmV4a:
		return unsupportedV4a()
	default:
		return badQuery(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
	}
	if e := v.parseCredential(a, credential); e != nil {
		return e
	}
	t, err := time.Parse(timeFormat, a.timestamp)
	if err != nil {
		return badQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	a.time = t
	if a.date != a.timestamp[:len(dateFormat)] {
		return badQuery("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.",
			clip(a.date), a.timestamp[:len(dateFormat)])
	}
	seconds, err := strconv.ParseInt(expires, 10, 64)
	switch {
	case v.cfg.DenyOddExpires && (err != nil || seconds < 1 || seconds > int64(MaxExpires/time.Second)):
		return refuse(AccessDenied, "Access Denied")
	case err != nil:
		return badQuery("X-Amz-Expires should be a number")
	case seconds < 0:
		return badQuery("X-Amz-Expires must be non-negative")
	case seconds > int64(MaxExpires/time.Second):
		return badQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	a.expires = t.Add(time.Duration(seconds) * time.Second)
	switch {
	case t.Sub(r.Now) > MaxSkew:
		return refuse(AccessDenied, "Request is not valid yet").with("ServerTime", r.Now.UTC().Format(time.RFC3339))
	case !r.Now.Before(a.expires):
		return expired(a.expires, r.Now, expires)
	}
	a.SecurityToken, _ = paramValue(r.RawQuery, "X-Amz-Security-Token")
	if a.SecurityToken == "" {
		a.SecurityToken, _ = r.header("x-amz-security-token")
	}

	// The body of a presigned request is unsigned unless the signer said otherwise in the URL or a header.
	a.payloadHash = UnsignedPayload
	if v.cfg.Protocol == Query && r.BodySHA256 != "" {
		a.payloadHash = r.BodySHA256
	}
	a.bodyHash = a.payloadHash
	hash, ok := r.header("x-amz-content-sha256")
	if !ok {
		hash, ok = paramValue(r.RawQuery, "X-Amz-Content-Sha256")
	}
	if ok && v.cfg.Protocol == S3 {
		if e := checkPayloadHash(hash); e != nil {
			return e
		}
		a.payloadHash, a.bodyHash = hash, hash
	}
	return nil
}

// parseCredential splits KEY/20130524/us-east-1/s3/aws4_request. It counts from the end, since a key id
// may contain slashes.
func (v *Verifier) parseCredential(a *Auth, s string) *Error {
	bad := malformedHeader
	if a.Scheme != V4Header {
		bad = func(format string, args ...any) *Error {
			return badQuery("Error parsing the X-Amz-Credential parameter; "+format, args...)
		}
	}
	var part [4]string // terminal, service, region, date
	rest := s
	for i := range part {
		at := strings.LastIndexByte(rest, '/')
		if at < 0 {
			return bad("the Credential is mal-formed; " + wantCredential)
		}
		rest, part[i] = rest[:at], rest[at+1:]
	}
	a.AccessKeyID, a.date, a.Region, a.Service = rest, part[3], part[2], part[1]
	switch {
	case rest == "" || len(rest) > 256 || len(a.Region) > 128 || len(a.Service) > 128:
		return bad("the Credential is mal-formed; " + wantCredential)
	case part[0] != terminal:
		return bad("incorrect terminal %q. This endpoint uses \"aws4_request\".", clip(part[0]))
	case !isDate(a.date):
		return bad("incorrect date format %q. This date in the credential must be in the format \"yyyyMMdd\".", clip(a.date))
	case v.cfg.Protocol == S3 && a.Service != "s3":
		return bad("incorrect service %q. This endpoint belongs to \"s3\".", clip(a.Service))
	case v.cfg.StrictRegion && a.Region != v.cfg.Region:
		return bad("the region '%s' is wrong; expecting '%s'", clip(a.Region), v.cfg.Region).with("Region", v.cfg.Region)
	}
	return nil
}

func isDate(s string) bool {
	if len(s) != len(dateFormat) {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// checkPayloadHash refuses what S3 does not know as x-amz-content-sha256.
func checkPayloadHash(s string) *Error {
	switch s {
	case UnsignedPayload, StreamingUnsignedTrailer, StreamingSigned, StreamingSignedTrailer:
		return nil
	case StreamingECDSA, StreamingECDSATrailer:
		return unsupportedV4a()
	}
	if isHex64(s) {
		return nil
	}
	return refuse(InvalidArgument, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "+
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "+
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.").
		with("ArgumentName", "x-amz-content-sha256").with("ArgumentValue", clip(s))
}

func isHex64(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if _, ok := unhex(s[i]); !ok {
			return false
		}
	}
	return true
}
