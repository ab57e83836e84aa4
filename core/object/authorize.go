package object

import (
	"context"
	"strconv"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Actions, as policies name them.
const (
	actCreateBucket     = "s3:CreateBucket"
	actDeleteBucket     = "s3:DeleteBucket"
	actListAllMyBuckets = "s3:ListAllMyBuckets"
	actListBucket       = "s3:ListBucket"
	actListUploads      = "s3:ListBucketMultipartUploads"
	actGetBucketTagging = "s3:GetBucketTagging"
	actPutBucketTagging = "s3:PutBucketTagging"
	actGetVersioning    = "s3:GetBucketVersioning"
	actPutVersioning    = "s3:PutBucketVersioning"

	actGetObject            = "s3:GetObject"
	actGetObjectVersion     = "s3:GetObjectVersion"
	actGetObjectAttributes  = "s3:GetObjectAttributes"
	actGetVersionAttributes = "s3:GetObjectVersionAttributes"
	actPutObject            = "s3:PutObject"
	actDeleteObject         = "s3:DeleteObject"
	actDeleteObjectVersion  = "s3:DeleteObjectVersion"
	actAbortUpload          = "s3:AbortMultipartUpload"
	actListParts            = "s3:ListMultipartUploadParts"

	actGetObjectTagging     = "s3:GetObjectTagging"
	actGetVersionTagging    = "s3:GetObjectVersionTagging"
	actPutObjectTagging     = "s3:PutObjectTagging"
	actPutVersionTagging    = "s3:PutObjectVersionTagging"
	actDeleteObjectTagging  = "s3:DeleteObjectTagging"
	actDeleteVersionTagging = "s3:DeleteObjectVersionTagging"
)

const arnPrefix = "arn:aws:s3:::"

// allow asks whether who may do action on a key of a bucket, or on the bucket itself when key is empty.
func (s *Service) allow(ctx context.Context, who *iam.Principal, action string, b *bucket, key string) error {
	r := iam.Request{Principal: *who, Action: action, ResourceAccount: b.Owner.AccountID}
	if key == "" {
		r.Resource = arnPrefix + b.Name
	} else {
		r.Resource = arnPrefix + b.Name + "/" + key
	}
	return s.cfg.IAM.Authorize(ctx, r)
}

// allowList is allow for listings, whose policies may look at what is asked.
func (s *Service) allowList(ctx context.Context, who *iam.Principal, action string, b *bucket, prefix, delimiter string, max int) error {
	c := map[string][]string{"s3:prefix": {prefix}, "s3:max-keys": {strconv.Itoa(max)}}
	if delimiter != "" {
		c["s3:delimiter"] = []string{delimiter}
	}
	return s.cfg.IAM.Authorize(ctx, iam.Request{
		Principal: *who, Action: action, Resource: arnPrefix + b.Name, ResourceAccount: b.Owner.AccountID, Context: c})
}

// enter finds a bucket and asks whether who may do action in it: the beginning of every operation on a bucket. A
// principal that may not do it in a bucket of its own learns nothing about which buckets exist.
func (s *Service) enter(ctx context.Context, who *iam.Principal, action, name, key string) (*bucket, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		if errs.KindOf(err) == errs.NotFound {
			if err := s.cfg.IAM.Authorize(ctx, iam.Request{Principal: *who, Action: action, Resource: arnPrefix + name + "/" + key}); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	if err := s.allow(ctx, who, action, b, key); err != nil {
		return nil, err
	}
	return b, nil
}

// hideAbsence turns the absence of a key into a refusal for those who may not list the bucket: they must not learn
// which keys exist.
func (s *Service) hideAbsence(ctx context.Context, who *iam.Principal, b *bucket, absence error) error {
	if errs.KindOf(absence) != errs.NotFound {
		return absence
	}
	if err := s.allow(ctx, who, actListBucket, b, ""); err != nil {
		return err
	}
	return absence
}
