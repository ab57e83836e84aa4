package s3api

import (
	"encoding/base64"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// contentHeaders are the headers S3 stores with an object and returns as they were sent.
func (r *request) contentHeaders() object.Headers {
	return object.Headers{
		ContentType:        r.header("Content-Type"),
		CacheControl:       r.headerList("Cache-Control"),
		ContentDisposition: r.header("Content-Disposition"),
		ContentEncoding:    withoutAWSChunked(r.headerList("Content-Encoding")),
		ContentLanguage:    r.headerList("Content-Language"),
		Expires:            r.header("Expires"),
		WebsiteRedirect:    r.header("x-amz-website-redirect-location"),
	}
}

// withoutAWSChunked removes the coding that is only the envelope of the upload, and changes nothing else of the list.
func withoutAWSChunked(v string) string {
	if !strings.Contains(strings.ToLower(v), "aws-chunked") {
		return v
	}
	kept := make([]string, 0, 2)
	for part := range strings.SplitSeq(v, ",") {
		if p := strings.TrimSpace(part); p != "" && !strings.EqualFold(p, "aws-chunked") {
			kept = append(kept, part)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ","))
}

const metaPrefix = "x-amz-meta-"

// userMetadata folds the x-amz-meta- headers: names in lower case, repeated ones joined by a comma, values decoded by
// RFC 2047. Core bounds their size.
func (r *request) userMetadata() []object.Meta {
	var meta []object.Meta
next:
	for i := range r.headers {
		h := &r.headers[i]
		if !hasPrefixFold(h.Name, metaPrefix) || len(h.Name) == len(metaPrefix) {
			continue
		}
		name := strings.ToLower(h.Name[len(metaPrefix):])
		value := decodeMeta(h.Value)
		for j := range meta {
			if meta[j].Name == name {
				meta[j].Value += "," + value
				continue next
			}
		}
		meta = append(meta, object.Meta{Name: name, Value: value})
	}
	return meta
}

func decodeMeta(v string) string {
	if strings.Contains(v, "=?") {
		var d mime.WordDecoder
		if decoded, err := d.DecodeHeader(v); err == nil {
			return decoded
		}
	}
	if utf8.ValidString(v) {
		return v
	}
	runes := make([]rune, 0, len(v)) // bytes of ISO 8859-1, which is what HTTP once said headers are
	for i := range len(v) {
		runes = append(runes, rune(v[i]))
	}
	return string(runes)
}

// setMetadata writes user metadata to the answer: what is not printable ASCII by RFC 2047.
func (p *response) setMetadata(meta []object.Meta) {
	for i := range meta {
		p.fields = append(p.fields, field{metaPrefix + meta[i].Name, encodeMeta(meta[i].Value)})
	}
}

// encodeMeta takes the Q encoding for text that is mostly ASCII and B for the rest, as Amazon does.
func encodeMeta(v string) string {
	plain, other := 0, 0
	for _, c := range v {
		if c < 0x20 && c != '\t' || c >= 0x7f {
			other++
		} else {
			plain++
		}
	}
	switch {
	case other == 0:
		return v
	case plain > other:
		return strings.ReplaceAll(mime.QEncoding.Encode("UTF-8", v), "=?UTF-8?q?", "=?UTF-8?Q?")
	}
	return strings.ReplaceAll(mime.BEncoding.Encode("UTF-8", v), "=?UTF-8?b?", "=?UTF-8?B?")
}

// taggingHeader reads x-amz-tagging: tags in the form of a query.
func (r *request) taggingHeader() ([]object.Tag, error) {
	return parseTagging(r.header("x-amz-tagging"))
}

func parseTagging(v string) ([]object.Tag, error) {
	if v == "" {
		return nil, nil
	}
	q, ok := parseQuery(nil, v)
	if !ok {
		return nil, s3err.Newf(s3err.InvalidTag, "Object tag count cannot be greater than %d", object.MaxObjectTags)
	}
	malformed := strings.Count(v, "=") > strings.Count(v, "&")+1
	tags := make([]object.Tag, len(q))
	for i := range q {
		tags[i] = object.Tag{Key: q[i].name, Value: q[i].value}
		for j := range i {
			malformed = malformed || q[j].name == q[i].name
		}
	}
	if malformed {
		return nil, s3err.Argument("x-amz-tagging", v,
			"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	return tags, nil
}

// writeConditions reads the conditions of a PutObject, CompleteMultipartUpload or CopyObject.
func (r *request) writeConditions() (object.WriteConditions, error) {
	c := object.WriteConditions{IfMatch: bareETag(r.header("If-Match")), IfNoneMatch: bareETag(r.header("If-None-Match"))}
	refuse := func(header, why string) error { return s3err.Header(header).With("additionalMessage", why) }
	byETag := r.srv.cfg.Dialect.WriteConditionsByETag
	switch {
	case c.IfNoneMatch != "" && c.IfMatch != "":
		return c, refuse("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
	case c.IfNoneMatch != "" && c.IfNoneMatch != "*" && !byETag:
		return c, refuse("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
	case c.IfMatch == "*" && !byETag:
		return c, refuse("If-Match", "We don't accept the provided value of If-Match header for this API")
	case r.hasHeader("If-Modified-Since"):
		return c, s3err.Header("If-Modified-Since").With("additionalMessage", "We don't accept the provided value of If-Modified-Since header for this API")
	}
	return c, nil
}

// deleteConditions reads the conditions of a DeleteObject.
func (r *request) deleteConditions() (object.WriteConditions, error) {
	c := object.WriteConditions{IfMatch: bareETag(r.header("If-Match"))}
	if v := r.header("x-amz-if-match-size"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return c, s3err.Argument("x-amz-if-match-size", v, "Invalid x-amz-if-match-size")
		}
		c.IfMatchSize = &n
	}
	if v := r.header("x-amz-if-match-last-modified-time"); v != "" {
		t, ok := parseTime(v)
		if !ok {
			return c, s3err.Argument("x-amz-if-match-last-modified-time", v, "Invalid x-amz-if-match-last-modified-time")
		}
		c.IfMatchLastModified = t
	}
	return c, nil
}

// readConditions reads the conditions of a read; prefix is "" or, for the source of a copy, "x-amz-copy-source-".
func (r *request) readConditions(prefix string) object.ReadConditions {
	var c object.ReadConditions
	// One look at the headers instead of four; most requests have none.
	for i := range r.headers {
		h := &r.headers[i]
		if !hasPrefixFold(h.Name, prefix+"if-") {
			continue
		}
		switch strings.ToLower(h.Name[len(prefix):]) {
		case "if-match":
			c.IfMatch = append(c.IfMatch, parseETags(h.Value)...)
		case "if-none-match":
			c.IfNoneMatch = append(c.IfNoneMatch, parseETags(h.Value)...)
		case "if-modified-since":
			c.IfModifiedSince, _ = parseTime(h.Value)
		case "if-unmodified-since":
			c.IfUnmodifiedSince, _ = parseTime(h.Value)
		}
	}
	return c
}

// parseTime reads a date of a header. A condition whose date cannot be read is none, as RFC 9110 says.
func parseTime(v string) (time.Time, bool) {
	if t, err := http.ParseTime(v); err == nil {
		return t.UTC(), true
	}
	for _, layout := range [...]string{time.RFC3339, time.RFC1123Z, "20060102T150405Z"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// bareETag removes the quotes and the mark of a weak tag.
func bareETag(v string) string {
	v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// parseETags splits a list of ETags at the commas outside quotes. Bare ones are taken as well.
func parseETags(v string) []string {
	var tags []string
	quoted, start := false, 0
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			tags = append(tags, bareETag(s))
		}
	}
	for i := range len(v) {
		switch {
		case v[i] == '"':
			quoted = !quoted
		case v[i] == ',' && !quoted:
			add(v[start:i])
			start = i + 1
		}
	}
	add(v[start:])
	return tags
}

// contentMD5 decodes Content-MD5, or returns nil.
func (r *request) contentMD5() ([]byte, error) {
	v, ok := r.lookupHeader("Content-MD5")
	if !ok {
		return nil, nil
	}
	sum, err := base64.StdEncoding.DecodeString(v)
	if err != nil || len(sum) != 16 {
		return nil, s3err.New(s3err.InvalidDigest).With("Content-MD5", v)
	}
	return sum, nil
}

func quoted(etag string) string {
	if etag == "" {
		return ""
	}
	return `"` + etag + `"`
}

// httpTime is a date as headers carry it.
func httpTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	// As Format(http.TimeFormat) does it, which reads its layout each time.
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.Format(http.TimeFormat)
	}
	var b [len(http.TimeFormat)]byte
	two := func(i, v int) { b[i], b[i+1] = byte('0'+v/10), byte('0'+v%10) }
	copy(b[:], http.TimeFormat)
	copy(b[:3], t.Weekday().String())
	two(5, day)
	copy(b[8:11], month.String())
	two(12, year/100)
	two(14, year%100)
	two(17, hour)
	two(20, minute)
	two(23, second)
	return string(b[:])
}
