package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketRequestPayment: GET /bucket?requestPayment
func getBucketRequestPayment(r *request) (*response, error) {
	payer, err := r.srv.objects.Payer(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("RequestPaymentConfiguration", 256)
	x.Text("Payer", payer)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketRequestPayment: PUT /bucket?requestPayment
func putBucketRequestPayment(r *request) (*response, error) {
	n, err := r.readNode(group("RequestPaymentConfiguration", required(leaf("Payer", "Requester", "BucketOwner"))))
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutSetting(r.ctx, r.who, r.bucket, object.SettingPayment, []byte(n.Text("Payer"))); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// checkPayer refuses requests to a bucket whose requesters pay, from others than the owner, that do not say so.
func (r *request) checkPayer() error {
	if r.bucket == "" || r.op.auth != byRequest {
		return nil
	}
	owner, pays := r.srv.objects.RequesterPays(r.ctx, r.bucket)
	if !pays || r.who.AccountID == owner {
		return nil
	}
	if r.who.Anonymous || !strings.EqualFold(r.header("x-amz-request-payer"), "requester") {
		return s3err.New(s3err.AccessDenied)
	}
	r.charged = true
	return nil
}

// getBucketAccelerate: GET /bucket?accelerate
func getBucketAccelerate(r *request) (*response, error) {
	status, err := r.srv.objects.Acceleration(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("AccelerateConfiguration", 256)
	x.Optional("Status", status)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketAccelerate: PUT /bucket?accelerate
func putBucketAccelerate(r *request) (*response, error) {
	if strings.Contains(r.bucket, ".") {
		return nil, s3err.Newf(s3err.InvalidRequest, "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	}
	n, err := r.readNode(group("AccelerateConfiguration", required(leaf("Status", "Enabled", "Suspended"))))
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutAcceleration(r.ctx, r.who, r.bucket, n.Text("Status")); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// getBucketAbac: GET /bucket?abac. Tags of a bucket decide nothing about access here.
func getBucketAbac(r *request) (*response, error) {
	return static("AbacStatus", func(x *s3xml.Doc) { x.Text("Status", "Disabled") })(r)
}

// putBucketAbac: PUT /bucket?abac
func putBucketAbac(r *request) (*response, error) {
	n, err := r.readNode(group("AbacStatus", required(leaf("Status", "Enabled", "Disabled"))))
	if err != nil {
		return nil, err
	}
	if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	if n.Text("Status") == "Enabled" {
		return nil, s3err.Newf(s3err.NotImplemented, "Access by the tags of a bucket is not implemented")
	}
	return r.ok(), nil
}

// getObjectTorrent: GET /bucket/key?torrent. Amazon makes torrents no more, and nothing tells what it answers instead: here
// no object has one.
func getObjectTorrent(r *request) (*response, error) {
	if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	return nil, s3err.New(s3err.NoSuchKey)
}

// onlyElsewhere answers for what general purpose buckets do not have: sessions of directory buckets.
func onlyElsewhere(r *request) (*response, error) {
	if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	return nil, s3err.New(s3err.MethodNotAllowed)
}
