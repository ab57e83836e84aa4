package ec2api

import (
	"context"
	"maps"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeNetworkInterfaces lists network interfaces.
func (s *Server) describeNetworkInterfaces(ctx context.Context, c *Call, in *model.DescribeNetworkInterfacesRequest) (*model.DescribeNetworkInterfacesResult, error) {
	if err := s.ensure(ctx, c); err != nil {
		return nil, err
	}
	filters := interfaceFilters
	filters.Fields = maps.Clone(filters.Fields)
	filters.Fields["availability-zone-id"] = func(n *model.NetworkInterface) []string {
		return []string{s.network.ZoneID(model.Val(n.AvailabilityZone))}
	}
	page, next, err := listing[model.NetworkInterface]{
		source: s.interfaceSource().source(ctx, s, c), id: func(n *model.NetworkInterface) string { return model.Val(n.NetworkInterfaceId) }, kind: ids.NetworkInterface,
		asked: in.NetworkInterfaceIds, filters: filters, exclusive: "networkInterfaceIdSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeNetworkInterfacesResult{NetworkInterfaces: page, NextToken: next}, nil
}

func (s *Server) interfaceSource() networkSource[network.Interface, model.NetworkInterface] {
	by := func(x network.InterfaceIndex) func(string) []string {
		return func(value string) []string { return s.network.InterfaceIDs(x, value) }
	}
	return networkSource[network.Interface, model.NetworkInterface]{
		after: s.network.InterfacesAfter, get: s.network.Interface, show: s.renderInterface,
		id: func(n *network.Interface) (string, string) { return n.ID, n.Account },
		candidates: map[string]func(string) []string{
			"network-interface-id": func(id string) []string { return []string{id} },
			"group-id":             by(network.InGroup), "subnet-id": by(network.InSubnet), "vpc-id": by(network.InVPC),
			"attachment.instance-id": by(network.OfInstance),
		},
	}
}
