package ec2api

import (
	"context"
	"slices"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeSecurityGroups lists security groups with their rules.
func (s *Server) describeSecurityGroups(ctx context.Context, c *Call, in *model.DescribeSecurityGroupsRequest) (*model.DescribeSecurityGroupsResult, error) {
	tagged, err := s.described(ctx, c, ids.SecurityGroup)
	if err != nil {
		return nil, err
	}
	groups := []model.SecurityGroup{}
	for _, g := range s.network.Groups(c.Account()) {
		groups = append(groups, s.renderGroup(g, tagged[g.ID]))
	}
	if groups, err = s.namedGroups(c, groups, in.GroupNames); err != nil {
		return nil, err
	}
	page, next, err := listing[model.SecurityGroup]{
		items: groups, id: func(g *model.SecurityGroup) string { return model.Val(g.GroupId) }, kind: ids.SecurityGroup, asked: in.GroupIds, filters: groupFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeSecurityGroupsResult{SecurityGroups: page, NextToken: next}, nil
}

// namedGroups narrows a list down to the groups of the default VPC that have the given names.
func (s *Server) namedGroups(c *Call, groups []model.SecurityGroup, names []string) ([]model.SecurityGroup, error) {
	if len(names) == 0 {
		return groups, nil
	}
	want := make(map[string]bool, len(names))
	for _, name := range names {
		id, err := s.network.FindGroup(c.Account(), "", name)
		if err != nil {
			return nil, err
		}
		want[id] = true
	}
	return slices.DeleteFunc(groups, func(g model.SecurityGroup) bool { return !want[model.Val(g.GroupId)] }), nil
}
