package ec2api

import (
	"context"
	"slices"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
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
	for _, g := range s.ruleHolders(c) {
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

// ruleHolders are the groups whose rules a call can be about: those that a filter names, or all.
func (s *Server) ruleHolders(c *Call) []*network.Group {
	for i := range c.common.Filters {
		f := &c.common.Filters[i]
		if model.Val(f.Name) != "group-id" || slices.ContainsFunc(f.Values, func(v string) bool { return !filter.Plain(v) }) {
			continue
		}
		var some []*network.Group
		for _, id := range slices.Compact(slices.Sorted(slices.Values(f.Values))) {
			if g := s.network.Group(id); g != nil && g.Account == c.Account() {
				some = append(some, g)
			}
		}
		return some
	}
	return s.network.Groups(c.Account())
}

var ruleFilters = filter.Set[model.SecurityGroupRule]{
	Fields: map[string]func(*model.SecurityGroupRule) []string{
		"group-id":               func(r *model.SecurityGroupRule) []string { return text(r.GroupId) },
		"security-group-rule-id": func(r *model.SecurityGroupRule) []string { return text(r.SecurityGroupRuleId) },
	},
	Tags: func(r *model.SecurityGroupRule) map[string]string { return tagMap(r.Tags) },
}
