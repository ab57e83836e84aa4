package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifySecurityGroupRules replaces what rules of a group allow.
func (s *Server) modifySecurityGroupRules(ctx context.Context, c *Call, in *model.ModifySecurityGroupRulesRequest) (*model.ModifySecurityGroupRulesResult, error) {
	id, err := s.group(ctx, c, in.GroupId, nil)
	if err != nil {
		return nil, err
	}
	if len(in.SecurityGroupRules) == 0 {
		return nil, ec2err.Missing("SecurityGroupRule")
	}
	var changes []network.RuleChange
	for i := range in.SecurityGroupRules {
		u := &in.SecurityGroupRules[i]
		r := u.SecurityGroupRule
		if r == nil {
			return nil, ec2err.Missing("SecurityGroupRule.SecurityGroupRule")
		}
		peers := 0
		for _, p := range []*string{r.CidrIpv4, r.CidrIpv6, r.PrefixListId, r.ReferencedGroupId} {
			if p != nil {
				peers++
			}
		}
		if peers != 1 {
			return nil, ec2err.Combination("Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be specified for rule %s.", ec2err.Clip(model.Val(u.SecurityGroupRuleId)))
		}
		changes = append(changes, network.RuleChange{Rule: model.Val(u.SecurityGroupRuleId), Spec: network.RuleSpec{
			Protocol: model.Val(r.IpProtocol), From: r.FromPort, To: r.ToPort, IPv4: model.Val(r.CidrIpv4), IPv6: model.Val(r.CidrIpv6),
			Group: model.Val(r.ReferencedGroupId), PrefixList: model.Val(r.PrefixListId), Description: r.Description,
		}})
	}
	if err := s.network.ModifyRules(ctx, c.Account(), id, changes); err != nil {
		return nil, err
	}
	return &model.ModifySecurityGroupRulesResult{Return: new(true)}, nil
}
