package ec2api

import (
	"context"
	"maps"
	"slices"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeSecurityGroups lists security groups with their rules.
func (s *Server) describeSecurityGroups(ctx context.Context, c *Call, in *model.DescribeSecurityGroupsRequest) (*model.DescribeSecurityGroupsResult, error) {
	if err := s.ensure(ctx, c); err != nil {
		return nil, err
	}
	named, err := s.namedGroups(c, in.GroupNames)
	if err != nil {
		return nil, err
	}
	l := listing[model.SecurityGroup]{
		source: s.groupSource().source(ctx, s, c), id: func(g *model.SecurityGroup) string { return model.Val(g.GroupId) },
		kind: ids.SecurityGroup, asked: in.GroupIds, filters: groupFilters,
	}
	switch {
	case named == nil:
	case len(l.asked) == 0:
		l.asked = slices.Sorted(maps.Keys(named))
	default:
		l.hidden = func(g *model.SecurityGroup) bool { return !named[model.Val(g.GroupId)] }
	}
	page, next, err := l.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeSecurityGroupsResult{SecurityGroups: page, NextToken: next}, nil
}

func (s *Server) groupSource() networkSource[network.Group, model.SecurityGroup] {
	return networkSource[network.Group, model.SecurityGroup]{
		after: s.network.GroupsAfter, get: s.network.Group, show: s.renderGroup,
		id: func(g *network.Group) (string, string) { return g.ID, g.Account },
		candidates: map[string]func(string) []string{
			"group-id": func(id string) []string { return []string{id} }, "vpc-id": s.network.GroupIDs,
		},
	}
}

// namedGroups finds the groups of the default VPC that have the given names; nil when none is given.
func (s *Server) namedGroups(c *Call, names []string) (map[string]bool, error) {
	if len(names) == 0 {
		return nil, nil
	}
	named := make(map[string]bool, len(names))
	for _, name := range names {
		id, err := s.network.FindGroup(c.Account(), "", name)
		if err != nil {
			return nil, err
		}
		named[id] = true
	}
	return named, nil
}
