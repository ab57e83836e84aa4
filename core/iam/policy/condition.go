package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Operator is a condition operator with its qualifiers.
type Operator struct {
	Test     string // canonical spelling: "StringLike"
	IfExists bool   // an absent key satisfies it
	Set      SetMode
}

// SetMode is the set qualifier of an operator.
type SetMode uint8

// The qualifiers.
const (
	SingleValue  SetMode = iota
	ForAnyValue          // at least one value of the request matches
	ForAllValues         // every value of the request matches; true when there is none
)

// test compares one value of the request with one value of the policy, in positive sense.
type test struct {
	negated bool
	pattern bool // the policy's value may hold wildcards
	arn     bool // part by part, as an ARN
	compare func(have, want string) bool
	valid   func(want string) bool
}

// tests maps the canonical operator to its test. The negated operators are the positive ones turned round: they
// hold when no value of the policy matches.
func tests(name string) (test, bool) {
	switch name {
	case "StringEquals", "StringNotEquals":
		return test{negated: name == "StringNotEquals", compare: func(h, w string) bool { return h == w }}, true
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		return test{negated: name == "StringNotEqualsIgnoreCase", compare: strings.EqualFold}, true
	case "StringLike", "StringNotLike":
		return test{negated: name == "StringNotLike", pattern: true}, true
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		return test{negated: strings.HasPrefix(name, "ArnNot"), pattern: true, arn: true}, true
	case "NumericEquals", "NumericNotEquals":
		return test{negated: name == "NumericNotEquals", compare: numeric(func(c int) bool { return c == 0 }), valid: isNumber}, true
	case "NumericLessThan":
		return test{compare: numeric(func(c int) bool { return c < 0 }), valid: isNumber}, true
	case "NumericLessThanEquals":
		return test{compare: numeric(func(c int) bool { return c <= 0 }), valid: isNumber}, true
	case "NumericGreaterThan":
		return test{compare: numeric(func(c int) bool { return c > 0 }), valid: isNumber}, true
	case "NumericGreaterThanEquals":
		return test{compare: numeric(func(c int) bool { return c >= 0 }), valid: isNumber}, true
	case "DateEquals", "DateNotEquals":
		return test{negated: name == "DateNotEquals", compare: dates(func(c int) bool { return c == 0 }), valid: isDate}, true
	case "DateLessThan":
		return test{compare: dates(func(c int) bool { return c < 0 }), valid: isDate}, true
	case "DateLessThanEquals":
		return test{compare: dates(func(c int) bool { return c <= 0 }), valid: isDate}, true
	case "DateGreaterThan":
		return test{compare: dates(func(c int) bool { return c > 0 }), valid: isDate}, true
	case "DateGreaterThanEquals":
		return test{compare: dates(func(c int) bool { return c >= 0 }), valid: isDate}, true
	case "Bool":
		return test{compare: strings.EqualFold, valid: isBool}, true
	case "BinaryEquals":
		return test{compare: sameBytes, valid: isBase64}, true
	case "IpAddress", "NotIpAddress":
		return test{negated: name == "NotIpAddress", compare: inPrefix, valid: isPrefix}, true
	case "Null":
		return test{valid: isBool}, true
	}
	return test{}, false
}

// holds decides one condition.
func (c *Condition) holds(r *Request, variables bool) bool {
	have, present := r.Context[c.Key]
	present = present && len(have) > 0
	if c.Operator.Test == "Null" {
		want := len(c.Values) > 0 && strings.EqualFold(c.Values[0], "true")
		return want != present
	}
	t, ok := tests(c.Operator.Test)
	if !ok {
		return false
	}
	if !present {
		// An absent key fails a positive operator and satisfies a negated one; ForAllValues holds on the empty set.
		return c.Operator.IfExists || c.Operator.Set == ForAllValues || t.negated && c.Operator.Set != ForAnyValue
	}
	one := func(v string) bool { return c.one(&t, v, r, variables) }
	if c.Operator.Set == ForAllValues {
		for _, v := range have {
			if !one(v) {
				return false
			}
		}
		return true
	}
	if c.Operator.Set == SingleValue && t.negated {
		// Without a qualifier a negated operator on several values asks that none of them matches.
		for _, v := range have {
			if !one(v) {
				return false
			}
		}
		return true
	}
	for _, v := range have {
		if one(v) {
			return true
		}
	}
	return false
}

// one holds a single value of the request against the policy's values.
func (c *Condition) one(t *test, v string, r *Request, variables bool) bool {
	hit := false
	for _, w := range c.Values {
		p, ok := expand(w, r, variables)
		if !ok {
			continue
		}
		switch {
		case t.arn:
			hit = p.matchSegments(v)
		case t.pattern:
			hit = p.match(v)
		default:
			hit = t.compare(v, p.literal())
		}
		if hit {
			break
		}
	}
	return hit != t.negated
}

// literal is the text of p with the wildcard marks as the characters they came from.
func (p pattern) literal() string {
	var b strings.Builder
	for _, r := range p {
		switch r {
		case wildMany:
			r = '*'
		case wildOne:
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func numeric(ok func(int) bool) func(have, want string) bool {
	return func(have, want string) bool {
		h, err1 := strconv.ParseFloat(have, 64)
		w, err2 := strconv.ParseFloat(want, 64)
		if err1 != nil || err2 != nil {
			return false
		}
		switch {
		case h < w:
			return ok(-1)
		case h > w:
			return ok(1)
		}
		return ok(0)
	}
}

func dates(ok func(int) bool) func(have, want string) bool {
	return func(have, want string) bool {
		h, ok1 := parseDate(have)
		w, ok2 := parseDate(want)
		return ok1 && ok2 && ok(h.Compare(w))
	}
}

// parseDate reads the W3C forms of ISO 8601 that IAM takes, and epoch seconds.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

func inPrefix(have, want string) bool {
	addr, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	prefix, ok := parsePrefix(want)
	return ok && prefix.Contains(addr.Unmap())
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}

func sameBytes(have, want string) bool {
	h, err1 := base64.StdEncoding.DecodeString(have)
	w, err2 := base64.StdEncoding.DecodeString(want)
	return err1 == nil && err2 == nil && string(h) == string(w)
}

func isNumber(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil }
func isDate(s string) bool   { _, ok := parseDate(s); return ok }
func isBool(s string) bool   { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }
func isPrefix(s string) bool { _, ok := parsePrefix(s); return ok }
func isBase64(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }
