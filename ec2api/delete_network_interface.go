package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteNetworkInterface removes a network interface that is attached to nothing.
func (s *Server) deleteNetworkInterface(ctx context.Context, c *Call, in *model.DeleteNetworkInterfaceRequest) (*model.Done, error) {
	return done(s.network.DeleteInterface(ctx, c.Account(), model.Val(in.NetworkInterfaceId)))
}
