package ec2api

import (
	"fmt"
	"strings"
)

// sixty are more rules than a group has room for beside one.
func sixty(form string) string {
	var b strings.Builder
	b.WriteString(form + "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=1")
	for i := range 61 {
		fmt.Fprintf(&b, "&IpPermissions.1.IpRanges.%d.CidrIp=10.1.%d.0/24", i+1, i)
	}
	return b.String()
}

// badRules are permissions that cannot be, for actions that add or take away rules.
func badRules(group string) []bad {
	const p = "&IpPermissions.1."
	tcp := group + p + "IpProtocol=tcp" + p + "FromPort=1" + p + "ToPort=2"
	return []bad{
		{group + p + "IpProtocol=tcp" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", "Must specify both from and to ports with TCP/UDP"},
		{group + p + "IpProtocol=tcp" + p + "FromPort=2" + p + "ToPort=1" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", "Invalid TCP/UDP port range (2:1)"},
		{group + p + "IpProtocol=tcp" + p + "FromPort=1" + p + "ToPort=65536" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", ""},
		{group + p + "IpProtocol=icmp" + p + "FromPort=256" + p + "ToPort=0" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", ""},
		{group + p + "IpProtocol=smoke" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", "Invalid value 'smoke' for IP protocol. Unknown protocol."},
		{group + p + "IpProtocol=256" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue", ""},
		{group + p + "FromPort=1" + p + "ToPort=2" + p + "IpRanges.1.CidrIp=0.0.0.0/0", "MissingParameter", "ipProtocol"},
		{tcp, "MissingParameter", ""},
		{tcp + p + "IpRanges.1.CidrIp=0.0.0.0", "InvalidParameterValue", "CIDR block 0.0.0.0 is malformed"},
		{tcp + p + "IpRanges.1.CidrIp=0.0.0.0/33", "InvalidParameterValue", "is malformed"},
		{tcp + p + "IpRanges.1.CidrIp=::/0", "InvalidParameterValue", "is malformed"},
		{tcp + p + "Ipv6Ranges.1.CidrIpv6=0.0.0.0/0", "InvalidParameterValue", "is malformed"},
		{tcp + p + "IpRanges.1.CidrIp=0.0.0.0/0" + p + "IpRanges.1.Description=%3Cb%3E", "InvalidParameterValue", "Invalid rule description"},
		{tcp + p + "Groups.1.GroupId=sg-0123456789abcdef0", "InvalidGroup.NotFound", ""},
		{tcp + p + "Groups.1.GroupId=sg-xyz", "InvalidGroupId.Malformed", ""},
		{tcp + p + "Groups.1.GroupId={eve.sg}", "InvalidGroup.NotFound", ""},
		{tcp + p + "Groups.1.GroupId={sg3}", "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."},
		{tcp + p + "PrefixListIds.1.PrefixListId=pl-0123456789abcdef0", "InvalidPrefixListID.NotFound", ""},
	}
}

const (
	port22  = "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
	port23  = "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=23&IpPermissions.1.ToPort=23&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
	allRule = "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
)

// optional marks the parameters of a permission, which are missed one by one in badRules.
func optional(permission string) string { return strings.ReplaceAll(permission, "&", "&?") }

// anyGateway: a route may go to gateways of several kinds, and EC2 has one code for their ids.
var anyGateway = map[string]string{"GatewayId": "InvalidGatewayID.NotFound"}

var networkRefusals = map[string]refusals{
	"DescribeVpcs": {good: "?VpcId.1={vpc}", rows: rows(badPages("4", "1001"))},
	"CreateVpc": {dry: "VpcLimitExceeded", good: "?CidrBlock=10.9.0.0/16", rows: rows(badTags("CidrBlock=10.9.0.0/16", "vpc"), []bad{
		{"", "MissingParameter", ""},
		{"CidrBlock=10.9.0.0/16", "VpcLimitExceeded", "The maximum number of VPCs has been reached."},
		{"CidrBlock=10.9.0.0/8", "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."},
		{"CidrBlock=10.9.0.0/29", "InvalidVpc.Range", ""},
		{"CidrBlock=10.9.0.0", "InvalidParameterValue", "Value (10.9.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"CidrBlock=10.9.0.0/16&InstanceTenancy=host", "InvalidParameterValue", ""},
		{"CidrBlock=10.9.0.0/16&AmazonProvidedIpv6CidrBlock=true", "UnsupportedOperation", ""},
		{"Ipv4IpamPoolId=ipam-pool-0123456789abcdef0", "InvalidIpamPoolId.NotFound", ""},
	})},
	"CreateDefaultVpc": {dry: "DefaultVpcAlreadyExists", rows: []bad{{"", "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region."}}},
	"DeleteVpc": {good: "VpcId={vpc4}", rows: []bad{
		{"VpcId={vpc}", "DependencyViolation", "has dependencies and cannot be deleted."},
		{"VpcId={vpcdefault}", "DependencyViolation", ""},
	}},
	"DescribeVpcAttribute": {good: "VpcId={vpc}&Attribute=enableDnsSupport", rows: []bad{{"VpcId={vpc}&Attribute=colour", "InvalidParameterValue", ""}}},
	"ModifyVpcAttribute": {good: "VpcId={vpc}&EnableDnsHostnames.Value=true", rows: []bad{
		{"VpcId={vpc}&EnableDnsHostnames.Value=true&EnableDnsSupport.Value=false", "InvalidParameterCombination", ""},
		{"VpcId={vpc}&EnableDnsHostnames.Value=yes", "InvalidParameterValue", ""},
	}},
	"AssociateVpcCidrBlock": {good: "VpcId={vpc}&CidrBlock=10.62.0.0/16", rows: []bad{
		{"VpcId={vpc}&CidrBlock=10.50.128.0/17", "InvalidParameterValue", "overlaps"},
		{"VpcId={vpc}&CidrBlock=10.62.0.0/15", "InvalidVpc.Range", ""},
		{"VpcId={vpc}&CidrBlock=ten", "InvalidParameterValue", ""},
		{"VpcId={vpc}&AmazonProvidedIpv6CidrBlock=true", "UnsupportedOperation", ""},
	}},
	"DisassociateVpcCidrBlock": {good: "AssociationId={cidrassoc}"},

	"DescribeSubnets": {good: "?SubnetId.1={subnet}", rows: badPages("4", "1001")},
	"CreateSubnet": {good: "VpcId={vpc}&CidrBlock=10.50.9.0/24", rows: rows(badTags("VpcId={vpc}&CidrBlock=10.50.9.0/24", "subnet"), []bad{
		{"VpcId={vpc}&CidrBlock=10.50.1.0/25", "InvalidSubnet.Conflict", "The CIDR '10.50.1.0/25' conflicts with another subnet"},
		{"VpcId={vpc}&CidrBlock=10.59.1.0/24", "InvalidSubnet.Range", "The CIDR '10.59.1.0/24' is invalid."},
		{"VpcId={vpc}&CidrBlock=10.50.0.0/15", "InvalidSubnet.Range", ""},
		{"VpcId={vpc}&CidrBlock=10.50.9.0/29", "InvalidSubnet.Range", ""},
		{"VpcId={vpc}&CidrBlock=ten", "InvalidParameterValue", "Value (ten) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"VpcId={vpc}&CidrBlock=10.50.9.0/24&AvailabilityZone=moon-1a", "InvalidParameterValue", "Value (moon-1a) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c."},
		{"VpcId={vpc}&CidrBlock=10.50.9.0/24&Ipv6CidrBlock=fd00::/64", "UnsupportedOperation", ""},
	})},
	"CreateDefaultSubnet": {dry: "DefaultSubnetAlreadyExistsInAvailabilityZone", good: "AvailabilityZone=us-east-1a", rows: []bad{
		{"", "MissingParameter", ""},
		{"AvailabilityZone=us-east-1a", "DefaultSubnetAlreadyExistsInAvailabilityZone", "is already the default subnet in us-east-1a."},
		{"AvailabilityZone=moon-1a", "InvalidParameterValue", ""},
	}},
	"DeleteSubnet": {good: "SubnetId={subnet3}", rows: []bad{{"SubnetId={subnet}", "DependencyViolation", "has dependencies and cannot be deleted."}}},
	"ModifySubnetAttribute": {good: "SubnetId={subnet}&MapPublicIpOnLaunch.Value=true", rows: []bad{
		{"SubnetId={subnet}&MapPublicIpOnLaunch.Value=true&PrivateDnsHostnameTypeOnLaunch=ip-name", "InvalidParameterCombination", ""},
		{"SubnetId={subnet}&MapPublicIpOnLaunch.Value=perhaps", "InvalidParameterValue", ""},
		{"SubnetId={subnet}&PrivateDnsHostnameTypeOnLaunch=colour", "InvalidParameterValue", ""},
		{"SubnetId={subnet}&AssignIpv6AddressOnCreation.Value=true", "UnsupportedOperation", ""},
	}},

	"DescribeSecurityGroups": {good: "?GroupId.1={sg}", rows: rows(badPages("4", "1001"), []bad{
		{"GroupName.1=absent", "InvalidGroup.NotFound", "The security group 'absent' does not exist"},
	})},
	"CreateSecurityGroup": {good: "GroupName=new&GroupDescription=new&?VpcId={vpc}", rows: rows(badTags("GroupName=new&GroupDescription=new", "security-group"), []bad{
		{"GroupName=sg&GroupDescription=new&VpcId={vpc}", "InvalidGroup.Duplicate", "The security group 'sg' already exists for VPC '"},
		{"GroupName=default&GroupDescription=new&VpcId={vpc}", "InvalidGroup.Reserved", ""},
		{"GroupName=sg-new&GroupDescription=new", "InvalidParameterValue", "Group names may not be in the format sg-*"},
		{"GroupName=new&GroupDescription=%3Cb%3E", "InvalidParameterValue", "Invalid security group description"},
		{"GroupName=" + strings.Repeat("x", 256) + "&GroupDescription=new", "InvalidParameterValue", ""},
	})},
	"DeleteSecurityGroup": {good: "?GroupId={sg2}", rows: []bad{
		{"", "MissingParameter", "The request must contain the parameter"},
		{"GroupId={sg}", "DependencyViolation", "has a dependent object"},
		{"GroupId={sgdefault}", "CannotDelete", "cannot be deleted by a user"},
		{"GroupName=absent", "InvalidGroup.NotFound", ""},
	}},
	"AuthorizeSecurityGroupIngress": {good: "GroupId={sg}" + optional(port23), rows: rows(badRules("GroupId={sg}"), badTags("GroupId={sg}"+port23, "security-group-rule"), []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + port22, "InvalidPermission.Duplicate", "the specified rule \"peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW\" already exists"},
		{"GroupId={sg3}" + port22, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."},
		{sixty("GroupId={sg}"), "RulesPerSecurityGroupLimitExceeded", ""},
		{"GroupId={sg}" + port23 + "&IpPermissions.1.IpRanges.2.CidrIp=0.0.0.0/0", "InvalidParameterValue", "The same permission must not appear multiple times"},
		{"GroupId={sg}&CidrIp=0.0.0.0/0", "MissingParameter", ""},
		{"GroupId={sg}&CidrIp=0.0.0.0/0" + port23, "InvalidParameterCombination", ""},
		{"GroupName=absent" + port23, "InvalidGroup.NotFound", ""},
	})},
	"AuthorizeSecurityGroupEgress": {good: "GroupId={sg}" + optional(port23), rows: rows(badRules("GroupId={sg}"), badTags("GroupId={sg}"+port23, "security-group-rule"), []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + allRule, "InvalidPermission.Duplicate", "the specified rule \"peer: 0.0.0.0/0, ALL, ALLOW\" already exists"},
		{sixty("GroupId={sg}"), "RulesPerSecurityGroupLimitExceeded", ""},
	})},
	"RevokeSecurityGroupIngress": {good: "GroupId={sg}" + optional(port22), rows: rows(badRules("GroupId={sg}"), []bad{
		{"GroupId={sg}&CidrIp=0.0.0.0/0" + port22, "InvalidParameterCombination", ""},
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + port23, "InvalidPermission.NotFound", "The specified rule does not exist in this security group."},
		{"GroupId={sg}&SecurityGroupRuleId.1=sgr-0123456789abcdef0", "InvalidSecurityGroupRuleId.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleId.1={eve.rule}", "InvalidSecurityGroupRuleId.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleId.1=sgr-xyz", "InvalidSecurityGroupRuleId.Malformed", ""},
		{"GroupId={sg}&SecurityGroupRuleId.1={rule}" + port22, "InvalidParameterCombination", ""},
	})},
	"RevokeSecurityGroupEgress": {good: "GroupId={sg}" + optional(allRule), rows: rows(badRules("GroupId={sg}"), []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + port23, "InvalidPermission.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleId.1={rule}", "InvalidSecurityGroupRuleId.NotFound", ""}, // it is one of ingress
		{"GroupId={sg}&SecurityGroupRuleId.1=sgr-xyz", "InvalidSecurityGroupRuleId.Malformed", ""},
	})},
	"DescribeSecurityGroupRules": {good: "?SecurityGroupRuleId.1={rule}", rows: rows(badPages("4", "1001"))},
	"ModifySecurityGroupRules": {good: "GroupId={sg}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&?SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&?SecurityGroupRule.1.SecurityGroupRule.FromPort=24&?SecurityGroupRule.1.SecurityGroupRule.ToPort=24&?SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8", rows: []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}&SecurityGroupRule.1.SecurityGroupRuleId={rule}", "MissingParameter", ""},
		{"GroupId={sg}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1&SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8&SecurityGroupRule.1.SecurityGroupRule.CidrIpv6=::/0", "InvalidParameterCombination", ""},
		{"GroupId={sg}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8", "InvalidParameterValue", ""},
		{"GroupId={sg2}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1&SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8", "InvalidSecurityGroupRuleId.NotFound", ""},
	}},
	"UpdateSecurityGroupRuleDescriptionsIngress": {good: "GroupId={sg}" + optional(port22), rows: rows(badRules("GroupId={sg}"), []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + port23, "InvalidPermission.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleDescription.1.SecurityGroupRuleId={eve.rule}&SecurityGroupRuleDescription.1.Description=a", "InvalidSecurityGroupRuleId.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleDescription.1.SecurityGroupRuleId={rule}&SecurityGroupRuleDescription.1.Description=%3C", "InvalidParameterValue", ""},
	})},
	"UpdateSecurityGroupRuleDescriptionsEgress": {good: "GroupId={sg}" + optional(allRule), rows: rows(badRules("GroupId={sg}"), []bad{
		{"GroupId={sg}", "MissingParameter", ""},
		{"GroupId={sg}" + port23, "InvalidPermission.NotFound", ""},
		{"GroupId={sg}&SecurityGroupRuleDescription.1.SecurityGroupRuleId={rule}&SecurityGroupRuleDescription.1.Description=a", "InvalidSecurityGroupRuleId.NotFound", ""},
	})},

	"DescribeNetworkInterfaces": {good: "?NetworkInterfaceId.1={eni}", rows: badPages("4", "1001")},
	"CreateNetworkInterface": {good: "SubnetId={subnet}&?SecurityGroupId.1={sg}", rows: rows(badTags("SubnetId={subnet}", "network-interface"), []bad{
		{"SubnetId={subnet}&SecurityGroupId.1={sg3}", "InvalidParameter", "belong to different networks"},
		{"SubnetId={subnet}&PrivateIpAddress=10.50.1.10", "InvalidIPAddress.InUse", "Address 10.50.1.10 is in use."},
		{"SubnetId={subnet}&PrivateIpAddress=10.59.1.1", "InvalidParameterValue", "does not fall within the subnet's address range"},
		{"SubnetId={subnet}&PrivateIpAddress=10.50.1.3", "InvalidParameterValue", "is in subnet's reserved address range"},
		{"SubnetId={subnet}&PrivateIpAddress=one", "InvalidParameterValue", ""},
		{"SubnetId={subnet}&SecondaryPrivateIpAddressCount=-1", "InvalidParameterValue", ""},
		{"SubnetId={subnet}&SecondaryPrivateIpAddressCount=60", "PrivateIpAddressLimitExceeded", ""},
		{"SubnetId={full}", "InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request."},
		{"SubnetId={subnet}&PrivateIpAddress=10.50.1.60&PrivateIpAddresses.1.PrivateIpAddress=10.50.1.61&PrivateIpAddresses.1.Primary=true", "InvalidParameterCombination", ""},
		{"SubnetId={subnet}&Ipv6AddressCount=1", "UnsupportedOperation", ""},
		{"SubnetId={subnet}&Description=" + strings.Repeat("d", 256), "InvalidParameterValue", ""},
		{"SubnetId={subnet}&ClientToken=" + strings.Repeat("c", 65), "InvalidParameterValue", ""},
	})},
	"DeleteNetworkInterface": {good: "NetworkInterfaceId={eni2}", rows: []bad{
		{"NetworkInterfaceId={attached}", "InvalidParameterValue", "is currently in use."},
	}},
	"ModifyNetworkInterfaceAttribute": {good: "NetworkInterfaceId={eni}&SourceDestCheck.Value=false", rows: []bad{
		{"NetworkInterfaceId={eni}&SourceDestCheck.Value=false&Description.Value=a", "InvalidParameterCombination", ""},
		{"NetworkInterfaceId={eni}&SecurityGroupId.1=sg-0123456789abcdef0", "InvalidGroup.NotFound", ""},
		{"NetworkInterfaceId={eni}&SecurityGroupId.1={eve.sg}", "InvalidGroup.NotFound", ""},
		{"NetworkInterfaceId={eni}&SecurityGroupId.1=sg-xyz", "InvalidGroupId.Malformed", ""},
		{"NetworkInterfaceId={eni}&SecurityGroupId.1={sg3}", "InvalidParameter", "belong to different networks"},
		{"NetworkInterfaceId={eni}&Attachment.AttachmentId=eni-attach-0123456789abcdef0&Attachment.DeleteOnTermination=true", "InvalidAttachmentID.NotFound", ""},
		{"NetworkInterfaceId={eni}&Attachment.AttachmentId={attachment}&Attachment.DeleteOnTermination=true", "InvalidAttachmentID.NotFound", ""},
		{"NetworkInterfaceId={eni}&SourceDestCheck.Value=off", "InvalidParameterValue", ""},
	}},
	"ResetNetworkInterfaceAttribute": {good: "NetworkInterfaceId={eni}&?SourceDestCheck=true"},
	"DescribeNetworkInterfaceAttribute": {good: "NetworkInterfaceId={eni}&Attribute=description", rows: []bad{
		{"NetworkInterfaceId={eni}&Attribute=colour", "InvalidParameterValue", ""},
	}},
	"AssignPrivateIpAddresses": {good: "NetworkInterfaceId={eni}&SecondaryPrivateIpAddressCount=1", rows: []bad{
		{"NetworkInterfaceId={eni}&SecondaryPrivateIpAddressCount=1&PrivateIpAddress.1=10.50.1.70", "InvalidParameterCombination", ""},
		{"NetworkInterfaceId={eni}&PrivateIpAddress.1=10.59.1.70", "InvalidParameterValue", ""},
		{"NetworkInterfaceId={eni}&PrivateIpAddress.1=10.50.1.20", "InvalidIPAddress.InUse", ""}, // of another interface; AllowReassignment is not set
		{"NetworkInterfaceId={eni}&SecondaryPrivateIpAddressCount=60", "PrivateIpAddressLimitExceeded", ""},
		{"NetworkInterfaceId={eni}&PrivateIpAddress.1=one", "InvalidParameterValue", ""},
	}},
	"UnassignPrivateIpAddresses": {good: "NetworkInterfaceId={eni}&PrivateIpAddress.1={secondary}", rows: []bad{
		{"NetworkInterfaceId={eni}&PrivateIpAddress.1=10.50.1.10", "InvalidParameterValue", ""}, // the primary one
		{"NetworkInterfaceId={eni}&PrivateIpAddress.1=10.50.1.99", "InvalidParameterValue", ""},
	}},

	"DescribeInternetGateways": {good: "?InternetGatewayId.1={igw}", rows: badPages("4", "1001")},
	"CreateInternetGateway":    {dry: "InternetGatewayLimitExceeded", rows: rows(badTags("", "internet-gateway"), []bad{{"", "InternetGatewayLimitExceeded", ""}})},
	"DeleteInternetGateway":    {good: "InternetGatewayId={igw3}", rows: []bad{{"InternetGatewayId={igw}", "DependencyViolation", "has dependencies and cannot be deleted."}}},
	"AttachInternetGateway": {good: "InternetGatewayId={igw3}&VpcId={vpc3}", rows: []bad{
		{"InternetGatewayId={igw}&VpcId={vpc3}", "Resource.AlreadyAssociated", "is already attached to network"},
		{"InternetGatewayId={igw3}&VpcId={vpc}", "InvalidParameterValue", "already has an internet gateway attached"},
	}},
	"DetachInternetGateway": {good: "InternetGatewayId={igw2}&VpcId={vpc2}", rows: []bad{
		{"InternetGatewayId={igw3}&VpcId={vpc}", "Gateway.NotAttached", "is not attached to network"},
		{"InternetGatewayId={igw}&VpcId={vpc}", "DependencyViolation", "has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."},
	}},

	"DescribeRouteTables": {good: "?RouteTableId.1={rtb}", rows: badPages("4", "101")},
	"CreateRouteTable":    {good: "VpcId={vpc}", rows: badTags("VpcId={vpc}", "route-table")},
	"DeleteRouteTable": {good: "RouteTableId={rtb2}", rows: []bad{
		{"RouteTableId={rtb}", "DependencyViolation", "has dependencies and cannot be deleted."},
		{"RouteTableId={rtbmain}", "DependencyViolation", ""},
	}},
	"AssociateRouteTable": {good: "RouteTableId={rtb2}&?SubnetId={subnet2}", rows: []bad{
		{"RouteTableId={rtb2}", "MissingParameter", ""},
		{"RouteTableId={rtb2}&SubnetId={subnet}", "Resource.AlreadyAssociated", "the specified association for route table"},
		{"RouteTableId={rtb2}&SubnetId={subnet3}", "InvalidParameterValue", "belong to different networks"},
		{"RouteTableId={rtb2}&GatewayId={igw}", "UnsupportedOperation", ""},
	}},
	"DisassociateRouteTable":       {good: "AssociationId={rtbassoc}", rows: []bad{{"AssociationId={rtbassocmain}", "InvalidParameterValue", "cannot disassociate the main route table association"}}},
	"ReplaceRouteTableAssociation": {good: "AssociationId={rtbassoc}&RouteTableId={rtb2}", rows: []bad{{"AssociationId={rtbassoc}&RouteTableId={rtb3}", "InvalidParameterValue", "belong to different networks"}}},
	"CreateRoute": {good: "RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&?GatewayId={igw}", malformed: anyGateway, absent: anyGateway, rows: []bad{
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0", "MissingParameter", ""},
		{"RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}", "RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."},
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw3}", "InvalidParameterValue", "belong to different networks"},
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&NatGatewayId=nat-0123456789abcdef0", "InvalidNatGatewayID.NotFound", ""},
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}&InstanceId={running}", "InvalidParameterCombination", ""},
		{"RouteTableId={rtb2}&DestinationCidrBlock=ten&GatewayId={igw}", "InvalidParameterValue", ""},
		{"RouteTableId={rtb2}&DestinationIpv6CidrBlock=::/0&GatewayId={igw}", "UnsupportedOperation", ""},
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&InstanceId={running}", "UnsupportedOperation", ""},
	}},
	"ReplaceRoute": {good: "RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0&?GatewayId={igw}", malformed: anyGateway, absent: anyGateway, rows: []bad{
		{"RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0", "MissingParameter", ""},
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}", "InvalidParameterValue", "There is no route defined for '0.0.0.0/0' in the route table."},
		{"RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw3}", "InvalidParameterValue", "belong to different networks"},
	}},
	"DeleteRoute": {good: "RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0", rows: []bad{
		{"RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0", "InvalidRoute.NotFound", "no route with destination-cidr-block 0.0.0.0/0 in route table"},
		{"RouteTableId={rtb}&DestinationCidrBlock=10.50.0.0/16", "InvalidParameterValue", "cannot remove local route 10.50.0.0/16 in route table"},
	}},

	"DescribeNetworkAcls": {good: "?NetworkAclId.1={acl}", rows: badPages("4", "1001")},
	"CreateNetworkAcl":    {good: "VpcId={vpc}", rows: badTags("VpcId={vpc}", "network-acl")},
	"DeleteNetworkAcl": {good: "NetworkAclId={acl}", rows: []bad{
		{"NetworkAclId={acldefault}", "InvalidParameterValue", "cannot delete default network ACL"},
	}},
	"CreateNetworkAclEntry": {good: "NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=6&RuleAction=allow&CidrBlock=0.0.0.0/0&?PortRange.From=1&?PortRange.To=2", rows: []bad{
		{"NetworkAclId={acl}&Egress=false&RuleNumber=100&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0", "NetworkAclEntryAlreadyExists", "The network acl entry identified by 100 already exists."},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=0&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0", "InvalidParameterValue", "ruleNumber"},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=32767&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0", "InvalidParameterValue", "ruleNumber"},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=6&RuleAction=allow&CidrBlock=0.0.0.0/0", "InvalidParameterValue", ""},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=6&RuleAction=allow&CidrBlock=0.0.0.0/0&PortRange.From=2&PortRange.To=1", "InvalidParameterValue", ""},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=smoke&RuleAction=allow&CidrBlock=0.0.0.0/0", "InvalidParameterValue", ""},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=-1&RuleAction=drop&CidrBlock=0.0.0.0/0", "InvalidParameterValue", ""},
		{"NetworkAclId={acl}&Egress=false&RuleNumber=200&Protocol=-1&RuleAction=allow&CidrBlock=ten", "InvalidParameterValue", ""},
	}},
	"ReplaceNetworkAclEntry": {good: "NetworkAclId={acl}&Egress=false&RuleNumber=100&Protocol=-1&RuleAction=deny&CidrBlock=0.0.0.0/0", rows: []bad{
		{"NetworkAclId={acl}&Egress=false&RuleNumber=101&Protocol=-1&RuleAction=deny&CidrBlock=0.0.0.0/0", "InvalidNetworkAclEntry.NotFound", ""},
		{"NetworkAclId={acldefault}&Egress=false&RuleNumber=100&Protocol=-1&RuleAction=deny&CidrBlock=0.0.0.0/0", "UnsupportedOperation", ""},
	}},
	"DeleteNetworkAclEntry": {good: "NetworkAclId={acl}&Egress=false&RuleNumber=100", rows: []bad{
		{"NetworkAclId={acl}&Egress=false&RuleNumber=101", "InvalidNetworkAclEntry.NotFound", ""},
	}},
	"ReplaceNetworkAclAssociation": {good: "AssociationId={aclassoc}&NetworkAclId={acl}", rows: []bad{
		{"AssociationId={aclassoc}&NetworkAclId={acl2}", "UnsupportedOperation", ""},
	}},

	"DescribeDhcpOptions": {good: "?DhcpOptionsId.1={dopt}", rows: badPages("4", "1001")},
	"CreateDhcpOptions": {good: "DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.example", missing: map[string]string{"*": "MissingParameter", "DhcpConfiguration.1.Key": "InvalidParameterValue", "DhcpConfiguration.1.Value.1": "InvalidParameterValue"}, rows: rows(badTags("DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.example", "dhcp-options"), []bad{
		{"DhcpConfiguration.1.Key=colour&DhcpConfiguration.1.Value.1=red", "InvalidParameterValue", "colour"},
		{"DhcpConfiguration.1.Key=domain-name-servers&DhcpConfiguration.1.Value.1=red", "InvalidParameterValue", ""},
	})},
	"DeleteDhcpOptions":    {good: "DhcpOptionsId={dopt2}", rows: []bad{{"DhcpOptionsId={dopt}", "DependencyViolation", "has dependencies and cannot be deleted."}}},
	"AssociateDhcpOptions": {good: "DhcpOptionsId={dopt2}&VpcId={vpc}"},

	"DescribeAddresses":          {good: "?AllocationId.1={eipalloc1}", rows: []bad{{"PublicIp.1=203.0.113.1", "InvalidAddress.NotFound", "Address '203.0.113.1' not found."}}},
	"DescribeAddressesAttribute": {good: "?AllocationId.1={eipalloc1}", rows: rows(badPages("0", "1001"), []bad{{"Attribute=colour", "InvalidParameterValue", ""}})},
	"AllocateAddress": {dry: "AddressLimitExceeded", rows: rows(badTags("", "elastic-ip"), []bad{
		{"", "AddressLimitExceeded", "The maximum number of addresses has been reached."},
		{"Domain=moon", "InvalidParameterValue", ""},
		{"Address=203.0.113.1", "InvalidAddress.NotFound", ""},
		{"NetworkBorderGroup=moon-1", "InvalidParameterValue", ""},
	})},
	"ReleaseAddress": {good: "?AllocationId={eipalloc2}", rows: []bad{
		{"", "MissingParameter", ""},
		{"AllocationId={eipalloc1}", "InvalidIPAddress.InUse", ""},
		{"PublicIp={eve.public}", "InvalidAddress.NotFound", ""},
	}},
	"AssociateAddress": {good: "?AllocationId={eipalloc2}&?NetworkInterfaceId={eni2}", rows: []bad{
		{"NetworkInterfaceId={eni2}", "MissingParameter", ""},
		{"AllocationId={eipalloc2}", "MissingParameter", "Either instance id or network interface id must be specified"},
		{"AllocationId={eipalloc2}&NetworkInterfaceId={eni2}&InstanceId={running}", "InvalidParameterCombination", "You may specify instance id or network interface id, but not both in the same call"},
		{"AllocationId={eipalloc2}&InstanceId=i-0123456789abcdef0", "InvalidInstanceID.NotFound", ""},
		{"AllocationId={eipalloc2}&InstanceId=i-1", "InvalidInstanceID.Malformed", ""},
		{"AllocationId={eipalloc2}&NetworkInterfaceId={eni2}&PrivateIpAddress=10.50.1.99", "InvalidParameterValue", ""},
		{"AllocationId={eipalloc1}&NetworkInterfaceId={eni2}&AllowReassociation=false", "Resource.AlreadyAssociated", "is already associated with associate-id"},
	}},
	"DisassociateAddress": {good: "?AssociationId={eipassoc}", rows: []bad{
		{"", "MissingParameter", ""},
		{"AssociationId={eipassoc}&PublicIp={public1}", "InvalidParameterCombination", "You may specify public IP or association id, but not both in the same call"},
		{"PublicIp={eve.public}", "InvalidAddress.NotFound", ""},
	}},
}
