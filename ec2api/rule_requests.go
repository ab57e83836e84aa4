package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// What follows is behind each pair of actions on the rules of groups, of which one is about packets in and one about packets
// out: their requests have the same fields, in types of their own.

// authorizeRules adds rules to a group.
func (s *Server) authorizeRules(ctx context.Context, c *Call, group, name *string, egress bool, plain plainRule, perms []model.IpPermission, tagged []model.TagSpecification) ([]model.SecurityGroupRule, error) {
	id, err := s.group(ctx, c, group, name)
	if err != nil {
		return nil, err
	}
	specs, err := plain.specs(perms)
	if err != nil {
		return nil, err
	}
	if len(specs) == 0 {
		return nil, ec2err.Missing("ipPermissions")
	}
	set, err := tagsFor(tagged, "security-group-rule")
	if err != nil {
		return nil, err
	}
	rules, err := s.network.Authorize(ctx, c.Account(), id, egress, specs, set)
	if err != nil {
		return nil, err
	}
	return s.renderRules(c.Account(), id, rules, set), nil
}

// revokeRules takes rules from a group, which are named by what they allow or by their ids.
func (s *Server) revokeRules(ctx context.Context, c *Call, group, name *string, egress bool, plain plainRule, perms []model.IpPermission, rules []string) ([]model.RevokedSecurityGroupRule, error) {
	id, err := s.group(ctx, c, group, name)
	if err != nil {
		return nil, err
	}
	specs, err := plain.specs(perms)
	if err != nil {
		return nil, err
	}
	if err := oneWay("securityGroupRuleIds", len(rules), len(specs)); err != nil {
		return nil, err
	}
	gone, err := s.network.Revoke(ctx, c.Account(), id, egress, specs, rules)
	if err != nil {
		return nil, err
	}
	return renderRevoked(id, gone), nil
}

// describeRules changes the descriptions of rules of a group.
func (s *Server) describeRules(ctx context.Context, c *Call, group, name *string, egress bool, perms []model.IpPermission, descriptions []model.SecurityGroupRuleDescription) error {
	id, err := s.group(ctx, c, group, name)
	if err != nil {
		return err
	}
	specs, err := ruleSpecs(perms)
	if err != nil {
		return err
	}
	if err := oneWay("securityGroupRuleDescriptions", len(descriptions), len(specs)); err != nil {
		return err
	}
	var byID []network.RuleDescription
	for _, d := range descriptions {
		byID = append(byID, network.RuleDescription{Rule: model.Val(d.SecurityGroupRuleId), Description: model.Val(d.Description)})
	}
	return s.network.DescribeRules(ctx, c.Account(), id, egress, specs, byID)
}

// oneWay refuses requests that name rules in both ways or in none.
func oneWay(param string, byID, byPermission int) error {
	switch {
	case byID > 0 && byPermission > 0:
		return ec2err.Combination("The parameter %s may not be used in combination with ipPermissions.", param)
	case byID == 0 && byPermission == 0:
		return ec2err.Missing("ipPermissions")
	}
	return nil
}
