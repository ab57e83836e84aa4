package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// allocateAddress takes a public address for the account.
func (s *Server) allocateAddress(ctx context.Context, c *Call, in *model.AllocateAddressRequest) (*model.AllocateAddressResult, error) {
	switch {
	case in.Domain != nil && *in.Domain != "vpc":
		return nil, ec2err.Unsupported("EC2-Classic is not supported: the domain is vpc.")
	case in.PublicIpv4Pool != nil && *in.PublicIpv4Pool != "amazon", in.CustomerOwnedIpv4Pool != nil:
		return nil, ec2err.New("InvalidPublicIpv4PoolID.NotFound", "The pool ID does not exist")
	case in.Address != nil:
		return nil, ec2err.New("InvalidAddress.NotFound", "Address '%s' not found.", ec2err.Clip(*in.Address))
	case in.NetworkBorderGroup != nil && *in.NetworkBorderGroup != s.cfg.Region:
		return nil, ec2err.Value("networkBorderGroup", *in.NetworkBorderGroup)
	}
	tagged, err := tagsFor(in.TagSpecifications, "elastic-ip")
	if err != nil {
		return nil, err
	}
	e, err := s.network.AllocateAddress(ctx, c.Account(), tagged)
	if err != nil {
		return nil, err
	}
	return &model.AllocateAddressResult{
		PublicIp: new(e.Public.String()), AllocationId: new(e.Allocation), PublicIpv4Pool: new("amazon"), NetworkBorderGroup: new(s.cfg.Region), Domain: new("vpc"),
	}, nil
}
