package s3api

import (
	"github.com/aureole-cloud/aureole/core/iam/policy"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketPolicy: GET /bucket?policy
func getBucketPolicy(r *request) (*response, error) {
	data, err := r.srv.objects.Setting(r.ctx, r.who, r.bucket, object.SettingPolicy)
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.set("Content-Type", "application/json")
	resp.text = data
	return resp, nil
}

// putBucketPolicy: PUT /bucket?policy
func putBucketPolicy(r *request) (*response, error) {
	data, err := r.readDocument(policy.MaxDocument, optionalDigest)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || data[0] != '{' {
		return nil, s3err.Newf(s3err.MalformedPolicy, "Policies must be valid JSON and the first byte must be '{'")
	}
	if err := r.srv.objects.PutSetting(r.ctx, r.who, r.bucket, object.SettingPolicy, data); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// deleteSetting removes a configuration of a bucket, which may have none.
func deleteSetting(k object.Setting) handler {
	return func(r *request) (*response, error) {
		if err := r.srv.objects.DeleteSetting(r.ctx, r.who, r.bucket, k); err != nil {
			return nil, err
		}
		return r.noContent(), nil
	}
}

// getBucketPolicyStatus: GET /bucket?policyStatus
func getBucketPolicyStatus(r *request) (*response, error) {
	public, err := r.srv.objects.PolicyIsPublic(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("PolicyStatus", 256)
	x.Bool("IsPublic", public)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// getPublicAccessBlock: GET /bucket?publicAccessBlock
func getPublicAccessBlock(r *request) (*response, error) {
	p, err := r.srv.objects.PublicAccess(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.xml = accessBlockXML(s3xml.New("PublicAccessBlockConfiguration", 512), p)
	return resp, nil
}

func accessBlockXML(x *s3xml.Doc, p object.PublicAccessBlock) []byte {
	x.Bool("BlockPublicAcls", p.BlockPublicACLs)
	x.Bool("IgnorePublicAcls", p.IgnorePublicACLs)
	x.Bool("BlockPublicPolicy", p.BlockPublicPolicy)
	x.Bool("RestrictPublicBuckets", p.RestrictPublicBuckets)
	return x.Bytes()
}

// readAccessBlock reads a public access block, which must say something about one of its members.
func (r *request) readAccessBlock() (object.PublicAccessBlock, error) {
	var in s3xml.PublicAccessBlock
	if err := r.readXML("PublicAccessBlockConfiguration", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return object.PublicAccessBlock{}, err
	}
	if in == (s3xml.PublicAccessBlock{}) {
		return object.PublicAccessBlock{}, s3err.Newf(s3err.InvalidRequest, "Must specify at least one configuration.")
	}
	is := func(v *bool) bool { return v != nil && *v }
	return object.PublicAccessBlock{BlockPublicACLs: is(in.BlockPublicACLs), IgnorePublicACLs: is(in.IgnorePublicACLs),
		BlockPublicPolicy: is(in.BlockPublicPolicy), RestrictPublicBuckets: is(in.RestrictPublicBuckets)}, nil
}

// putPublicAccessBlock: PUT /bucket?publicAccessBlock
func putPublicAccessBlock(r *request) (*response, error) {
	in, err := r.readAccessBlock()
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutPublicAccess(r.ctx, r.who, r.bucket, in); err != nil {
		return nil, err
	}
	return r.ok(), nil
}
