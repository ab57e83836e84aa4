package iam

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// AccessDenied is the reason of every refusal of Authorize.
const AccessDenied errs.Reason = "AccessDenied"

// Authorize returns nil when r.Principal may do r.Action on r.Resource, else an *errs.E of kind Denied.
//
// IAM's evaluation: an explicit deny anywhere wins; then the root of an account may do everything to what the account
// owns; within one account whatever a policy of the user, of its groups or of the resource allows, or an access control list
// of the resource; across accounts what both sides allow; else no.
func (s *Service) Authorize(_ context.Context, r Request) error {
	p := &r.Principal
	if p.AccountID == "" && !p.Anonymous {
		return denied(&r)
	}
	owner := cmp.Or(r.ResourceAccount, p.AccountID)
	var own []*policy.Document
	if !p.Root && !p.Anonymous {
		own = s.policiesOf(p)
	}
	if r.Policy == nil && own == nil {
		// What Decide comes to without documents, without gathering conditions for them.
		same := !p.Anonymous && owner == p.AccountID
		if same && (p.Root || r.Granted) || r.Granted && (p.Root || p.Anonymous) {
			return nil
		}
		return denied(&r)
	}
	if r.Existing != nil && slices.ContainsFunc(own, func(d *policy.Document) bool { return d.LooksAt(ExistingObjectTag) }) {
		var err error
		if r.Context, err = r.Existing(); err != nil {
			return err
		}
	}
	q := policy.Request{
		Principal: policy.Principal{
			Anonymous: p.Anonymous, AccountID: p.AccountID, CanonicalID: p.CanonicalID, ARN: p.ARN, Root: p.Root && !p.Anonymous,
		},
		Action: r.Action, Resource: r.Resource, ResourceAccount: owner, Context: r.conditions(owner, time.Now()),
	}
	docs := policy.Documents{Identity: own, Resource: r.Policy, Granted: r.Granted}
	switch policy.Decide(&q, &docs) {
	case policy.Allowed:
		return nil
	case policy.ExplicitDeny:
		e := denied(&r)
		e.Err = refusal{r.Action, r.Principal.ARN, docs.Denying(&q)}
		return e
	}
	return denied(&r)
}

// conditions is all that policies may look at. What is known here wins over what the request says of itself.
func (r *Request) conditions(owner string, now time.Time) map[string][]string {
	p := &r.Principal
	c := make(map[string][]string, 24)
	if p.Facts != nil {
		maps.Copy(c, p.Facts.Conditions())
	}
	maps.Copy(c, r.Context)
	set := func(key, value string) {
		delete(c, key)
		if value != "" {
			c[key] = []string{value}
		}
	}
	set("aws:currenttime", now.UTC().Format(time.RFC3339))
	set("aws:epochtime", strconv.FormatInt(now.Unix(), 10))
	set("aws:resourceaccount", owner)
	if strings.HasPrefix(r.Action, "s3:") {
		set("s3:resourceaccount", owner)
	}
	set("aws:viaawsservice", "false")
	set("aws:principalisawsservice", "false")
	set("aws:principalarn", p.ARN)
	set("aws:principalaccount", p.AccountID)
	set("aws:userid", p.UserID)
	kind, name := "User", p.UserName
	switch {
	case p.Anonymous:
		kind, name = "Anonymous", ""
	case p.Root:
		kind, name = "Account", ""
	}
	set("aws:principaltype", kind)
	set("aws:username", name)
	return c
}

// denied says no. Who asked for what is for the log, not for the client.
func denied(r *Request) *errs.E {
	return &errs.E{
		Op: "iam.Authorize", Kind: errs.Denied, Reason: AccessDenied, Resource: r.Resource, Msg: "Access Denied",
		Err: refusal{r.Action, r.Principal.ARN, nil},
	}
}

type refusal struct {
	action, arn string
	denying     []policy.Statement // that say no; empty when none says yes
}

// ExplicitlyDenied reports of a refusal that a policy denies what was asked for.
func ExplicitlyDenied(err error) bool { return len(Denying(err)) > 0 }

// Denying are the statements of policies by which a refusal is explicit.
func Denying(err error) []policy.Statement {
	var r refusal
	if !errors.As(err, &r) {
		return nil
	}
	return r.denying
}

func (r refusal) Error() string {
	if len(r.denying) > 0 {
		return "a rule denies " + r.action + " to " + cmp.Or(r.arn, "anonymous")
	}
	return "no rule allows " + r.action + " to " + cmp.Or(r.arn, "anonymous")
}

// policiesOf are the documents of a user and of its groups.
func (s *Service) policiesOf(p *Principal) []*policy.Document {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.dir.documents(p.AccountID, p.UserName)
}
