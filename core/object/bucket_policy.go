package object

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// PublicAccessBlock is the last word on what a bucket gives to everybody.
type PublicAccessBlock struct {
	BlockPublicACLs       bool `json:"BlockPublicAcls,omitempty"`       // requests that would set a public ACL are refused
	IgnorePublicACLs      bool `json:"IgnorePublicAcls,omitempty"`      // public ACLs give nothing
	BlockPublicPolicy     bool `json:"BlockPublicPolicy,omitempty"`     // a public policy is not taken
	RestrictPublicBuckets bool `json:"RestrictPublicBuckets,omitempty"` // a public policy gives nothing outside the account
}

func parsePublicAccess(data []byte) (PublicAccessBlock, error) {
	var p PublicAccessBlock
	err := json.Unmarshal(data, &p)
	return p, err
}

// PublicAccess returns the public access block of a bucket.
func (s *Service) PublicAccess(ctx context.Context, who iam.Principal, bucket string) (PublicAccessBlock, error) {
	data, err := s.Setting(ctx, who, bucket, SettingPublicAccess)
	if err != nil {
		return PublicAccessBlock{}, err
	}
	p, err := parsePublicAccess(data)
	return p, failed("object.PublicAccess", bucket, err)
}

// PutPublicAccess gives a bucket a public access block.
func (s *Service) PutPublicAccess(ctx context.Context, who iam.Principal, bucket string, p PublicAccessBlock) error {
	data, err := json.Marshal(p)
	if err != nil {
		return failed("object.PutPublicAccess", bucket, err)
	}
	return s.PutSetting(ctx, who, bucket, SettingPublicAccess, data)
}

// PolicyIsPublic reports whether the policy of a bucket gives something to everybody.
func (s *Service) PolicyIsPublic(ctx context.Context, who iam.Principal, bucket string) (bool, error) {
	b, err := s.enterSettings(ctx, &who, actGetPolicyStatus, bucket)
	if err == nil && s.cfg.Dialect.PolicyStatusOfACL {
		return b.settings.public || b.settings.ownership.lists() && b.settings.acl.public(), nil
	}
	if err == nil && b.settings.policy == nil {
		r := SettingPolicy.rule()
		err = errs.New(errs.NotFound, r.absent, "%s", r.message).On(bucket)
	}
	if err != nil {
		return false, failed("object.PolicyIsPublic", bucket, err)
	}
	return b.settings.public, nil
}

// ownPolicy keeps the policy of a bucket with the account that owns it: others may be allowed to use it and never can. Source: S3
// API reference, GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy ("returns a 405 Method Not Allowed error").
func ownPolicy(who *iam.Principal, b *bucket, k Setting) error {
	if k != SettingPolicy || !who.Anonymous && who.AccountID == b.Owner.AccountID {
		return nil
	}
	return errs.New(errs.Invalid, PolicyOfOthers, "The specified method is not allowed against this resource.").On(b.Name)
}

// putPolicy takes a policy that is well formed, about b, and not public where that is blocked.
func (s *Service) putPolicy(ctx context.Context, b *bucket, data []byte) error {
	d := &s.cfg.Dialect
	doc, err := policy.ParseLeniently(data, policy.Resource,
		policy.Lenience{Tenants: d.TenantPrincipals, NoResource: d.StatementsWithoutResource, SameSids: d.RepeatedSids})
	if err != nil {
		return malformedPolicy(whichStatement.ReplaceAllString(err.Error(), ""))
	}
	for i := range doc.Statements {
		if err := checkStatement(b.Name, &doc.Statements[i], d.PolicyNamesUnfit); err != nil {
			return err
		}
	}
	return s.writeSetting(ctx, b, SettingPolicy, data, func(st *settings) error {
		if st.access.BlockPublicPolicy && doc.Public() {
			return errs.New(errs.Denied, iam.AccessDenied, "Access Denied").On(b.Name)
		}
		return nil
	})
}

// whichStatement is what the parser says in front of its messages, and Amazon does not.
var whichStatement = regexp.MustCompile(`^(statement \d+: )?` + policy.ErrMalformed.Error() + ": ")

func malformedPolicy(msg string) error { return errs.New(errs.Invalid, MalformedPolicy, "%s", msg) }

// existingTag begins the condition keys that are about the tags of an object that exists.
const existingTag = iam.ExistingObjectTag

// policyFor is the policy that decides about who in b. The root of the owning account can always mend a policy that shuts
// it out. A restricted public policy gives nothing to other accounts: what it denies is denied to them anyway.
func (b *bucket) policyFor(who *iam.Principal, action string) *policy.Document {
	st := b.settings
	if st.policy == nil {
		return nil
	}
	own := !who.Anonymous && who.AccountID == b.Owner.AccountID
	switch {
	case own && who.Root && (action == actGetPolicy || action == actPutPolicy || action == actDeletePolicy):
		return nil
	case !own && st.public && st.access.RestrictPublicBuckets:
		return nil
	}
	return st.policy
}

// withTags adds the tags of the object that a request is about, for policies that look at them.
func (s *Service) withTags(ctx context.Context, b *bucket, q *ask) (map[string][]string, error) {
	f, err := s.find(ctx, b, q.key, q.version)
	switch {
	case err != nil && (errs.KindOf(err) == errs.NotFound || errs.KindOf(err) == errs.Invalid):
		return q.context, nil // it has none; what is wrong comes up after the decision
	case err != nil:
		return nil, err
	}
	c := maps.Clone(q.context)
	if c == nil {
		c = map[string][]string{}
	}
	for i := 0; i+1 < len(f.detail.Tags); i += 2 {
		c[existingTag+strings.ToLower(f.detail.Tags[i])] = []string{f.detail.Tags[i+1]}
	}
	return c, nil
}

// requestTags are the condition keys for the tags that a request brings.
func requestTags(tags []Tag) map[string][]string {
	if len(tags) == 0 {
		return nil
	}
	c := make(map[string][]string, len(tags)+1)
	var names []string
	for _, t := range tags {
		c["s3:requestobjecttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		names = append(names, t.Key)
	}
	c["s3:requestobjecttagkeys"] = names
	return c
}

// Owner returns the owner of a bucket, for front ends that check what a client believes before they carry it out. It
// authorizes nothing.
func (s *Service) Owner(ctx context.Context, name string) (Owner, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return Owner{}, failed("object.Owner", name, err)
	}
	return b.Owner, nil
}
