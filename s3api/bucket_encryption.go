package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketEncryption: GET /bucket?encryption
func getBucketEncryption(r *request) (*response, error) {
	e, err := r.srv.objects.BucketEncryption(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ServerSideEncryptionConfiguration", 512)
	x.Open("Rule")
	x.Open("ApplyServerSideEncryptionByDefault")
	x.Text("SSEAlgorithm", encryptionMethods[e.Method])
	x.Optional("KMSMasterKeyID", e.KeyID)
	x.Close("ApplyServerSideEncryptionByDefault")
	x.Bool("BucketKeyEnabled", e.BucketKey)
	if e.BlockCustomer {
		x.Open("BlockedEncryptionTypes")
		x.Text("EncryptionType", "SSE-C")
		x.Close("BlockedEncryptionTypes")
	}
	x.Close("Rule")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketEncryption: PUT /bucket?encryption
func putBucketEncryption(r *request) (*response, error) {
	var in s3xml.ServerSideEncryptionConfiguration
	if err := r.readXML("ServerSideEncryptionConfiguration", r.srv.cfg.Limits.XMLBody, optionalDigest, &in); err != nil {
		return nil, err
	}
	if len(in.Rules) != 1 || in.Rules[0].Default == nil && in.Rules[0].Blocked == nil {
		return nil, s3err.New(s3err.MalformedXML)
	}
	rule := &in.Rules[0]
	e := object.BucketEncryption{BucketKey: rule.BucketKeyEnabled}
	if d := rule.Default; d != nil {
		var ok bool
		if e.Method, ok = encryptionMethod(d.SSEAlgorithm); !ok {
			return nil, s3err.New(s3err.MalformedXML)
		}
		e.KeyID = d.KMSMasterKeyID
		if e.KeyID != "" && e.Method == object.EncryptS3 {
			return nil, s3err.Newf(s3err.InvalidArgument, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse").
				With("ArgumentName", "ApplyServerSideEncryptionByDefault")
		}
	}
	if rule.Blocked != nil {
		for _, t := range rule.Blocked.Types {
			switch t {
			case "SSE-C":
				e.BlockCustomer = true
			case "NONE":
			default:
				return nil, s3err.New(s3err.MalformedXML)
			}
		}
	}
	if err := r.srv.objects.PutBucketEncryption(r.ctx, r.who, r.bucket, e); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// deleteBucketEncryption: DELETE /bucket?encryption
func deleteBucketEncryption(r *request) (*response, error) {
	if err := r.srv.objects.PutBucketEncryption(r.ctx, r.who, r.bucket, object.BucketEncryption{}); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}
