package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createSecurityGroup makes a security group.
func (s *Server) createSecurityGroup(ctx context.Context, c *Call, in *model.CreateSecurityGroupRequest) (*model.CreateSecurityGroupResult, error) {
	tagged, err := tagsFor(in.TagSpecifications, "security-group")
	if err != nil {
		return nil, err
	}
	g, err := s.network.CreateGroup(ctx, c.Account(), network.GroupSpec{
		VPC: model.Val(in.VpcId), Name: model.Val(in.GroupName), Description: model.Val(in.Description), Tags: tagged,
	})
	if err != nil {
		return nil, err
	}
	return &model.CreateSecurityGroupResult{GroupId: new(g.ID), SecurityGroupArn: new(s.arnOf(g.Account, "security-group", g.ID)), Tags: renderTags(tagged)}, nil
}
