package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// associateDhcpOptions gives a VPC a set of DHCP options.
func (s *Server) associateDhcpOptions(ctx context.Context, c *Call, in *model.AssociateDhcpOptionsRequest) (*model.Done, error) {
	return done(s.network.AssociateDHCPOptions(ctx, c.Account(), model.Val(in.DhcpOptionsId), model.Val(in.VpcId)))
}
