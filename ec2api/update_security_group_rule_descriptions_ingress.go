package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// updateSecurityGroupRuleDescriptionsIngress changes the descriptions of rules about packets in.
func (s *Server) updateSecurityGroupRuleDescriptionsIngress(ctx context.Context, c *Call, in *model.UpdateSecurityGroupRuleDescriptionsIngressRequest) (*model.UpdateSecurityGroupRuleDescriptionsIngressResult, error) {
	if err := s.describeRules(ctx, c, in.GroupId, in.GroupName, false, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &model.UpdateSecurityGroupRuleDescriptionsIngressResult{Return: new(true)}, nil
}
