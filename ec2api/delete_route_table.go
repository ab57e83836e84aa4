package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteRouteTable removes a route table that no subnet uses.
func (s *Server) deleteRouteTable(ctx context.Context, c *Call, in *model.DeleteRouteTableRequest) (*model.Done, error) {
	return done(s.network.DeleteRouteTable(ctx, c.Account(), model.Val(in.RouteTableId)))
}
