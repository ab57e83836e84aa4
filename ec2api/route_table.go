package ec2api

import (
	"net/netip"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// renderTable writes a route table: the local routes first, then those that were made.
func (s *Server) renderTable(t *network.RouteTable, tagged tags.Set) model.RouteTable {
	out := model.RouteTable{
		Associations: []model.RouteTableAssociation{}, PropagatingVgws: []model.PropagatingVgw{}, Routes: []model.Route{},
		RouteTableId: new(t.ID), Tags: allTags(tagged), VpcId: new(t.VPC), OwnerId: new(t.Account),
	}
	if v := s.network.VPC(t.VPC); v != nil {
		for _, a := range v.CIDRs {
			out.Routes = append(out.Routes, model.Route{
				DestinationCidrBlock: new(a.CIDR.String()), GatewayId: new("local"), Origin: new("CreateRouteTable"), State: new("active"),
			})
		}
		if v.MainTable == t.ID {
			out.Associations = append(out.Associations, renderAssociation(v.MainAssociate, t.ID, "", true))
		}
	}
	for i := range t.Routes {
		r := &t.Routes[i]
		state := "blackhole"
		if s.network.Leads(t.VPC, r) {
			state = "active"
		}
		out.Routes = append(out.Routes, model.Route{
			DestinationCidrBlock: new(r.Destination.String()), GatewayId: optional(r.Gateway), NatGatewayId: optional(r.NATGateway),
			NetworkInterfaceId: optional(r.Interface), Origin: new("CreateRoute"), State: new(state),
		})
	}
	for _, n := range s.network.TableAssociations(t.ID) {
		out.Associations = append(out.Associations, renderAssociation(n.RouteAssociate, t.ID, n.ID, false))
	}
	return out
}

func renderAssociation(id, table, subnet string, main bool) model.RouteTableAssociation {
	return model.RouteTableAssociation{
		Main: new(main), RouteTableAssociationId: new(id), RouteTableId: new(table), SubnetId: optional(subnet), AssociationState: associated(),
	}
}

func associated() *model.RouteTableAssociationState {
	return &model.RouteTableAssociationState{State: new("associated")}
}

var tableFilters = filter.Set[model.RouteTable]{
	Fields: tableFields(),
	Tags:   func(t *model.RouteTable) map[string]string { return tagMap(t.Tags) },
}

func tableFields() map[string]func(*model.RouteTable) []string {
	fields := map[string]func(*model.RouteTable) []string{
		"owner-id":       func(t *model.RouteTable) []string { return text(t.OwnerId) },
		"route-table-id": func(t *model.RouteTable) []string { return text(t.RouteTableId) },
		"vpc-id":         func(t *model.RouteTable) []string { return text(t.VpcId) },
	}
	for name, values := range map[string]func(*model.RouteTableAssociation) []string{
		"gateway-id":                 func(a *model.RouteTableAssociation) []string { return text(a.GatewayId) },
		"main":                       func(a *model.RouteTableAssociation) []string { return boolean(a.Main) },
		"route-table-association-id": func(a *model.RouteTableAssociation) []string { return text(a.RouteTableAssociationId) },
		"route-table-id":             func(a *model.RouteTableAssociation) []string { return text(a.RouteTableId) },
		"subnet-id":                  func(a *model.RouteTableAssociation) []string { return text(a.SubnetId) },
	} {
		fields["association."+name] = func(t *model.RouteTable) []string { return each(t.Associations, values) }
	}
	for name, values := range map[string]func(*model.Route) []string{
		"destination-cidr-block":          func(r *model.Route) []string { return text(r.DestinationCidrBlock) },
		"destination-ipv6-cidr-block":     func(r *model.Route) []string { return text(r.DestinationIpv6CidrBlock) },
		"destination-prefix-list-id":      func(r *model.Route) []string { return text(r.DestinationPrefixListId) },
		"egress-only-internet-gateway-id": func(r *model.Route) []string { return text(r.EgressOnlyInternetGatewayId) },
		"gateway-id":                      func(r *model.Route) []string { return text(r.GatewayId) },
		"instance-id":                     func(r *model.Route) []string { return text(r.InstanceId) },
		"network-interface-id":            func(r *model.Route) []string { return text(r.NetworkInterfaceId) },
		"nat-gateway-id":                  func(r *model.Route) []string { return text(r.NatGatewayId) },
		"origin":                          func(r *model.Route) []string { return text(r.Origin) },
		"state":                           func(r *model.Route) []string { return text(r.State) },
		"transit-gateway-id":              func(r *model.Route) []string { return text(r.TransitGatewayId) },
		"vpc-peering-connection-id":       func(r *model.Route) []string { return text(r.VpcPeeringConnectionId) },
	} {
		fields["route."+name] = func(t *model.RouteTable) []string { return each(t.Routes, values) }
	}
	return fields
}

// destination reads the one destination of a route.
func destination(v4, v6, list *string) (netip.Prefix, error) {
	switch {
	case v6 != nil, list != nil:
		return netip.Prefix{}, ec2err.Unsupported("Destinations of routes are IPv4 ranges.")
	case v4 == nil:
		return netip.Prefix{}, ec2err.New(ec2err.MissingParameter, "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock or destinationPrefixListId")
	}
	return network.ParseCIDR("destinationCidrBlock", *v4)
}

// target fills in the one target of a route.
func target(spec *network.RouteSpec, gateway, nat *string, others ...*string) error {
	n := 0
	for _, p := range append(others, gateway, nat) {
		if p != nil {
			n++
		}
	}
	if n > 1 {
		return ec2err.Combination("The request must contain exactly one target of the route.")
	}
	spec.Gateway, spec.NATGateway = model.Val(gateway), model.Val(nat)
	for _, p := range others {
		if p != nil {
			spec.Other = ec2err.Clip(*p)
		}
	}
	return nil
}
