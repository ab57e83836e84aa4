package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createNetworkACLEntry adds an entry to a network ACL.
func (s *Server) createNetworkACLEntry(ctx context.Context, c *Call, in *model.CreateNetworkAclEntryRequest) (*model.Done, error) {
	e, err := entry(in.CidrBlock, in.Ipv6CidrBlock, in.Protocol, in.RuleAction, in.RuleNumber, in.Egress, in.PortRange, in.IcmpTypeCode)
	if err != nil {
		return nil, err
	}
	return done(s.network.CreateACLEntry(ctx, c.Account(), model.Val(in.NetworkAclId), e))
}
