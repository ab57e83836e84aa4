package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createDefaultVpc makes the default VPC anew after it was deleted.
func (s *Server) createDefaultVpc(ctx context.Context, c *Call, _ *model.CreateDefaultVpcRequest) (*model.CreateDefaultVpcResult, error) {
	v, err := s.network.CreateDefaultVPC(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	return &model.CreateDefaultVpcResult{Vpc: newVPC(v, nil)}, nil
}
