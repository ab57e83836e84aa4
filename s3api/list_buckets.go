package s3api

import (
	"encoding/base64"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// listBuckets: GET /
func listBuckets(r *request) (*response, error) {
	in := object.ListBucketsInput{Prefix: r.query.get("prefix"), Region: r.query.get("bucket-region")}
	if v, ok := r.query.lookup("max-buckets"); ok {
		n, err := r.intParam("max-buckets", 0)
		if err != nil || n < 1 || n > object.MaxListBuckets {
			return nil, s3err.Argument("max-buckets", v, "Argument max-buckets must be an integer between 1 and 10000")
		}
		in.Max = n
	}
	if in.Region != "" && !validRegion(in.Region) {
		return nil, s3err.Newf(s3err.InvalidArgument, "Argument value %s is not a valid AWS Region", in.Region).With("ArgumentName", "bucket-region")
	}
	if v := r.query.get("continuation-token"); v != "" {
		after, err := decodeToken(v)
		if err != nil {
			return nil, s3err.Argument("continuation-token", v, "The continuation token provided is incorrect")
		}
		in.After = after
	}
	page, err := r.srv.objects.ListBuckets(r.ctx, r.who, in)
	if err != nil {
		return nil, err
	}
	// The region shows when something was asked of the listing (reference of ListBuckets, BucketRegion).
	asked := in.Max > 0 || in.After != "" || in.Prefix != "" || in.Region != ""
	x := s3xml.New("ListAllMyBucketsResult", 512+len(page.Buckets)*160)
	x.Owner("Owner", r.who.CanonicalID, r.who.DisplayName)
	x.Open("Buckets")
	for i := range page.Buckets {
		b := &page.Buckets[i]
		x.Open("Bucket")
		x.Text("Name", b.Name)
		x.Time("CreationDate", b.Created)
		if asked {
			x.Text("BucketRegion", r.srv.regionOf(b))
		}
		x.Text("BucketArn", bucketARN(b.Name))
		x.Close("Bucket")
	}
	x.Close("Buckets")
	if page.Next != "" {
		x.Text("ContinuationToken", encodeToken(page.Next))
	}
	x.Optional("Prefix", in.Prefix)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// Tokens are opaque to clients: the place where the listing goes on, behind a version byte.
const tokenVersion = 1

func encodeToken(after string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{tokenVersion}, after...))
}

func decodeToken(token string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 2 || b[0] != tokenVersion {
		return "", s3err.Newf(s3err.InvalidArgument, "The continuation token provided is incorrect")
	}
	return string(b[1:]), nil
}
