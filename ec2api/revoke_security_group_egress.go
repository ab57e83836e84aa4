package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// revokeSecurityGroupEgress takes rules about packets out from a group.
func (s *Server) revokeSecurityGroupEgress(ctx context.Context, c *Call, in *model.RevokeSecurityGroupEgressRequest) (*model.RevokeSecurityGroupEgressResult, error) {
	gone, err := s.revokeRules(ctx, c, in.GroupId, nil, true, plainRule{
		cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId,
	}, in.IpPermissions, in.SecurityGroupRuleIds)
	if err != nil {
		return nil, err
	}
	return &model.RevokeSecurityGroupEgressResult{Return: new(true), RevokedSecurityGroupRules: gone}, nil
}
