package s3api

import (
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// listParts: GET /bucket/key?uploadId=
func listParts(r *request) (*response, error) {
	urlEncoded, err := r.encodingType()
	if err != nil {
		return nil, err
	}
	limit, err := r.intParam("max-parts", object.MaxListKeys)
	if err != nil {
		return nil, err
	}
	after, err := r.intParam("part-number-marker", 0)
	if err != nil {
		return nil, err
	}
	in := &object.ListPartsInput{
		Bucket: r.bucket, Key: r.key, UploadID: r.query.get("uploadId"), After: after, Max: min(limit, object.MaxListKeys),
	}
	page, err := r.srv.objects.ListParts(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListPartsResult", 1024+len(page.Parts)*220)
	x.Text("Bucket", r.bucket)
	x.Name("Key", r.key, urlEncoded)
	x.Text("UploadId", page.UploadID)
	x.Owner("Initiator", page.Initiator.CanonicalID, page.Initiator.DisplayName)
	x.Owner("Owner", page.Owner.CanonicalID, page.Owner.DisplayName)
	x.Text("StorageClass", page.StorageClass)
	x.Int("PartNumberMarker", int64(after))
	x.Int("NextPartNumberMarker", int64(page.Next))
	x.Int("MaxParts", int64(in.Max))
	if urlEncoded {
		x.Text("EncodingType", "url")
	}
	x.Bool("IsTruncated", page.Truncated)
	for i := range page.Parts {
		p := &page.Parts[i]
		x.Open("Part")
		x.Int("PartNumber", int64(p.Number))
		x.Time("LastModified", p.LastModified)
		x.ETag(p.ETag)
		x.Int("Size", p.Size)
		partChecksums(x, p.Checksums)
		x.Close("Part")
	}
	x.Optional("ChecksumAlgorithm", page.ChecksumAlgorithm.String())
	x.Optional("ChecksumType", page.ChecksumType.String())
	resp := r.ok()
	resp.setAbort(page.Aborts)
	resp.xml = x.Bytes()
	return resp, nil
}

func partChecksums(x *s3xml.Doc, sums []object.Checksum) {
	for i := range sums {
		x.Text("Checksum"+sums[i].Algorithm.String(), sums[i].Value)
	}
}

// abortMultipartUpload: DELETE /bucket/key?uploadId=
func abortMultipartUpload(r *request) (*response, error) {
	var initiated time.Time
	if v := r.header("x-amz-if-match-initiated-time"); v != "" {
		t, ok := parseTime(v)
		if !ok {
			return nil, s3err.Argument("x-amz-if-match-initiated-time", v, "Invalid x-amz-if-match-initiated-time")
		}
		initiated = t
	}
	if err := r.srv.objects.AbortUploadOf(r.ctx, r.who, r.bucket, r.key, r.query.get("uploadId"), initiated); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// listMultipartUploads: GET /bucket?uploads
func listMultipartUploads(r *request) (*response, error) {
	urlEncoded, err := r.encodingType()
	if err != nil {
		return nil, err
	}
	limit, err := r.intParam("max-uploads", object.MaxListKeys)
	if err != nil {
		return nil, err
	}
	in := &object.ListUploadsInput{
		Bucket: r.bucket, Prefix: r.query.get("prefix"), Delimiter: r.query.get("delimiter"),
		KeyMarker: r.query.get("key-marker"), UploadIDMarker: r.query.get("upload-id-marker"), Max: min(limit, object.MaxListKeys),
	}
	page, err := r.srv.objects.ListUploads(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListMultipartUploadsResult", 1024+len(page.Uploads)*400)
	x.Text("Bucket", r.bucket)
	x.Name("KeyMarker", in.KeyMarker, urlEncoded)
	x.Text("UploadIdMarker", in.UploadIDMarker)
	x.Name("NextKeyMarker", page.NextKeyMarker, urlEncoded)
	x.Text("NextUploadIdMarker", page.NextUploadIDMarker)
	if in.Prefix != "" {
		x.Name("Prefix", in.Prefix, urlEncoded)
	}
	if in.Delimiter != "" {
		x.Name("Delimiter", in.Delimiter, urlEncoded)
	}
	if urlEncoded {
		x.Text("EncodingType", "url")
	}
	x.Int("MaxUploads", int64(in.Max))
	x.Bool("IsTruncated", page.Truncated)
	for i := range page.Uploads {
		u := &page.Uploads[i]
		x.Open("Upload")
		x.Name("Key", u.Key, urlEncoded)
		x.Text("UploadId", u.UploadID)
		x.Owner("Initiator", u.Initiator.CanonicalID, u.Initiator.DisplayName)
		x.Owner("Owner", u.Owner.CanonicalID, u.Owner.DisplayName)
		x.Text("StorageClass", u.StorageClass)
		x.Time("Initiated", u.Initiated)
		x.Optional("ChecksumAlgorithm", u.ChecksumAlgorithm.String())
		x.Optional("ChecksumType", u.ChecksumType.String())
		x.Close("Upload")
	}
	commonPrefixes(x, page.CommonPrefixes, urlEncoded)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}
