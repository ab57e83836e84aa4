package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// disassociateRouteTable lets a subnet use the main route table again.
func (s *Server) disassociateRouteTable(ctx context.Context, c *Call, in *model.DisassociateRouteTableRequest) (*model.Done, error) {
	return done(s.network.DisassociateRouteTable(ctx, c.Account(), model.Val(in.AssociationId)))
}
