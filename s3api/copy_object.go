package s3api

import (
	"cmp"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// copyObject: PUT /bucket/key with x-amz-copy-source
func copyObject(r *request) (*response, error) {
	acl, err := r.objectOptions()
	if err != nil {
		return nil, err
	}
	in, err := r.copyInput()
	if err != nil {
		return nil, err
	}
	in.ACL = acl
	if r.hasHeader("x-amz-copy-source-range") || r.hasHeader("Range") {
		return nil, s3err.Newf(s3err.InvalidRequest, "The specified copy operation does not support a range")
	}
	if in.Conditions, err = r.writeConditions(); err != nil {
		return nil, err
	}
	if in.ReplaceMetadata, err = r.directive("x-amz-metadata-directive"); err != nil {
		return nil, err
	}
	if in.ReplaceTags, err = r.directive("x-amz-tagging-directive"); err != nil {
		return nil, err
	}
	if err := r.annotationDirective(); err != nil {
		return nil, err
	}
	if in.ReplaceMetadata {
		in.Headers, in.Metadata = r.contentHeaders(), r.userMetadata()
	}
	in.Headers.WebsiteRedirect = r.header("x-amz-website-redirect-location") // is not copied, so it needs no directive
	if in.ReplaceTags {
		if in.Tags, err = r.taggingHeader(); err != nil {
			return nil, err
		}
	}
	in.StorageClass = r.header("x-amz-storage-class")
	if in.Lock, err = r.lockHeaders(); err != nil {
		return nil, err
	}
	if in.ChecksumAlgorithm, _, err = r.uploadChecksum(); err != nil {
		return nil, err
	}
	in.Encryption = r.encryption()
	return r.patiently(func() (*response, error) {
		res, err := r.srv.objects.Copy(r.ctx, r.who, in)
		if err != nil {
			return nil, sourceFailure(err, in)
		}
		return r.copied("CopyObjectResult", in, res), nil
	})
}

// copied is the answer to both kinds of copy.
func (r *request) copied(root string, in *object.CopyInput, res *object.CopyResult) *response {
	r.source.Store(&copiedFrom{bucket: in.SrcBucket, key: in.SrcKey, version: in.SrcVersionID, size: res.SrcSize})
	x := s3xml.New(root, 512)
	x.Time("LastModified", res.LastModified)
	x.ETag(res.ETag)
	for i := range res.Checksums {
		x.Text("Checksum"+res.Checksums[i].Algorithm.String(), res.Checksums[i].Value)
	}
	if len(res.Checksums) > 0 && root == "CopyObjectResult" {
		x.Text("ChecksumType", res.Checksums[0].Type.String())
	}
	resp := &response{xml: x.Bytes()}
	// Other than a PutObject a copy names the null version that it made, and not the one that it was made of
	// (LocalStack's test_s3_copy_object_in_place_versioned and …_suspended_only, recorded).
	resp.set("x-amz-version-id", res.VersionID)
	resp.setExpiry(res.Expires)
	resp.setEncryption(&res.Encryption)
	if res.SrcVersionID != "null" {
		resp.set("x-amz-copy-source-version-id", res.SrcVersionID)
	}
	return resp
}

// copyInput reads what both kinds of copy share: the source and its conditions.
func (r *request) copyInput() (*object.CopyInput, error) {
	in := &object.CopyInput{Bucket: r.bucket, Key: r.key, SrcConditions: r.readConditions("x-amz-copy-source-")}
	var err error
	in.SrcBucket, in.SrcKey, in.SrcVersionID, err = parseCopySource(r.header("x-amz-copy-source"))
	if r.srv.cfg.Dialect.NoTenantNamed {
		in.SrcBucket = withoutTenant(in.SrcBucket)
	}
	if err != nil {
		return nil, err
	}
	if in.SrcCustomer, err = r.customerKey(sourceCustomerPrefix); err != nil {
		return nil, err
	}
	return in, r.srv.checkExpectedOwner(r, in.SrcBucket, "x-amz-source-expected-bucket-owner")
}

// parseCopySource reads x-amz-copy-source: bucket/key, with or without a slash in front, percent-encoded or not, and
// possibly ?versionId=. An access point's ARN names no bucket of ours.
func parseCopySource(v string) (bucket, key, version string, err error) {
	bad := func() (string, string, string, error) {
		return "", "", "", s3err.Argument("x-amz-copy-source", "x-amz-copy-source", "Invalid copy source object key")
	}
	if strings.HasPrefix(v, "arn:") {
		return "", "", "", s3err.Argument("x-amz-copy-source", v, "Invalid copy source object ARN")
	}
	path := v
	// The version begins at the last "?versionId=": a question mark of the key itself is encoded by careful clients only.
	if i := strings.LastIndex(v, "?"); i >= 0 {
		if name, value, ok := strings.Cut(v[i+1:], "="); ok && name == "versionId" {
			path, version = v[:i], unescape(value, false)
			if version == "" {
				return "", "", "", s3err.Argument("x-amz-copy-source", v, "Version id cannot be the empty string")
			}
		}
	}
	path = strings.TrimPrefix(unescape(path, false), "/")
	bucket, key, _ = strings.Cut(path, "/")
	if bucket == "" || key == "" || !validKeyText(key) || !validKeyText(bucket) {
		return bad()
	}
	return bucket, key, version, nil
}

// directive reads COPY or REPLACE.
func (r *request) directive(header string) (replace bool, err error) {
	switch v := r.header(header); v {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		return false, s3err.Argument(header, v, "Unknown "+strings.TrimSuffix(strings.TrimPrefix(header, "x-amz-"), "-directive")+" directive.")
	}
}

// annotationDirective reads what a copy is to do with the annotations of its source, in a header or the query. No object has
// any, so either way is done; what is neither is refused.
func (r *request) annotationDirective() error {
	const name = "x-amz-object-annotation-directive"
	v := cmp.Or(r.header(name), r.query.get(name))
	if v == "" || v == "COPY" || v == "EXCLUDE" {
		return nil
	}
	return s3err.Argument(name, v, "Unknown annotation directive.")
}

// sourceFailure makes the names in an error those of the source where it is about the source.
func sourceFailure(err error, in *object.CopyInput) error {
	e := s3err.From(err)
	switch e.Code {
	case s3err.NoSuchKey, s3err.NoSuchVersion:
		if s3err.Resource(err) != in.Key || in.SrcKey == in.Key {
			return e.With("Key", in.SrcKey)
		}
	case s3err.NoSuchBucket:
		if s3err.Resource(err) == in.SrcBucket {
			return e.With("BucketName", in.SrcBucket)
		}
	}
	return err
}
