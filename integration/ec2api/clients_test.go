package ec2api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestCLI runs both generations of the AWS CLI.
func TestCLI(t *testing.T) {
	s := start(t)
	for _, name := range []string{"aws1", "aws2"} {
		t.Run(name, func(t *testing.T) {
			tool := harness.Tool(t, name)
			aws := func(into any, args ...string) {
				t.Helper()
				out := harness.Run(t, harness.Command{Path: tool, Env: s.AWSEnv(),
					Args: append([]string{"--endpoint-url", s.Endpoint, "--output", "json"}, args...)})
				if into != nil {
					if err := json.Unmarshal([]byte(out), into); err != nil {
						t.Fatalf("%v: %v in %s", args, err, out)
					}
				}
			}
			var who struct{ Account, Arn string }
			if aws(&who, "sts", "get-caller-identity"); !strings.HasSuffix(who.Arn, who.Account+":root") {
				t.Errorf("%+v", who)
			}
			var made struct{ KeyName, KeyMaterial string }
			aws(&made, "ec2", "create-key-pair", "--key-name", name, "--key-type", "ed25519", "--tag-specifications", "ResourceType=key-pair,Tags=[{Key=Name,Value=a b}]")
			if !strings.HasPrefix(made.KeyMaterial, "-----BEGIN OPENSSH PRIVATE KEY-----") {
				t.Errorf("%+v", made)
			}
			var names []string
			aws(&names, "ec2", "describe-key-pairs", "--filters", "Name=tag:Name,Values=a*", "Name=key-name,Values="+name, "--query", "KeyPairs[].KeyName")
			if len(names) != 1 || names[0] != name {
				t.Errorf("%v", names)
			}
			var n int
			aws(&n, "ec2", "describe-instance-types", "--page-size", "20", "--query", "length(InstanceTypes)")
			if n < 60 {
				t.Errorf("%d types", n)
			}
			var vpcs struct {
				Vpcs []struct {
					VpcID string `json:"VpcId"`
				}
			}
			aws(&vpcs, "ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")
			if len(vpcs.Vpcs) != 1 {
				t.Errorf("%+v", vpcs)
			}
		})
	}
}

// TestPython runs boto3 and, with signatures of Version 2 and its own old API version, boto.
func TestPython(t *testing.T) {
	s := start(t)
	for _, tc := range []struct{ name, python, script string }{
		{"boto3", harness.Tool(t, "python"), "python/boto3_ec2.py"},
		{"boto", "/usr/bin/python3", "python/boto_ec2.py"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := harness.Run(t, harness.Command{Path: tc.python, Args: []string{tc.script, s.Host}, Env: s.AWSEnv()})
			if strings.TrimSpace(out) != "ok" {
				t.Error(out)
			}
		})
	}
}
