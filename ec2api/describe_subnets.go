package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeSubnets lists subnets.
func (s *Server) describeSubnets(ctx context.Context, c *Call, in *model.DescribeSubnetsRequest) (*model.DescribeSubnetsResult, error) {
	tagged, err := s.described(ctx, c, ids.Subnet)
	if err != nil {
		return nil, err
	}
	subnets := []model.Subnet{}
	for _, n := range s.network.Subnets(c.Account()) {
		out := s.renderSubnet(n, tagged[n.ID])
		out.BlockPublicAccessStates = publicAccess()
		subnets = append(subnets, out)
	}
	page, next, err := listing[model.Subnet]{
		items: subnets, id: func(n *model.Subnet) string { return model.Val(n.SubnetId) }, kind: ids.Subnet, asked: in.SubnetIds, filters: subnetFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeSubnetsResult{Subnets: page, NextToken: next}, nil
}
