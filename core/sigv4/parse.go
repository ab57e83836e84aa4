package sigv4

import (
	"net/url"
	"strings"
	"time"
)

// Parse finds the signature of r and checks its form and its time. An unsigned request gives an Auth whose
// Scheme is Anonymous. Errors are *Error.
func (v *Verifier) Parse(r *Request) (Auth, error) {
	// An empty Authorization header is how some clients spell an unsigned request.
	header, _ := r.header("authorization")
	header = strings.Trim(header, " \t")
	query := v.queryScheme(r)
	if header != "" && query != Anonymous {
		return Auth{}, severalMechanisms()
	}
	var a Auth
	var e *Error
	switch {
	case header != "":
		e = v.parseHeader(r, &a, header)
	case query == V4Presigned:
		e = v.parsePresignedV4(r, &a)
	case query == V2Presigned:
		e = v.parsePresignedV2(r, &a)
	case query == V2Query:
		e = v.parseQueryV2(r, &a)
	}
	if e != nil {
		return Auth{}, e
	}
	return a, nil
}

// queryScheme says which kind of signature the query (or the form of a Query API request) carries. A
// request with both kinds is reported by parsePresignedV4.
func (v *Verifier) queryScheme(r *Request) Scheme {
	if v.cfg.Protocol == Query && (hasParam(r.RawQuery, "SignatureVersion") || hasParam(r.Form, "SignatureVersion")) {
		return V2Query
	}
	if r.RawQuery == "" {
		return Anonymous
	}
	if hasParam(r.RawQuery, "X-Amz-Algorithm") || hasParam(r.RawQuery, "X-Amz-Signature") || hasParam(r.RawQuery, "X-Amz-Credential") {
		return V4Presigned
	}
	if v.cfg.Protocol == S3 && (hasParam(r.RawQuery, "AWSAccessKeyId") || hasParam(r.RawQuery, "Signature")) {
		return V2Presigned
	}
	return Anonymous
}

func (v *Verifier) parseHeader(r *Request, a *Auth, header string) *Error {
	n := 0
	for i := range r.Headers {
		if equalLower(r.Headers[i].Name, "authorization") {
			n++
		}
	}
	if n > 1 {
		return severalMechanisms()
	}
	name, rest, _ := strings.Cut(header, " ")
	switch name {
	case algorithmV4:
		return v.parseHeaderV4(r, a, rest)
	case algorithmV4a:
		return unsupportedV4a()
	case "AWS":
		if v.cfg.Protocol == S3 {
			return v.parseHeaderV2(r, a, rest)
		}
	}
	return refuse(InvalidArgument, "Unsupported Authorization Type").
		with("ArgumentName", "Authorization").with("ArgumentValue", clip(header))
}

func unsupportedV4a() *Error {
	return refuse(NotImplemented, "A header you provided implies functionality that is not implemented: "+
		"signatures with AWS4-ECDSA-P256-SHA256 (SigV4a); sign with AWS4-HMAC-SHA256")
}

func (v *Verifier) refuseV2() *Error {
	if !v.cfg.DisableV2 {
		return nil
	}
	return refuse(InvalidRequest, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
}

// splitParam returns the first item of a raw query and what follows it.
func nextParam(raw string) (name, value, rest string) {
	item, rest, _ := strings.Cut(raw, "&")
	name, value, _ = strings.Cut(item, "=")
	return name, value, rest
}

// hasParam reports whether a raw query has a parameter of that name.
func hasParam(raw, name string) bool {
	_, ok := rawParam(raw, name)
	return ok
}

// rawParam returns the undecoded value of the first parameter of that name.
func rawParam(raw, name string) (string, bool) {
	for raw != "" {
		var n, val string
		n, val, raw = nextParam(raw)
		if n == name {
			return val, true
		}
		// Nobody needs to escape these names, but what is escaped must not slip by.
		if strings.IndexByte(n, '%') >= 0 && decode(n) == name {
			return val, true
		}
	}
	return "", false
}

// paramValue returns the decoded value of the first parameter of that name.
func paramValue(raw, name string) (string, bool) {
	val, ok := rawParam(raw, name)
	return decode(val), ok
}

// decode undoes the escapes of a query value; broken ones stay as they are, like S3 leaves them.
func decode(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := escapeAt(s, i); ok {
			b = append(b, c)
			i += 2
		} else if s[i] == '+' {
			b = append(b, ' ')
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// dateLayouts are the forms of a Date or x-amz-date header.
var dateLayouts = [...]string{
	timeFormat,
	time.RFC1123,
	time.RFC1123Z,
	time.RFC3339,
	time.RFC850,
	time.ANSIC,
	"Mon, _2 Jan 2006 15:04:05 MST",
	"Mon, _2 Jan 2006 15:04:05 -0700",
}

// requestTime reads the time of a request from x-amz-date or else Date. A header that is there but
// unreadable is an error, not a reason to look at the other one.
func requestTime(r *Request) (t time.Time, sent string, ok bool) {
	sent, found := r.header("x-amz-date")
	if !found {
		sent, _ = r.header("date")
	}
	t, ok = parseDate(sent)
	return t, sent, ok
}

func parseDate(s string) (time.Time, bool) {
	if len(s) == len(timeFormat) && s[8] == 'T' {
		return parseBasic(s)
	}
	for _, layout := range &dateLayouts {
		// The zone of RFC 1123 is always GMT on the wire; anything else would be read as UTC and be skewed.
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), t.Unix() >= 0
		}
	}
	return time.Time{}, false
}

// parseBasic is time.Parse(timeFormat, s), for a tenth of what that costs every request.
func parseBasic(s string) (time.Time, bool) {
	ok := s[8] == 'T' && s[15] == 'Z'
	two := func(i int) int {
		a, b := s[i]-'0', s[i+1]-'0'
		ok = ok && a <= 9 && b <= 9
		return int(a)*10 + int(b)
	}
	year, month, day := two(0)*100+two(2), two(4), two(6)
	hour, minute, second := two(9), two(11), two(13)
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	// A day that the month does not have would be one of the next.
	return t, t.Month() == time.Month(month) && t.Day() == day
}

func tooSkewed(t, now time.Time) bool {
	d := now.Sub(t)
	return d > MaxSkew || d < -MaxSkew
}

func clip(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.Clone(s)
}
