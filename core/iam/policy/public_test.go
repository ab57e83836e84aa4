package policy_test

import (
	"testing"

	"github.com/aureole-cloud/aureole/core/iam/policy"
)

func TestPublic(t *testing.T) {
	const rest = `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	for name, tc := range map[string]struct {
		statement string
		public    bool
	}{
		"everybody":              {`"Effect":"Allow","Principal":"*"` + rest, true},
		"everybody, as accounts": {`"Effect":"Allow","Principal":{"AWS":"*"}` + rest, true},
		"denied to everybody":    {`"Effect":"Deny","Principal":"*"` + rest, false},
		"all but one":            {`"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"}` + rest, true},
		"one account":            {`"Effect":"Allow","Principal":{"AWS":"111122223333"}` + rest, false},
		"from one network":       {`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}` + rest, false},
		"from everywhere":        {`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}}` + rest, true},
		"from outside a network": {`"Effect":"Allow","Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}` + rest, true},
		"of one endpoint":        {`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}` + rest, false},
		"of any endpoint":        {`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:SourceVpce":"vpce-*"}}` + rest, true},
		"if it has an endpoint":  {`"Effect":"Allow","Principal":"*","Condition":{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}` + rest, true},
		"what it is, not who":    {`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/public":"yes"}}` + rest, true},
	} {
		doc, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{`+tc.statement+`}]}`), policy.Resource)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if doc.Public() != tc.public {
			t.Errorf("%s: public is %v", name, !tc.public)
		}
	}
	if (*policy.Document)(nil).Public() {
		t.Error("no policy is public")
	}
}

// What a list of the resource grants counts as what its policy allows; what the policy denies stays denied.
func TestGranted(t *testing.T) {
	doc := func(kind policy.Kind, text string) *policy.Document {
		t.Helper()
		d, err := policy.Parse([]byte(text), kind)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	mine := doc(policy.Identity, `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`)
	notMine := doc(policy.Identity, `{"Statement":{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}}`)
	mixed := doc(policy.Resource, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}]}`)
	user := policy.Principal{AccountID: "111111111111", ARN: "arn:aws:iam::111111111111:user/u"}
	root := policy.Principal{AccountID: "111111111111", ARN: "arn:aws:iam::111111111111:root", Root: true}
	nobody := policy.Principal{Anonymous: true}
	for name, tc := range map[string]struct {
		who    policy.Principal
		owner  string
		action string
		docs   policy.Documents
		want   policy.Decision
	}{
		"nobody":                          {nobody, "111111111111", "s3:GetObject", policy.Documents{Granted: true}, policy.Allowed},
		"nobody, not granted":             {nobody, "111111111111", "s3:GetObject", policy.Documents{}, policy.ImplicitDeny},
		"a user of the owner":             {user, "111111111111", "s3:GetObject", policy.Documents{Granted: true}, policy.Allowed},
		"a user of another account":       {user, "222222222222", "s3:GetObject", policy.Documents{Granted: true}, policy.ImplicitDeny},
		"one who may by itself":           {user, "222222222222", "s3:GetObject", policy.Documents{Granted: true, Identity: []*policy.Document{mine}}, policy.Allowed},
		"one who is denied by itself":     {user, "222222222222", "s3:GetObject", policy.Documents{Granted: true, Identity: []*policy.Document{mine, notMine}}, policy.ExplicitDeny},
		"the root of another account":     {root, "222222222222", "s3:GetObject", policy.Documents{Granted: true}, policy.Allowed},
		"denied by the resource's policy": {root, "111111111111", "s3:PutObject", policy.Documents{Granted: true, Resource: mixed}, policy.ExplicitDeny},
		"denials alone deny":              {root, "111111111111", "s3:PutObject", policy.Documents{Granted: true, Resource: mixed.Denials()}, policy.ExplicitDeny},
		"denials alone allow nothing":     {nobody, "111111111111", "s3:GetObject", policy.Documents{Resource: mixed.Denials()}, policy.ImplicitDeny},
		"a boundary leaves grants alone":  {user, "111111111111", "s3:GetObject", policy.Documents{Granted: true, Boundary: doc(policy.Identity, `{"Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`)}, policy.Allowed},
		"a session policy does not":       {user, "111111111111", "s3:GetObject", policy.Documents{Granted: true, Session: doc(policy.Identity, `{"Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`)}, policy.ImplicitDeny},
	} {
		r := policy.Request{Principal: tc.who, Action: tc.action, Resource: "arn:aws:s3:::b/k", ResourceAccount: tc.owner}
		if got := policy.Decide(&r, &tc.docs); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if mine.Denials() != nil {
		t.Error("a document without denials has some")
	}
}
