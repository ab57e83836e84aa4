package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// listObjects: GET /bucket, the first version of the API.
func listObjects(r *request) (*response, error) {
	in, urlEncoded, err := r.listInput()
	if err != nil {
		return nil, err
	}
	in.StartAfter = r.query.get("marker")
	page, err := r.srv.objects.List(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListBucketResult", listSize(page))
	x.Text("Name", r.bucket)
	x.Name("Prefix", in.Prefix, urlEncoded)
	x.Name("Marker", in.StartAfter, urlEncoded)
	// Without a delimiter the last key is the marker and clients take it from there.
	if page.Truncated && in.Delimiter != "" {
		x.Name("NextMarker", page.Next, urlEncoded)
	}
	x.Int("MaxKeys", int64(in.MaxKeys))
	r.finishList(x, in, page, urlEncoded, true)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// listObjectsV2: GET /bucket?list-type=2
func listObjectsV2(r *request) (*response, error) {
	in, urlEncoded, err := r.listInput()
	if err != nil {
		return nil, err
	}
	startAfter := r.query.get("start-after")
	in.StartAfter = startAfter
	token, hasToken := r.query.lookup("continuation-token")
	if token != "" { // an empty one is what clients send that have none yet
		if in.StartAfter, err = decodeToken(token); err != nil {
			return nil, s3err.Argument("continuation-token", token, "The continuation token provided is incorrect")
		}
	}
	page, err := r.srv.objects.List(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ListBucketResult", listSize(page))
	x.Text("Name", r.bucket)
	x.Name("Prefix", in.Prefix, urlEncoded)
	if hasToken {
		x.Text("ContinuationToken", token)
	}
	if page.Truncated {
		x.Text("NextContinuationToken", encodeToken(page.Next))
	}
	if startAfter != "" {
		x.Name("StartAfter", startAfter, urlEncoded)
	}
	x.Int("KeyCount", int64(len(page.Entries)+len(page.CommonPrefixes)))
	x.Int("MaxKeys", int64(in.MaxKeys))
	r.finishList(x, in, page, urlEncoded, r.query.get("fetch-owner") == "true")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// listInput reads what the versions of the API share.
func (r *request) listInput() (*object.ListInput, bool, error) {
	urlEncoded, err := r.encodingType()
	if err != nil {
		return nil, false, err
	}
	n, err := r.intParam("max-keys", object.MaxListKeys)
	if err != nil {
		return nil, false, err
	}
	return &object.ListInput{
		Bucket: r.bucket, Prefix: r.query.get("prefix"), Delimiter: r.query.get("delimiter"), MaxKeys: min(n, object.MaxListKeys),
		Restores: r.listsRestores(),
	}, urlEncoded, nil
}

func (r *request) encodingType() (url bool, err error) {
	switch v := r.query.get("encoding-type"); {
	case v == "":
		return false, nil
	case strings.EqualFold(v, "url"):
		return true, nil
	default:
		return false, s3err.Argument("encoding-type", v, "Invalid Encoding Method specified in Request")
	}
}

// listSize guesses the length of a page, so that it is built in one piece of memory.
func listSize(page *object.ListPage) int {
	n := 1024 + 96*len(page.CommonPrefixes)
	if len(page.Entries) > 0 {
		n += len(page.Entries) * (320 + len(page.Entries[0].Key)*5/4)
	}
	return n
}

// finishList writes what the versions of the API share.
func (r *request) finishList(x *s3xml.Doc, in *object.ListInput, page *object.ListPage, urlEncoded, owner bool) {
	if in.Delimiter != "" {
		x.Name("Delimiter", in.Delimiter, urlEncoded)
	}
	if urlEncoded {
		x.Text("EncodingType", "url")
	}
	x.Bool("IsTruncated", page.Truncated)
	for i := range page.Entries {
		e := &page.Entries[i]
		x.Open("Contents")
		x.Name("Key", e.Key, urlEncoded)
		x.Time("LastModified", e.LastModified)
		x.ETag(e.ETag)
		for _, a := range e.Checksums {
			x.Text("ChecksumAlgorithm", a.String())
		}
		if len(e.Checksums) > 0 {
			x.Optional("ChecksumType", e.ChecksumType.String())
		}
		x.Int("Size", e.Size)
		if owner {
			x.Owner("Owner", e.Owner.CanonicalID, e.Owner.DisplayName)
		}
		x.Text("StorageClass", e.StorageClass)
		writeRestore(x, e.Restore)
		x.Close("Contents")
	}
	commonPrefixes(x, page.CommonPrefixes, urlEncoded)
}

func commonPrefixes(x *s3xml.Doc, prefixes []string, urlEncoded bool) {
	for _, p := range prefixes {
		x.Open("CommonPrefixes")
		x.Name("Prefix", p, urlEncoded)
		x.Close("CommonPrefixes")
	}
}
