// Package policy is the policy language of IAM: it parses policy documents and decides requests by them.
//
// It is pure: no store, no clock, no protocol. The caller says who asks ([Principal]), for which action, on which
// resource and in which context, and which documents apply ([Documents]); [Decide] answers by the evaluation logic that
// the IAM User Guide documents ("Policy evaluation logic"): an explicit deny wins over everything, within one account an allow
// of either side is enough, across accounts both sides must allow, and boundaries and session policies only take away.
//
// Documents are validated when they are parsed, never when they are evaluated, so that an unknown operator or a misspelt
// element is refused when it is stored and cannot silently grant.
package policy

import (
	"slices"
	"strings"
)

// Limits of a document.
const (
	MaxDocument   = 20 << 10 // bytes of a bucket policy, the largest kind
	MaxStatements = 1000     // statements of one document
	MaxValues     = 4000     // values of one element
	maxDepth      = 8        // nesting of JSON
)

// The versions of the language. Policy variables work in the newer one only.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Kind says where a document is attached, which decides what it must and must not contain.
type Kind uint8

// The kinds.
const (
	Identity Kind = iota + 1 // attached to a user, group or role, or a session or boundary: no Principal
	Resource                 // attached to a bucket, a role (trust), a key: Principal required
)

// Document is a parsed and validated policy.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Effect is what a statement does when it matches.
type Effect uint8

// The effects.
const (
	Allow Effect = iota + 1
	Deny
)

// Statement is one statement. Exactly one of each positive and negative pair is set.
type Statement struct {
	Sid          string
	Effect       Effect
	Principal    *PrincipalSet // nil in identity documents
	NotPrincipal bool          // Principal lists who is *not* meant
	Actions      []string
	NotAction    bool
	Resources    []string
	NotResource  bool
	Conditions   []Condition
}

// PrincipalSet is the value of a Principal element.
type PrincipalSet struct {
	Any       bool // "*" or {"AWS":"*"}
	AWS       []string
	Canonical []string // CanonicalUser
	Service   []string
	Federated []string
}

// Condition is one operator on one key with its values: all conditions of a statement must hold.
type Condition struct {
	Operator Operator
	Key      string // lower case
	Values   []string
}

// Principal is who asks.
type Principal struct {
	Anonymous   bool
	AccountID   string
	CanonicalID string
	ARN         string // arn:aws:iam::111122223333:user/alice, or of an assumed role's session
	RoleARN     string // of the role behind a session, else empty
	Root        bool   // the account itself
	Service     string // a service acting by itself: "logging.s3.amazonaws.com"
	ByName      bool   // the service is given only what is given to it by name, not what is given to everybody
}

// Request is what is to be decided.
type Request struct {
	Principal       Principal
	Action          string              // "s3:GetObject"
	Resource        string              // ARN
	ResourceAccount string              // the account that owns the resource
	Context         map[string][]string // condition keys in lower case; an absent key is absent
}

// Documents are the policies that apply to a request. Nil slices apply nothing.
type Documents struct {
	Identity []*Document // of the user and the groups
	Resource *Document   // of the resource
	Granted  bool        // an access control list of the resource allows it
	Boundary *Document   // permissions boundary: limits Identity
	Session  *Document   // session policy: limits Identity and direct grants to the user
}

// Decision is the outcome.
type Decision uint8

// The outcomes.
const (
	ImplicitDeny Decision = iota // nothing allowed it
	Allowed
	ExplicitDeny // a statement denied it
)

// Decide decides r by d.
//
// The owning account's root may do everything on its own resources unless a resource policy denies it, as in IAM,
// where no identity policy limits the root user.
func Decide(r *Request, d *Documents) Decision {
	resource := d.Resource.Evaluate(r)
	identity := ImplicitDeny
	for _, doc := range d.Identity {
		switch doc.Evaluate(r) {
		case ExplicitDeny:
			return ExplicitDeny
		case Allowed:
			identity = Allowed
		}
	}
	if resource == ExplicitDeny {
		return ExplicitDeny
	}
	if d.Granted {
		resource = Allowed
	}
	p := &r.Principal
	same := !p.Anonymous && p.AccountID == r.ResourceAccount
	if p.Root {
		identity = Allowed
	}
	for _, limit := range [...]*Document{d.Boundary, d.Session} {
		if limit == nil {
			continue
		}
		switch limit.Evaluate(r) {
		case ExplicitDeny:
			return ExplicitDeny
		case ImplicitDeny:
			identity = ImplicitDeny
			// A grant by the resource outlives a boundary, but a session keeps no more than its session policy leaves.
			if resource == Allowed && limit == d.Session {
				resource = ImplicitDeny
			}
		}
	}
	switch {
	case p.Anonymous, p.Service != "":
		return resource
	case same && (identity == Allowed || resource == Allowed):
		return Allowed
	case !same && identity == Allowed && resource == Allowed:
		return Allowed
	}
	return ImplicitDeny
}

// Denying are the statements that deny r, of all documents.
func (d *Documents) Denying(r *Request) []Statement {
	var out []Statement
	for _, doc := range append([]*Document{d.Resource, d.Boundary, d.Session}, d.Identity...) {
		if doc == nil {
			continue
		}
		for i := range doc.Statements {
			if s := &doc.Statements[i]; s.Effect == Deny && s.matches(r, doc.Version == Version2012) {
				out = append(out, *s)
			}
		}
	}
	return out
}

// Denials is the document without what it allows; nil when nothing is left.
func (d *Document) Denials() *Document {
	if d == nil {
		return nil
	}
	out := &Document{Version: d.Version, ID: d.ID}
	for i := range d.Statements {
		if d.Statements[i].Effect == Deny {
			out.Statements = append(out.Statements, d.Statements[i])
		}
	}
	if len(out.Statements) == 0 {
		return nil
	}
	return out
}

// LooksAt reports whether the document looks at condition keys that begin with prefix, in lower case, as a key of a condition or
// as a variable.
func (d *Document) LooksAt(prefix string) bool {
	if d == nil {
		return false
	}
	names := func(v string) bool { return strings.Contains(strings.ToLower(v), "${"+prefix) }
	for i := range d.Statements {
		s := &d.Statements[i]
		if slices.ContainsFunc(s.Resources, names) {
			return true
		}
		for j := range s.Conditions {
			if c := &s.Conditions[j]; strings.HasPrefix(c.Key, prefix) || slices.ContainsFunc(c.Values, names) {
				return true
			}
		}
	}
	return false
}

// Evaluate decides r by one document alone. A nil document decides nothing.
func (d *Document) Evaluate(r *Request) Decision {
	if d == nil {
		return ImplicitDeny
	}
	out := ImplicitDeny
	for i := range d.Statements {
		s := &d.Statements[i]
		if !s.matches(r, d.Version == Version2012) {
			continue
		}
		if s.Effect == Deny {
			return ExplicitDeny
		}
		out = Allowed
	}
	return out
}

func (s *Statement) matches(r *Request, variables bool) bool {
	if s.Principal != nil && !s.means(&r.Principal) {
		return false
	}
	if r.Principal.ByName && s.Effect == Allow && (s.Principal == nil || !slices.Contains(s.Principal.Service, r.Principal.Service)) {
		return false
	}
	if matchAny(s.Actions, func(p string) bool { return matchAction(p, r.Action) }) == s.NotAction {
		return false
	}
	if len(s.Resources) > 0 {
		hit := matchAny(s.Resources, func(p string) bool {
			pat, ok := expand(p, r, variables)
			return ok && matchARN(pat, r.Resource)
		})
		if hit == s.NotResource {
			return false
		}
	}
	for i := range s.Conditions {
		if !s.Conditions[i].holds(r, variables) {
			return false
		}
	}
	return true
}

func matchAny(patterns []string, hit func(string) bool) bool {
	for _, p := range patterns {
		if hit(p) {
			return true
		}
	}
	return false
}
