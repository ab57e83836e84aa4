package adminapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aureole-cloud/aureole/core/errs"
)

// QuotaBackend bounds what buckets and accounts hold.
type QuotaBackend interface {
	SetQuota(ctx context.Context, q Quota) (Quota, error)
	Quota(ctx context.Context, bucket, account string) (Quota, error)
	ListQuotas(ctx context.Context) ([]Quota, error)
}

// Quota is the quota of a bucket or of an account; a limit of 0 is none.
type Quota struct {
	Bucket      string `json:"bucket,omitempty"`
	AccountID   string `json:"account,omitempty"`
	MaxObjects  int64  `json:"maxObjects"`
	MaxBytes    int64  `json:"maxBytes"`
	UsedObjects int64  `json:"usedObjects"` // versions, delete markers included
	UsedBytes   int64  `json:"usedBytes"`   // with the parts of unfinished uploads
}

func (h *handler) setQuota(r *http.Request) (any, error) {
	var q Quota
	if err := readJSON(r, &q); err != nil {
		return nil, err
	}
	if err := oneOf(q.Bucket, q.AccountID); err != nil {
		return nil, err
	}
	return h.Backend.SetQuota(r.Context(), q)
}

func (h *handler) quota(r *http.Request) (any, error) {
	bucket, account := r.URL.Query().Get("bucket"), r.URL.Query().Get("account")
	if bucket == "" && account == "" {
		all, err := h.Backend.ListQuotas(r.Context())
		if all == nil {
			all = []Quota{}
		}
		return all, err
	}
	if err := oneOf(bucket, account); err != nil {
		return nil, err
	}
	return h.Backend.Quota(r.Context(), bucket, account)
}

func oneOf(bucket, account string) error {
	if (bucket == "") == (account == "") {
		return errs.New(errs.Invalid, "", "a quota is that of a bucket or of an account: name one of them")
	}
	return nil
}

// SetQuota sets a quota.
func (c *Client) SetQuota(ctx context.Context, q Quota) (out Quota, err error) {
	return out, c.call(ctx, http.MethodPut, "quotas", q, &out)
}

// Quota asks for the quota of a bucket or of an account.
func (c *Client) Quota(ctx context.Context, bucket, account string) (q Quota, err error) {
	return q, c.call(ctx, http.MethodGet, "quotas?bucket="+url.QueryEscape(bucket)+"&account="+url.QueryEscape(account), nil, &q)
}

// ListQuotas lists all quotas.
func (c *Client) ListQuotas(ctx context.Context) (qs []Quota, err error) {
	return qs, c.call(ctx, http.MethodGet, "quotas", nil, &qs)
}
