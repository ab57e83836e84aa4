package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// authorizeSecurityGroupEgress lets packets of the members of a group out.
func (s *Server) authorizeSecurityGroupEgress(ctx context.Context, c *Call, in *model.AuthorizeSecurityGroupEgressRequest) (*model.AuthorizeSecurityGroupEgressResult, error) {
	rules, err := s.authorizeRules(ctx, c, in.GroupId, nil, true, plainRule{
		cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId,
	}, in.IpPermissions, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &model.AuthorizeSecurityGroupEgressResult{Return: new(true), SecurityGroupRules: rules}, nil
}
