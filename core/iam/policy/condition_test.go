package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// TestConditions holds every operator, with its qualifiers, against requests that do and do not have the key.
// A row reads: operator, values of the policy, values of the request ("-" when the key is absent), verdict.
func TestConditions(t *testing.T) {
	rows := []struct {
		op, want, have string
		allow          bool
	}{
		{"StringEquals", "a", "a", true},
		{"StringEquals", "a", "A", false},
		{"StringEquals", "a|b", "b", true},
		{"StringEquals", "a", "-", false},
		{"StringEquals", "a*", "ab", false},
		{"StringEquals", "a*", "a*", true},
		{"StringEquals", "a**", "a**", true},
		{"StringEquals", "", "", true},
		{"StringEqualsIfExists", "a", "-", true},
		{"StringEqualsIfExists", "a", "b", false},
		{"StringNotEquals", "a", "b", true},
		{"StringNotEquals", "a", "a", false},
		{"StringNotEquals", "a|b", "b", false},
		{"StringNotEquals", "a|b", "c", true},
		{"StringNotEquals", "a", "-", true},
		{"StringNotEqualsIfExists", "a", "-", true},
		{"StringNotEqualsIfExists", "a", "a", false},
		{"StringEqualsIgnoreCase", "AbC", "aBc", true},
		{"StringEqualsIgnoreCase", "AbC", "abd", false},
		{"StringEqualsIgnoreCase", "AbC", "-", false},
		{"StringNotEqualsIgnoreCase", "AbC", "aBc", false},
		{"StringNotEqualsIgnoreCase", "AbC", "x", true},
		{"StringNotEqualsIgnoreCase", "AbC", "-", true},
		{"StringLike", "home/*", "home/x/y", true},
		{"StringLike", "home/*", "home", false},
		{"StringLike", "h?me", "home", true},
		{"StringLike", "h?me", "hme", false},
		{"StringLike", "*", "", true},
		{"StringLike", "a*b*c", "aXXbYYc", true},
		{"StringLike", "a*b*c", "aXXbYY", false},
		{"StringLike", "ä?", "äö", true},
		{"StringLike", "home/*", "-", false},
		{"StringLikeIfExists", "home/*", "-", true},
		{"StringNotLike", "home/*", "home/x", false},
		{"StringNotLike", "home/*", "tmp/x", true},
		{"StringNotLike", "home/*", "-", true},
		{"NumericEquals", "10", "10", true},
		{"NumericEquals", "10", "10.0", true},
		{"NumericEquals", "10", "11", false},
		{"NumericEquals", "10", "ten", false},
		{"NumericEquals", "10", "-", false},
		{"NumericNotEquals", "10", "11", true},
		{"NumericNotEquals", "10", "10", false},
		{"NumericLessThan", "10", "9", true},
		{"NumericLessThan", "10", "10", false},
		{"NumericLessThanEquals", "10", "10", true},
		{"NumericLessThanEquals", "10", "11", false},
		{"NumericGreaterThan", "10", "11", true},
		{"NumericGreaterThan", "10", "10", false},
		{"NumericGreaterThan", "-5", "-4", true},
		{"NumericGreaterThanEquals", "10", "10", true},
		{"NumericGreaterThanEquals", "10", "9", false},
		{"NumericLessThanIfExists", "10", "-", true},
		{"NumericLessThanIfExists", "10", "12", false},
		{"DateEquals", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", true},
		{"DateEquals", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", true},
		{"DateEquals", "2026-01-02", "2026-01-02T00:00:00Z", true},
		{"DateEquals", "2026-01-02", "2026-01-03", false},
		{"DateNotEquals", "2026-01-02", "2026-01-03", true},
		{"DateNotEquals", "2026-01-02", "2026-01-02", false},
		{"DateLessThan", "2026-01-02", "2026-01-01", true},
		{"DateLessThan", "2026-01-02", "2026-01-02", false},
		{"DateLessThanEquals", "2026-01-02", "2026-01-02", true},
		{"DateLessThanEquals", "2026-01-02", "2026-01-03", false},
		{"DateGreaterThan", "2026-01-02", "2026-01-03", true},
		{"DateGreaterThan", "2026-01-02", "2026-01-02", false},
		{"DateGreaterThan", "0", "2026-01-02", true},
		{"DateGreaterThanEquals", "2026-01-02", "2026-01-02", true},
		{"DateGreaterThanEquals", "2026-01-02", "2026-01-01", false},
		{"DateGreaterThanIfExists", "2026-01-02", "-", true},
		{"Bool", "true", "true", true},
		{"Bool", "true", "True", true},
		{"Bool", "true", "false", false},
		{"Bool", "false", "false", true},
		{"Bool", "true", "-", false},
		{"BoolIfExists", "true", "-", true},
		{"BoolIfExists", "false", "true", false},
		{"BinaryEquals", "QUJD", "QUJD", true},
		{"BinaryEquals", "QUJD", "QUJE", false},
		{"IpAddress", "10.0.0.0/8", "10.1.2.3", true},
		{"IpAddress", "10.0.0.0/8", "11.1.2.3", false},
		{"IpAddress", "10.1.2.3", "10.1.2.3", true},
		{"IpAddress", "10.0.0.0/8|192.168.0.0/16", "192.168.4.5", true},
		{"IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"IpAddress", "2001:db8::/32", "2001:db8::1", true},
		{"IpAddress", "2001:db8::/32", "2001:db9::1", false},
		{"IpAddress", "10.0.0.0/8", "not an address", false},
		{"IpAddress", "10.0.0.0/8", "-", false},
		{"NotIpAddress", "10.0.0.0/8", "11.1.2.3", true},
		{"NotIpAddress", "10.0.0.0/8", "10.1.2.3", false},
		{"NotIpAddress", "10.0.0.0/8", "-", true},
		{"ArnEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", true},
		{"ArnEquals", "arn:aws:s3:::b", "arn:aws:s3:::c", false},
		{"ArnEquals", "arn:aws:sns:*:*:t", "arn:aws:sns:eu:1:t", true},
		{"ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/a/b", true},
		{"ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:role/a", false},
		{"ArnLike", "arn:*:user/x", "arn:aws:iam::123456789012:user/x", false},
		{"ArnLike", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k:1", true},
		{"ArnLike", "arn:aws:s3:::b", "-", false},
		{"ArnLikeIfExists", "arn:aws:s3:::b", "-", true},
		{"ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::c", true},
		{"ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", false},
		{"ArnNotLike", "arn:aws:s3:::b*", "arn:aws:s3:::bc", false},
		{"ArnNotLike", "arn:aws:s3:::b*", "-", true},
		{"Null", "true", "-", true},
		{"Null", "true", "x", false},
		{"Null", "false", "x", true},
		{"Null", "false", "-", false},

		{"ForAnyValue:StringEquals", "a|b", "b,c", true},
		{"ForAnyValue:StringEquals", "a|b", "c,d", false},
		{"ForAnyValue:StringEquals", "a", "-", false},
		{"ForAnyValue:StringEqualsIfExists", "a", "-", true},
		{"ForAnyValue:StringNotEquals", "a", "a,b", true},
		{"ForAnyValue:StringNotEquals", "a", "a", false},
		{"ForAnyValue:StringNotEquals", "a", "-", false},
		{"ForAnyValue:StringLike", "x*", "ab,xy", true},
		{"ForAnyValue:StringLike", "x*", "ab", false},
		{"ForAnyValue:NumericLessThan", "5", "9,4", true},
		{"ForAnyValue:IpAddress", "10.0.0.0/8", "1.1.1.1,10.9.9.9", true},
		{"ForAllValues:StringEquals", "a|b", "a,b", true},
		{"ForAllValues:StringEquals", "a|b", "a,c", false},
		{"ForAllValues:StringEquals", "a", "-", true},
		{"ForAllValues:StringLike", "x*", "xa,xb", true},
		{"ForAllValues:StringLike", "x*", "xa,b", false},
		{"ForAllValues:StringNotEquals", "a", "b,c", true},
		{"ForAllValues:StringNotEquals", "a", "b,a", false},
		{"ForAllValues:StringNotLike", "x*", "a,b", true},
		{"ForAllValues:NumericGreaterThan", "1", "2,3", true},
		{"ForAllValues:NumericGreaterThan", "1", "2,1", false},

		{"StringEquals", "${aws:username}", "alice", true},
		{"StringEquals", "${aws:username}", "bob", false},
		{"StringEquals", "${AWS:UserName}", "alice", true},
		{"StringLike", "home/${aws:username}/*", "home/alice/x", true},
		{"StringLike", "home/${aws:username}/*", "home/bob/x", false},
		{"StringLike", "${evil:star}", "anything", false},
		{"StringLike", "${evil:star}", "*", true},
		{"StringEquals", "${no:such}", "", false},
		{"StringNotEquals", "${no:such}", "x", true},
		{"StringEquals", "${no:such, 'fallback'}", "fallback", true},
		{"StringEquals", "${aws:username, 'fallback'}", "alice", true},
		{"StringLike", "a${*}b", "a*b", true},
		{"StringLike", "a${*}b", "aXb", false},
		{"StringLike", "a${?}", "a?", true},
		{"StringLike", "a${?}", "ax", false},
		{"StringEquals", "${$}5", "$5", true},
	}
	for _, row := range rows {
		t.Run(fmt.Sprintf("%s %s %s", row.op, row.want, row.have), func(t *testing.T) {
			values, err := json.Marshal(strings.Split(row.want, "|"))
			if err != nil {
				t.Fatal(err)
			}
			doc := parse(t, policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*",
				"Condition":{"`+row.op+`":{"Test:Key":`+string(values)+`}}}}`)
			ctx := map[string][]string{"aws:username": {"alice"}, "evil:star": {"*"}}
			if row.have != "-" {
				ctx["test:key"] = strings.Split(row.have, ",")
			}
			want := policy.ImplicitDeny
			if row.allow {
				want = policy.Allowed
			}
			if got := doc.Evaluate(&policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: ctx}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func parse(t *testing.T, kind policy.Kind, text string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse([]byte(text), kind)
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return doc
}
