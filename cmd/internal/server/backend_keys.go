package server

import (
	"context"
	"slices"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/kms"
)

func (s *Server) openKeys(ctx context.Context) (err error) {
	s.keys, err = kms.Open(ctx, kms.Config{Store: s.store, Sealer: s.sealer, Region: s.cfg.Region, Logger: s.log.With("part", "kms")})
	if err != nil {
		return err
	}
	s.onClose("keys", s.keys.Close)
	return nil
}

// CreateKey implements adminapi.KeyBackend.
func (b *backend) CreateKey(ctx context.Context, n adminapi.NewKey) (adminapi.Key, error) {
	account, err := b.account(ctx, n.AccountID)
	if err != nil {
		return adminapi.Key{}, err
	}
	k, err := b.keys.CreateKey(ctx, kms.NewKey{Account: account, Alias: n.Alias, Description: n.Description, Shared: n.AccountID == ""})
	return adminKey(&k), err
}

// ListKeys implements adminapi.KeyBackend.
func (b *backend) ListKeys(ctx context.Context, account string) ([]adminapi.Key, error) {
	all, err := b.keys.ListKeys(ctx, account)
	out := make([]adminapi.Key, 0, len(all))
	for i := range all {
		out = append(out, adminKey(&all[i]))
	}
	return out, err
}

// ChangeKey implements adminapi.KeyBackend.
func (b *backend) ChangeKey(ctx context.Context, c adminapi.KeyChange) (adminapi.Key, error) {
	account, err := b.account(ctx, c.AccountID)
	if err != nil {
		return adminapi.Key{}, err
	}
	var k kms.Key
	if c.Verb == "rotate" {
		k, err = b.keys.RotateKey(ctx, account, c.Key)
	} else {
		k, err = b.keys.SetEnabled(ctx, account, c.Key, c.Verb == "enable")
	}
	return adminKey(&k), err
}

// account is an account that exists; "" stands for the root's.
func (b *backend) account(ctx context.Context, id string) (string, error) {
	if id == "" {
		_, cred := b.iam.Root()
		return cred.Principal.AccountID, nil
	}
	a, err := b.iam.Account(ctx, id)
	return a.ID, err
}

func adminKey(k *kms.Key) adminapi.Key {
	return adminapi.Key{
		ID: k.ID, ARN: k.ARN, AccountID: k.Account, Aliases: slices.Clone(k.Aliases), Description: k.Description,
		Managed: k.Managed, Shared: k.Shared, Enabled: k.Enabled, Created: k.Created, Rotated: k.Rotated, Versions: k.Versions,
	}
}
