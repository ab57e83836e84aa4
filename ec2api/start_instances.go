package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// startInstances starts stopped instances.
func (s *Server) startInstances(ctx context.Context, c *Call, in *model.StartInstancesRequest) (*model.StartInstancesResult, error) {
	if err := someInstances(in.InstanceIds); err != nil {
		return nil, err
	}
	moves, err := s.cfg.Compute.Start(ctx, c.Account(), in.InstanceIds)
	if err != nil {
		return nil, err
	}
	return &model.StartInstancesResult{StartingInstances: showMoves(moves)}, nil
}
