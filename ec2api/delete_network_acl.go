package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteNetworkACL removes a network ACL that no subnet uses.
func (s *Server) deleteNetworkACL(ctx context.Context, c *Call, in *model.DeleteNetworkAclRequest) (*model.Done, error) {
	return done(s.network.DeleteACL(ctx, c.Account(), model.Val(in.NetworkAclId)))
}
