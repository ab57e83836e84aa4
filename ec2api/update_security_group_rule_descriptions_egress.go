package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// updateSecurityGroupRuleDescriptionsEgress changes the descriptions of rules about packets out.
func (s *Server) updateSecurityGroupRuleDescriptionsEgress(ctx context.Context, c *Call, in *model.UpdateSecurityGroupRuleDescriptionsEgressRequest) (*model.UpdateSecurityGroupRuleDescriptionsEgressResult, error) {
	if err := s.describeRules(ctx, c, in.GroupId, in.GroupName, true, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &model.UpdateSecurityGroupRuleDescriptionsEgressResult{Return: new(true)}, nil
}
