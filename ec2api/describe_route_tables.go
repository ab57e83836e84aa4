package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeRouteTables lists route tables.
func (s *Server) describeRouteTables(ctx context.Context, c *Call, in *model.DescribeRouteTablesRequest) (*model.DescribeRouteTablesResult, error) {
	tagged, err := s.described(ctx, c, ids.RouteTable)
	if err != nil {
		return nil, err
	}
	all := []model.RouteTable{}
	for _, t := range s.network.RouteTables(c.Account()) {
		all = append(all, s.renderTable(t, tagged[t.ID]))
	}
	page, next, err := listing[model.RouteTable]{
		items: all, id: func(t *model.RouteTable) string { return model.Val(t.RouteTableId) }, kind: ids.RouteTable,
		asked: in.RouteTableIds, filters: tableFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeRouteTablesResult{RouteTables: page, NextToken: next}, nil
}
