package iam

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
)

// AccessDenied is the reason of every refusal of Authorize.
const AccessDenied errs.Reason = "AccessDenied"

// Authorize returns nil when r.Principal may do r.Action on r.Resource, else an *errs.E of kind Denied.
//
// The decision is taken in the order of IAM's evaluation: an explicit deny anywhere wins, then the owner of the
// account may do everything to what the account owns, then whatever a policy allows. Policies do not exist
// yet, so for now a user may do what its account may.
func (s *Service) Authorize(_ context.Context, r Request) error {
	switch {
	case r.Principal.Anonymous, r.Principal.AccountID == "":
		return denied(r)
	case r.ResourceAccount == "", r.ResourceAccount == r.Principal.AccountID:
		return nil
	}
	return denied(r)
}

func denied(r Request) error {
	return &errs.E{
		Op: "iam.Authorize", Kind: errs.Denied, Reason: AccessDenied, Resource: r.Resource, Msg: "Access Denied",
		Detail: map[string]string{"Action": r.Action, "Principal": r.Principal.ARN},
	}
}
