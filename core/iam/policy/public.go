package policy

import (
	"net/netip"
	"strings"
)

// Public reports whether a resource policy gives anything to everybody, by the meaning that S3's public access block
// defines: some statement allows a principal that is not fixed, and no condition fixes where the request comes from or who
// sends it. A nil document is not public.
func (d *Document) Public() bool {
	if d == nil {
		return false
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != Allow || s.Principal == nil || !s.NotPrincipal && !s.Principal.everybody() {
			continue
		}
		fixed := false
		for j := range s.Conditions {
			fixed = fixed || s.Conditions[j].fixes()
		}
		if !fixed {
			return true
		}
	}
	return false
}

func (ps *PrincipalSet) everybody() bool {
	if ps.Any {
		return true
	}
	for _, list := range [...][]string{ps.AWS, ps.Canonical, ps.Federated} {
		if matchAny(list, func(p string) bool { return strings.ContainsAny(p, "*?") }) {
			return true
		}
	}
	return false
}

// fixingKeys are the condition keys whose fixed values make a statement not public.
var fixingKeys = map[string]bool{
	"aws:sourcearn": true, "aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceowner": true, "aws:sourceaccount": true,
	"aws:principalorgid": true, "aws:principalorgpaths": true, "aws:principalarn": true, "aws:principalaccount": true,
	"aws:userid": true, "aws:sourceip": true, "s3:x-amz-server-side-encryption-aws-kms-key-id": true,
	"s3:dataaccesspointarn": true, "s3:dataaccesspointaccount": true,
}

// fixes reports whether the condition holds only for requests of a fixed origin.
func (c *Condition) fixes() bool {
	if !fixingKeys[c.Key] || c.Operator.IfExists || c.Operator.Set == ForAllValues || len(c.Values) == 0 {
		return false
	}
	switch c.Operator.Test {
	case "IpAddress":
		return !matchAny(c.Values, func(v string) bool { return !narrow(v) })
	case "StringEquals", "StringEqualsIgnoreCase":
		return !matchAny(c.Values, func(v string) bool { return strings.Contains(v, "${") })
	case "StringLike", "ArnEquals", "ArnLike":
		return !matchAny(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?$") })
	}
	return false
}

// narrow reports whether a range of addresses is a part of the internet rather than most of it: S3 draws the line at /8
// for IPv4 and /32 for IPv6.
func narrow(v string) bool {
	p, err := netip.ParsePrefix(v)
	if err != nil {
		_, err := netip.ParseAddr(v)
		return err == nil
	}
	if p.Addr().Is4() {
		return p.Bits() >= 8
	}
	return p.Bits() >= 32
}
