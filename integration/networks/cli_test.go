package networks

import (
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestCLI: the AWS CLI's describe commands with filters, queries and pages.
func TestCLI(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	aws := func(t testing.TB, args ...string) string {
		t.Helper()
		out := harness.Run(t, harness.Command{Path: harness.Tool(t, "aws1"), Env: s.AWSEnv(), Args: append([]string{"ec2"}, append(args, "--output", "text")...)})
		return strings.TrimSpace(out)
	}
	group := aws(t, "create-security-group", "--group-name", "cli", "--description", "made by the CLI", "--query", "GroupId")
	aws(t, "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "192.0.2.0/24")
	aws(t, "authorize-security-group-ingress", "--group-name", "cli", "--protocol", "icmp", "--port", "-1", "--cidr", "0.0.0.0/0")
	aws(t, "authorize-security-group-ingress", "--group-id", group, "--protocol", "all", "--source-group", group)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"VPC":      {[]string{"describe-vpcs", "--filters", "Name=isDefault,Values=true", "--query", "Vpcs[].CidrBlock"}, "172.31.0.0/16"},
		"subnets":  {[]string{"describe-subnets", "--filters", "Name=availability-zone,Values=us-east-1?", "Name=default-for-az,Values=true", "--query", "sort(Subnets[].CidrBlock)"}, "172.31.0.0/20\t172.31.16.0/20\t172.31.32.0/20"},
		"pages":    {[]string{"describe-subnets", "--page-size", "5", "--query", "length(Subnets)"}, "3"},
		"groups":   {[]string{"describe-security-groups", "--filters", "Name=ip-permission.from-port,Values=22", "Name=ip-permission.cidr,Values=192.0.2.*", "--query", "SecurityGroups[].GroupName"}, "cli"},
		"no group": {[]string{"describe-security-groups", "--filters", "Name=group-name,Values=CLI", "--query", "length(SecurityGroups)"}, "0"},
		"rules":    {[]string{"describe-security-group-rules", "--filters", "Name=group-id,Values=" + group, "--query", "sort_by(SecurityGroupRules[?!IsEgress],&IpProtocol)[].[IpProtocol,FromPort,ToPort]"}, "-1\t-1\t-1\nicmp\t-1\t-1\ntcp\t22\t22"},
		"routes":   {[]string{"describe-route-tables", "--filters", "Name=association.main,Values=true", "Name=route.state,Values=active", "--query", "RouteTables[0].Routes[].[DestinationCidrBlock,State]"}, "172.31.0.0/16\tactive\n0.0.0.0/0\tactive"},
		"ACLs":     {[]string{"describe-network-acls", "--filters", "Name=default,Values=true", "Name=entry.rule-action,Values=allow", "--query", "NetworkAcls[0].Entries[?Egress].RuleNumber"}, "100\t32767"},
		"gateway":  {[]string{"describe-internet-gateways", "--query", "InternetGateways[0].Attachments[0].State"}, "available"},
		"DHCP":     {[]string{"describe-dhcp-options", "--filters", "Name=key,Values=domain-name", "--query", "DhcpOptions[0].DhcpConfigurations[0].Values[0].Value"}, "ec2.internal"},
		"none":     {[]string{"describe-addresses", "--query", "length(Addresses)"}, "0"},
		"nothing":  {[]string{"describe-network-interfaces", "--filters", "Name=attachment.instance-id,Values=i-*", "--query", "length(NetworkInterfaces)"}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := aws(t, c.args...); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	aws(t, "delete-security-group", "--group-name", "cli")
}
