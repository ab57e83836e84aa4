package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteNetworkACLEntry removes an entry of a network ACL.
func (s *Server) deleteNetworkACLEntry(ctx context.Context, c *Call, in *model.DeleteNetworkAclEntryRequest) (*model.Done, error) {
	return done(s.network.DeleteACLEntry(ctx, c.Account(), model.Val(in.NetworkAclId), model.Val(in.Egress), model.Val(in.RuleNumber)))
}
