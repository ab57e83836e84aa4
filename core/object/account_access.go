package object

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// An account has a public access block of its own for all its buckets, those of later included. In each of them what either blocks
// is blocked. Source: S3 User Guide, "Blocking public access", "S3 applies the most restrictive combination".
const (
	actGetAccountAccess = "s3:GetAccountPublicAccessBlock"
	actPutAccountAccess = "s3:PutAccountPublicAccessBlock"
)

func accountAccessKey(account string) []byte { return append([]byte(ctlAccess), account...) }

// with is the block that blocks what p or q blocks.
func (p PublicAccessBlock) with(q PublicAccessBlock) PublicAccessBlock {
	return PublicAccessBlock{
		BlockPublicACLs:       p.BlockPublicACLs || q.BlockPublicACLs,
		IgnorePublicACLs:      p.IgnorePublicACLs || q.IgnorePublicACLs,
		BlockPublicPolicy:     p.BlockPublicPolicy || q.BlockPublicPolicy,
		RestrictPublicBuckets: p.RestrictPublicBuckets || q.RestrictPublicBuckets,
	}
}

// readAccountAccess is the block of an account; that it has none is like one that blocks nothing.
func readAccountAccess(view kv.View, account string) (PublicAccessBlock, error) {
	v, err := view.Get(accountAccessKey(account))
	if errors.Is(err, kv.ErrNotFound) {
		return PublicAccessBlock{}, nil
	} else if err != nil {
		return PublicAccessBlock{}, err
	}
	return parsePublicAccess(v.Data)
}

func (s *Service) accountAccess(ctx context.Context, account string) (PublicAccessBlock, error) {
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return PublicAccessBlock{}, err
	}
	defer view.Close()
	return readAccountAccess(view, account)
}

// AccountPublicAccess returns the public access block of an account.
func (s *Service) AccountPublicAccess(ctx context.Context, who iam.Principal, account string) (PublicAccessBlock, error) {
	err := s.ofAccount(ctx, &who, actGetAccountAccess, account)
	var v kv.Value
	if err == nil {
		v, err = s.kv.Get(ctx, kv.Control, accountAccessKey(account))
	}
	if errors.Is(err, kv.ErrNotFound) {
		err = errs.New(errs.NotFound, NoSuchPublicAccessBlock, "The public access block configuration was not found")
	}
	if err != nil {
		return PublicAccessBlock{}, failed("object.AccountPublicAccess", account, err)
	}
	return parsePublicAccess(v.Data)
}

// PutAccountPublicAccess gives an account a public access block, or with nil takes it away; that there is none is fine.
func (s *Service) PutAccountPublicAccess(ctx context.Context, who iam.Principal, account string, p *PublicAccessBlock) error {
	return failed("object.PutAccountPublicAccess", account, s.putAccountAccess(ctx, &who, account, p))
}

func (s *Service) putAccountAccess(ctx context.Context, who *iam.Principal, account string, p *PublicAccessBlock) error {
	if err := s.ofAccount(ctx, who, actPutAccountAccess, account); err != nil {
		return err
	}
	var batch kv.Batch
	if p == nil {
		batch.Delete(accountAccessKey(account))
	} else {
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}
		batch.Put(accountAccessKey(account), data)
	}
	_, err := s.kv.Commit(ctx, kv.Control, &batch)
	s.buckets.clear()
	return err
}

// ofAccount asks whether who may do action to an account, which is nobody's but its own.
func (s *Service) ofAccount(ctx context.Context, who *iam.Principal, action, account string) error {
	if who.Anonymous || who.AccountID != account {
		return errs.New(errs.Denied, iam.AccessDenied, "Access Denied")
	}
	return s.cfg.IAM.Authorize(ctx, iam.Request{Principal: *who, Action: action, Resource: "*", ResourceAccount: account})
}
