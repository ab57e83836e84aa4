package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// replaceNetworkACLEntry replaces an entry of a network ACL.
func (s *Server) replaceNetworkACLEntry(ctx context.Context, c *Call, in *model.ReplaceNetworkAclEntryRequest) (*model.Done, error) {
	e, err := entry(in.CidrBlock, in.Ipv6CidrBlock, in.Protocol, in.RuleAction, in.RuleNumber, in.Egress, in.PortRange, in.IcmpTypeCode)
	if err != nil {
		return nil, err
	}
	return done(s.network.ReplaceACLEntry(ctx, c.Account(), model.Val(in.NetworkAclId), e))
}
