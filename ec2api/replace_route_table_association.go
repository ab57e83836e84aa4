package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// replaceRouteTableAssociation gives a subnet, or a VPC as its main one, another route table.
func (s *Server) replaceRouteTableAssociation(ctx context.Context, c *Call, in *model.ReplaceRouteTableAssociationRequest) (*model.ReplaceRouteTableAssociationResult, error) {
	id, err := s.network.ReplaceTableAssociation(ctx, c.Account(), model.Val(in.AssociationId), model.Val(in.RouteTableId))
	if err != nil {
		return nil, err
	}
	return &model.ReplaceRouteTableAssociationResult{NewAssociationId: new(id), AssociationState: associated()}, nil
}
