package s3api

import (
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// uploadPart: PUT /bucket/key?partNumber=&uploadId=
func uploadPart(r *request) (*response, error) {
	n, err := parsePartNumber(r.query.get("partNumber"))
	if err != nil {
		return nil, err
	}
	key, err := r.customerKey(customerPrefix)
	if err != nil {
		return nil, err
	}
	up, err := r.openUpload(object.MaxPutSize)
	if err != nil {
		return nil, err
	}
	res, err := r.srv.objects.UploadPart(r.ctx, r.who, &object.PartInput{
		Bucket: r.bucket, Key: r.key, UploadID: r.query.get("uploadId"), PartNumber: n,
		Body: up.body, Size: up.size, ContentMD5: up.md5, Checksums: up.checksums,
		Customer: key,
	})
	if err != nil {
		return nil, up.explain(err)
	}
	r.bytesIn = res.Size
	resp := r.ok()
	resp.set("ETag", quoted(res.ETag))
	// Clients repeat what they find here when they complete the upload.
	resp.setChecksums(res.Checksums, false)
	resp.setEncryption(&res.Encryption)
	return resp, nil
}

// uploadPartCopy: PUT /bucket/key?partNumber=&uploadId= with x-amz-copy-source
func uploadPartCopy(r *request) (*response, error) {
	n, err := parsePartNumber(r.query.get("partNumber"))
	if err != nil {
		return nil, err
	}
	in, err := r.copyInput()
	if err != nil {
		return nil, err
	}
	if in.Encryption.Customer, err = r.customerKey(customerPrefix); err != nil {
		return nil, err
	}
	in.UploadID, in.PartNumber = r.query.get("uploadId"), n
	if v := r.header("x-amz-copy-source-range"); v != "" {
		var ok bool
		if in.SrcRange, ok = parseCopyRange(v); !ok {
			return nil, s3err.Argument("x-amz-copy-source-range", v,
				"The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
	}
	return r.patiently(func() (*response, error) {
		res, err := r.srv.objects.UploadPartCopy(r.ctx, r.who, in)
		if err != nil {
			e := s3err.From(sourceFailure(err, in))
			if errs.ReasonOf(err) == object.InvalidRange && errs.KindOf(err) == errs.Invalid {
				// Of a copy this is an argument that does not fit, not a range of the answer.
				return nil, s3err.Argument("x-amz-copy-source-range", r.header("x-amz-copy-source-range"),
					"Range specified is not valid for source object of size: "+s3err.Detail(err, "ActualObjectSize"))
			}
			return nil, e
		}
		return r.copied("CopyPartResult", in, res), nil
	})
}
