package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// resetNetworkInterfaceAttribute turns the check of source and destination on again.
func (s *Server) resetNetworkInterfaceAttribute(ctx context.Context, c *Call, in *model.ResetNetworkInterfaceAttributeRequest) (*model.Done, error) {
	return done(s.network.ModifyInterface(ctx, c.Account(), model.Val(in.NetworkInterfaceId), network.InterfaceChange{SourceDestCheck: new(true)}))
}
