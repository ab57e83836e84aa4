package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// replaceNetworkACLAssociation gives a subnet another network ACL.
func (s *Server) replaceNetworkACLAssociation(ctx context.Context, c *Call, in *model.ReplaceNetworkAclAssociationRequest) (*model.ReplaceNetworkAclAssociationResult, error) {
	id, err := s.network.ReplaceACLAssociation(ctx, c.Account(), model.Val(in.AssociationId), model.Val(in.NetworkAclId))
	if err != nil {
		return nil, err
	}
	return &model.ReplaceNetworkAclAssociationResult{NewAssociationId: new(id)}, nil
}
