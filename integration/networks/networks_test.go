package networks

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestDefaultVPC: an account begins with a VPC where instances can be launched without further ado.
func TestDefaultVPC(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := root(t, s), t.Context()
	vpcs := must(c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{by("is-default", "true"), by("cidr", "172.31.*")}}))(t).Vpcs
	if len(vpcs) != 1 || aws.ToString(vpcs[0].CidrBlock) != "172.31.0.0/16" || vpcs[0].State != types.VpcStateAvailable {
		t.Fatalf("default VPCs: %+v", vpcs)
	}
	vpc := aws.ToString(vpcs[0].VpcId)
	inVPC := []types.Filter{by("vpc-id", vpc)}
	subnets := must(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: inVPC}))(t).Subnets
	zones := map[string]bool{}
	for _, n := range subnets {
		zones[aws.ToString(n.AvailabilityZone)] = true
		if !aws.ToBool(n.DefaultForAz) || !aws.ToBool(n.MapPublicIpOnLaunch) || aws.ToInt32(n.AvailableIpAddressCount) != 4091 {
			t.Errorf("subnet %+v", n)
		}
	}
	if all := must(c.DescribeAvailabilityZones(ctx, nil))(t).AvailabilityZones; len(zones) != len(all) {
		t.Errorf("%d zones have default subnets, of %d", len(zones), len(all))
	}
	tables := must(c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: append(inVPC, by("association.main", "true"))}))(t).RouteTables
	gateways := must(c.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{by("attachment.vpc-id", vpc)}}))(t).InternetGateways
	if len(tables) != 1 || len(gateways) != 1 || len(tables[0].Routes) != 2 || aws.ToString(tables[0].Routes[1].GatewayId) != aws.ToString(gateways[0].InternetGatewayId) ||
		tables[0].Routes[1].State != types.RouteStateActive {
		t.Errorf("tables %+v, gateways %+v", tables, gateways)
	}
	groups := must(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: append(inVPC, by("group-name", "default"))}))(t).SecurityGroups
	if len(groups) != 1 || len(groups[0].IpPermissions) != 1 || len(groups[0].IpPermissionsEgress) != 1 {
		t.Errorf("groups %+v", groups)
	}
	acls := must(c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: append(inVPC, by("default", "true"))}))(t).NetworkAcls
	if len(acls) != 1 || len(acls[0].Entries) != 4 || len(acls[0].Associations) != len(subnets) {
		t.Errorf("ACLs %+v", acls)
	}
	if dhcp := must(c.DescribeDhcpOptions(ctx, &ec2.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{aws.ToString(vpcs[0].DhcpOptionsId)}}))(t).DhcpOptions; len(dhcp) != 1 {
		t.Errorf("DHCP options %+v", dhcp)
	}
	for name, want := range map[types.VpcAttributeName]bool{types.VpcAttributeNameEnableDnsSupport: true, types.VpcAttributeNameEnableDnsHostnames: true} {
		a := must(c.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &vpc, Attribute: name}))(t)
		got := a.EnableDnsSupport
		if got == nil {
			got = a.EnableDnsHostnames
		}
		if got == nil || aws.ToBool(got.Value) != want {
			t.Errorf("%s is %+v", name, a)
		}
	}
}

// TestFirstCalls: many first calls of a new account make one default VPC, and it sees nothing of others.
func TestFirstCalls(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	const key, secret = "AKIAAUREOLENETWORK01", "sEcRet/key+0123456789abcdefABCDEF9999999"
	if _, err := s.CLI("admin", "user", "create", "newcomer", "--access-key", key, "--secret-key", secret); err != nil {
		t.Fatal(err)
	}
	c := client(t, s, key, secret)
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				_, err = c.DescribeVpcs(t.Context(), nil)
			case 1:
				_, err = c.DescribeSubnets(t.Context(), nil)
			default:
				_, err = c.AllocateAddress(t.Context(), nil)
			}
			if got := code(err); got != "" && got != "AddressLimitExceeded" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if vpcs := must(c.DescribeVpcs(t.Context(), nil))(t).Vpcs; len(vpcs) != 1 {
		t.Errorf("%d VPCs", len(vpcs))
	}
	if e := must(c.DescribeAddresses(t.Context(), nil))(t).Addresses; len(e) != 5 {
		t.Errorf("%d Elastic IPs, and the quota is 5", len(e))
	}
	theirs := must(root(t, s).DescribeVpcs(t.Context(), nil))(t).Vpcs[0]
	_, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{aws.ToString(theirs.VpcId)}})
	if code(err) != "InvalidVpcID.NotFound" {
		t.Errorf("another account's VPC: %v", err)
	}
}

// TestSecurityGroups: a group from its creation to its end, as tools do it.
func TestSecurityGroups(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := root(t, s), t.Context()
	tagged := func(kind types.ResourceType, value string) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("Name"), Value: &value}}}}
	}
	web := must(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web servers"),
		TagSpecifications: tagged(types.ResourceTypeSecurityGroup, "web")}))(t).GroupId
	db := must(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("db"), Description: aws.String("databases")}))(t).GroupId
	if err := ec2.NewSecurityGroupExistsWaiter(c).Wait(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*web, *db}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if g := must(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"web"}, Filters: []types.Filter{by("tag:Name", "w?b")}}))(t).SecurityGroups; len(g) != 1 {
		t.Errorf("by name and tag: %+v", g)
	}
	in := must(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: db, TagSpecifications: tagged(types.ResourceTypeSecurityGroupRule, "rule"),
		IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(5432), ToPort: aws.Int32(5432), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: web, Description: aws.String("pg")}}},
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: aws.String("192.0.2.0/24")}, {CidrIp: aws.String("198.51.100.7/32")}}},
			{IpProtocol: aws.String("58"), Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("2001:DB8::/32")}}},
		}}))(t)
	if len(in.SecurityGroupRules) != 4 || !aws.ToBool(in.Return) {
		t.Fatalf("authorized %+v", in)
	}
	ruleIDs := ids(in.SecurityGroupRules, func(r types.SecurityGroupRule) *string { return r.SecurityGroupRuleId })
	rules := must(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{by("group-id", *db), by("tag:Name", "rule")}}))(t).SecurityGroupRules
	if got := ids(rules, func(r types.SecurityGroupRule) *string { return r.SecurityGroupRuleId }); !slices.Equal(got, ruleIDs) {
		t.Errorf("rules are %v, want %v", got, ruleIDs)
	}
	g := must(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*db}}))(t).SecurityGroups[0]
	if len(g.IpPermissions) != 3 || len(g.IpPermissions[1].IpRanges) != 2 || aws.ToString(g.IpPermissions[2].IpProtocol) != "icmpv6" ||
		aws.ToString(g.IpPermissions[2].Ipv6Ranges[0].CidrIpv6) != "2001:db8::/32" {
		t.Errorf("permissions %+v", g.IpPermissions)
	}
	// What was described can be sent back to revoke it, as Terraform and Ansible do.
	must(c.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: db, IpPermissions: g.IpPermissions[1:]}))(t)
	must(c.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: db, IpPermissions: g.IpPermissionsEgress}))(t)
	if left := must(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{by("group-id", *db)}}))(t).SecurityGroupRules; len(left) != 1 {
		t.Fatalf("left: %+v", left)
	} else {
		must(c.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: db, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
			SecurityGroupRuleId: left[0].SecurityGroupRuleId,
			SecurityGroupRule:   &types.SecurityGroupRuleRequest{IpProtocol: aws.String("-1"), CidrIpv4: aws.String("10.0.0.0/8"), Description: aws.String("all")},
		}}}))(t)
		must(c.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: db,
			SecurityGroupRuleDescriptions: []types.SecurityGroupRuleDescription{{SecurityGroupRuleId: left[0].SecurityGroupRuleId, Description: aws.String("any")}}}))(t)
		r := must(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{*left[0].SecurityGroupRuleId}}))(t).SecurityGroupRules[0]
		if aws.ToString(r.CidrIpv4) != "10.0.0.0/8" || aws.ToString(r.Description) != "any" || aws.ToString(r.IpProtocol) != "-1" || aws.ToInt32(r.FromPort) != -1 {
			t.Errorf("modified: %+v", r)
		}
	}
	must(c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupName: aws.String("web")}))(t)
	must(c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: db}))(t)
}

// TestInterfacesAndAddresses: interfaces and Elastic IPs, and that a kill changes nothing that was answered.
func TestInterfacesAndAddresses(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := root(t, s), t.Context()
	subnet := must(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{by("availabilityZone", "us-east-1a")}}))(t).Subnets[0]
	nic := must(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: subnet.SubnetId, PrivateIpAddress: aws.String("172.31.0.100"),
		SecondaryPrivateIpAddressCount: aws.Int32(2), Description: aws.String("spare")}))(t).NetworkInterface
	if err := ec2.NewNetworkInterfaceAvailableWaiter(c).Wait(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*nic.NetworkInterfaceId}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	e := must(c.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc}))(t)
	assoc := must(c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: e.AllocationId, NetworkInterfaceId: nic.NetworkInterfaceId}))(t).AssociationId
	got := must(c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{
		by("association.public-ip", *e.PublicIp), by("addresses.private-ip-address", "172.31.0.100"), by("status", "available"), by("group-name", "default")}}))(t).NetworkInterfaces
	if len(got) != 1 || len(got[0].PrivateIpAddresses) != 3 || aws.ToString(got[0].Association.AssociationId) != *assoc || got[0].MacAddress == nil ||
		aws.ToString(got[0].PrivateDnsName) != "ip-172-31-0-100.ec2.internal" || !aws.ToBool(got[0].SourceDestCheck) {
		t.Fatalf("the interface is %+v", got)
	}
	for range 7 {
		must(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: subnet.SubnetId}))(t)
	}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(c, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5)})
	var seen []string
	for pages.HasMorePages() {
		page := must(pages.NextPage(ctx))(t).NetworkInterfaces
		if len(page) > 5 {
			t.Errorf("a page of %d", len(page))
		}
		seen = append(seen, ids(page, func(n types.NetworkInterface) *string { return n.NetworkInterfaceId })...)
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 8 {
		t.Errorf("the pages hold %v", seen)
	}
	if n := must(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{*subnet.SubnetId}}))(t).Subnets[0]; aws.ToInt32(n.AvailableIpAddressCount) != 4091-10 {
		t.Errorf("%d addresses are left", aws.ToInt32(n.AvailableIpAddressCount))
	}
	before := snapshot(t, c)
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, c); after != before {
		t.Errorf("after a kill:\n%s\nbefore:\n%s", after, before)
	}
	must(c.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: assoc}))(t)
	must(c.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: e.AllocationId}))(t)
	must(c.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: nic.NetworkInterfaceId}))(t)
}
