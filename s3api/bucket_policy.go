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
	x := s3xml.New("PublicAccessBlockConfiguration", 512)
	x.Bool("BlockPublicAcls", p.BlockPublicACLs)
	x.Bool("IgnorePublicAcls", p.IgnorePublicACLs)
	x.Bool("BlockPublicPolicy", p.BlockPublicPolicy)
	x.Bool("RestrictPublicBuckets", p.RestrictPublicBuckets)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putPublicAccessBlock: PUT /bucket?publicAccessBlock
func putPublicAccessBlock(r *request) (*response, error) {
	var in s3xml.PublicAccessBlock
	if err := r.readXML("PublicAccessBlockConfiguration", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutPublicAccess(r.ctx, r.who, r.bucket, object.PublicAccessBlock(in)); err != nil {
		return nil, err
	}
	return r.ok(), nil
}
