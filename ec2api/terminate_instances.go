package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// terminateInstances ends instances for good.
func (s *Server) terminateInstances(ctx context.Context, c *Call, in *model.TerminateInstancesRequest) (*model.TerminateInstancesResult, error) {
	if err := someInstances(in.InstanceIds); err != nil {
		return nil, err
	}
	moves, err := s.cfg.Compute.Terminate(ctx, c.Account(), in.InstanceIds)
	if err != nil {
		return nil, err
	}
	return &model.TerminateInstancesResult{TerminatingInstances: showMoves(moves)}, nil
}
