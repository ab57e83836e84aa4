package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// assignPrivateIPAddresses gives a network interface further addresses.
func (s *Server) assignPrivateIPAddresses(ctx context.Context, c *Call, in *model.AssignPrivateIpAddressesRequest) (*model.AssignPrivateIpAddressesResult, error) {
	if len(in.Ipv4Prefixes) > 0 || in.Ipv4PrefixCount != nil {
		return nil, ec2err.Unsupported("Prefixes of network interfaces are not supported.")
	}
	named, err := ipv4s("privateIpAddresses", in.PrivateIpAddresses)
	if err != nil {
		return nil, err
	}
	n := model.Val(in.SecondaryPrivateIpAddressCount)
	switch {
	case len(named) > 0 && in.SecondaryPrivateIpAddressCount != nil:
		return nil, ec2err.Combination("The parameters privateIpAddresses and secondaryPrivateIpAddressCount cannot be used together.")
	case len(named) == 0 && n <= 0:
		return nil, ec2err.New(ec2err.MissingParameter, "Either privateIpAddresses or secondaryPrivateIpAddressCount must be specified.")
	}
	added, err := s.network.AssignAddresses(ctx, c.Account(), model.Val(in.NetworkInterfaceId), named, n, model.Val(in.AllowReassignment))
	if err != nil {
		return nil, err
	}
	out := &model.AssignPrivateIpAddressesResult{NetworkInterfaceId: in.NetworkInterfaceId}
	for _, a := range added {
		out.AssignedPrivateIpAddresses = append(out.AssignedPrivateIpAddresses, model.AssignedPrivateIpAddress{PrivateIpAddress: new(a.String())})
	}
	return out, nil
}
