package s3api

import (
	"github.com/aureole-cloud/aureole/core/checksum"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getObjectAttributes: GET /bucket/key?attributes
func getObjectAttributes(r *request) (*response, error) {
	asked, err := parseAttributes(r.headerList("x-amz-object-attributes"))
	if err != nil {
		return nil, err
	}
	limit, err := r.intHeader("x-amz-max-parts", object.MaxListKeys)
	if err != nil {
		return nil, err
	}
	marker, err := r.intHeader("x-amz-part-number-marker", 0)
	if err != nil {
		return nil, err
	}
	key, err := r.readersKey()
	if err != nil {
		return nil, err
	}
	limit = min(limit, object.MaxListKeys)
	o, err := r.srv.objects.Attributes(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"), limit, marker, key)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("GetObjectAttributesResponse", 512+len(o.Parts)*160)
	if asked["ETag"] {
		x.Text("ETag", o.ETag) // without its quotes, only here
	}
	if asked["Checksum"] && len(o.Checksums) > 0 {
		x.Open("Checksum")
		for _, c := range o.Checksums {
			value := c.Value
			if !r.srv.cfg.Dialect.AttributesCountParts {
				value, _, _ = strings.Cut(value, "-")
			}
			x.Text("Checksum"+c.Algorithm.String(), value)
		}
		x.Text("ChecksumType", o.Checksums[0].Type.String())
		x.Close("Checksum")
	}
	if asked["ObjectParts"] && o.Multipart {
		x.Open("ObjectParts")
		x.Int("PartsCount", int64(o.PartsCount))
		// Parts themselves are shown where the checksum of the whole is made of theirs.
		if r.srv.cfg.Dialect.AttributesListParts || len(o.Checksums) > 0 && o.Checksums[0].Type == checksum.Composite {
			x.Int("PartNumberMarker", int64(marker))
			x.Int("NextPartNumberMarker", int64(o.NextPart))
			x.Int("MaxParts", int64(limit))
			x.Bool("IsTruncated", o.Truncated)
			for i := range o.Parts {
				x.Open("Part")
				x.Int("PartNumber", int64(o.Parts[i].Number))
				x.Int("Size", o.Parts[i].Size)
				partChecksums(x, o.Parts[i].Checksums)
				x.Close("Part")
			}
		}
		x.Close("ObjectParts")
	}
	if asked["StorageClass"] {
		x.Text("StorageClass", o.StorageClass)
	}
	if asked["ObjectSize"] {
		x.Int("ObjectSize", o.Size)
	}
	resp := r.ok()
	resp.set("Last-Modified", httpTime(o.LastModified))
	resp.set("x-amz-version-id", o.VersionID)
	resp.setEncryption(&o.Encryption)
	resp.xml = x.Bytes()
	return resp, nil
}

func parseAttributes(v string) (map[string]bool, error) {
	asked := make(map[string]bool, 5)
	for name := range strings.SplitSeq(v, ",") {
		switch name = strings.TrimSpace(name); name {
		case "":
		case "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize":
			asked[name] = true
		default:
			return nil, s3err.Newf(s3err.InvalidArgument, "Invalid attribute name specified.").
				With("ArgumentName", "x-amz-object-attributes").With("ArgumentValue", name)
		}
	}
	if len(asked) == 0 {
		return nil, s3err.Newf(s3err.InvalidRequest, "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	return asked, nil
}

func (r *request) intHeader(name string, def int) (int, error) {
	v := r.header(name)
	if v == "" {
		return def, nil
	}
	n, ok := parseDigits(v)
	if !ok || n > 1<<31-1 {
		return 0, s3err.Argument(name, v, "Provided "+name+" not an integer or within integer range")
	}
	return int(n), nil
}
