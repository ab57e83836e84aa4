package object

import (
	"context"
	"strings"

	"github.com/aureole-cloud/aureole/core/iam"
)

// Payer returns who pays for requests to a bucket: "BucketOwner" or "Requester".
func (s *Service) Payer(ctx context.Context, who iam.Principal, bucket string) (string, error) {
	b, err := s.enterSettings(ctx, &who, SettingPayment.rule().get, bucket)
	if err != nil {
		return "", failed("object.Payer", bucket, err)
	}
	if b.settings.docs[SettingPayment] != nil {
		return string(b.settings.docs[SettingPayment]), nil
	}
	return "BucketOwner", nil
}

// RequesterPays reports whether others than the owner, whose account it returns, must say that they pay for their
// requests to a bucket. It authorizes nothing, and reads nothing of a bucket that is known.
func (s *Service) RequesterPays(ctx context.Context, bucket string) (owner string, pays bool) {
	b, err := s.bucket(ctx, bucket)
	if err != nil || !b.settings.requester {
		return "", false
	}
	return b.Owner.AccountID, true
}

// Acceleration returns the state of transfer acceleration: "Enabled", "Suspended", or "" when it was never set.
func (s *Service) Acceleration(ctx context.Context, who iam.Principal, bucket string) (string, error) {
	b, err := s.enterSettings(ctx, &who, SettingAcceleration.rule().get, bucket)
	if err != nil {
		return "", failed("object.Acceleration", bucket, err)
	}
	return string(b.settings.docs[SettingAcceleration]), nil
}

// PutAcceleration sets it. Nothing gets faster by it here, as at Amazon for clients that use the usual endpoint.
func (s *Service) PutAcceleration(ctx context.Context, who iam.Principal, bucket, status string) error {
	if _, err := s.enter(ctx, &who, SettingAcceleration.rule().put, bucket, ""); err != nil {
		return failed("object.PutAcceleration", bucket, err)
	}
	if strings.Contains(bucket, ".") {
		return failed("object.PutAcceleration", bucket,
			invalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"))
	}
	return s.PutSetting(ctx, who, bucket, SettingAcceleration, []byte(status))
}
