package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// associateAddress maps an Elastic IP to a private address.
func (s *Server) associateAddress(ctx context.Context, c *Call, in *model.AssociateAddressRequest) (*model.AssociateAddressResult, error) {
	id, err := s.allocation(ctx, c, in.AllocationId, in.PublicIp)
	if err != nil {
		return nil, err
	}
	switch {
	case in.InstanceId != nil && in.NetworkInterfaceId != nil:
		return nil, ec2err.Combination("You may specify instance id or network interface id, but not both in the same call")
	case in.InstanceId == nil && in.NetworkInterfaceId == nil:
		return nil, ec2err.New(ec2err.MissingParameter, "Either instance id or network interface id must be specified")
	case in.InstanceId != nil:
		if err := checkIDs(ids.Instance, *in.InstanceId); err != nil {
			return nil, err
		}
	}
	private, err := ipv4("privateIpAddress", in.PrivateIpAddress)
	if err != nil {
		return nil, err
	}
	assoc, err := s.network.AssociateAddress(ctx, c.Account(), network.AssociateSpec{
		Allocation: id, Interface: model.Val(in.NetworkInterfaceId), Instance: model.Val(in.InstanceId), Private: private,
		Reassociate: in.AllowReassociation == nil || *in.AllowReassociation,
	})
	if err != nil {
		return nil, err
	}
	return &model.AssociateAddressResult{AssociationId: new(assoc)}, nil
}
