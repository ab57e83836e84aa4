package iam

import (
	"cmp"
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
)

// AccessDenied is the reason of every refusal of Authorize.
const AccessDenied errs.Reason = "AccessDenied"

// Authorize returns nil when r.Principal may do r.Action on r.Resource, else an *errs.E of kind Denied.
//
// IAM's evaluation: an explicit deny anywhere wins; then the root of an account may do everything to what the account
// owns; then whatever a policy allows; else no. There are no policies yet, so only the second step can allow.
func (s *Service) Authorize(_ context.Context, r Request) error {
	p := &r.Principal
	if p.Anonymous || p.AccountID == "" {
		return denied(&r)
	}
	if p.Root && (r.ResourceAccount == "" || r.ResourceAccount == p.AccountID) {
		return nil
	}
	return denied(&r)
}

// denied says no. Who asked for what is for the log, not for the client.
func denied(r *Request) error {
	return &errs.E{
		Op: "iam.Authorize", Kind: errs.Denied, Reason: AccessDenied, Resource: r.Resource, Msg: "Access Denied",
		Err: refusal{r.Action, r.Principal.ARN},
	}
}

type refusal struct{ action, arn string }

func (r refusal) Error() string {
	return "no rule allows " + r.action + " to " + cmp.Or(r.arn, "anonymous")
}
