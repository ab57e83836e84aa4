package s3api

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// request is one request on its way through the pipeline. Every string in it is a copy (the whole header section is copied
// once), so that it may outlive fasthttp's buffers.
type request struct {
	target
	srv   *Server
	fctx  *fasthttp.RequestCtx
	ctx   context.Context
	id    string
	start time.Time

	method   string
	rawQuery string
	host     string
	query    query
	headers  []sigv4.Field // as sent, in order, with repetitions
	op       *operation

	form     map[string]string // fields of a POST form, lower case
	formTags []object.Tag

	who      iam.Principal
	auth     sigv4.Auth
	verified sigv4.Verified // zero for an anonymous request

	out      response // memory for the usual answer
	room     *room
	bytesIn  int64
	bytesOut int64
	failure  *s3err.Error
	cut      bool  // failure came when the status was out
	left     error // how the client was found to have left before the end of its answer
	done     bool  // the observer has been told
	encrypts bool  // headers speak of encryption
	charged  bool  // the requester pays
	document bool  // one was read, and is what was sent

	size    int64  // of the object, for the access log
	version string // of it

	source atomic.Pointer[copiedFrom] // of a copy that was made, for the access log of the source
}

// userKey is where ExpectHandler leaves the request for the handler.
const userKey = "s3api.request"

// receive takes a request out of fasthttp's buffers.
func (s *Server) receive(fctx *fasthttp.RequestCtx) (*request, error) {
	r := &request{srv: s, fctx: fctx, ctx: s.ctx, id: s.ids.next(), start: time.Now()}
	r.method = methodName(fctx.Method())
	uri := string(fctx.Request.Header.RequestURI())
	r.headers = parseHeaders(string(fctx.Request.Header.RawHeaders()))
	r.host = r.header("Host")
	var path string
	path, r.rawQuery = splitURI(uri)
	r.op = &opUnknown
	var ok bool
	if r.query, ok = parseQuery(nil, r.rawQuery); !ok {
		return r, s3err.Newf(s3err.InvalidURI, "The query has too many parameters.")
	}
	if s.website(r, path) {
		return r, nil
	}
	if r.isControl(path) {
		r.target = target{rawPath: path, control: true, account: path == accountAccessPath}
		return r, nil
	}
	var err error
	r.target, err = parseTarget(r.host, path, s.domains)
	if s.cfg.Dialect.NoTenantNamed {
		r.bucket = withoutTenant(r.bucket)
	}
	return r, err
}

// methodName avoids an allocation for the usual methods.
func methodName(m []byte) string {
	switch string(m) {
	case fasthttp.MethodGet:
		return fasthttp.MethodGet
	case fasthttp.MethodHead:
		return fasthttp.MethodHead
	case fasthttp.MethodPut:
		return fasthttp.MethodPut
	case fasthttp.MethodPost:
		return fasthttp.MethodPost
	case fasthttp.MethodDelete:
		return fasthttp.MethodDelete
	}
	return string(m)
}

// parseHeaders splits a header section that fasthttp has found well formed. It takes the wire's text rather than
// fasthttp's fields, which reorder headers and leave some out: signatures cover them as sent.
func parseHeaders(raw string) []sigv4.Field {
	fields := make([]sigv4.Field, 0, strings.Count(raw, "\n"))
	for raw != "" {
		var line string
		line, raw, _ = strings.Cut(raw, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' { // a folded line belongs to the one before
			if n := len(fields); n > 0 {
				fields[n-1].Value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, sigv4.Field{Name: strings.TrimRight(name, " \t"), Value: strings.Trim(value, " \t")})
	}
	return fields
}

// header is the value of the first header of that name; case does not matter.
func (r *request) header(name string) string {
	v, _ := r.lookupHeader(name)
	return v
}

func (r *request) lookupHeader(name string) (string, bool) {
	for i := range r.headers {
		if h := &r.headers[i]; len(h.Name) == len(name) && strings.EqualFold(h.Name, name) {
			return h.Value, true
		}
	}
	return "", false
}

func (r *request) hasHeader(name string) bool {
	_, ok := r.lookupHeader(name)
	return ok
}

// headerList is all values of a header, joined by commas as if it had been sent once.
func (r *request) headerList(name string) string {
	var out string
	n := 0
	for i := range r.headers {
		if h := &r.headers[i]; len(h.Name) == len(name) && strings.EqualFold(h.Name, name) {
			if n++; n == 1 {
				out = h.Value
			} else {
				out += "," + h.Value
			}
		}
	}
	return out
}

// hasPrefixFold is strings.HasPrefix without regard to case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// contentLength is the declared length of the body: -1 for a chunked one, -2 when neither was sent.
func (r *request) contentLength() int64 {
	n := int64(r.fctx.Request.Header.ContentLength())
	if n == 0 && !r.hasHeader("Content-Length") {
		return -2
	}
	return n
}

// intParam reads a decimal query parameter: def when it is absent or empty.
func (r *request) intParam(name string, def int) (int, error) {
	v := r.query.get(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	switch {
	case err != nil:
		return 0, s3err.Argument(name, v, "Provided "+name+" not an integer or within integer range")
	case n < 0:
		return 0, s3err.Argument(name, v, "Argument "+name+" must be an integer between 0 and 2147483647")
	}
	return int(n), nil
}
