package networks

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// none is an id that no resource has: a prefix and what follows it.
const none = "00000000000000000"

// TestRefused: bad input of every action that changes networks gets AWS's code and changes nothing.
func TestRefused(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := root(t, s), t.Context()
	str, n32, yes := aws.String, aws.Int32, aws.Bool(true)
	vpc := must(c.DescribeVpcs(ctx, nil))(t).Vpcs[0].VpcId
	subnet := must(c.DescribeSubnets(ctx, nil))(t).Subnets[0].SubnetId
	group := must(c.DescribeSecurityGroups(ctx, nil))(t).SecurityGroups[0].GroupId
	igw := must(c.DescribeInternetGateways(ctx, nil))(t).InternetGateways[0].InternetGatewayId
	main := must(c.DescribeRouteTables(ctx, nil))(t).RouteTables[0]
	acl := must(c.DescribeNetworkAcls(ctx, nil))(t).NetworkAcls[0]
	nic := must(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: subnet}))(t).NetworkInterface
	perm := func(p string, from, to int32, cidr string) []types.IpPermission {
		return []types.IpPermission{{IpProtocol: &p, FromPort: &from, ToPort: &to, IpRanges: []types.IpRange{{CidrIp: &cidr}}}}
	}
	in := func(p []types.IpPermission) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, IpPermissions: p})
			return err
		}
	}
	before := snapshot(t, c)
	for name, r := range map[string]struct {
		code string
		do   func(context.Context) error
	}{
		"CreateVpc dry run":       {"DryRunOperation", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0/16"), DryRun: yes})},
		"CreateVpc no range":      {"MissingParameter", call(c.CreateVpc, ec2.CreateVpcInput{})},
		"CreateVpc no CIDR":       {"InvalidParameterValue", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0")})},
		"CreateVpc large":         {"InvalidVpc.Range", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0/8")})},
		"CreateVpc IPv6":          {"UnsupportedOperation", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0/16"), AmazonProvidedIpv6CidrBlock: yes})},
		"CreateVpc tags":          {"InvalidParameterValue", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0/16"), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSubnet, Tags: []types.Tag{{Key: str("a")}}}}})},
		"CreateVpc aws: tag":      {"InvalidParameterValue", call(c.CreateVpc, ec2.CreateVpcInput{CidrBlock: str("10.0.0.0/16"), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVpc, Tags: []types.Tag{{Key: str("aws:a")}}}}})},
		"CreateDefaultVpc":        {"DefaultVpcAlreadyExists", call(c.CreateDefaultVpc, ec2.CreateDefaultVpcInput{})},
		"CreateDefaultSubnet":     {"DefaultSubnetAlreadyExistsInAvailabilityZone", call(c.CreateDefaultSubnet, ec2.CreateDefaultSubnetInput{AvailabilityZone: str("us-east-1a")})},
		"DeleteVpc in use":        {"DependencyViolation", call(c.DeleteVpc, ec2.DeleteVpcInput{VpcId: vpc})},
		"DeleteVpc absent":        {"InvalidVpcID.NotFound", call(c.DeleteVpc, ec2.DeleteVpcInput{VpcId: str("vpc-" + none)})},
		"DeleteVpc malformed":     {"InvalidVpcID.Malformed", call(c.DeleteVpc, ec2.DeleteVpcInput{VpcId: str("vpc")})},
		"ModifyVpcAttribute none": {"MissingParameter", call(c.ModifyVpcAttribute, ec2.ModifyVpcAttributeInput{VpcId: vpc})},
		"ModifyVpcAttribute two": {"InvalidParameterCombination", call(c.ModifyVpcAttribute, ec2.ModifyVpcAttributeInput{VpcId: vpc,
			EnableDnsHostnames: &types.AttributeBooleanValue{Value: yes}, EnableDnsSupport: &types.AttributeBooleanValue{Value: yes}})},
		"AssociateVpcCidrBlock overlap":  {"InvalidParameterValue", call(c.AssociateVpcCidrBlock, ec2.AssociateVpcCidrBlockInput{VpcId: vpc, CidrBlock: str("172.31.0.0/17")})},
		"DisassociateVpcCidrBlock":       {"InvalidVpcCidrBlockAssociationID.NotFound", call(c.DisassociateVpcCidrBlock, ec2.DisassociateVpcCidrBlockInput{AssociationId: str("vpc-cidr-assoc-" + none)})},
		"CreateSubnet conflict":          {"InvalidSubnet.Conflict", call(c.CreateSubnet, ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: str("172.31.0.0/24")})},
		"CreateSubnet outside":           {"InvalidSubnet.Range", call(c.CreateSubnet, ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: str("10.0.0.0/24")})},
		"CreateSubnet zone":              {"InvalidParameterValue", call(c.CreateSubnet, ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: str("172.31.200.0/24"), AvailabilityZone: str("mars-1a")})},
		"DeleteSubnet in use":            {"DependencyViolation", call(c.DeleteSubnet, ec2.DeleteSubnetInput{SubnetId: subnet})},
		"ModifySubnetAttribute":          {"UnsupportedOperation", call(c.ModifySubnetAttribute, ec2.ModifySubnetAttributeInput{SubnetId: subnet, EnableDns64: &types.AttributeBooleanValue{Value: yes}})},
		"CreateSecurityGroup reserved":   {"InvalidGroup.Reserved", call(c.CreateSecurityGroup, ec2.CreateSecurityGroupInput{GroupName: str("default"), Description: str("d")})},
		"DeleteSecurityGroup default":    {"CannotDelete", call(c.DeleteSecurityGroup, ec2.DeleteSecurityGroupInput{GroupId: group})},
		"DeleteSecurityGroup absent":     {"InvalidGroup.NotFound", call(c.DeleteSecurityGroup, ec2.DeleteSecurityGroupInput{GroupId: str("sg-" + none)})},
		"DeleteSecurityGroup by name":    {"InvalidGroup.NotFound", call(c.DeleteSecurityGroup, ec2.DeleteSecurityGroupInput{GroupName: str("nobody")})},
		"DeleteSecurityGroup none":       {"MissingParameter", call(c.DeleteSecurityGroup, ec2.DeleteSecurityGroupInput{})},
		"Authorize no rule":              {"MissingParameter", in(nil)},
		"Authorize no protocol":          {"InvalidParameterValue", in(perm("carp", 1, 1, "0.0.0.0/0"))},
		"Authorize no ports":             {"InvalidParameterValue", in([]types.IpPermission{{IpProtocol: str("tcp"), IpRanges: []types.IpRange{{CidrIp: str("0.0.0.0/0")}}}})},
		"Authorize backwards":            {"InvalidParameterValue", in(perm("tcp", 2, 1, "0.0.0.0/0"))},
		"Authorize no range":             {"InvalidParameterValue", in(perm("tcp", 1, 1, "0.0.0.0"))},
		"Authorize absent group":         {"InvalidGroup.NotFound", in([]types.IpPermission{{IpProtocol: str("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: str("sg-" + none)}}}})},
		"Authorize prefix list":          {"InvalidPrefixListID.NotFound", in([]types.IpPermission{{IpProtocol: str("-1"), PrefixListIds: []types.PrefixListId{{PrefixListId: str("pl-12345678")}}}})},
		"Authorize duplicate":            {"InvalidPermission.Duplicate", in([]types.IpPermission{{IpProtocol: str("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: group}}}})},
		"Authorize egress duplicate":     {"InvalidPermission.Duplicate", call(c.AuthorizeSecurityGroupEgress, ec2.AuthorizeSecurityGroupEgressInput{GroupId: group, IpPermissions: perm("-1", -1, -1, "0.0.0.0/0")})},
		"Revoke absent":                  {"InvalidPermission.NotFound", call(c.RevokeSecurityGroupIngress, ec2.RevokeSecurityGroupIngressInput{GroupId: group, IpPermissions: perm("tcp", 1, 1, "0.0.0.0/0")})},
		"Revoke absent id":               {"InvalidSecurityGroupRuleId.NotFound", call(c.RevokeSecurityGroupEgress, ec2.RevokeSecurityGroupEgressInput{GroupId: group, SecurityGroupRuleIds: []string{"sgr-" + none}})},
		"CreateNetworkInterface subnet":  {"InvalidSubnetID.NotFound", call(c.CreateNetworkInterface, ec2.CreateNetworkInterfaceInput{SubnetId: str("subnet-" + none)})},
		"CreateNetworkInterface in use":  {"InvalidIPAddress.InUse", call(c.CreateNetworkInterface, ec2.CreateNetworkInterfaceInput{SubnetId: subnet, PrivateIpAddress: nic.PrivateIpAddress})},
		"CreateNetworkInterface outside": {"InvalidParameterValue", call(c.CreateNetworkInterface, ec2.CreateNetworkInterfaceInput{SubnetId: subnet, PrivateIpAddress: str("10.0.0.1")})},
		"CreateNetworkInterface group":   {"InvalidGroup.NotFound", call(c.CreateNetworkInterface, ec2.CreateNetworkInterfaceInput{SubnetId: subnet, Groups: []string{"sg-" + none}})},
		"DeleteNetworkInterface absent":  {"InvalidNetworkInterfaceID.NotFound", call(c.DeleteNetworkInterface, ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: str("eni-" + none)})},
		"ModifyNetworkInterface none":    {"MissingParameter", call(c.ModifyNetworkInterfaceAttribute, ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: nic.NetworkInterfaceId})},
		"UnassignPrivateIp primary":      {"InvalidParameterValue", call(c.UnassignPrivateIpAddresses, ec2.UnassignPrivateIpAddressesInput{NetworkInterfaceId: nic.NetworkInterfaceId, PrivateIpAddresses: []string{*nic.PrivateIpAddress}})},
		"AssignPrivateIp too many":       {"PrivateIpAddressLimitExceeded", call(c.AssignPrivateIpAddresses, ec2.AssignPrivateIpAddressesInput{NetworkInterfaceId: nic.NetworkInterfaceId, SecondaryPrivateIpAddressCount: n32(100)})},
		"AttachInternetGateway again":    {"Resource.AlreadyAssociated", call(c.AttachInternetGateway, ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})},
		"DetachInternetGateway absent":   {"InvalidInternetGatewayID.NotFound", call(c.DetachInternetGateway, ec2.DetachInternetGatewayInput{InternetGatewayId: str("igw-" + none), VpcId: vpc})},
		"DeleteInternetGateway in use":   {"DependencyViolation", call(c.DeleteInternetGateway, ec2.DeleteInternetGatewayInput{InternetGatewayId: igw})},
		"DeleteRouteTable main":          {"DependencyViolation", call(c.DeleteRouteTable, ec2.DeleteRouteTableInput{RouteTableId: main.RouteTableId})},
		"DisassociateRouteTable main":    {"InvalidParameterValue", call(c.DisassociateRouteTable, ec2.DisassociateRouteTableInput{AssociationId: main.Associations[0].RouteTableAssociationId})},
		"CreateRoute exists":             {"RouteAlreadyExists", call(c.CreateRoute, ec2.CreateRouteInput{RouteTableId: main.RouteTableId, DestinationCidrBlock: str("0.0.0.0/0"), GatewayId: igw})},
		"CreateRoute instance":           {"UnsupportedOperation", call(c.CreateRoute, ec2.CreateRouteInput{RouteTableId: main.RouteTableId, DestinationCidrBlock: str("10.0.0.0/8"), InstanceId: str("i-" + none)})},
		"CreateRoute two targets":        {"InvalidParameterCombination", call(c.CreateRoute, ec2.CreateRouteInput{RouteTableId: main.RouteTableId, DestinationCidrBlock: str("10.0.0.0/8"), GatewayId: igw, NatGatewayId: str("nat-" + none)})},
		"DeleteRoute absent":             {"InvalidRoute.NotFound", call(c.DeleteRoute, ec2.DeleteRouteInput{RouteTableId: main.RouteTableId, DestinationCidrBlock: str("10.0.0.0/8")})},
		"DeleteRoute local":              {"InvalidParameterValue", call(c.DeleteRoute, ec2.DeleteRouteInput{RouteTableId: main.RouteTableId, DestinationCidrBlock: str("172.31.0.0/16")})},
		"CreateNetworkAclEntry deny": {"UnsupportedOperation", call(c.CreateNetworkAclEntry, ec2.CreateNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, Protocol: str("-1"),
			RuleAction: types.RuleActionDeny, RuleNumber: n32(50), Egress: aws.Bool(false), CidrBlock: str("0.0.0.0/0")})},
		"CreateNetworkAclEntry exists": {"NetworkAclEntryAlreadyExists", call(c.CreateNetworkAclEntry, ec2.CreateNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, Protocol: str("-1"),
			RuleAction: types.RuleActionAllow, RuleNumber: n32(100), Egress: aws.Bool(false), CidrBlock: str("0.0.0.0/0")})},
		"DeleteNetworkAclEntry absent": {"InvalidNetworkAclEntry.NotFound", call(c.DeleteNetworkAclEntry, ec2.DeleteNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: n32(7), Egress: yes})},
		"DeleteNetworkAcl default":     {"InvalidParameterValue", call(c.DeleteNetworkAcl, ec2.DeleteNetworkAclInput{NetworkAclId: acl.NetworkAclId})},
		"DeleteDhcpOptions absent":     {"InvalidDhcpOptionID.NotFound", call(c.DeleteDhcpOptions, ec2.DeleteDhcpOptionsInput{DhcpOptionsId: str("dopt-" + none)})},
		"CreateDhcpOptions unknown":    {"InvalidParameterValue", call(c.CreateDhcpOptions, ec2.CreateDhcpOptionsInput{DhcpConfigurations: []types.NewDhcpConfiguration{{Key: str("mtu"), Values: []string{"1"}}}})},
		"ReleaseAddress absent":        {"InvalidAllocationID.NotFound", call(c.ReleaseAddress, ec2.ReleaseAddressInput{AllocationId: str("eipalloc-" + none)})},
		"ReleaseAddress none":          {"MissingParameter", call(c.ReleaseAddress, ec2.ReleaseAddressInput{})},
		"AssociateAddress none":        {"MissingParameter", call(c.AssociateAddress, ec2.AssociateAddressInput{AllocationId: str("eipalloc-" + none)})},
		"DisassociateAddress absent":   {"InvalidAssociationID.NotFound", call(c.DisassociateAddress, ec2.DisassociateAddressInput{AssociationId: str("eipassoc-" + none)})},
		"Describe unknown filter":      {"InvalidParameterValue", call(c.DescribeVpcs, ec2.DescribeVpcsInput{Filters: []types.Filter{by("colour", "red")}})},
		"Describe bad token":           {"InvalidNextToken", call(c.DescribeSubnets, ec2.DescribeSubnetsInput{NextToken: str("x")})},
	} {
		if got := code(r.do(ctx)); got != r.code {
			t.Errorf("%s: got %q, want %s", name, got, r.code)
		}
	}
	if after := snapshot(t, c); after != before {
		t.Errorf("something changed:\n%s\nbefore:\n%s", after, before)
	}
}

// call binds an action to its input.
func call[In, Out any](f func(context.Context, *In, ...func(*ec2.Options)) (*Out, error), in In) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := f(ctx, &in)
		return err
	}
}
