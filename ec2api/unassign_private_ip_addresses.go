package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// unassignPrivateIPAddresses takes further addresses from a network interface.
func (s *Server) unassignPrivateIPAddresses(ctx context.Context, c *Call, in *model.UnassignPrivateIpAddressesRequest) (*model.Done, error) {
	if len(in.Ipv4Prefixes) > 0 {
		return nil, ec2err.Unsupported("Prefixes of network interfaces are not supported.")
	}
	named, err := ipv4s("privateIpAddresses", in.PrivateIpAddresses)
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return nil, ec2err.Missing("privateIpAddresses")
	}
	return done(s.network.UnassignAddresses(ctx, c.Account(), model.Val(in.NetworkInterfaceId), named))
}
