package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createDefaultSubnet makes the default subnet of a zone anew after it was deleted.
func (s *Server) createDefaultSubnet(ctx context.Context, c *Call, in *model.CreateDefaultSubnetRequest) (*model.CreateDefaultSubnetResult, error) {
	if err := noIPv6(model.Val(in.Ipv6Native)); err != nil {
		return nil, err
	}
	n, err := s.network.CreateDefaultSubnet(ctx, c.Account(), model.Val(in.AvailabilityZone))
	if err != nil {
		return nil, err
	}
	return &model.CreateDefaultSubnetResult{Subnet: new(s.renderSubnet(n, nil))}, nil
}
