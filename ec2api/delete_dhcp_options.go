package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteDhcpOptions removes a set of DHCP options that no VPC uses.
func (s *Server) deleteDhcpOptions(ctx context.Context, c *Call, in *model.DeleteDhcpOptionsRequest) (*model.Done, error) {
	return done(s.network.DeleteDHCPOptions(ctx, c.Account(), model.Val(in.DhcpOptionsId)))
}
