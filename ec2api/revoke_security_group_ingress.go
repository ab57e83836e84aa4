package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// revokeSecurityGroupIngress takes rules about packets in from a group.
func (s *Server) revokeSecurityGroupIngress(ctx context.Context, c *Call, in *model.RevokeSecurityGroupIngressRequest) (*model.RevokeSecurityGroupIngressResult, error) {
	gone, err := s.revokeRules(ctx, c, in.GroupId, in.GroupName, false, plainRule{
		cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId,
	}, in.IpPermissions, in.SecurityGroupRuleIds)
	if err != nil {
		return nil, err
	}
	return &model.RevokeSecurityGroupIngressResult{Return: new(true), RevokedSecurityGroupRules: gone}, nil
}
