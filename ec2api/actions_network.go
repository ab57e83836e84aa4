package ec2api

// networkActions are those of VPCs, subnets, groups, interfaces, gateways and addresses.
func (s *Server) networkActions() []action {
	return []action{
		handle("DescribeVpcs", s.describeVpcs),
		handle("CreateVpc", s.createVpc).partly("IPv4 only; tenancy default"),
		handle("CreateDefaultVpc", s.createDefaultVpc),
		handle("DeleteVpc", s.deleteVpc),
		handle("DescribeVpcAttribute", s.describeVpcAttribute),
		handle("ModifyVpcAttribute", s.modifyVpcAttribute),
		handle("AssociateVpcCidrBlock", s.associateVpcCidrBlock).partly("IPv4 only"),
		handle("DisassociateVpcCidrBlock", s.disassociateVpcCidrBlock),

		handle("DescribeSubnets", s.describeSubnets),
		handle("CreateSubnet", s.createSubnet).partly("IPv4 only"),
		handle("CreateDefaultSubnet", s.createDefaultSubnet),
		handle("DeleteSubnet", s.deleteSubnet),
		handle("ModifySubnetAttribute", s.modifySubnetAttribute).partly("IPv6, Outposts and resource names stay off"),

		handle("DescribeSecurityGroups", s.describeSecurityGroups),
		handle("CreateSecurityGroup", s.createSecurityGroup),
		handle("DeleteSecurityGroup", s.deleteSecurityGroup),
		handle("AuthorizeSecurityGroupIngress", s.authorizeSecurityGroupIngress),
		handle("AuthorizeSecurityGroupEgress", s.authorizeSecurityGroupEgress),
		handle("RevokeSecurityGroupIngress", s.revokeSecurityGroupIngress),
		handle("RevokeSecurityGroupEgress", s.revokeSecurityGroupEgress),
		handle("DescribeSecurityGroupRules", s.describeSecurityGroupRules),
		handle("ModifySecurityGroupRules", s.modifySecurityGroupRules),
		handle("UpdateSecurityGroupRuleDescriptionsIngress", s.updateSecurityGroupRuleDescriptionsIngress),
		handle("UpdateSecurityGroupRuleDescriptionsEgress", s.updateSecurityGroupRuleDescriptionsEgress),

		handle("DescribeNetworkInterfaces", s.describeNetworkInterfaces),
		handle("CreateNetworkInterface", s.createNetworkInterface).partly("IPv4 only, no prefixes"),
		handle("DeleteNetworkInterface", s.deleteNetworkInterface),
		handle("ModifyNetworkInterfaceAttribute", s.modifyNetworkInterfaceAttribute),
		handle("ResetNetworkInterfaceAttribute", s.resetNetworkInterfaceAttribute),
		handle("DescribeNetworkInterfaceAttribute", s.describeNetworkInterfaceAttribute),
		handle("AssignPrivateIpAddresses", s.assignPrivateIPAddresses),
		handle("UnassignPrivateIpAddresses", s.unassignPrivateIPAddresses),

		handle("DescribeInternetGateways", s.describeInternetGateways),
		handle("CreateInternetGateway", s.createInternetGateway),
		handle("DeleteInternetGateway", s.deleteInternetGateway),
		handle("AttachInternetGateway", s.attachInternetGateway),
		handle("DetachInternetGateway", s.detachInternetGateway),

		handle("DescribeRouteTables", s.describeRouteTables),
		handle("CreateRouteTable", s.createRouteTable),
		handle("DeleteRouteTable", s.deleteRouteTable),
		handle("AssociateRouteTable", s.associateRouteTable).partly("subnets only"),
		handle("DisassociateRouteTable", s.disassociateRouteTable),
		handle("ReplaceRouteTableAssociation", s.replaceRouteTableAssociation),
		handle("CreateRoute", s.createRoute).partly("0.0.0.0/0 to an internet gateway"),
		handle("ReplaceRoute", s.replaceRoute).partly("0.0.0.0/0 to an internet gateway"),
		handle("DeleteRoute", s.deleteRoute),

		handle("DescribeNetworkAcls", s.describeNetworkAcls),
		handle("CreateNetworkAcl", s.createNetworkACL),
		handle("DeleteNetworkAcl", s.deleteNetworkACL),
		handle("CreateNetworkAclEntry", s.createNetworkACLEntry).partly("ACLs of subnets must allow everything"),
		handle("ReplaceNetworkAclEntry", s.replaceNetworkACLEntry).partly("ACLs of subnets must allow everything"),
		handle("DeleteNetworkAclEntry", s.deleteNetworkACLEntry).partly("ACLs of subnets must allow everything"),
		handle("ReplaceNetworkAclAssociation", s.replaceNetworkACLAssociation).partly("ACLs of subnets must allow everything"),

		handle("DescribeDhcpOptions", s.describeDhcpOptions),
		handle("CreateDhcpOptions", s.createDhcpOptions),
		handle("DeleteDhcpOptions", s.deleteDhcpOptions),
		handle("AssociateDhcpOptions", s.associateDhcpOptions).partly("domain-name, and AmazonProvidedDNS as the name server"),

		handle("DescribeAddresses", s.describeAddresses),
		handle("DescribeAddressesAttribute", s.describeAddressesAttribute),
		handle("AllocateAddress", s.allocateAddress),
		handle("ReleaseAddress", s.releaseAddress),
		handle("AssociateAddress", s.associateAddress),
		handle("DisassociateAddress", s.disassociateAddress),
	}
}
