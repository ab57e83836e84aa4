package ec2api

import (
	"context"
	"maps"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeNetworkInterfaces lists network interfaces.
func (s *Server) describeNetworkInterfaces(ctx context.Context, c *Call, in *model.DescribeNetworkInterfacesRequest) (*model.DescribeNetworkInterfacesResult, error) {
	tagged, err := s.described(ctx, c, ids.NetworkInterface)
	if err != nil {
		return nil, err
	}
	all := []model.NetworkInterface{}
	for _, n := range s.network.Interfaces(c.Account()) {
		all = append(all, s.renderInterface(n, tagged[n.ID]))
	}
	filters := interfaceFilters
	filters.Fields = maps.Clone(filters.Fields)
	filters.Fields["availability-zone-id"] = func(n *model.NetworkInterface) []string {
		return []string{s.network.ZoneID(model.Val(n.AvailabilityZone))}
	}
	page, next, err := listing[model.NetworkInterface]{
		items: all, id: func(n *model.NetworkInterface) string { return model.Val(n.NetworkInterfaceId) }, kind: ids.NetworkInterface,
		asked: in.NetworkInterfaceIds, filters: filters, exclusive: "networkInterfaceIdSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeNetworkInterfacesResult{NetworkInterfaces: page, NextToken: next}, nil
}
