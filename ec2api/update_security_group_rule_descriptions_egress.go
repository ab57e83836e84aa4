package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// updateSecurityGroupRuleDescriptionsEgress changes the descriptions of rules.
func (s *Server) updateSecurityGroupRuleDescriptionsEgress(ctx context.Context, c *Call, in *model.UpdateSecurityGroupRuleDescriptionsEgressRequest) (*model.UpdateSecurityGroupRuleDescriptionsEgressResult, error) {
	id, err := s.group(ctx, c, in.GroupId, in.GroupName)
	if err != nil {
		return nil, err
	}
	specs, err := ruleSpecs(in.IpPermissions)
	switch {
	case err != nil:
		return nil, err
	case len(specs) > 0 && len(in.SecurityGroupRuleDescriptions) > 0:
		return nil, ec2err.Combination("The parameter securityGroupRuleDescriptions may not be used in combination with ipPermissions.")
	case len(specs) == 0 && len(in.SecurityGroupRuleDescriptions) == 0:
		return nil, ec2err.Missing("ipPermissions")
	}
	var byID []network.RuleDescription
	for _, d := range in.SecurityGroupRuleDescriptions {
		byID = append(byID, network.RuleDescription{Rule: model.Val(d.SecurityGroupRuleId), Description: model.Val(d.Description)})
	}
	if err := s.network.DescribeRules(ctx, c.Account(), id, true, specs, byID); err != nil {
		return nil, err
	}
	return &model.UpdateSecurityGroupRuleDescriptionsEgressResult{Return: new(true)}, nil
}
