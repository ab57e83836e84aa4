package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createRoute adds a route to a route table.
func (s *Server) createRoute(ctx context.Context, c *Call, in *model.CreateRouteRequest) (*model.CreateRouteResult, error) {
	d, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	spec := network.RouteSpec{Destination: d}
	if err := target(&spec, in.GatewayId, in.NatGatewayId, in.InstanceId, in.NetworkInterfaceId, in.VpcPeeringConnectionId, in.EgressOnlyInternetGatewayId,
		in.TransitGatewayId, in.LocalGatewayId, in.CarrierGatewayId, in.VpcEndpointId, in.CoreNetworkArn); err != nil {
		return nil, err
	}
	if err := s.network.CreateRoute(ctx, c.Account(), model.Val(in.RouteTableId), spec); err != nil {
		return nil, err
	}
	return &model.CreateRouteResult{Return: new(true)}, nil
}
