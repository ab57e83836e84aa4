package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// listObjectVersions: GET /bucket?versions. In a bucket that was never versioned every object is the latest, and only,
// version of its key, and is called null.
func listObjectVersions(r *request) (*response, error) {
	shared, urlEncoded, err := r.listInput()
	if err != nil {
		return nil, err
	}
	in := &object.ListVersionsInput{
		Bucket: r.bucket, Prefix: shared.Prefix, Delimiter: shared.Delimiter, MaxKeys: shared.MaxKeys, Restores: shared.Restores,
		KeyMarker: r.query.get("key-marker"), VersionIDMarker: r.query.get("version-id-marker"),
	}
	if v, ok := r.query.lookup("version-id-marker"); ok {
		switch {
		case in.KeyMarker == "" && v != "":
			return nil, s3err.Argument("version-id-marker", v, "A version-id marker cannot be specified without a key marker.")
		case in.KeyMarker != "" && v == "":
			return nil, s3err.Argument("version-id-marker", v, "A version-id marker cannot be empty.")
		}
	}
	page, err := r.srv.objects.ListVersions(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListVersionsResult", versionsSize(page))
	x.Text("Name", r.bucket)
	x.Name("Prefix", in.Prefix, urlEncoded)
	x.Name("KeyMarker", in.KeyMarker, urlEncoded)
	x.Text("VersionIdMarker", in.VersionIDMarker)
	if page.Truncated {
		x.Name("NextKeyMarker", page.NextKey, urlEncoded)
		x.Optional("NextVersionIdMarker", page.NextVersionID)
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
		listedVersion(x, &page.Entries[i], urlEncoded)
	}
	commonPrefixes(x, page.CommonPrefixes, urlEncoded)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// listedVersion writes a version or a delete marker. Both kinds stand in one order, by key and age.
func listedVersion(x *s3xml.Doc, e *object.VersionEntry, urlEncoded bool) {
	kind := "Version"
	if e.DeleteMarker {
		kind = "DeleteMarker"
	}
	x.Open(kind)
	x.Name("Key", e.Key, urlEncoded)
	x.Text("VersionId", e.VersionID)
	x.Bool("IsLatest", e.IsLatest)
	x.Time("LastModified", e.LastModified)
	if !e.DeleteMarker {
		x.ETag(e.ETag)
		for _, a := range e.Checksums {
			x.Text("ChecksumAlgorithm", a.String())
		}
		if len(e.Checksums) > 0 {
			x.Optional("ChecksumType", e.ChecksumType.String())
		}
		x.Int("Size", e.Size)
	}
	x.Owner("Owner", e.Owner.CanonicalID, e.Owner.DisplayName)
	if !e.DeleteMarker {
		x.Text("StorageClass", e.StorageClass)
		writeRestore(x, e.Restore)
	}
	x.Close(kind)
}

// versionsSize guesses the length of a page, so that it is built in one piece of memory.
func versionsSize(page *object.ListVersionsPage) int {
	n := 1024 + 96*len(page.CommonPrefixes)
	if len(page.Entries) > 0 {
		n += len(page.Entries) * (520 + len(page.Entries[0].Key)*5/4)
	}
	return n
}
