package network

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestVPCs(t *testing.T) {
	s, ctx := open(t), t.Context()
	for cidr, code := range map[string]errs.Reason{
		"10.0.0.0/15": VPCRange, "10.0.0.0/29": VPCRange, "169.254.0.0/16": VPCRange, "224.0.0.0/16": VPCRange, "127.0.0.0/16": VPCRange,
	} {
		_, err := s.CreateVPC(ctx, alice, VPCSpec{CIDR: prefix(cidr)})
		if errs.ReasonOf(err) != code {
			t.Errorf("%s: %v, want %s", cidr, err, code)
		}
	}
	for _, text := range []string{"", "10.0.0.0", "10.0.0.0/33", "::/16", "x"} {
		if _, err := ParseCIDR("cidrBlock", text); errs.ReasonOf(err) != InvalidValue {
			t.Errorf("%q: %v", text, err)
		}
	}
	if p, err := ParseCIDR("cidrBlock", "10.1.2.3/16"); err != nil || p != prefix("10.1.0.0/16") {
		t.Errorf("unmasked: %v, %v", p, err)
	}
	vpc, err := s.CreateVPC(ctx, alice, VPCSpec{CIDR: prefix("10.0.0.0/16")})
	must(t, err)
	if vpc.DNSHostnames || !vpc.DNSSupport || vpc.Default {
		t.Errorf("a new VPC is %+v", vpc)
	}
	must(t, s.ModifyVPC(ctx, alice, vpc.ID, VPCChange{DNSHostnames: new(true)}))
	refused(t, s.ModifyVPC(ctx, bob, vpc.ID, VPCChange{DNSHostnames: new(true)}), "InvalidVpcID.NotFound")
	_, err = s.AssociateCIDR(ctx, alice, vpc.ID, prefix("10.0.128.0/17"))
	refused(t, err, InvalidValue)
	a, err := s.AssociateCIDR(ctx, alice, vpc.ID, prefix("10.1.0.0/16"))
	must(t, err)
	sub, err := s.CreateSubnet(ctx, alice, SubnetSpec{VPC: vpc.ID, CIDR: prefix("10.1.0.0/24"), ZoneID: "use1-az2"})
	must(t, err)
	if sub.Zone != "us-east-1b" || sub.MapPublicIP || sub.DefaultForZone {
		t.Errorf("a new subnet is %+v", sub)
	}
	_, _, err = s.DisassociateCIDR(ctx, alice, a.ID)
	refused(t, err, "InvalidCidr.InUse")
	_, _, err = s.DisassociateCIDR(ctx, alice, vpc.CIDRs[0].ID)
	refused(t, err, OperationDenied)
	_, _, err = s.DisassociateCIDR(ctx, bob, a.ID)
	refused(t, err, "InvalidVpcCidrBlockAssociationID.NotFound")
	refused(t, s.DeleteVPC(ctx, alice, vpc.ID), DependencyViolation)
	must(t, s.DeleteSubnet(ctx, alice, sub.ID))
	_, _, err = s.DisassociateCIDR(ctx, alice, a.ID)
	must(t, err)
	must(t, s.DeleteVPC(ctx, alice, vpc.ID))
	refused(t, s.DeleteVPC(ctx, alice, vpc.ID), "InvalidVpcID.NotFound")
	for range 4 {
		_, err := s.CreateVPC(ctx, alice, VPCSpec{CIDR: prefix("10.0.0.0/16")})
		must(t, err)
	}
	_, err = s.CreateVPC(ctx, alice, VPCSpec{CIDR: prefix("10.0.0.0/16")})
	refused(t, err, LimitVPCs)
	audit(t, s)
}

func TestSubnetsRefused(t *testing.T) {
	s := open(t)
	sub := small(t, s) // 10.0.0.16/28
	for name, c := range map[string]struct {
		spec SubnetSpec
		code errs.Reason
	}{
		"outside":        {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.1.0.0/24")}, SubnetRange},
		"larger":         {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.0.0/15")}, SubnetRange},
		"too small":      {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.0.0/29")}, SubnetRange},
		"same":           {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.0.16/28")}, SubnetConflict},
		"overlapping":    {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.0.0/24")}, SubnetConflict},
		"absent zone":    {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.1.0/24"), Zone: "us-east-1z"}, InvalidValue},
		"absent zone id": {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.1.0/24"), ZoneID: "use1-az9"}, InvalidValue},
		"zones differ":   {SubnetSpec{VPC: sub.VPC, CIDR: prefix("10.0.1.0/24"), Zone: "us-east-1a", ZoneID: "use1-az2"}, InvalidValue},
		"malformed VPC":  {SubnetSpec{VPC: "vpc-x", CIDR: prefix("10.0.1.0/24")}, "InvalidVpcID.Malformed"},
		"absent VPC":     {SubnetSpec{VPC: "vpc-00000000000000000", CIDR: prefix("10.0.1.0/24")}, "InvalidVpcID.NotFound"},
	} {
		before := len(s.Subnets(alice))
		_, err := s.CreateSubnet(t.Context(), alice, c.spec)
		if errs.ReasonOf(err) != c.code || len(s.Subnets(alice)) != before {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	audit(t, s)
}

func TestRoutes(t *testing.T) {
	s, ctx := open(t), t.Context()
	sub := small(t, s)
	vpc := s.VPC(sub.VPC)
	var gw *Gateway
	for _, g := range s.Gateways(alice) {
		if g.VPC == vpc.ID {
			gw = g
		}
	}
	tok := idem.Token{Account: alice, Action: "CreateRouteTable", Token: "once", Hash: [32]byte{1}}
	table, err := s.CreateRouteTable(ctx, alice, vpc.ID, nil, tok)
	must(t, err)
	same, err := s.CreateRouteTable(ctx, alice, vpc.ID, nil, tok)
	must(t, err)
	if same.ID != table.ID {
		t.Errorf("the token made %s and %s", table.ID, same.ID)
	}
	other := s.Gateways(alice)[0]
	if other.ID == gw.ID {
		other = s.Gateways(alice)[1]
	}
	for name, c := range map[string]struct {
		spec RouteSpec
		code errs.Reason
	}{
		"local":            {RouteSpec{Destination: vpc.CIDRs[0].CIDR, Gateway: gw.ID}, Unsupported},
		"part of the way":  {RouteSpec{Destination: prefix("8.8.8.0/24"), Gateway: gw.ID}, Unsupported},
		"absent gateway":   {RouteSpec{Destination: anywhere4(), Gateway: "igw-00000000000000000"}, "InvalidGatewayID.NotFound"},
		"another VPC's":    {RouteSpec{Destination: anywhere4(), Gateway: other.ID}, InvalidValue},
		"absent NAT":       {RouteSpec{Destination: anywhere4(), NATGateway: "nat-00000000000000000"}, "InvalidNatGatewayID.NotFound"},
		"an instance":      {RouteSpec{Destination: anywhere4(), Other: "i-00000000000000000"}, Unsupported},
		"no target at all": {RouteSpec{Destination: anywhere4()}, MissingParameter},
	} {
		if err := s.CreateRoute(ctx, alice, table.ID, c.spec); errs.ReasonOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	internet := func() bool {
		nic := launch(t, s, InterfaceSpec{Subnet: sub.ID})
		return s.Desired([]string{nic.ID}).VPCs[0].Subnets[0].Internet
	}
	out := RouteSpec{Destination: anywhere4(), Gateway: gw.ID}
	refused(t, s.ReplaceRoute(ctx, alice, table.ID, out), InvalidValue)
	must(t, s.CreateRoute(ctx, alice, table.ID, out))
	refused(t, s.CreateRoute(ctx, alice, table.ID, out), RouteExists)
	must(t, s.ReplaceRoute(ctx, alice, table.ID, out))
	if internet() {
		t.Error("a table that the subnet does not use leads it out")
	}
	refused(t, s.DeleteRoute(ctx, alice, table.ID, vpc.CIDRs[0].CIDR), InvalidValue)
	refused(t, s.DeleteRoute(ctx, alice, table.ID, prefix("1.0.0.0/8")), RouteNotFound)

	assoc, err := s.AssociateRouteTable(ctx, alice, table.ID, sub.ID)
	must(t, err)
	if !internet() {
		t.Error("the subnet's own table does not lead it out")
	}
	_, err = s.AssociateRouteTable(ctx, alice, table.ID, sub.ID)
	refused(t, err, AlreadyAssociated)
	refused(t, s.DeleteRouteTable(ctx, alice, table.ID), DependencyViolation)
	must(t, s.DisassociateRouteTable(ctx, alice, assoc))
	refused(t, s.DisassociateRouteTable(ctx, alice, assoc), "InvalidAssociationID.NotFound")
	refused(t, s.DisassociateRouteTable(ctx, alice, vpc.MainAssociate), InvalidValue)
	refused(t, s.DeleteRouteTable(ctx, alice, vpc.MainTable), DependencyViolation)
	main, err := s.ReplaceTableAssociation(ctx, alice, vpc.MainAssociate, table.ID)
	must(t, err)
	if !internet() {
		t.Error("the new main table does not lead the subnet out")
	}
	refused(t, s.DeleteRouteTable(ctx, alice, table.ID), DependencyViolation)
	must(t, s.DeleteRouteTable(ctx, alice, vpc.MainTable))
	audit(t, s)
	if main == vpc.MainAssociate || s.VPC(vpc.ID).MainAssociate != main {
		t.Errorf("the association is %s", main)
	}
	must(t, s.DeleteRoute(ctx, alice, table.ID, anywhere4()))
	audit(t, s)
}

func TestACLs(t *testing.T) {
	s, ctx := open(t), t.Context()
	sub := small(t, s)
	acl, err := s.CreateACL(ctx, alice, sub.VPC, nil, idem.Token{})
	must(t, err)
	_, err = s.ReplaceACLAssociation(ctx, alice, sub.ACLAssociation, acl.ID)
	refused(t, err, Unsupported) // it denies everything
	entry := func(n int, egress bool, protocol string) ACLEntry {
		e, err := (&ACLEntrySpec{Number: n, Egress: egress, Allow: true, Protocol: protocol, CIDR: "0.0.0.0/0"}).Entry()
		must(t, err)
		return e
	}
	for _, n := range []int{0, 32767, -1} {
		refused(t, s.CreateACLEntry(ctx, alice, acl.ID, ACLEntry{Number: n, Protocol: Any, CIDR: anywhere4()}), InvalidValue)
	}
	must(t, s.CreateACLEntry(ctx, alice, acl.ID, entry(200, false, "-1")))
	must(t, s.CreateACLEntry(ctx, alice, acl.ID, entry(100, false, "50")))
	refused(t, s.CreateACLEntry(ctx, alice, acl.ID, entry(100, false, "-1")), ACLEntryExists)
	refused(t, s.ReplaceACLEntry(ctx, alice, acl.ID, entry(100, true, "-1")), ACLEntryNotFound)
	must(t, s.CreateACLEntry(ctx, alice, acl.ID, entry(100, true, "-1")))
	assoc, err := s.ReplaceACLAssociation(ctx, alice, sub.ACLAssociation, acl.ID)
	must(t, err)
	refused(t, s.DeleteACL(ctx, alice, acl.ID), DependencyViolation)
	refused(t, s.DeleteACLEntry(ctx, alice, acl.ID, true, 100), Unsupported)
	must(t, s.DeleteACLEntry(ctx, alice, acl.ID, false, 100))
	refused(t, s.DeleteACLEntry(ctx, alice, acl.ID, false, 100), ACLEntryNotFound)
	refused(t, s.DeleteACL(ctx, alice, sub.ACL), InvalidValue)
	_, err = s.ReplaceACLAssociation(ctx, alice, assoc, sub.ACL)
	must(t, err)
	must(t, s.DeleteACLEntry(ctx, alice, acl.ID, true, 100))
	must(t, s.DeleteACL(ctx, alice, acl.ID))
	audit(t, s)
}

func TestDHCPOptions(t *testing.T) {
	s, ctx := open(t), t.Context()
	for name, options := range map[string][]DHCPOption{
		"none": nil, "no value": {{Key: "domain-name"}}, "unknown": {{"mtu", []string{"9000"}}}, "no address": {{"ntp-servers", []string{"pool"}}},
		"bad domain": {{"domain-name", []string{"a/b"}}}, "twice": {{"domain-name", []string{"a"}}, {"domain-name", []string{"b"}}},
		"too many": {{"domain-name-servers", []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"}}}, "node": {{"netbios-node-type", []string{"3"}}},
	} {
		if _, err := s.CreateDHCPOptions(ctx, alice, options, nil); err == nil || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	own, err := s.CreateDHCPOptions(ctx, alice, []DHCPOption{{"domain-name-servers", []string{ProvidedDNS}}, {"domain-name", []string{"example.com"}}}, nil)
	must(t, err)
	ntp, err := s.CreateDHCPOptions(ctx, alice, []DHCPOption{{"ntp-servers", []string{"10.0.0.1"}}}, nil)
	must(t, err)
	vpc := s.DefaultVPC(alice)
	refused(t, s.AssociateDHCPOptions(ctx, alice, ntp.ID, vpc.ID), Unsupported)
	refused(t, s.AssociateDHCPOptions(ctx, alice, "dopt-00000000000000000", vpc.ID), "InvalidDhcpOptionID.NotFound")
	must(t, s.AssociateDHCPOptions(ctx, alice, own.ID, vpc.ID))
	nic := launch(t, s, InterfaceSpec{})
	if got := fmt.Sprint(s.Desired([]string{nic.ID}).VPCs[0].DHCP.Options); got != "[{domain-name [example.com]} {domain-name-servers [AmazonProvidedDNS]}]" {
		t.Errorf("the host is told %s", got)
	}
	refused(t, s.DeleteDHCPOptions(ctx, alice, own.ID), DependencyViolation)
	must(t, s.AssociateDHCPOptions(ctx, alice, "default", vpc.ID))
	must(t, s.DeleteDHCPOptions(ctx, alice, own.ID))
	must(t, s.DeleteDHCPOptions(ctx, alice, ntp.ID))
	audit(t, s)
}
