package s3api

import (
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// completeMultipartUpload: POST /bucket/key?uploadId=
func completeMultipartUpload(r *request) (*response, error) {
	in := &object.CompleteInput{Bucket: r.bucket, Key: r.key, UploadID: r.query.get("uploadId")}
	var err error
	if in.Conditions, err = r.writeConditions(); err != nil {
		return nil, err
	}
	if in.Checksum, err = r.wholeChecksum(); err != nil {
		return nil, err
	}
	if v := r.header("x-amz-mp-object-size"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return nil, s3err.Newf(s3err.InvalidRequest, "Value for x-amz-mp-object-size header is invalid")
		}
		in.ObjectSize = &n
	}
	if in.Customer, err = r.customerKey(customerPrefix); err != nil {
		return nil, err
	}
	var doc s3xml.CompleteMultipartUpload
	err = r.readXML("CompleteMultipartUpload", r.srv.cfg.Limits.CompleteBody, anyDigest, &doc)
	switch {
	case err == nil && len(doc.Parts) == 0:
		return nil, s3err.New(s3err.MalformedXML)
	case err != nil && s3err.From(err).Code != s3err.MissingRequestBody:
		return nil, err
	case err != nil && r.srv.cfg.Dialect.EmptyCompletionMalformed:
		return nil, s3err.New(s3err.MalformedXML)
		// else core says what is missing
	}
	if in.Parts, err = completeParts(doc.Parts); err != nil {
		return nil, err
	}
	location := r.location()
	return r.patiently(func() (*response, error) {
		res, err := r.srv.objects.CompleteUpload(r.ctx, r.who, in)
		if err != nil {
			return nil, err
		}
		x := s3xml.New("CompleteMultipartUploadResult", 512)
		x.Text("Location", location)
		x.Text("Bucket", r.bucket)
		x.Text("Key", r.key)
		x.ETag(res.ETag)
		for i := range res.Checksums {
			x.Text("Checksum"+res.Checksums[i].Algorithm.String(), res.Checksums[i].Value)
		}
		if len(res.Checksums) > 0 {
			x.Text("ChecksumType", res.Checksums[0].Type.String())
		}
		resp := &response{xml: x.Bytes()}
		resp.setMade(res.VersionID)
		resp.setExpiry(res.Expires)
		resp.setEncryption(&res.Encryption)
		return resp, nil
	})
}

// wholeChecksum reads the checksum of the whole object, which here describes no body.
func (r *request) wholeChecksum() (*object.Checksum, error) {
	typ, err := checksum.ParseType(r.header(hdrChecksumType))
	if err != nil {
		return nil, s3err.Newf(s3err.InvalidRequest, "Value for x-amz-checksum-type header is invalid.")
	}
	for i := range r.headers {
		h := &r.headers[i]
		alg := checksum.FromHeader(h.Name)
		if alg == checksum.None {
			continue
		}
		if _, err := checksum.ParseValue(alg, h.Value); err != nil {
			// Other than in headers that describe a body, Amazon does not look at the form: a value of one kind of checksum for an
			// upload with the other is no match (LocalStack's test_multipart_parts_checksum_exceptions_full_object, recorded).
			return nil, s3err.Newf(s3err.BadDigest, "The %s you specified did not match the calculated checksum.", strings.ToLower(alg.String()))
		}
		return &object.Checksum{Algorithm: alg, Type: typ, Value: h.Value}, nil
	}
	if typ != checksum.NoType {
		return &object.Checksum{Type: typ}, nil
	}
	return nil, nil
}

func completeParts(in []s3xml.CompletedPart) ([]object.CompletePart, error) {
	if len(in) > object.MaxParts {
		return nil, s3err.New(s3err.MalformedXML)
	}
	parts := make([]object.CompletePart, len(in))
	for i := range in {
		p := &in[i]
		if p.PartNumber == nil || p.ETag == "" {
			return nil, s3err.New(s3err.MalformedXML)
		}
		if *p.PartNumber < 1 || *p.PartNumber > object.MaxParts {
			return nil, s3err.Argument("partNumber", strconv.Itoa(*p.PartNumber), "PartNumber must be >= 1")
		}
		parts[i] = object.CompletePart{Number: *p.PartNumber, ETag: bareETag(p.ETag)}
		var bad error
		p.Checksums(func(name, value string) {
			alg, err := checksum.ParseAlgorithm(name)
			if err == nil {
				_, err = checksum.Decode(alg, value)
			}
			if err != nil {
				bad = s3err.Newf(s3err.InvalidRequest, "Value for Checksum%s of part %d is invalid.", name, *p.PartNumber)
			}
			parts[i].Checksums = append(parts[i].Checksums, object.Checksum{Algorithm: alg, Type: checksum.FullObject, Value: value})
		})
		if bad != nil {
			return nil, bad
		}
	}
	return parts, nil
}

// location is the address of the object, as the client reached it. Slashes of the key are encoded as at Amazon, where clients
// know to undo that (aws/aws-sdk-js issues 811 and 1158).
func (r *request) location() string {
	var b strings.Builder
	b.WriteString(r.scheme() + "://" + r.host)
	if r.hostBucket == "" {
		b.WriteString("/" + r.bucket)
	}
	b.WriteByte('/')
	b.WriteString(strings.ReplaceAll(string(appendPathEscaped(nil, r.key)), "/", "%2F"))
	return b.String()
}

// scheme is how the request came.
func (r *request) scheme() string {
	if r.fctx.IsTLS() {
		return "https"
	}
	return "http"
}
