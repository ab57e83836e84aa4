package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeNetworkAcls lists network ACLs.
func (s *Server) describeNetworkAcls(ctx context.Context, c *Call, in *model.DescribeNetworkAclsRequest) (*model.DescribeNetworkAclsResult, error) {
	tagged, err := s.described(ctx, c, ids.NetworkACL)
	if err != nil {
		return nil, err
	}
	all := []model.NetworkAcl{}
	for _, a := range s.network.ACLs(c.Account()) {
		all = append(all, s.renderACL(a, tagged[a.ID]))
	}
	page, next, err := listing[model.NetworkAcl]{
		items: all, id: func(a *model.NetworkAcl) string { return model.Val(a.NetworkAclId) }, kind: ids.NetworkACL, asked: in.NetworkAclIds, filters: aclFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeNetworkAclsResult{NetworkAcls: page, NextToken: next}, nil
}
