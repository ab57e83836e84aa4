package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// TestElements holds Action, Resource and their Not forms against requests.
func TestElements(t *testing.T) {
	const key = "arn:aws:s3:::b/k"
	rows := []struct {
		statement, action, resource string
		allow                       bool
	}{
		{`"Action":"*","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"s3:*","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"s3:*","Resource":"*"`, "ec2:RunInstances", key, false},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:PutObject", key, false},
		{`"Action":"s3:getobject","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"S3:GETOBJECT","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"s3:?etObject","Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":"s3:?etObject","Resource":"*"`, "s3:PutObject", key, false},
		{`"Action":["s3:PutObject","s3:GetObject"],"Resource":"*"`, "s3:GetObject", key, true},
		{`"Action":["s3:PutObject","s3:DeleteObject"],"Resource":"*"`, "s3:GetObject", key, false},
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:GetObject", key, false},
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:PutObject", key, true},
		{`"NotAction":["s3:*","iam:*"],"Resource":"*"`, "ec2:RunInstances", key, true},
		{`"NotAction":["s3:*","iam:*"],"Resource":"*"`, "iam:CreateUser", key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/k"`, "s3:GetObject", key, true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/K"`, "s3:GetObject", key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", key, true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/x/y/z", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:ListBucket", "arn:aws:s3:::b", false},
		{`"Action":"*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`, "s3:ListBucket", "arn:aws:s3:::b", true},
		{`"Action":"*","Resource":"arn:aws:s3:::?/k"`, "s3:GetObject", key, true},
		{`"Action":"*","Resource":"arn:aws:s3:::??/k"`, "s3:GetObject", key, false},
		{`"Action":"*","Resource":"arn:aws:s3:::*/k"`, "s3:GetObject", key, true},
		{`"Action":"*","Resource":"arn:*:b/k"`, "s3:GetObject", key, true},
		{`"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:GetObject", key, false},
		{`"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::c/k", true},
		{`"Action":"*","NotResource":["arn:aws:s3:::b/*","arn:aws:s3:::c/*"]`, "s3:GetObject", "arn:aws:s3:::c/k", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"`, "s3:GetObject", "arn:aws:s3:::b/alice/x", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*"`, "s3:GetObject", "arn:aws:s3:::b/bob/x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/${no:such}/*"`, "s3:GetObject", "arn:aws:s3:::b//x", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/${*}"`, "s3:GetObject", "arn:aws:s3:::b/*", true},
		{`"Action":"*","Resource":"arn:aws:s3:::b/${*}"`, "s3:GetObject", key, false},
	}
	for _, row := range rows {
		t.Run(row.statement+" "+row.action+" "+row.resource, func(t *testing.T) {
			doc := parse(t, policy.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+row.statement+`}]}`)
			got := doc.Evaluate(&policy.Request{Action: row.action, Resource: row.resource,
				Context: map[string][]string{"aws:username": {"alice"}}})
			if (got == policy.Allowed) != row.allow {
				t.Errorf("got %v, want allowed %v", got, row.allow)
			}
		})
	}
}

// TestVariablesNeedTheNewVersion: the older version of the language takes ${…} literally.
func TestVariablesNeedTheNewVersion(t *testing.T) {
	for _, version := range []string{`"Version":"2008-10-17",`, ""} {
		doc := parse(t, policy.Identity, `{`+version+`"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}]}`)
		r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/alice", Context: map[string][]string{"aws:username": {"alice"}}}
		if got := doc.Evaluate(&r); got != policy.ImplicitDeny {
			t.Errorf("%s: %v", version, got)
		}
		r.Resource = "arn:aws:s3:::b/${aws:username}"
		if got := doc.Evaluate(&r); got != policy.Allowed {
			t.Errorf("%s literal: %v", version, got)
		}
	}
}

const (
	owner  = "111111111111"
	other  = "222222222222"
	ownerC = "c1"
	otherC = "c2"
)

var (
	root   = policy.Principal{AccountID: owner, CanonicalID: ownerC, ARN: "arn:aws:iam::111111111111:root", Root: true}
	alice  = policy.Principal{AccountID: owner, CanonicalID: ownerC, ARN: "arn:aws:iam::111111111111:user/alice"}
	bob    = policy.Principal{AccountID: other, CanonicalID: otherC, ARN: "arn:aws:iam::222222222222:user/bob"}
	boss   = policy.Principal{AccountID: other, CanonicalID: otherC, ARN: "arn:aws:iam::222222222222:root", Root: true}
	role   = policy.Principal{AccountID: owner, CanonicalID: ownerC, ARN: "arn:aws:sts::111111111111:assumed-role/r/s", RoleARN: "arn:aws:iam::111111111111:role/r"}
	nobody = policy.Principal{Anonymous: true}
	logger = policy.Principal{Service: "logging.s3.amazonaws.com"}
)

func identity(effect string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"s3:*","Resource":"*"}]}`
}

func resource(effect, principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}`
}

func notPrincipal(effect, principal string) string {
	return strings.Replace(resource(effect, principal), `"Principal"`, `"NotPrincipal"`, 1)
}

// TestDecide is IAM's documented evaluation logic, row by row: who, identity policy, resource policy, boundary, session, verdict.
func TestDecide(t *testing.T) {
	const (
		yes  = policy.Allowed
		no   = policy.ImplicitDeny
		deny = policy.ExplicitDeny
	)
	allow, denied := identity("Allow"), identity("Deny")
	readOnly := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	ec2Only := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`
	rows := []struct {
		name                                  string
		who                                   policy.Principal
		identity, resource, boundary, session string
		want                                  policy.Decision
	}{
		{"user without any policy", alice, "", "", "", "", no},
		{"user with allow", alice, allow, "", "", "", yes},
		{"user with deny", alice, denied, "", "", "", deny},
		{"user with a policy on something else", alice, ec2Only, "", "", "", no},
		{"root of the owner", root, "", "", "", "", yes},
		{"root of the owner, denied by the resource", root, "", resource("Deny", `"*"`), "", "", deny},
		{"root of another account", boss, "", "", "", "", no},
		{"user of another account with own allow", bob, allow, "", "", "", no},
		{"anonymous", nobody, "", "", "", "", no},
		{"anonymous with a public resource", nobody, "", resource("Allow", `"*"`), "", "", yes},
		{"anonymous with AWS star", nobody, "", resource("Allow", `{"AWS":"*"}`), "", "", yes},
		{"anonymous with a named principal", nobody, "", resource("Allow", `{"AWS":"111111111111"}`), "", "", no},
		{"anonymous denied", nobody, "", resource("Deny", `"*"`), "", "", deny},
		{"user named by the resource in the same account", alice, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:user/alice"}`), "", "", yes},
		{"another user named", alice, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:user/carol"}`), "", "", no},
		{"account named by id", alice, "", resource("Allow", `{"AWS":"111111111111"}`), "", "", yes},
		{"account named by root", alice, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:root"}`), "", "", yes},
		{"account named among several", alice, "", resource("Allow", `{"AWS":["222222222222","111111111111"]}`), "", "", yes},
		{"account named by canonical id", alice, "", resource("Allow", `{"CanonicalUser":"c1"}`), "", "", yes},
		{"other canonical id", alice, "", resource("Allow", `{"CanonicalUser":"c2"}`), "", "", no},
		{"cross-account, both allow", bob, allow, resource("Allow", `{"AWS":"arn:aws:iam::222222222222:user/bob"}`), "", "", yes},
		{"cross-account, only the resource", bob, "", resource("Allow", `{"AWS":"arn:aws:iam::222222222222:user/bob"}`), "", "", no},
		{"cross-account, only the user", bob, allow, resource("Allow", `{"AWS":"arn:aws:iam::111111111111:user/alice"}`), "", "", no},
		{"cross-account root named", boss, "", resource("Allow", `{"AWS":"222222222222"}`), "", "", yes},
		{"cross-account, everybody", bob, allow, resource("Allow", `"*"`), "", "", yes},
		{"cross-account, resource denies", bob, allow, resource("Deny", `{"AWS":"222222222222"}`), "", "", deny},
		{"cross-account, user denies", bob, denied, resource("Allow", `"*"`), "", "", deny},
		{"deny of the resource over allow of the user", alice, allow, resource("Deny", `"*"`), "", "", deny},
		{"deny of the user over allow of the resource", alice, denied, resource("Allow", `"*"`), "", "", deny},
		{"deny for somebody else", alice, allow, resource("Deny", `{"AWS":"222222222222"}`), "", "", yes},
		{"NotPrincipal deny spares the named", alice, allow, notPrincipal("Deny", `{"AWS":"arn:aws:iam::111111111111:user/alice"}`), "", "", yes},
		{"NotPrincipal deny hits the rest", bob, allow, notPrincipal("Deny", `{"AWS":"arn:aws:iam::111111111111:user/alice"}`), "", "", deny},
		{"NotPrincipal deny spares the named with its account", alice, allow, notPrincipal("Deny", `{"AWS":["arn:aws:iam::111111111111:user/alice","arn:aws:iam::111111111111:root"]}`), "", "", yes},
		{"NotPrincipal deny hits others of a listed account", alice, allow, notPrincipal("Deny", `{"AWS":["arn:aws:iam::111111111111:user/carol","arn:aws:iam::111111111111:root"]}`), "", "", deny},
		{"NotPrincipal deny hits users of an account by id", alice, allow, notPrincipal("Deny", `{"AWS":"111111111111"}`), "", "", deny},
		{"NotPrincipal deny hits users of an account by canonical id", alice, allow, notPrincipal("Deny", `{"CanonicalUser":"c1"}`), "", "", deny},
		{"NotPrincipal deny spares the root of a listed account", root, "", notPrincipal("Deny", `{"AWS":"arn:aws:iam::111111111111:root"}`), "", "", yes},
		{"NotPrincipal deny hits the root of another account", root, "", notPrincipal("Deny", `{"AWS":"222222222222"}`), "", "", deny},
		{"NotPrincipal deny spares the sessions of a role", role, allow, notPrincipal("Deny", `{"AWS":["arn:aws:iam::111111111111:role/r","111111111111"]}`), "", "", yes},
		{"NotPrincipal deny spares one session", role, allow, notPrincipal("Deny", `{"AWS":"arn:aws:sts::111111111111:assumed-role/r/s"}`), "", "", yes},
		{"NotPrincipal deny hits the sessions of another role", role, allow, notPrincipal("Deny", `{"AWS":["arn:aws:iam::111111111111:role/q","111111111111"]}`), "", "", deny},
		{"NotPrincipal deny of everybody is of nobody", alice, allow, notPrincipal("Deny", `"*"`), "", "", yes},
		{"NotPrincipal deny spares a service", logger, "", notPrincipal("Deny", `{"Service":"logging.s3.amazonaws.com"}`), "", "", no},
		{"NotPrincipal deny hits a service", logger, "", notPrincipal("Deny", `{"Service":"other.amazonaws.com"}`), "", "", deny},
		{"NotPrincipal deny hits the anonymous", nobody, "", notPrincipal("Deny", `{"AWS":"111111111111"}`), "", "", deny},
		{"NotPrincipal allow gives to the rest", alice, "", notPrincipal("Allow", `{"AWS":"222222222222"}`), "", "", yes},
		{"NotPrincipal allow passes over the named", alice, "", notPrincipal("Allow", `{"AWS":"111111111111"}`), "", "", no},
		{"boundary allows too", alice, allow, "", readOnly, "", yes},
		{"boundary does not allow", alice, allow, "", ec2Only, "", no},
		{"boundary alone grants nothing", alice, "", "", allow, "", no},
		{"boundary denies", alice, allow, "", denied, "", deny},
		{"resource grant outlives a boundary", alice, "", resource("Allow", `{"AWS":"111111111111"}`), ec2Only, "", yes},
		{"session allows too", role, allow, "", "", readOnly, yes},
		{"session does not allow", role, allow, "", "", ec2Only, no},
		{"session alone grants nothing", role, "", "", "", allow, no},
		{"session denies", role, allow, "", "", denied, deny},
		{"session takes from a resource grant", role, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:role/r"}`), "", ec2Only, no},
		{"session within a resource grant", role, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:role/r"}`), "", readOnly, yes},
		{"role named", role, "", resource("Allow", `{"AWS":"arn:aws:iam::111111111111:role/r"}`), "", "", yes},
		{"session named", role, "", resource("Allow", `{"AWS":"arn:aws:sts::111111111111:assumed-role/r/s"}`), "", "", yes},
		{"boundary and session", role, allow, "", readOnly, readOnly, yes},
		{"boundary and session apart", role, allow, "", ec2Only, readOnly, no},
		{"service named", logger, "", resource("Allow", `{"Service":"logging.s3.amazonaws.com"}`), "", "", yes},
		{"another service named", logger, "", resource("Allow", `{"Service":"other.amazonaws.com"}`), "", "", no},
		{"service and everybody", logger, "", resource("Allow", `"*"`), "", "", yes},
		{"user and a service's grant", alice, "", resource("Allow", `{"Service":"logging.s3.amazonaws.com"}`), "", "", no},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var d policy.Documents
			if row.identity != "" {
				d.Identity = []*policy.Document{parse(t, policy.Identity, row.identity)}
			}
			if row.resource != "" {
				d.Resource = parse(t, policy.Resource, row.resource)
			}
			if row.boundary != "" {
				d.Boundary = parse(t, policy.Identity, row.boundary)
			}
			if row.session != "" {
				d.Session = parse(t, policy.Identity, row.session)
			}
			r := policy.Request{Principal: row.who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: owner}
			if got := policy.Decide(&r, &d); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// TestParseRefuses: what is wrong is refused when it is stored.
func TestParseRefuses(t *testing.T) {
	ok := `"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`
	rows := []struct {
		name string
		kind policy.Kind
		text string
	}{
		{"empty", policy.Identity, ``},
		{"not JSON", policy.Identity, `{`},
		{"null", policy.Identity, `null`},
		{"a list", policy.Identity, `[]`},
		{"two values", policy.Identity, `{"Statement":[{` + ok + `}]}{}`},
		{"unknown version", policy.Identity, `{"Version":"2020-01-01","Statement":[{` + ok + `}]}`},
		{"unknown member", policy.Identity, `{"Sttement":[{` + ok + `}]}`},
		{"no statement", policy.Identity, `{"Version":"2012-10-17"}`},
		{"empty statement list", policy.Identity, `{"Statement":[]}`},
		{"unknown member of a statement", policy.Identity, `{"Statement":[{` + ok + `,"Foo":1}]}`},
		{"no effect", policy.Identity, `{"Statement":[{"Action":"s3:GetObject","Resource":"*"}]}`},
		{"effect misspelt", policy.Identity, `{"Statement":[{"Effect":"allow","Action":"s3:GetObject","Resource":"*"}]}`},
		{"no action", policy.Identity, `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`},
		{"empty action list", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}`},
		{"action without service", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":"GetObject","Resource":"*"}]}`},
		{"action and NotAction", policy.Identity, `{"Statement":[{` + ok + `,"NotAction":"s3:*"}]}`},
		{"no resource", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject"}]}`},
		{"resource and NotResource", policy.Identity, `{"Statement":[{` + ok + `,"NotResource":"*"}]}`},
		{"resource no ARN", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}]}`},
		{"open variable", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${x"}]}`},
		{"empty variable", policy.Identity, `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${}"}]}`},
		{"principal in an identity policy", policy.Identity, `{"Statement":[{` + ok + `,"Principal":"*"}]}`},
		{"no principal in a resource policy", policy.Resource, `{"Statement":[{` + ok + `}]}`},
		{"principal of unknown kind", policy.Resource, `{"Statement":[{` + ok + `,"Principal":{"Foo":"*"}}]}`},
		{"principal of a wrong form", policy.Resource, `{"Statement":[{` + ok + `,"Principal":{"AWS":"alice"}}]}`},
		{"principal text", policy.Resource, `{"Statement":[{` + ok + `,"Principal":"alice"}]}`},
		{"principal empty", policy.Resource, `{"Statement":[{` + ok + `,"Principal":{}}]}`},
		{"principal list empty", policy.Resource, `{"Statement":[{` + ok + `,"Principal":{"AWS":[]}}]}`},
		{"both principals", policy.Resource, `{"Statement":[{` + ok + `,"Principal":"*","NotPrincipal":"*"}]}`},
		{"unknown operator", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"StringIs":{"a":"b"}}}]}`},
		{"NullIfExists", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"NullIfExists":{"a":"true"}}}]}`},
		{"bad number", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"NumericEquals":{"a":"ten"}}}]}`},
		{"bad date", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"DateEquals":{"a":"today"}}}]}`},
		{"bad address", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"IpAddress":{"a":"10.0.0.0/99"}}}]}`},
		{"bad boolean", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"Bool":{"a":"maybe"}}}]}`},
		{"bad base64", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"BinaryEquals":{"a":"***"}}}]}`},
		{"null value", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"StringEquals":{"a":null}}}]}`},
		{"no values", policy.Identity, `{"Statement":[{` + ok + `,"Condition":{"StringEquals":{"a":[]}}}]}`},
		{"same Sid twice", policy.Identity, `{"Statement":[{"Sid":"a",` + ok + `},{"Sid":"a",` + ok + `}]}`},
		{"nested deeply", policy.Identity, strings.Repeat(`{"Statement":`, 50) + `1` + strings.Repeat(`}`, 50)},
		{"too large", policy.Identity, `{"Id":"` + strings.Repeat("x", policy.MaxDocument) + `","Statement":[{` + ok + `}]}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if doc, err := policy.Parse([]byte(row.text), row.kind); !errors.Is(err, policy.ErrMalformed) {
				t.Errorf("got %+v, %v", doc, err)
			}
		})
	}
}

// TestParseAccepts: the short forms IAM takes, numbers and booleans in conditions among them.
func TestParseAccepts(t *testing.T) {
	doc := parse(t, policy.Resource, `{"Version":"2012-10-17","Id":"x","Statement":{"Sid":"s","Effect":"Deny","Principal":{"AWS":["*"]},
		"Action":["s3:*"],"Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:max-keys":[10,20]}}}}`)
	r := policy.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b",
		Context: map[string][]string{"aws:securetransport": {"false"}, "s3:max-keys": {"15"}}}
	if got := doc.Evaluate(&r); got != policy.ExplicitDeny {
		t.Errorf("got %v", got)
	}
	r.Context["s3:max-keys"] = []string{"25"}
	if got := doc.Evaluate(&r); got != policy.ImplicitDeny {
		t.Errorf("got %v", got)
	}
}

// FuzzParse: any input is either refused as malformed or gives a document that decides without a panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(identity("Allow")), "s3:GetObject", "arn:aws:s3:::b/k")
	f.Add([]byte(resource("Deny", `{"AWS":["*"]}`)), "s3:GetObject", "arn:aws:s3:::b/k")
	f.Add([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"a":"${b,'*'}*"}}}}`), "a:b", "")
	f.Fuzz(func(t *testing.T, data []byte, action, arn string) {
		for _, kind := range []policy.Kind{policy.Identity, policy.Resource} {
			doc, err := policy.Parse(data, kind)
			if err != nil {
				if !errors.Is(err, policy.ErrMalformed) {
					t.Fatalf("class of %v", err)
				}
				continue
			}
			r := policy.Request{Principal: alice, Action: action, Resource: arn, ResourceAccount: owner,
				Context: map[string][]string{"a": {"x", action}, "b": {arn}}}
			policy.Decide(&r, &policy.Documents{Identity: []*policy.Document{doc}, Resource: doc, Boundary: doc, Session: doc})
		}
	})
}

// TestAllocations: a decision of a request with a policy makes no garbage to speak of.
func TestAllocations(t *testing.T) {
	doc, err := policy.Parse([]byte(resource("Allow", `{"AWS":"111111111111"}`)), policy.Resource)
	if err != nil {
		t.Fatal(err)
	}
	r := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/some/longer/key", ResourceAccount: owner}
	d := policy.Documents{Resource: doc}
	if n := testing.AllocsPerRun(100, func() { policy.Decide(&r, &d) }); n > 2 {
		t.Errorf("%v allocations, want 2 at most", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	doc, err := policy.Parse([]byte(resource("Allow", `{"AWS":"111111111111"}`)), policy.Resource)
	if err != nil {
		b.Fatal(err)
	}
	r := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/some/longer/key", ResourceAccount: owner}
	d := policy.Documents{Resource: doc}
	b.ReportAllocs()
	for b.Loop() {
		if policy.Decide(&r, &d) != policy.Allowed {
			b.Fatal("denied")
		}
	}
}

func TestParseLeniently(t *testing.T) {
	doc := func(statements string) []byte {
		return []byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
	}
	st := func(effect, principal, more string) string {
		return `{"Sid":"s","Effect":"` + effect + `","Principal":` + principal + `,"Action":"s3:GetObject"` + more + `}`
	}
	const res = `,"Resource":"arn:aws:s3:::b/*"`
	for name, tc := range map[string]struct {
		doc  []byte
		may  policy.Lenience
		want policy.Decision // of an account 111122223333 with that and no name
	}{
		"tenant":            {doc(st("Allow", `{"AWS":"arn:aws:iam::tenant:root"}`, res)), policy.Lenience{Tenants: true}, policy.ImplicitDeny},
		"no tenant":         {doc(st("Allow", `{"AWS":"arn:aws:iam:::root"}`, res)), policy.Lenience{Tenants: true}, policy.ImplicitDeny},
		"bare tenant":       {doc(st("Allow", `{"AWS":"tenant"}`, res)), policy.Lenience{Tenants: true}, policy.ImplicitDeny},
		"allow of nothing":  {doc(st("Allow", `"*"`, "")), policy.Lenience{NoResource: true}, policy.ImplicitDeny},
		"denial of nothing": {doc(st("Deny", `"*"`, "") + "," + st("Allow", `"*"`, res)), policy.Lenience{NoResource: true, SameSids: true}, policy.Allowed},
		"the second counts": {doc(st("Allow", `"*"`, res) + "," + st("Deny", `"*"`, res)), policy.Lenience{SameSids: true}, policy.ExplicitDeny},
	} {
		if _, err := policy.Parse(tc.doc, policy.Resource); !errors.Is(err, policy.ErrMalformed) {
			t.Errorf("%s: IAM takes it: %v", name, err)
		}
		d, err := policy.ParseLeniently(tc.doc, policy.Resource, tc.may)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := policy.Request{Principal: policy.Principal{AccountID: "111122223333"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
		if got := d.Evaluate(&r); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	for _, wild := range []string{"*x", "arn:aws:iam::*:root", "arn:aws:iam::1?:root"} {
		if _, err := policy.ParseLeniently(doc(st("Allow", `{"AWS":"`+wild+`"}`, res)), policy.Resource, policy.Lenience{Tenants: true}); err == nil {
			t.Errorf("%q is taken for a tenant", wild)
		}
	}
}

// A service that is given only what is given to it by name is still denied what everybody is denied.
func TestServiceByName(t *testing.T) {
	for doc, want := range map[string][2]policy.Decision{
		`"Effect":"Allow","Principal":"*"`:                                   {policy.Allowed, policy.ImplicitDeny},
		`"Effect":"Allow","Principal":{"Service":"logs.example"}`:            {policy.Allowed, policy.Allowed},
		`"Effect":"Allow","Principal":{"Service":"*"}`:                       {policy.Allowed, policy.ImplicitDeny},
		`"Effect":"Allow","Principal":{"Service":"other.example","AWS":"*"}`: {policy.Allowed, policy.ImplicitDeny},
		`"Effect":"Deny","Principal":"*"`:                                    {policy.ExplicitDeny, policy.ExplicitDeny},
	} {
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{`+doc+`,"Action":"s3:PutObject","Resource":"*"}}`), policy.Resource)
		if err != nil {
			t.Fatal(err)
		}
		for i, byName := range []bool{false, true} {
			r := policy.Request{Principal: policy.Principal{Service: "logs.example", ByName: byName}, Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k"}
			if got := d.Evaluate(&r); got != want[i] {
				t.Errorf("%s, by name %v: %v, want %v", doc, byName, got, want[i])
			}
		}
	}
}
