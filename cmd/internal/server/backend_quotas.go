package server

import (
	"context"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/object"
)

// SetQuota implements adminapi.QuotaBackend.
func (b *backend) SetQuota(ctx context.Context, q adminapi.Quota) (adminapi.Quota, error) {
	limit := object.Quota{Objects: q.MaxObjects, Bytes: q.MaxBytes}
	var err error
	if q.Bucket != "" {
		err = b.objects.SetBucketQuota(ctx, q.Bucket, limit)
	} else if _, err = b.account(ctx, q.AccountID); err == nil {
		err = b.objects.SetAccountQuota(ctx, q.AccountID, limit)
	}
	if err != nil {
		return adminapi.Quota{}, err
	}
	return b.Quota(ctx, q.Bucket, q.AccountID)
}

// Quota implements adminapi.QuotaBackend.
func (b *backend) Quota(ctx context.Context, bucket, account string) (adminapi.Quota, error) {
	var u object.QuotaUse
	var err error
	if bucket != "" {
		u, err = b.objects.BucketQuota(ctx, bucket)
	} else if _, err = b.account(ctx, account); err == nil {
		u, err = b.objects.AccountQuota(ctx, account)
	}
	return adminQuota(&u), err
}

// ListQuotas implements adminapi.QuotaBackend.
func (b *backend) ListQuotas(ctx context.Context) ([]adminapi.Quota, error) {
	all, err := b.objects.Quotas(ctx)
	out := make([]adminapi.Quota, len(all))
	for i := range all {
		out[i] = adminQuota(&all[i])
	}
	return out, err
}

func adminQuota(u *object.QuotaUse) adminapi.Quota {
	return adminapi.Quota{
		Bucket: u.Bucket, AccountID: u.Account, MaxObjects: u.Objects, MaxBytes: u.Bytes,
		UsedObjects: u.Used.Objects, UsedBytes: u.Used.Bytes,
	}
}
