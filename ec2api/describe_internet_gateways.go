package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeInternetGateways lists internet gateways.
func (s *Server) describeInternetGateways(ctx context.Context, c *Call, in *model.DescribeInternetGatewaysRequest) (*model.DescribeInternetGatewaysResult, error) {
	tagged, err := s.described(ctx, c, ids.InternetGateway)
	if err != nil {
		return nil, err
	}
	all := []model.InternetGateway{}
	for _, g := range s.network.Gateways(c.Account()) {
		all = append(all, renderGateway(g, tagged[g.ID]))
	}
	page, next, err := listing[model.InternetGateway]{
		items: all, id: func(g *model.InternetGateway) string { return model.Val(g.InternetGatewayId) }, kind: ids.InternetGateway,
		asked: in.InternetGatewayIds, filters: gatewayFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeInternetGatewaysResult{InternetGateways: page, NextToken: next}, nil
}
