package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// revokeSecurityGroupIngress takes rules from a group.
func (s *Server) revokeSecurityGroupIngress(ctx context.Context, c *Call, in *model.RevokeSecurityGroupIngressRequest) (*model.RevokeSecurityGroupIngressResult, error) {
	id, err := s.group(ctx, c, in.GroupId, in.GroupName)
	if err != nil {
		return nil, err
	}
	plain := plainRule{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	specs, err := plain.specs(in.IpPermissions)
	switch {
	case err != nil:
		return nil, err
	case len(specs) > 0 && len(in.SecurityGroupRuleIds) > 0:
		return nil, ec2err.Combination("The parameter securityGroupRuleIds may not be used in combination with ipPermissions.")
	case len(specs) == 0 && len(in.SecurityGroupRuleIds) == 0:
		return nil, ec2err.Missing("ipPermissions")
	}
	gone, err := s.network.Revoke(ctx, c.Account(), id, false, specs, in.SecurityGroupRuleIds)
	if err != nil {
		return nil, err
	}
	return &model.RevokeSecurityGroupIngressResult{Return: new(true), RevokedSecurityGroupRules: renderRevoked(id, gone)}, nil
}
