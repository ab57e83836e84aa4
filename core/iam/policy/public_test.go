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
