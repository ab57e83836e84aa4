package s3api

import (
	"cmp"
	"errors"
	"io"
	"net/http"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/httpd"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// field is a header of an answer.
type field struct{ name, value string }

// response is what a handler answers. One place, respond, puts it on the wire.
type response struct {
	status int // 0 is 200
	fields []field
	xml    []byte // a body of XML, complete
	text   []byte // any other small body; its Content-Type is in fields

	body   object.Body // streamed, closed by the pipeline
	length int64       // of body; for HEAD the length to announce

	slow     io.ReadCloser // a body that is still being made: sent as chunks
	slowType string        // its type; "" is XML
}

// ok is the usual answer of r, to be filled in.
func (r *request) ok() *response {
	if r.out.fields == nil {
		r.out.fields = r.rented().fields[:0]
	}
	return &r.out
}

// room is memory that requests use one after the other: what an answer needs until it is out.
type room struct {
	fields [16]field
	event  Event
}

// rented is the room of r. Only the goroutine of its connection may ask, and only until vacate.
func (r *request) rented() *room {
	if r.room == nil {
		var used bool
		if r.room, used = r.srv.rooms.Get().(*room); !used {
			r.room = new(room)
		}
	}
	return r.room
}

// vacate gives the room of r back when its answer is out.
func (r *request) vacate() {
	r.out.fields = nil
	*r.room = room{} // what it names must not live on
	r.srv.rooms.Put(r.room)
	r.room = nil
}

// noContent is 204.
func (r *request) noContent() *response {
	resp := r.ok()
	resp.status = http.StatusNoContent
	return resp
}

// set adds a header unless its value is empty.
func (p *response) set(name, value string) {
	if value != "" {
		p.fields = append(p.fields, field{name, value})
	}
}

// respond writes resp, or the error, to fasthttp's response.
func (r *request) respond(resp *response, err error) {
	h := &r.fctx.Response.Header
	h.DisableNormalizing()
	h.SetCanonical(hdrRequestID, []byte(r.id))
	h.SetCanonical(hdrID2, r.srv.ids.host)
	if r.charged {
		h.Add("x-amz-request-charged", "requester")
	}
	for _, f := range r.corsFields() {
		h.Add(f.name, f.value)
	}
	if err != nil {
		r.respondError(err)
		return
	}
	for i := range resp.fields {
		h.Add(resp.fields[i].name, resp.fields[i].value)
	}
	status := resp.status
	if status == 0 {
		status = http.StatusOK
	}
	r.fctx.SetStatusCode(status)
	switch {
	case resp.slow != nil:
		r.pace(-1)
		h.SetContentType(cmp.Or(resp.slowType, xmlType))
		r.fctx.Response.SetBodyStream(&tracked{r: r, slow: resp.slow}, -1)
		return // observed when the stream ends
	case resp.body != nil:
		r.fctx.Response.SetBodyStream(&tracked{r: r, body: resp.body}, int(resp.length))
		return
	case r.method == http.MethodHead:
		h.SetContentLength(int(resp.length))
	case resp.xml != nil:
		r.pace(len(resp.xml))
		h.SetContentType(xmlType)
		r.fctx.Response.SetBodyRaw(resp.xml)
		r.bytesOut = int64(len(resp.xml))
	case resp.text != nil:
		r.fctx.Response.SetBodyRaw(resp.text)
		r.bytesOut = int64(len(resp.text))
	}
	r.finish()
}

const xmlType = "application/xml"

var (
	hdrRequestID = []byte("x-amz-request-id")
	hdrID2       = []byte("x-amz-id-2")
)

// respondError answers with the XML of err; HEAD and 304 have no body.
func (r *request) respondError(err error) {
	e := r.explain(err)
	r.failure = e
	h := &r.fctx.Response.Header
	for _, f := range e.Headers {
		h.Add(f.Name, f.Value)
	}
	r.fctx.SetStatusCode(e.Status)
	if closes(e) {
		httpd.WillClose(r.fctx)
	}
	if r.method != http.MethodHead && e.Status != http.StatusNotModified && e.Status != http.StatusNoContent {
		h.SetContentType(xmlType)
		body := r.errorBody(e)
		r.fctx.Response.SetBodyRaw(body)
		r.bytesOut = int64(len(body))
	}
	r.finish()
}

func (r *request) errorBody(e *s3err.Error) []byte {
	if r.control {
		return r.controlError(e)
	}
	return e.AppendXML(make([]byte, 0, 512), r.id, r.srv.ids.hostID)
}

// closes reports whether the connection cannot go on after e: the client's body ended early, never came, or was another one
// than the client said, whose length may be wrong as well. Amazon closes then, too.
func closes(e *s3err.Error) bool {
	switch e.Code {
	case s3err.BadDigest, s3err.XAmzContentSHA256Mismatch, s3err.RequestTimeout, s3err.IncompleteBody, s3err.BadRequest, s3err.RequestHeaderSectionTooLarge:
		return true
	}
	return false
}

// explain translates err and adds what only the request knows.
func (r *request) explain(err error) *s3err.Error {
	if e := markerFailure(err); e != nil {
		if e.Code == s3err.NoSuchKey {
			return e.With("Key", r.key)
		}
		return e.With("Method", r.method)
	}
	e := s3err.From(err)
	if (e.Code == s3err.NoSuchKey || e.Code == s3err.NoSuchVersion) && (r.method == "GET" || r.method == "HEAD") && r.srv.cfg.Dialect.AbsenceTellsMarker {
		e = e.WithHeader("x-amz-delete-marker", "false")
	}
	// A failure that says no more than "not found" is about the smallest thing the request names.
	switch e.Code {
	case s3err.NoSuchBucket, s3err.BucketNotEmpty, s3err.NoSuchBucketPolicy, s3err.NoSuchCORSConfiguration,
		s3err.NoSuchLifecycleConfiguration, s3err.NoSuchWebsiteConfiguration, s3err.NoSuchTagSet, s3err.InvalidBucketName,
		s3err.BucketAlreadyExists, s3err.BucketAlreadyOwnedByYou, s3err.SSEConfigurationNotFound,
		s3err.ReplicationConfigurationNotFound, s3err.ObjectLockConfigurationNotFound, s3err.OwnershipControlsNotFound,
		s3err.NoSuchPublicAccessBlock:
		if r.control && r.bucket == "" {
			return e
		}
		e = e.With("BucketName", r.bucket)
	case s3err.NoSuchKey:
		e = e.With("Key", r.key)
	case s3err.NoSuchVersion:
		e = e.With("Key", r.key).With("VersionId", r.query.get("versionId"))
	case s3err.NoSuchUpload:
		e = e.With("UploadId", r.query.get("uploadId"))
	case s3err.MethodNotAllowed:
		e = e.With("Method", r.method).With("ResourceType", r.resourceType())
	}
	return e
}

func (r *request) resourceType() string {
	switch r.op.sub {
	case "":
	case "policy":
		return "BUCKETPOLICY"
	default:
		return r.op.sub
	}
	switch r.level() {
	case onService:
		return "SERVICE"
	case onBucket:
		return "BUCKET"
	}
	return "OBJECT"
}

// tracked is a streamed body that ends the request when it is closed, which fasthttp does on every path.
type tracked struct {
	r    *request
	body object.Body
	to   taker
	slow io.ReadCloser
	err  error
}

func (t *tracked) Read(p []byte) (int, error) {
	var n int
	var err error
	if t.body != nil {
		n, err = t.body.Read(p)
	} else {
		n, err = t.slow.Read(p)
	}
	t.r.bytesOut += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// WriteTo hands the connection to the body, whose blocks then go out without another copy.
func (t *tracked) WriteTo(w io.Writer) (int64, error) {
	if t.body == nil {
		// fasthttp frames this with chunks and calls Read; it comes here only if that changes.
		return io.Copy(w, struct{ io.Reader }{t})
	}
	t.to = taker{w: w}
	n, err := t.body.WriteTo(&t.to)
	t.r.bytesOut += n
	if t.to.err != nil {
		t.r.left = t.to.err
	} else {
		t.err = err
	}
	return n, err
}

// taker remembers that the client took no more, to tell its leaving from a failure of ours.
type taker struct {
	w   io.Writer
	err error
}

func (t *taker) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	if err != nil {
		t.err = err
	}
	return n, err
}

// Close ends the body and the request.
func (t *tracked) Close() error {
	var err error
	if t.body != nil {
		err = t.body.Close()
	} else {
		err = t.slow.Close()
	}
	if t.r.failure == nil {
		if e := errors.Join(t.err, err); e != nil {
			// The status is out; what is left is to cut the connection, which fasthttp does, and to say so in the log.
			t.r.cut = true
			t.r.failure = s3err.From(e)
			if t.r.failure.Cause == nil {
				t.r.failure = t.r.failure.WithCause(e)
			}
		}
	}
	t.r.finish()
	return err
}
