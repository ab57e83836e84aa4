package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// authorizeSecurityGroupIngress lets packets to the members of a group in.
func (s *Server) authorizeSecurityGroupIngress(ctx context.Context, c *Call, in *model.AuthorizeSecurityGroupIngressRequest) (*model.AuthorizeSecurityGroupIngressResult, error) {
	rules, err := s.authorizeRules(ctx, c, in.GroupId, in.GroupName, false, plainRule{
		cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId,
	}, in.IpPermissions, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &model.AuthorizeSecurityGroupIngressResult{Return: new(true), SecurityGroupRules: rules}, nil
}
