package iam

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam/policy"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// HolderKind is what holds a policy.
type HolderKind uint8

// The kinds. Their numbers are stored.
const (
	UserPolicies  HolderKind = 1
	GroupPolicies HolderKind = 2
)

// Holder is a user or a group that holds policies of its own. An empty account stands for the only one that has a user or group
// of that name.
type Holder struct {
	Kind    HolderKind
	Account string
	Name    string
}

// Policy is a policy that a user or a group holds.
type Policy struct {
	Holder   Holder
	Name     string
	Document string // JSON, as it was put
	Changed  time.Time
}

// MaxPolicyBytes bounds the policies of one holder together, white space apart.
const MaxPolicyBytes = 20 << 10

// MaxPolicyName bounds the name of a policy.
const MaxPolicyName = 128

// MalformedPolicyDocument is the reason for refusing a document.
const MalformedPolicyDocument errs.Reason = "MalformedPolicyDocument"

func checkPolicyName(s string) error {
	if len(s) == 0 || len(s) > MaxPolicyName {
		return invalid("The name of a policy has 1 to %d characters.", MaxPolicyName)
	}
	if !nameText(s) {
		return invalid("The name of a policy consists of letters, digits and the characters +=,.@_-")
	}
	return nil
}

// PutPolicy gives a user or a group a policy, in place of one of that name.
func (s *Service) PutPolicy(ctx context.Context, h Holder, name string, document []byte) error {
	if err := checkPolicyName(name); err != nil {
		return err
	}
	if _, err := policy.Parse(document, policy.Identity); err != nil {
		return errs.New(errs.Invalid, MalformedPolicyDocument, "%s", strings.ReplaceAll(err.Error(), policy.ErrMalformed.Error()+": ", "")).On(name)
	}
	return s.changeHolder(ctx, "iam.PutPolicy", h, func(h Holder, b *kv.Batch) error {
		size := dense(document)
		for other, p := range s.mu.dir.policies[h] {
			if other != name {
				size += dense(p.Document)
			}
		}
		if size > MaxPolicyBytes {
			return errs.New(errs.Limit, LimitExceeded, "The policies of a user or a group have at most %d bytes together.", MaxPolicyBytes).On(h.Name)
		}
		rec := policyRecord{Account: h.Account, Kind: uint8(h.Kind), Holder: h.Name, Name: name, Document: document, Changed: time.Now().Unix()}
		b.Put(policyRow(h, name), schema.Encode(&rec))
		return nil
	})
}

// dense is the length of a document without white space.
func dense(document []byte) int {
	n := len(document)
	for _, c := range document {
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			n--
		}
	}
	return n
}

// Policy returns one policy of a user or a group.
func (s *Service) Policy(_ context.Context, h Holder, name string) (Policy, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h, err := s.mu.dir.resolve(h)
	if err != nil {
		return Policy{}, err
	}
	p, ok := s.mu.dir.policies[h][name]
	if !ok {
		return Policy{}, noPolicy(h, name)
	}
	return Policy{Holder: h, Name: name, Document: string(p.Document), Changed: time.Unix(p.Changed, 0).UTC()}, nil
}

// ListPolicies returns the policies of a user or a group by name.
func (s *Service) ListPolicies(_ context.Context, h Holder) ([]Policy, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h, err := s.mu.dir.resolve(h)
	if err != nil {
		return nil, err
	}
	all := make([]Policy, 0, len(s.mu.dir.policies[h]))
	for name, p := range s.mu.dir.policies[h] {
		all = append(all, Policy{Holder: h, Name: name, Document: string(p.Document), Changed: time.Unix(p.Changed, 0).UTC()})
	}
	slices.SortFunc(all, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// DeletePolicy takes a policy from a user or a group.
func (s *Service) DeletePolicy(ctx context.Context, h Holder, name string) error {
	return s.changeHolder(ctx, "iam.DeletePolicy", h, func(h Holder, b *kv.Batch) error {
		if _, ok := s.mu.dir.policies[h][name]; !ok {
			return noPolicy(h, name)
		}
		b.Delete(policyRow(h, name))
		return nil
	})
}

func noPolicy(h Holder, name string) error {
	return errs.New(errs.NotFound, NoSuchEntity, "%q has no policy %q.", h.Name, name).On(name)
}

// resolve finds the account of a holder that names none, and checks that it exists.
func (d *directory) resolve(h Holder) (Holder, error) {
	if h.Kind == GroupPolicies {
		g, err := d.group(h.Account, h.Name)
		h.Account = g.Account
		return h, err
	}
	u, err := d.user(h.Account, h.Name)
	h.Account = u.Account
	return h, err
}

// changeHolder commits a change of a holder's policies. plan runs under the lock, with the account resolved. Every change
// writes the holder's row anew, so that of two at a time one decides again.
func (s *Service) changeHolder(ctx context.Context, op string, h Holder, plan func(Holder, *kv.Batch) error) error {
	return s.retry(ctx, op, h.Name, func(b *kv.Batch) error {
		dir := s.mu.dir
		h, err := dir.resolve(h)
		if err != nil {
			return err
		}
		if h.Kind == GroupPolicies {
			g := dir.groups[userID{h.Account, h.Name}]
			b.IfRevision(groupRow(h.Account, h.Name), g.revision)
			b.Put(groupRow(h.Account, h.Name), schema.Encode(&g.groupRecord))
		} else {
			u := dir.users[userID{h.Account, h.Name}]
			if u.Owner {
				return invalid("%q is the root of its account: it may do everything there, and policies change nothing about that.", h.Name)
			}
			b.IfRevision(userRow(h.Account, h.Name), u.revision)
			b.Put(userRow(h.Account, h.Name), schema.Encode(&u.userRecord))
		}
		return plan(h, b)
	})
}

// retry commits what plan puts into a batch, which it does under the lock, and has it decide again when others were faster.
func (s *Service) retry(ctx context.Context, op, name string, plan func(*kv.Batch) error) error {
	for range attempts {
		b := &kv.Batch{}
		s.mu.RLock()
		err := plan(b)
		s.mu.RUnlock()
		if err != nil {
			return err
		}
		if err = s.commit(ctx, op, b); !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
	return errs.New(errs.Conflict, "", "Too many concurrent changes; try again.").On(name)
}
