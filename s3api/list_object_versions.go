package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// listObjectVersions: GET /bucket?versions. In a bucket that was never versioned every object is the latest, and only,
// version of its key, and is called null.
func listObjectVersions(r *request) (*response, error) {
	in, urlEncoded, err := r.listInput()
	if err != nil {
		return nil, err
	}
	b, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	if b.Versioning != object.VersioningOff {
		return nil, s3err.Newf(s3err.NotImplemented, "ListObjectVersions of a versioned bucket is not implemented")
	}
	in.StartAfter = r.query.get("key-marker")
	versionMarker := r.query.get("version-id-marker")
	if versionMarker != "" && in.StartAfter == "" {
		return nil, s3err.Argument("version-id-marker", versionMarker, "A version-id marker cannot be specified without a key marker.")
	}
	page, err := r.srv.objects.List(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListVersionsResult", listSize(page)+len(page.Entries)*200)
	x.Text("Name", r.bucket)
	x.Name("Prefix", in.Prefix, urlEncoded)
	x.Name("KeyMarker", in.StartAfter, urlEncoded)
	x.Text("VersionIdMarker", versionMarker)
	if page.Truncated {
		x.Name("NextKeyMarker", page.Next, urlEncoded)
		x.Text("NextVersionIdMarker", "null")
	}
	x.Int("MaxKeys", int64(in.MaxKeys))
	if in.Delimiter != "" {
		x.Name("Delimiter", in.Delimiter, urlEncoded)
	}
	if urlEncoded {
		x.Text("EncodingType", "url")
	}
	x.Bool("IsTruncated", page.Truncated)
	for i := range page.Entries {
		e := &page.Entries[i]
		x.Open("Version")
		x.Name("Key", e.Key, urlEncoded)
		x.Text("VersionId", "null")
		x.Bool("IsLatest", true)
		x.Time("LastModified", e.LastModified)
		x.ETag(e.ETag)
		for _, a := range e.Checksums {
			x.Text("ChecksumAlgorithm", a.String())
		}
		if len(e.Checksums) > 0 {
			x.Optional("ChecksumType", e.ChecksumType.String())
		}
		x.Int("Size", e.Size)
		x.Owner("Owner", e.Owner.CanonicalID, e.Owner.DisplayName)
		x.Text("StorageClass", e.StorageClass)
		x.Close("Version")
	}
	commonPrefixes(x, page.CommonPrefixes, urlEncoded)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}
