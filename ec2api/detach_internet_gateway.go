package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// detachInternetGateway detaches an internet gateway from its VPC.
func (s *Server) detachInternetGateway(ctx context.Context, c *Call, in *model.DetachInternetGatewayRequest) (*model.Done, error) {
	return done(s.network.DetachGateway(ctx, c.Account(), model.Val(in.InternetGatewayId), model.Val(in.VpcId)))
}
