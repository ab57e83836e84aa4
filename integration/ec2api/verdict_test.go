package ec2api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestEncodedAuthorizationMessage: a refusal says who may not do what on which resource, and seals the rest for the operator.
func TestEncodedAuthorizationMessage(t *testing.T) {
	s := harness.Start(t, harness.Options{Args: []string{"--hypervisor", "off"}})
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.owner = &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region, Service: "ec2"}
	f.names["account"] = accountOf(t, f.owner, s)
	f.nobody = f.user("nobody", "--account", f.names["account"])
	f.defaults(root(s), "")

	_, a := f.ask(t, f.nobody, f.fill(t, "Action=DeleteVpc&VpcId={vpcdefault}"))
	arn := "arn:aws:ec2:us-east-1:" + f.names["account"] + ":vpc/" + f.names["vpcdefault"]
	said, encoded, ok := strings.Cut(a.Message, ". Encoded authorization failure message: ")
	if want := "You are not authorized to perform this operation. User: arn:aws:iam::" + f.names["account"] + ":user/nobody is not authorized to perform: ec2:DeleteVpc on resource: " + arn +
		" because no identity-based policy allows the ec2:DeleteVpc action"; !ok || a.Code != "UnauthorizedOperation" || said != want {
		t.Fatalf("%s: %s, want %s", a.Code, a.Message, want)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{64,}$`).MatchString(encoded) {
		t.Errorf("the message is %s", encoded)
	}
	type list[T any] struct{ Items []T }
	type value struct{ Value string }
	type condition struct {
		Key    string
		Values list[value]
	}
	type verdict struct {
		Allowed, ExplicitDeny *bool
		MatchedStatements     struct {
			Items []struct {
				StatementID, Effect            string
				Principals, Actions, Resources list[value]
				PrincipalGroups                *list[value]
				Conditions                     list[condition]
			}
		}
		Context struct {
			Principal        struct{ Name, ARN string }
			Action, Resource string
			Conditions       list[condition]
		}
	}
	decode := func(encoded string) (v verdict, out string) {
		t.Helper()
		out, err := s.CLI("admin", "decode-authorization-message", encoded)
		if err != nil {
			t.Fatal(err, out)
		}
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err, out)
		}
		return v, out
	}
	v, out := decode(encoded)
	keys := map[string]string{}
	for _, c := range v.Context.Conditions.Items {
		keys[c.Key] = c.Values.Items[0].Value
	}
	if v.Allowed == nil || *v.Allowed || v.ExplicitDeny == nil || *v.ExplicitDeny || v.Context.Principal.Name != "nobody" || v.Context.Action != "ec2:DeleteVpc" ||
		v.Context.Resource != arn || keys["ec2:region"] != "us-east-1" || keys["ec2:vpcid"] != f.names["vpcdefault"] || v.MatchedStatements.Items == nil || len(v.MatchedStatements.Items) > 0 {
		t.Errorf("decoded: %s", out)
	}
	// Of what is denied the statements that do it are told, and no others.
	f.policy(t, allow("ec2:*", "*"), strings.Replace(deny("ec2:Delete* ec2:StopInstances", "ARN:vpc/*", `"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}`), "{", `{"Sid": "keep", `, 1), deny("ec2:DeleteSubnet", "*"))
	_, a = f.ask(t, f.nobody, f.fill(t, "Action=DeleteVpc&VpcId={vpcdefault}"))
	_, denied, _ := strings.Cut(a.Message, ". Encoded authorization failure message: ")
	v, out = decode(denied)
	if !*v.ExplicitDeny || *v.Allowed || len(v.MatchedStatements.Items) != 1 {
		t.Fatalf("denied: %s", out)
	}
	m := v.MatchedStatements.Items[0]
	if m.StatementID != "keep" || m.Effect != "DENY" || len(m.Principals.Items) != 1 || m.PrincipalGroups == nil || fmt.Sprint(m.Actions.Items) != "[{ec2:Delete*} {ec2:StopInstances}]" ||
		fmt.Sprint(m.Resources.Items) != "[{"+strings.Replace(arn, f.names["vpcdefault"], "*", 1)+"}]" || fmt.Sprint(m.Conditions.Items) != "[{aws:requestedregion {[{us-east-1} {eu-west-1}]}}]" {
		t.Errorf("denied: %s", out)
	}

	other := []byte(encoded)
	if other[50]++; !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", rune(other[50])) {
		other[50] = 'A'
	}
	for _, wrong := range []string{"", "nonsense", string(other), encoded[:40], strings.Repeat("A", 20_000)} {
		if out, err := s.CLI("admin", "decode-authorization-message", wrong); err == nil {
			t.Errorf("%.50s decodes to %s", wrong, out)
		}
	}
	// Actions whose permission is about no resource have none.
	f.policy(t, allow("ec2:StopInstances", "*"))
	if _, a := f.ask(t, f.nobody, "Action=DescribeVpcs"); a.Code != "UnauthorizedOperation" || strings.Contains(a.Message, "Encoded") ||
		!strings.HasSuffix(a.Message, "is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action") {
		t.Errorf("%s: %s", a.Code, a.Message)
	}
}
