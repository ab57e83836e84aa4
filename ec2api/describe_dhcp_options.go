package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeDhcpOptions lists sets of DHCP options.
func (s *Server) describeDhcpOptions(ctx context.Context, c *Call, in *model.DescribeDhcpOptionsRequest) (*model.DescribeDhcpOptionsResult, error) {
	tagged, err := s.described(ctx, c, ids.DHCPOptions)
	if err != nil {
		return nil, err
	}
	all := []model.DhcpOptions{}
	for _, o := range s.network.DHCPOptionSets(c.Account()) {
		all = append(all, renderDHCP(o, tagged[o.ID]))
	}
	page, next, err := listing[model.DhcpOptions]{
		items: all, id: func(o *model.DhcpOptions) string { return model.Val(o.DhcpOptionsId) }, kind: ids.DHCPOptions, asked: in.DhcpOptionsIds, filters: dhcpFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeDhcpOptionsResult{DhcpOptions: page, NextToken: next}, nil
}
