// Package chunked reads the bodies of uploads in every form that S3 clients send them: plain, plain with a
// signed SHA-256, and the aws-chunked framings with signed or unsigned chunks and with or without trailers.
//
// # Guarantees
//
//   - A [Reader] returns io.EOF only when everything the client promised was found true: the length, the hash,
//     the signature of every chunk and of the trailer, and the names of the trailers. What it returned before
//     that is unverified: store it where nobody can see it until EOF.
//   - Memory is constant, whatever the size of the body, of a chunk or of a lie about either; chunk lines
//     and trailers are bounded. Large reads go straight from the source into the caller's buffer.
//   - Which framing is used is decided by x-amz-content-sha256 alone, never by Content-Encoding.
//   - A body that was read to EOF has consumed its source to the end, so a connection can be reused.
//
// Failures that the client caused are *errs.E with one of the reasons below. Errors of the source (a dead
// connection, a deadline) are passed on wrapped.
//
// The package knows no checksum: it hands over the trailers, and the caller compares them with what it
// computed. It needs from core/sigv4 the verified signature that the first chunk's continues.
package chunked

import (
	"io"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/sigv4"
)

// The reasons of failures; their values are S3's codes.
const (
	IncompleteBody        errs.Reason = "IncompleteBody"
	InvalidRequest        errs.Reason = "InvalidRequest"
	MalformedTrailer      errs.Reason = "MalformedTrailerError"
	MissingContentLength  errs.Reason = "MissingContentLength"
	NotImplemented        errs.Reason = "NotImplemented"
	SHA256Mismatch        errs.Reason = "XAmzContentSHA256Mismatch"
	SignatureDoesNotMatch errs.Reason = "SignatureDoesNotMatch"
)

// Limits of the framing.
const (
	maxChunkLine = 1 << 10 // of a chunk's size and signature; clients send under 100 bytes
	maxTrailer   = 8 << 10 // of all trailers together
	maxTrailers  = 16
	bufferSize   = 4 << 10
)

// Options describe one body.
type Options struct {
	// PayloadHash is x-amz-content-sha256 as the signature covers it: Verified.PayloadHash. The header's
	// own value for a request that is not signed; empty means UNSIGNED-PAYLOAD.
	PayloadHash string
	// ContentLength is that of the HTTP message, -1 when there is none (Transfer-Encoding: chunked).
	ContentLength int64
	// DecodedLength is x-amz-decoded-content-length, -1 when it was not sent.
	DecodedLength int64
	// Trailer is x-amz-trailer: the names of the trailers to come, separated by commas.
	Trailer string
	// Signature continues in the chunks of the STREAMING-AWS4-HMAC-SHA256-PAYLOAD forms.
	Signature *sigv4.Verified
}

// Trailer is a header that came behind the body.
type Trailer struct{ Name, Value string } // the name in lower case

// Reader decodes one body. It is not safe for concurrent use and needs no Close.
type Reader struct {
	src      source
	size     int64
	trailers []Trailer
	err      error // sticky, io.EOF included
}

// source is one form of body. Its Read verifies everything before it returns io.EOF.
type source interface{ Read(p []byte) (int, error) }

// NewReader returns a reader of the decoded bytes of body. It fails before reading anything when the
// options contradict each other or ask for what is not built.
func NewReader(body io.Reader, o Options) (*Reader, error) {
	if body == nil { // a request without a body
		body = strings.NewReader("")
	}
	r := &Reader{}
	framed := strings.HasPrefix(o.PayloadHash, "STREAMING-")
	switch {
	case framed && o.DecodedLength < 0, !framed && o.ContentLength < 0 && o.DecodedLength < 0:
		return nil, errs.New(errs.Invalid, MissingContentLength, "You must provide the Content-Length HTTP header.")
	case framed && o.ContentLength >= 0 && o.DecodedLength > o.ContentLength:
		return nil, incomplete(nil)
	case framed, o.ContentLength < 0:
		r.size = o.DecodedLength
	default:
		r.size = o.ContentLength
	}
	announced, err := announcedTrailers(o.Trailer)
	if err != nil {
		return nil, err
	}
	switch o.PayloadHash {
	case "", sigv4.UnsignedPayload:
		r.src = &plain{src: body, left: r.size}
	case sigv4.StreamingUnsignedTrailer:
		r.src = newFramed(body, r, announced, nil, true)
	case sigv4.StreamingSigned, sigv4.StreamingSignedTrailer:
		if o.Signature == nil || o.Signature.Version != 4 {
			return nil, errs.New(errs.Invalid, InvalidRequest, "Anonymous requests don't support this x-amz-content-sha256 value. "+
				"Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.")
		}
		r.src = newFramed(body, r, announced, newChain(o.Signature), o.PayloadHash == sigv4.StreamingSignedTrailer)
	case sigv4.StreamingECDSA, sigv4.StreamingECDSATrailer:
		return nil, errs.New(errs.NotImplemented, NotImplemented,
			"A header you provided implies functionality that is not implemented: chunks signed with ECDSA (SigV4a)")
	default:
		h, err := newHashed(body, r.size, o.PayloadHash)
		if err != nil {
			return nil, err
		}
		r.src = h
	}
	return r, nil
}

// Size is the length of the decoded body, known before it is read.
func (r *Reader) Size() int64 { return r.size }

// Read reads decoded bytes. io.EOF means that all of them were there and are what the client signed.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.src.Read(p)
	r.err = err
	return n, err
}

// Trailers returns the trailers, after Read returned io.EOF; the trailer's signature is not among them.
func (r *Reader) Trailers() []Trailer {
	if r.err != io.EOF {
		return nil
	}
	return r.trailers
}

// Trailer returns the value of the named trailer (lower case), after io.EOF.
func (r *Reader) Trailer(name string) (string, bool) {
	for _, t := range r.Trailers() {
		if t.Name == name {
			return t.Value, true
		}
	}
	return "", false
}

// incomplete is the failure of a body that ended early, or is longer than was said.
func incomplete(cause error) error {
	return &errs.E{Op: "chunked.Read", Kind: errs.Invalid, Reason: IncompleteBody, Err: cause,
		Msg: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
}

// ended turns the end of the source in the middle of a body into the client's failure.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return incomplete(io.ErrUnexpectedEOF)
	}
	return errs.Wrap("chunked.Read", errs.Internal, err)
}
