package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// disassociateAddress takes an Elastic IP from where it is mapped to.
func (s *Server) disassociateAddress(ctx context.Context, c *Call, in *model.DisassociateAddressRequest) (*model.Done, error) {
	if in.AssociationId == nil {
		id, err := s.allocation(ctx, c, nil, in.PublicIp)
		if err != nil {
			return nil, err
		}
		for _, e := range s.network.ElasticIPs(c.Account()) {
			if e.Allocation == id && e.Association != "" {
				return done(s.network.DisassociateAddress(ctx, c.Account(), e.Association))
			}
		}
		return done(nil)
	}
	if in.PublicIp != nil {
		return nil, ec2err.Combination("You may specify public IP or association id, but not both in the same call")
	}
	return done(s.network.DisassociateAddress(ctx, c.Account(), *in.AssociationId))
}
