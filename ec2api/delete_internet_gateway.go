package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteInternetGateway removes an internet gateway that is attached to nothing.
func (s *Server) deleteInternetGateway(ctx context.Context, c *Call, in *model.DeleteInternetGatewayRequest) (*model.Done, error) {
	return done(s.network.DeleteGateway(ctx, c.Account(), model.Val(in.InternetGatewayId)))
}
