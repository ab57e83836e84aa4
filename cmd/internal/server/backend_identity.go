package server

import (
	"context"
	"encoding/json"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/iam"
)

var _ adminapi.Identities = (*backend)(nil)

// CreateAccessKey implements adminapi.Identities.
func (b *backend) CreateAccessKey(ctx context.Context, account, user string, n adminapi.NewAccessKey) (adminapi.AccessKey, error) {
	k, err := b.iam.CreateAccessKey(ctx, account, user, n.AccessKeyID, iam.NewSecret(n.SecretAccessKey))
	if err != nil {
		return adminapi.AccessKey{}, err
	}
	made := key(k)
	made.SecretAccessKey = k.Secret.Reveal()
	return made, nil
}

// ListAccessKeys implements adminapi.Identities.
func (b *backend) ListAccessKeys(ctx context.Context, account, user string) ([]adminapi.AccessKey, error) {
	all, err := b.iam.ListAccessKeys(ctx, account, user)
	keys := make([]adminapi.AccessKey, 0, len(all))
	for _, k := range all {
		keys = append(keys, key(k))
	}
	return keys, err
}

func key(k iam.AccessKey) adminapi.AccessKey {
	status := "Active"
	if k.Off {
		status = "Inactive"
	}
	return adminapi.AccessKey{AccessKeyID: k.ID, AccountID: k.AccountID, User: k.UserName, Status: status, Created: k.Created}
}

// SetAccessKey implements adminapi.Identities.
func (b *backend) SetAccessKey(ctx context.Context, id string, active bool) error {
	return b.iam.SetAccessKey(ctx, id, active)
}

// DeleteAccessKey implements adminapi.Identities.
func (b *backend) DeleteAccessKey(ctx context.Context, id string) error {
	return b.iam.DeleteAccessKey(ctx, id)
}

// CreateGroup implements adminapi.Identities.
func (b *backend) CreateGroup(ctx context.Context, n adminapi.NewGroup) (adminapi.Group, error) {
	g, err := b.iam.CreateGroup(ctx, n.AccountID, n.Name)
	return group(g), err
}

// ListGroups implements adminapi.Identities.
func (b *backend) ListGroups(ctx context.Context) ([]adminapi.Group, error) {
	all, err := b.iam.ListGroups(ctx, "")
	groups := make([]adminapi.Group, 0, len(all))
	for _, g := range all {
		groups = append(groups, group(g))
	}
	return groups, err
}

func group(g iam.Group) adminapi.Group {
	users := g.Members
	if users == nil {
		users = []string{}
	}
	return adminapi.Group{Name: g.Name, ID: g.ID, ARN: g.ARN, AccountID: g.Account, Users: users, Created: g.Created}
}

// DeleteGroup implements adminapi.Identities.
func (b *backend) DeleteGroup(ctx context.Context, account, name string) error {
	return b.iam.DeleteGroup(ctx, account, name)
}

// SetMember implements adminapi.Identities.
func (b *backend) SetMember(ctx context.Context, account, group, user string, member bool) error {
	if member {
		return b.iam.AddToGroup(ctx, account, group, user)
	}
	return b.iam.RemoveFromGroup(ctx, account, group, user)
}

func holder(h adminapi.Holder) iam.Holder {
	kind := iam.UserPolicies
	if h.Kind == "groups" {
		kind = iam.GroupPolicies
	}
	return iam.Holder{Kind: kind, Account: h.Account, Name: h.Name}
}

// PutPolicy implements adminapi.Identities.
func (b *backend) PutPolicy(ctx context.Context, h adminapi.Holder, name string, document []byte) error {
	return b.iam.PutPolicy(ctx, holder(h), name, document)
}

// Policy implements adminapi.Identities.
func (b *backend) Policy(ctx context.Context, h adminapi.Holder, name string) (adminapi.Policy, error) {
	p, err := b.iam.Policy(ctx, holder(h), name)
	return held(p), err
}

// ListPolicies implements adminapi.Identities.
func (b *backend) ListPolicies(ctx context.Context, h adminapi.Holder) ([]adminapi.Policy, error) {
	all, err := b.iam.ListPolicies(ctx, holder(h))
	policies := make([]adminapi.Policy, 0, len(all))
	for _, p := range all {
		policies = append(policies, held(p))
	}
	return policies, err
}

func held(p iam.Policy) adminapi.Policy {
	return adminapi.Policy{Name: p.Name, Changed: p.Changed, Document: json.RawMessage(p.Document)}
}

// DeletePolicy implements adminapi.Identities.
func (b *backend) DeletePolicy(ctx context.Context, h adminapi.Holder, name string) error {
	return b.iam.DeletePolicy(ctx, holder(h), name)
}
