package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createNetworkACL makes a network ACL.
func (s *Server) createNetworkACL(ctx context.Context, c *Call, in *model.CreateNetworkAclRequest) (*model.CreateNetworkAclResult, error) {
	tagged, err := tagsFor(in.TagSpecifications, "network-acl")
	if err != nil {
		return nil, err
	}
	a, err := s.network.CreateACL(ctx, c.Account(), model.Val(in.VpcId), tagged, c.Token())
	if err != nil {
		return nil, err
	}
	return &model.CreateNetworkAclResult{NetworkAcl: new(s.renderACL(a, tagged)), ClientToken: in.ClientToken}, nil
}
