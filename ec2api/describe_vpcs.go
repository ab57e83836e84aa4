package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeVpcs lists VPCs.
func (s *Server) describeVpcs(ctx context.Context, c *Call, in *model.DescribeVpcsRequest) (*model.DescribeVpcsResult, error) {
	tagged, err := s.described(ctx, c, ids.VPC)
	if err != nil {
		return nil, err
	}
	vpcs := []model.Vpc{}
	for _, v := range s.network.VPCs(c.Account()) {
		out := renderVPC(v, tagged[v.ID])
		out.BlockPublicAccessStates = publicAccess()
		vpcs = append(vpcs, out)
	}
	page, next, err := listing[model.Vpc]{
		items: vpcs, id: func(v *model.Vpc) string { return model.Val(v.VpcId) }, kind: ids.VPC, asked: in.VpcIds, filters: vpcFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeVpcsResult{Vpcs: page, NextToken: next}, nil
}
