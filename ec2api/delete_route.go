package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteRoute removes a route from a route table.
func (s *Server) deleteRoute(ctx context.Context, c *Call, in *model.DeleteRouteRequest) (*model.Done, error) {
	d, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	return done(s.network.DeleteRoute(ctx, c.Account(), model.Val(in.RouteTableId), d))
}
