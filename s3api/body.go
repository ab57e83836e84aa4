package s3api

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/chunked"
	"github.com/aureole-cloud/aureole/s3api/httpd"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// upload is the body of a request, decoded, and what it must match.
type upload struct {
	body      *chunked.Reader
	wire      *wire
	size      int64
	md5       []byte
	checksums []object.ChecksumSpec
}

// wire is the body as it comes. It counts, and remembers how it failed: by the time the failure has come up through core
// it is an internal error like any other.
type wire struct {
	src io.Reader
	r   *request
	err error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.src.Read(p)
	w.r.bytesIn += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// openUpload opens the body of an object or a part. Nothing of it has been read when it returns.
func (r *request) openUpload(maxSize int64) (*upload, error) {
	up, err := r.openBody(maxSize)
	if err != nil {
		return nil, err
	}
	spec, err := r.bodyChecksum(up)
	if err != nil {
		return nil, err
	}
	if spec.Algorithm != checksum.None {
		up.checksums = []object.ChecksumSpec{spec}
	}
	return up, nil
}

func tooLarge(size, most int64) error {
	return s3err.New(s3err.EntityTooLarge).With("ProposedSize", strconv.FormatInt(size, 10)).
		With("MaxSizeAllowed", strconv.FormatInt(most, 10))
}

// checkAnnounced refuses a PUT whose announced body no operation takes, so that a client that waits for a 100 need not send it.
// What is framed is judged by the size inside its frames.
func (r *request) checkAnnounced() error {
	if r.method != http.MethodPut || r.hasHeader("x-amz-decoded-content-length") {
		return nil
	}
	if n := r.contentLength(); n > object.MaxPutSize {
		return tooLarge(n, object.MaxPutSize)
	}
	return nil
}

// checkWriter refuses who may not write, so that a client that waits for a 100 need not send what it would send in vain.
func (r *request) checkWriter() error {
	if r.op.name != "PutObject" && r.op.name != "UploadPart" {
		return nil
	}
	return r.srv.objects.MayPut(r.ctx, r.who, r.bucket, r.key)
}

// openBody opens the body without looking at its checksums.
func (r *request) openBody(maxSize int64) (*upload, error) {
	up := &upload{wire: &wire{src: httpd.BodyStream(r.fctx), r: r}}
	o := chunked.Options{
		PayloadHash:   r.payloadHash(),
		ContentLength: r.contentLength(),
		DecodedLength: -1,
		Trailer:       r.headerList("x-amz-trailer"),
		Signature:     &r.verified,
	}
	if v, ok := r.lookupHeader("x-amz-decoded-content-length"); ok {
		n, valid := parseDigits(v)
		if !valid {
			return nil, s3err.Argument("x-amz-decoded-content-length", v, "Invalid x-amz-decoded-content-length")
		}
		o.DecodedLength = n
	}
	if o.ContentLength == -2 {
		return nil, s3err.New(s3err.MissingContentLength)
	}
	if o.ContentLength < 0 && o.DecodedLength < 0 && !strings.HasPrefix(o.PayloadHash, "STREAMING-") {
		// Amazon takes chunks of HTTP only when it is told the size of what is in them.
		return nil, s3err.New(s3err.NotImplemented).With("Header", "Transfer-Encoding")
	}
	var err error
	if up.body, err = chunked.NewReader(up.wire, o); err != nil {
		return nil, err
	}
	if up.size = up.body.Size(); up.size > maxSize {
		return nil, tooLarge(up.size, maxSize)
	}
	up.md5, err = r.contentMD5()
	return up, err
}

// payloadHash says how the body is framed and what it hashes to: as signed, or as claimed when nothing is signed with it.
func (r *request) payloadHash() string {
	if r.verified.Version == 4 && r.verified.Scheme != sigv4.V4Post {
		return r.verified.PayloadHash
	}
	return r.header("x-amz-content-sha256")
}

// bodyChecksum finds the checksum that the client sends with the body: in a header, or in a trailer to come.
func (r *request) bodyChecksum(up *upload) (object.ChecksumSpec, error) {
	spec, err := r.checksumHeader()
	if err != nil {
		return spec, err
	}
	announced, err := r.sdkAlgorithm()
	if err != nil {
		return spec, err
	}
	for name := range strings.SplitSeq(r.headerList("x-amz-trailer"), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if !strings.HasPrefix(name, checksum.HeaderPrefix) {
			continue
		}
		alg := checksum.FromHeader(name)
		switch {
		case alg == checksum.None:
			return spec, s3err.Newf(s3err.InvalidRequest, "The value specified in the x-amz-trailer header is not supported")
		case spec.Algorithm != checksum.None:
			return spec, s3err.Newf(s3err.InvalidRequest, "Expecting a single x-amz-checksum- header")
		}
		spec = object.ChecksumSpec{Algorithm: alg, Trailer: r.trailer(up, alg)}
	}
	switch {
	case announced == checksum.None || announced == spec.Algorithm:
		return spec, nil
	case spec.Algorithm == checksum.None:
		return spec, s3err.Newf(s3err.InvalidRequest, "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return spec, s3err.Newf(s3err.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
}

// trailer returns what gives the trailing checksum once the body has been read.
func (r *request) trailer(up *upload, alg checksum.Algorithm) func() (string, error) {
	return func() (string, error) {
		v, ok := up.body.Trailer(alg.Header())
		if !ok {
			return "", s3err.New(s3err.MalformedTrailer)
		}
		if _, err := checksum.Decode(alg, v); err != nil {
			return "", r.invalidChecksum(alg, "trailing header")
		}
		return v, nil
	}
}

// explain finds the failure of the wire behind the failure of an operation that read it.
func (up *upload) explain(err error) error {
	if up.wire.err == nil {
		return err
	}
	var timeout net.Error
	if errors.As(up.wire.err, &timeout) && timeout.Timeout() {
		return s3err.New(s3err.RequestTimeout).WithCause(up.wire.err)
	}
	return s3err.New(s3err.IncompleteBody).WithCause(up.wire.err)
}

// digest is what a document's body must bring to prove that it arrived whole.
type digest uint8

const (
	optionalDigest digest = iota // whatever comes is verified
	mustDigest                   // Content-MD5, a checksum or a signed hash must come
	anyDigest                    // the checksum headers are not about the body
)

// readXML reads a body of at most limit bytes into v.
func (r *request) readXML(root string, limit int64, d digest, v any) error {
	data, err := r.readDocument(limit, d)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return s3err.New(s3err.MissingRequestBody)
	}
	return decodeXML(data, root, v)
}

// readOptionalXML is readXML for an operation whose body may be absent; it reports whether there was one.
func (r *request) readOptionalXML(root string, v any) (bool, error) {
	switch n := r.contentLength(); {
	case n == -2:
		return false, nil
	case n == 0 && strings.HasPrefix(r.payloadHash(), "STREAMING-"):
		return false, nil
	}
	// What was said about an empty body is verified like any other.
	data, err := r.readDocument(r.srv.cfg.Limits.XMLBody, optionalDigest)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return false, err
	}
	return true, decodeXML(data, root, v)
}

func decodeXML(data []byte, root string, v any) error {
	if err := s3xml.Decode(data, root, v); err != nil {
		return s3err.New(s3err.MalformedXML)
	}
	return nil
}

// readDocument reads a small body and verifies everything that was said about it.
func (r *request) readDocument(limit int64, d digest) ([]byte, error) {
	up, err := r.openBody(limit)
	if err != nil {
		var e *s3err.Error
		if errors.As(err, &e) && e.Code == s3err.EntityTooLarge {
			return nil, s3err.New(s3err.MaxMessageLengthExceeded).With("MaxMessageLengthBytes", strconv.FormatInt(limit, 10))
		}
		return nil, err
	}
	var spec object.ChecksumSpec
	if d != anyDigest {
		if spec, err = r.bodyChecksum(up); err != nil {
			return nil, err
		}
	}
	if d == mustDigest && spec.Algorithm == checksum.None && up.md5 == nil && len(r.payloadHash()) != 64 {
		return nil, s3err.Newf(s3err.InvalidRequest, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	data := make([]byte, 0, min(up.size+1, 64<<10))
	if data, err = appendAll(data, up.body); err != nil {
		return nil, up.explain(err)
	}
	err = verifyDocument(data, up, spec)
	r.document = err == nil
	return data, err
}

// appendAll reads r to its end. The chunked reader bounds it by the length that was checked.
func appendAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func verifyDocument(data []byte, up *upload, spec object.ChecksumSpec) error {
	if up.md5 == nil && spec.Algorithm == checksum.None {
		return nil
	}
	h := checksum.NewMultiHasher(up.md5 != nil, spec.Algorithm)
	_, _ = h.Write(data)
	if up.md5 != nil && subtle.ConstantTimeCompare(h.AppendMD5(nil), up.md5) != 1 {
		return s3err.New(s3err.BadDigest)
	}
	if spec.Algorithm == checksum.None {
		return nil
	}
	want := spec.Value
	if spec.Trailer != nil {
		var err error
		if want, err = spec.Trailer(); err != nil {
			return err
		}
	}
	if got, _ := h.Value(spec.Algorithm); got.String() != want {
		return s3err.Newf(s3err.BadDigest, "The %s you specified did not match the calculated checksum.", spec.Algorithm)
	}
	return nil
}
