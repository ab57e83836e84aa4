package s3api

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// createBucket: PUT /bucket
func createBucket(r *request) (*response, error) {
	in := object.CreateBucketInput{Name: r.bucket}
	var err error
	if in.Ownership, err = r.ownershipHeader(); err != nil {
		return nil, err
	}
	if in.ACL, err = r.aclHeaders(cannedBucketACL); err != nil {
		return nil, err
	}
	switch v := r.header("x-amz-bucket-object-lock-enabled"); strings.ToLower(v) {
	case "", "false":
	case "true":
		in.ObjectLock = true
	default:
		return nil, s3err.Argument("x-amz-bucket-object-lock-enabled", v, "Value for x-amz-bucket-object-lock-enabled must be true or false")
	}
	var conf s3xml.CreateBucketConfiguration
	found, err := r.readOptionalXML("CreateBucketConfiguration", &conf)
	if err != nil {
		return nil, err
	}
	if found {
		if conf.Location != nil || conf.Bucket != nil && conf.Bucket.Type != "" {
			return nil, s3err.Newf(s3err.NotImplemented, "Directory buckets are not implemented")
		}
		in.Region = conf.LocationConstraint
		if in.Tags, err = tagList(conf.Tags); err != nil {
			return nil, err
		}
	}
	if err := r.srv.checkLocation(in.Region); err != nil {
		return nil, err
	}
	if err := r.checkNamespace(in.Region); err != nil {
		return nil, err
	}
	if _, err := r.srv.objects.CreateBucket(r.ctx, r.who, in); err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.set("Location", r.bucketLocation(in.Region))
	resp.set("x-amz-bucket-arn", bucketARN(r.bucket))
	return resp, nil
}

// bucketLocation is the path of a bucket that was made in the first region, and the address of another, if buckets have addresses here
// (LocalStack's test_create_bucket_head_bucket, recorded at Amazon).
func (r *request) bucketLocation(region string) string {
	host := r.host
	if r.hostBucket == "" {
		host = r.bucket + "." + host
	}
	if region == "" || region == firstRegion || bucketOfHost(host, r.srv.domains) != r.bucket {
		return "/" + r.bucket
	}
	return r.scheme() + "://" + host + "/"
}

// checkNamespace holds the name of a new bucket against the namespace that it is to be in. Names that end with an account, a region
// and "an" are kept for the account's own namespace, and nobody else can take them. (Amazon S3 User Guide, "Namespaces for general purpose buckets";
// the codes are those that its users report.)
func (r *request) checkNamespace(region string) error {
	const header = "x-amz-bucket-namespace"
	namespace, there := r.lookupHeader(header)
	rest, reserved := strings.CutSuffix(r.bucket, "-an")
	own := strings.HasSuffix(rest, "-"+r.who.AccountID+"-"+cmp.Or(region, r.srv.cfg.Region))
	switch {
	case there && namespace != "global" && namespace != "account-regional":
		return s3err.Argument(header, namespace, "Invalid x-amz-bucket-namespace")
	case namespace == "account-regional" && (!reserved || !own), namespace == "global" && reserved:
		return s3err.New(s3err.InvalidBucketNamespace).With("BucketNamespace", namespace)
	case reserved && !there:
		return s3err.New(s3err.MissingNamespaceHeader)
	}
	return nil
}

func bucketARN(name string) string { return "arn:aws:s3:::" + name }

// firstRegion is the one region that is never named: Amazon's endpoint there answers InvalidLocationConstraint.
const firstRegion = "us-east-1"

// checkLocation refuses a location that this server, when it is strict, is not. Otherwise any name is taken, like any
// region in a signature is: there is one place where buckets can be.
func (s *Server) checkLocation(location string) error {
	switch {
	case location == firstRegion && location == s.cfg.Region && s.cfg.StrictRegion:
		return s3err.New(s3err.InvalidLocationConstraint).With("LocationConstraint", location)
	case location == "", location == s.cfg.Region, !s.cfg.StrictRegion && validRegion(location):
		return nil
	case !validRegion(location):
		return s3err.New(s3err.InvalidLocationConstraint).With("LocationConstraint", location)
	}
	return s3err.Newf(s3err.IllegalLocationConstraint,
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", location)
}

func validRegion(name string) bool {
	if len(name) > 64 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// deleteBucket: DELETE /bucket
func deleteBucket(r *request) (*response, error) {
	if err := r.srv.objects.DeleteBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// headBucket: HEAD /bucket
func headBucket(r *request) (*response, error) {
	b, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.set("x-amz-bucket-region", r.srv.regionOf(&b))
	resp.set("x-amz-bucket-arn", bucketARN(r.bucket))
	resp.set("x-amz-access-point-alias", "false")
	resp.set("Content-Type", xmlType)
	return resp, nil
}

// regionOf is the region a bucket shows.
func (s *Server) regionOf(b *object.Bucket) string {
	if b.Region == "" {
		return s.cfg.Region
	}
	return b.Region
}

// getBucketLocation: GET /bucket?location. The first of Amazon's regions has no name here.
func getBucketLocation(r *request) (*response, error) {
	b, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	region := r.srv.regionOf(&b)
	if region == defaultRegion {
		region = ""
	}
	resp := r.ok()
	body := append([]byte(nil), s3xml.Header...)
	body = append(body, `<LocationConstraint xmlns="`+s3xml.Namespace+`">`...)
	body = s3xml.AppendText(body, region)
	resp.xml = append(body, "</LocationConstraint>"...)
	return resp, nil
}

// checkExpectedOwner refuses a request whose bucket belongs to another account than the client believes.
func (s *Server) checkExpectedOwner(r *request, bucket, header string) error {
	want := r.header(header)
	if want == "" || bucket == "" || r.op.handler == nil || r.op.name == "CreateBucket" {
		return nil
	}
	anyID := s.cfg.Dialect.ExpectedOwnerAnyID
	if !anyID && (len(want) != 12 || strings.Trim(want, "0123456789") != "") {
		return s3err.Newf(s3err.InvalidBucketOwner, "The value of the expected bucket owner parameter must be an AWS Account ID... [%s]", want)
	}
	owner, err := s.objects.Owner(r.ctx, bucket)
	if err != nil {
		return err
	}
	if owner.AccountID != want && (!anyID || owner.CanonicalID != want) {
		return s3err.New(s3err.AccessDenied).WithStatus(http.StatusForbidden)
	}
	return nil
}
