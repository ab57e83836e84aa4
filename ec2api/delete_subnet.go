package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteSubnet removes a subnet that has no interface.
func (s *Server) deleteSubnet(ctx context.Context, c *Call, in *model.DeleteSubnetRequest) (*model.Done, error) {
	return done(s.network.DeleteSubnet(ctx, c.Account(), model.Val(in.SubnetId)))
}
