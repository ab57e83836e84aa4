package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// replaceRoute gives a route another target.
func (s *Server) replaceRoute(ctx context.Context, c *Call, in *model.ReplaceRouteRequest) (*model.Done, error) {
	if model.Val(in.LocalTarget) {
		return nil, ec2err.Unsupported("Local routes cannot be replaced.")
	}
	d, err := destination(in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	spec := network.RouteSpec{Destination: d}
	if err := target(&spec, in.GatewayId, in.NatGatewayId, in.InstanceId, in.NetworkInterfaceId, in.VpcPeeringConnectionId, in.EgressOnlyInternetGatewayId,
		in.TransitGatewayId, in.LocalGatewayId, in.CarrierGatewayId, in.VpcEndpointId, in.CoreNetworkArn); err != nil {
		return nil, err
	}
	return done(s.network.ReplaceRoute(ctx, c.Account(), model.Val(in.RouteTableId), spec))
}
