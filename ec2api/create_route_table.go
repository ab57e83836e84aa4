package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createRouteTable makes a route table.
func (s *Server) createRouteTable(ctx context.Context, c *Call, in *model.CreateRouteTableRequest) (*model.CreateRouteTableResult, error) {
	tagged, err := tagsFor(in.TagSpecifications, "route-table")
	if err != nil {
		return nil, err
	}
	t, err := s.network.CreateRouteTable(ctx, c.Account(), model.Val(in.VpcId), tagged, c.Token())
	if err != nil {
		return nil, err
	}
	return &model.CreateRouteTableResult{RouteTable: new(s.renderTable(t, tagged)), ClientToken: in.ClientToken}, nil
}
