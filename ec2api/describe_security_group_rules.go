package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeSecurityGroupRules lists the rules of security groups.
func (s *Server) describeSecurityGroupRules(ctx context.Context, c *Call, in *model.DescribeSecurityGroupRulesRequest) (*model.DescribeSecurityGroupRulesResult, error) {
	tagged, err := s.described(ctx, c, ids.SecurityGroupRule)
	if err != nil {
		return nil, err
	}
	rules := []model.SecurityGroupRule{}
	for _, g := range s.network.Groups(c.Account()) {
		for i := range g.Rules {
			r := s.renderRule(g.Account, g.ID, &g.Rules[i], tagged[g.Rules[i].ID])
			r.Tags = allTags(tagged[g.Rules[i].ID])
			rules = append(rules, r)
		}
	}
	page, next, err := listing[model.SecurityGroupRule]{
		items: rules, id: func(r *model.SecurityGroupRule) string { return model.Val(r.SecurityGroupRuleId) }, kind: ids.SecurityGroupRule,
		asked: in.SecurityGroupRuleIds, filters: ruleFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeSecurityGroupRulesResult{SecurityGroupRules: page, NextToken: next}, nil
}

var ruleFilters = filter.Set[model.SecurityGroupRule]{
	Fields: map[string]func(*model.SecurityGroupRule) []string{
		"group-id":               func(r *model.SecurityGroupRule) []string { return text(r.GroupId) },
		"security-group-rule-id": func(r *model.SecurityGroupRule) []string { return text(r.SecurityGroupRuleId) },
	},
	Tags: func(r *model.SecurityGroupRule) map[string]string { return tagMap(r.Tags) },
}
