package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// S3 Control is the part of S3 that is about accounts. It has paths of its own and, before a configured host name, the
// account: neither is a bucket. Tags of buckets are what is built of it, since Terraform's provider reads and writes them
// here, and the account's public access block. Its errors have an element around them.
const (
	controlPrefix  = "/v20180820/"
	hdrAccountID   = "x-amz-account-id"
	controlSpace   = "http://awss3control.amazonaws.com/doc/2018-08-20/"
	bucketResource = "arn:aws:s3:::"

	accountAccessPath = controlPrefix + "configuration/publicAccessBlock"
)

// isControl tells S3 Control from objects of a bucket that is called v20180820: its requests always name the account.
func (r *request) isControl(path string) bool {
	return strings.HasPrefix(path, controlPrefix) && r.hasHeader(hdrAccountID)
}

// taggedBucket is the bucket whose ARN the path names, if the account that the request names owns it.
func (r *request) taggedBucket() (string, error) {
	kind, arn, _ := strings.Cut(strings.TrimPrefix(r.rawPath, controlPrefix), "/")
	if kind != "tags" {
		return "", s3err.New(s3err.NotImplemented)
	}
	arn = unescape(arn, false)
	bucket, ok := strings.CutPrefix(arn, bucketResource)
	if !ok || bucket == "" || strings.Contains(bucket, "/") {
		return "", s3err.Newf(s3err.InvalidRequest, "The ARN %.256q is not that of a bucket", arn)
	}
	owner, err := r.srv.objects.Owner(r.ctx, bucket)
	if err != nil {
		return "", err
	}
	if owner.AccountID != r.header(hdrAccountID) {
		return "", s3err.New(s3err.AccessDenied)
	}
	return bucket, nil
}

// listTagsForResource: GET /v20180820/tags/arn
func listTagsForResource(r *request) (*response, error) {
	bucket, err := r.taggedBucket()
	if err != nil {
		return nil, err
	}
	tags, err := r.srv.objects.ResourceTags(r.ctx, r.who, bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.NewIn(controlSpace, "ListTagsForResourceResult", 256+len(tags)*96)
	x.Open("Tags")
	for i := range tags {
		x.Open("Tag")
		x.Text("Key", tags[i].Key)
		x.Text("Value", tags[i].Value)
		x.Close("Tag")
	}
	x.Close("Tags")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// tagResource: POST /v20180820/tags/arn
func tagResource(r *request) (*response, error) {
	bucket, err := r.taggedBucket()
	if err != nil {
		return nil, err
	}
	var in s3xml.TagResourceRequest
	if err := r.readXML("TagResourceRequest", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	tags, err := tagList(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.TagResource(r.ctx, r.who, bucket, tags); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// untagResource: DELETE /v20180820/tags/arn?tagKeys=
func untagResource(r *request) (*response, error) {
	bucket, err := r.taggedBucket()
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range r.query {
		if r.query[i].name == "tagKeys" {
			names = append(names, r.query[i].value)
		}
	}
	if len(names) == 0 || len(names) > object.MaxBucketTags {
		return nil, s3err.Newf(s3err.InvalidRequest, "Between 1 and %d tag keys must be given", object.MaxBucketTags)
	}
	if err := r.srv.objects.UntagResource(r.ctx, r.who, bucket, names); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// getAccountAccess: GET /v20180820/configuration/publicAccessBlock
func getAccountAccess(r *request) (*response, error) {
	p, err := r.srv.objects.AccountPublicAccess(r.ctx, r.who, r.header(hdrAccountID))
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.xml = accessBlockXML(s3xml.NewIn(controlSpace, "PublicAccessBlockConfiguration", 512), p)
	return resp, nil
}

// putAccountAccess: PUT /v20180820/configuration/publicAccessBlock
func putAccountAccess(r *request) (*response, error) {
	in, err := r.readAccessBlock()
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutAccountPublicAccess(r.ctx, r.who, r.header(hdrAccountID), &in); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// deleteAccountAccess: DELETE /v20180820/configuration/publicAccessBlock
func deleteAccountAccess(r *request) (*response, error) {
	if err := r.srv.objects.PutAccountPublicAccess(r.ctx, r.who, r.header(hdrAccountID), nil); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// controlError is the body of an error of S3 Control.
func (r *request) controlError(e *s3err.Error) []byte {
	b := append(make([]byte, 0, 512), s3xml.Header...)
	b = append(b, `<ErrorResponse xmlns="`+controlSpace+`">`...)
	b = e.AppendElement(b, r.id, r.srv.ids.hostID)
	b = s3xml.AppendElement(b, "RequestId", r.id)
	return append(b, "</ErrorResponse>"...)
}
