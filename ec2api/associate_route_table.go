package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// associateRouteTable gives a subnet a route table of its own.
func (s *Server) associateRouteTable(ctx context.Context, c *Call, in *model.AssociateRouteTableRequest) (*model.AssociateRouteTableResult, error) {
	switch {
	case in.GatewayId != nil:
		return nil, ec2err.Unsupported("Route tables of gateways are not supported.")
	case in.SubnetId == nil:
		return nil, ec2err.New(ec2err.MissingParameter, "The request must contain exactly one of subnetId or gatewayId")
	}
	id, err := s.network.AssociateRouteTable(ctx, c.Account(), model.Val(in.RouteTableId), *in.SubnetId)
	if err != nil {
		return nil, err
	}
	return &model.AssociateRouteTableResult{AssociationId: new(id), AssociationState: associated()}, nil
}
