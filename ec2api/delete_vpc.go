package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteVpc removes a VPC that has nothing in it but what was made with it.
func (s *Server) deleteVpc(ctx context.Context, c *Call, in *model.DeleteVpcRequest) (*model.Done, error) {
	return done(s.network.DeleteVPC(ctx, c.Account(), model.Val(in.VpcId)))
}
