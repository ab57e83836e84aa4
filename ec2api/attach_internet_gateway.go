package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// attachInternetGateway attaches an internet gateway to a VPC.
func (s *Server) attachInternetGateway(ctx context.Context, c *Call, in *model.AttachInternetGatewayRequest) (*model.Done, error) {
	return done(s.network.AttachGateway(ctx, c.Account(), model.Val(in.InternetGatewayId), model.Val(in.VpcId)))
}
