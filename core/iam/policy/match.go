package policy

import (
	"slices"
	"strings"
)

// pattern is text with wildcards: a rune of value, or one of the wild marks.
type pattern []rune

// The marks stand outside of Unicode so that an escaped or substituted '*' is never taken for a wildcard.
const (
	wildMany rune = -1 // any run of characters
	wildOne  rune = -2 // any one character
)

// compile reads '*' and '?' as wildcards.
func compile(s string) pattern {
	p := make(pattern, 0, len(s))
	for _, r := range s {
		p = appendWild(p, r)
	}
	return p
}

func appendWild(p pattern, r rune) pattern {
	switch r {
	case '*':
		return append(p, wildMany)
	case '?':
		return append(p, wildOne)
	}
	return append(p, r)
}

// match holds p against s in O(len(p)*len(s)) at worst, without recursion.
func (p pattern) match(s string) bool {
	text := []rune(s)
	var pi, ti int
	star, mark := -1, 0
	for ti < len(text) {
		switch {
		case pi < len(p) && p[pi] == wildMany:
			star, mark = pi, ti
			pi++
		case pi < len(p) && (p[pi] == wildOne || p[pi] == text[ti]):
			pi++
			ti++
		case star >= 0:
			mark++
			pi, ti = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == wildMany {
		pi++
	}
	return pi == len(p)
}

// matchAction compares without case, as IAM does.
func matchAction(pat, action string) bool {
	if pat == "*" {
		return true
	}
	if !strings.ContainsAny(pat, "*?") {
		return strings.EqualFold(pat, action)
	}
	return compile(strings.ToLower(pat)).match(strings.ToLower(action))
}

// matchARN holds an ARN pattern against an ARN. IAM lets a wildcard in a Resource element span segments.
func matchARN(p pattern, arn string) bool { return p.match(arn) }

// matchSegments holds an ARN pattern against an ARN part by part, as the Arn operators do: a wildcard stays
// within one of the six parts.
func (p pattern) matchSegments(arn string) bool {
	have := strings.SplitN(arn, ":", arnParts)
	if len(have) != arnParts {
		return false
	}
	for i, part := range have {
		end := len(p)
		if i < arnParts-1 {
			end = slices.Index(p, ':')
			if end < 0 {
				return false
			}
		}
		if !p[:end].match(part) {
			return false
		}
		if i < arnParts-1 {
			p = p[end+1:]
		}
	}
	return true
}

const arnParts = 6 // arn:partition:service:region:account:resource

// means says whether the statement is about p.
func (s *Statement) means(p *Principal) bool {
	switch {
	case !s.NotPrincipal:
		return s.Principal.matches(p)
	case s.Effect == Deny:
		return !s.Principal.spares(p)
	}
	return !s.Principal.matches(p)
}

// spares says whether NotPrincipal keeps a denial away from p. An account in it is the account itself and nobody in it: who
// denies all but one user lists the user and its account, and the account's other users stay denied. Source: IAM User Guide,
// NotPrincipal, "Specify NotPrincipal with Deny".
func (ps *PrincipalSet) spares(p *Principal) bool {
	if p.Root || p.Anonymous || p.Service != "" || ps.Any {
		return ps.matches(p)
	}
	return slices.ContainsFunc(ps.AWS, func(a string) bool { return a == p.ARN || p.RoleARN != "" && a == p.RoleARN })
}

// matches says whether the set means p.
func (ps *PrincipalSet) matches(p *Principal) bool {
	if ps.Any {
		return true
	}
	if p.Service != "" {
		for _, s := range ps.Service {
			if s == p.Service || s == "*" {
				return true
			}
		}
		return false
	}
	if p.Anonymous {
		return false
	}
	for _, a := range ps.AWS {
		switch {
		case a == p.AccountID, a == p.ARN, p.RoleARN != "" && a == p.RoleARN:
			return true
		case isAccountRoot(a, p.AccountID):
			return true
		}
	}
	for _, c := range ps.Canonical {
		if c == p.CanonicalID {
			return true
		}
	}
	return false
}

// isAccountRoot says whether arn is arn:PARTITION:iam::ACCOUNT:root, which means everybody of the account.
func isAccountRoot(arn, account string) bool {
	parts := strings.SplitN(arn, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && parts[4] == account && parts[5] == "root"
}

// Matches holds a pattern of * and ? against a text.
func Matches(pat, text string) bool { return compile(pat).match(text) }
