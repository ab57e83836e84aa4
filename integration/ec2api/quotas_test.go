package ec2api

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestQuotas fills each quota, with the numbers that are configured, and asks for one more.
func TestQuotas(t *testing.T) {
	args := []string{"--hypervisor", "off"}
	for _, q := range strings.Fields(`vpcs=3 cidrs-per-vpc=2 subnets-per-vpc=2 security-groups-per-vpc=2 rules-per-security-group=2 security-groups-per-interface=1
		network-interfaces=2 addresses-per-interface=2 elastic-ips=1 internet-gateways=2 route-tables-per-vpc=2 routes-per-table=1 network-acls-per-vpc=2 entries-per-network-acl=1 dhcp-options=1`) {
		args = append(args, "--quota", q)
	}
	s := harness.Start(t, harness.Options{Args: args})
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.owner = &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region, Service: "ec2"}
	f.defaults(root(s), "")
	made := func(form, element, name string) { // what is within the quota, and its id
		t.Helper()
		reply, a := f.ask(t, f.owner, f.fill(t, form))
		if a.Code != "" {
			t.Fatalf("%s: %s %s", form, a.Code, a.Message)
		}
		_, rest, _ := strings.Cut(string(reply.Body), "<"+element+">")
		f.names[name], _, _ = strings.Cut(rest, "<")
	}
	full := func(form, code, says string) {
		t.Helper()
		f.refuses(t, f.owner, strings.SplitN(form, "&", 2)[0], f.fill(t, strings.Join(strings.SplitN(form, "&", 2)[1:], "")), 400, bad{code: code, says: says})
	}
	rule := func(n, port int) string {
		return fmt.Sprintf("&IpPermissions.%d.IpProtocol=tcp&IpPermissions.%[1]d.FromPort=%d&IpPermissions.%[1]d.ToPort=%[2]d&IpPermissions.%[1]d.IpRanges.1.CidrIp=10.0.0.0/8", n, port)
	}
	made("Action=CreateVpc&CidrBlock=10.1.0.0/16", "vpcId", "vpc")
	made("Action=CreateVpc&CidrBlock=10.2.0.0/16", "vpcId", "vpc2")
	full("CreateVpc&CidrBlock=10.3.0.0/16", "VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	made("Action=AssociateVpcCidrBlock&VpcId={vpc}&CidrBlock=10.4.0.0/16", "associationId", "cidr")
	full("AssociateVpcCidrBlock&VpcId={vpc}&CidrBlock=10.5.0.0/16", "CidrLimitExceeded", "This network '"+f.names["vpc"]+"' has met its maximum number of allowed CIDRs: 2")
	made("Action=CreateSubnet&VpcId={vpc}&CidrBlock=10.1.1.0/24", "subnetId", "subnet")
	made("Action=CreateSubnet&VpcId={vpc}&CidrBlock=10.1.2.0/24", "subnetId", "subnet2")
	full("CreateSubnet&VpcId={vpc}&CidrBlock=10.1.3.0/24", "SubnetLimitExceeded", "")
	made("Action=CreateSecurityGroup&VpcId={vpc}&GroupName=a&GroupDescription=a", "groupId", "sg")
	made("Action=CreateSecurityGroup&VpcId={vpc}&GroupName=b&GroupDescription=b", "groupId", "sg2")
	full("CreateSecurityGroup&VpcId={vpc}&GroupName=c&GroupDescription=c", "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
	made("Action=AuthorizeSecurityGroupIngress&GroupId={sg}"+rule(1, 1), "securityGroupRuleId", "rule")
	full("AuthorizeSecurityGroupIngress&GroupId={sg}"+rule(1, 2)+rule(2, 3), "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	made("Action=AuthorizeSecurityGroupIngress&GroupId={sg}"+rule(1, 2), "securityGroupRuleId", "rule")
	full("AuthorizeSecurityGroupIngress&GroupId={sg}"+rule(1, 3), "RulesPerSecurityGroupLimitExceeded", "")
	made("Action=AuthorizeSecurityGroupEgress&GroupId={sg}"+rule(1, 3), "securityGroupRuleId", "rule") // each direction counts by itself
	full("CreateNetworkInterface&SubnetId={subnet}&SecurityGroupId.1={sg}&SecurityGroupId.2={sg2}", "SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached.")
	made("Action=CreateNetworkInterface&SubnetId={subnet}", "networkInterfaceId", "eni")
	full("ModifyNetworkInterfaceAttribute&NetworkInterfaceId={eni}&SecurityGroupId.1={sg}&SecurityGroupId.2={sg2}", "SecurityGroupsPerInterfaceLimitExceeded", "")
	full("AssignPrivateIpAddresses&NetworkInterfaceId={eni}&SecondaryPrivateIpAddressCount=2", "PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit of 2.")
	full("CreateNetworkInterface&SubnetId={subnet}&SecondaryPrivateIpAddressCount=2", "PrivateIpAddressLimitExceeded", "")
	made("Action=CreateNetworkInterface&SubnetId={subnet}", "networkInterfaceId", "eni2")
	full("CreateNetworkInterface&SubnetId={subnet}", "NetworkInterfaceLimitExceeded", "")
	made("Action=AllocateAddress", "allocationId", "eip")
	full("AllocateAddress", "AddressLimitExceeded", "The maximum number of addresses has been reached.")
	made("Action=CreateInternetGateway", "internetGatewayId", "igw") // the default VPC has another
	full("CreateInternetGateway", "InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
	made("Action=CreateRouteTable&VpcId={vpc}", "routeTableId", "rtb") // beside the main one
	full("CreateRouteTable&VpcId={vpc}", "RouteTableLimitExceeded", "")
	made("Action=AttachInternetGateway&InternetGatewayId={igw}&VpcId={vpc}", "return", "")
	made("Action=CreateRoute&RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}", "return", "")
	full("CreateRoute&RouteTableId={rtb}&DestinationCidrBlock=10.99.0.0/16&GatewayId={igw}", "RouteLimitExceeded", "")
	full("CreateRoute&RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}", "RouteAlreadyExists", "")
	made("Action=CreateNetworkAcl&VpcId={vpc}", "networkAclId", "acl")
	full("CreateNetworkAcl&VpcId={vpc}", "NetworkAclLimitExceeded", "")
	const entry = "&NetworkAclId={acl}&Egress=%t&RuleNumber=%d&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0"
	made("Action=CreateNetworkAclEntry"+fmt.Sprintf(entry, false, 1), "return", "")
	full("CreateNetworkAclEntry"+fmt.Sprintf(entry, false, 2), "NetworkAclEntryLimitExceeded", "")
	made("Action=CreateNetworkAclEntry"+fmt.Sprintf(entry, true, 1), "return", "")
	made("Action=CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.example", "dhcpOptionsId", "dopt")
	full("CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=b.example", "DhcpOptionsLimitExceeded", "")
	var values strings.Builder
	for i := range 201 {
		fmt.Fprintf(&values, "&Filter.1.Value.%d=vpc-%017x", i+1, i)
	}
	full("DescribeVpcs&Filter.1.Name=vpc-id"+values.String(), "FilterLimitExceeded", "")
	made("Action=DescribeVpcs&Filter.1.Name=vpc-id"+values.String()[:strings.LastIndex(values.String(), "&")], "vpcSet", "")
	var attributes struct {
		Set []struct {
			Name  string `xml:"attributeName"`
			Value string `xml:"attributeValueSet>item>attributeValue"`
		} `xml:"accountAttributeSet>item"`
	}
	reply, _ := f.ask(t, f.owner, "Action=DescribeAccountAttributes")
	if err := xml.Unmarshal(reply.Body, &attributes); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"max-elastic-ips": "1", "vpc-max-elastic-ips": "1", "vpc-max-security-groups-per-interface": "1"}
	for _, a := range attributes.Set {
		if w, ok := want[a.Name]; ok && w != a.Value {
			t.Errorf("%s is %s, not %s", a.Name, a.Value, w)
		}
		delete(want, a.Name)
	}
	if len(want) > 0 {
		t.Errorf("no attributes %v", want)
	}
}
