package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// disassociateVpcCidrBlock takes a range from a VPC.
func (s *Server) disassociateVpcCidrBlock(ctx context.Context, c *Call, in *model.DisassociateVpcCidrBlockRequest) (*model.DisassociateVpcCidrBlockResult, error) {
	v, a, err := s.network.DisassociateCIDR(ctx, c.Account(), model.Val(in.AssociationId))
	if err != nil {
		return nil, err
	}
	return &model.DisassociateVpcCidrBlockResult{VpcId: new(v.ID), CidrBlockAssociation: new(renderCIDR(a, "disassociating"))}, nil
}
