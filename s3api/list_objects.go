package s3api

import (
	"cmp"
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
	x.Name("Prefix", in.Prefix, urlEncoded && !r.srv.cfg.Dialect.ListPrefixPlain)
	x.Name("Marker", in.StartAfter, urlEncoded)
	// Without a delimiter the last key is the marker and clients take it from there.
	if page.Truncated && in.Delimiter != "" {
		x.Name("NextMarker", page.Next, urlEncoded)
	}
	x.Int("MaxKeys", int64(in.MaxKeys))
	r.finishList(x, in, page, urlEncoded, true)
	page.Release()
	resp := r.ok()
	resp.set("x-amz-bucket-region", cmp.Or(page.Region, r.srv.cfg.Region))
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
	switch {
	case hasToken && token == "":
		if !r.srv.cfg.Dialect.EmptyTokenStarts {
			return nil, s3err.Newf(s3err.InvalidArgument, "The continuation token provided is incorrect").With("ArgumentName", "continuation-token")
		}
		in.StartAfter = ""
	case hasToken:
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
	x.Name("Prefix", in.Prefix, urlEncoded && !r.srv.cfg.Dialect.ListPrefixPlain)
	if hasToken {
		x.Text("ContinuationToken", token)
	}
	if page.Truncated {
		x.Text("NextContinuationToken", encodeToken(page.Next))
	}
	if startAfter != "" && (!hasToken || r.srv.cfg.Dialect.StartAfterBesideToken) {
		x.Name("StartAfter", startAfter, urlEncoded)
	}
	x.Int("KeyCount", int64(len(page.Entries)+len(page.CommonPrefixes)))
	x.Int("MaxKeys", int64(in.MaxKeys))
	r.finishList(x, in, page, urlEncoded, r.query.get("fetch-owner") == "true")
	page.Release()
	resp := r.ok()
	resp.set("x-amz-bucket-region", cmp.Or(page.Region, r.srv.cfg.Region))
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
	switch v, there := r.query.lookup("encoding-type"); {
	case !there:
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

// finishList writes what the versions of the API share. What stands in every entry is written in as few pieces as can be: it is
// most of what a page costs.
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
		x.Lit("<Contents><Key>")
		x.NameText(e.Key, urlEncoded)
		x.Lit("</Key><LastModified>")
		x.TimeText(e.LastModified)
		x.Lit("</LastModified><ETag>&quot;")
		x.Lit(e.ETag) // digits and a dash
		x.Lit("&quot;</ETag>")
		for _, a := range e.Checksums {
			x.Lit("<ChecksumAlgorithm>")
			x.Lit(a.String())
			x.Lit("</ChecksumAlgorithm>")
		}
		if t := e.ChecksumType.String(); len(e.Checksums) > 0 && t != "" {
			x.Lit("<ChecksumType>")
			x.Lit(t)
			x.Lit("</ChecksumType>")
		}
		x.Lit("<Size>")
		x.IntText(e.Size)
		x.Lit("</Size>")
		if owner {
			x.Owner("Owner", e.Owner.CanonicalID, e.Owner.DisplayName)
		}
		x.Lit("<StorageClass>")
		x.Lit(e.StorageClass)
		x.Lit("</StorageClass>")
		writeRestore(x, e.Restore)
		x.Lit("</Contents>")
	}
	commonPrefixes(x, page.CommonPrefixes, urlEncoded)
}

func commonPrefixes(x *s3xml.Doc, prefixes []string, urlEncoded bool) {
	for _, p := range prefixes {
		x.Lit("<CommonPrefixes><Prefix>")
		x.NameText(p, urlEncoded)
		x.Lit("</Prefix></CommonPrefixes>")
	}
}
