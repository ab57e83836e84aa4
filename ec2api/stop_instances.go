package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// stopInstances stops instances; their disks and private addresses stay.
func (s *Server) stopInstances(ctx context.Context, c *Call, in *model.StopInstancesRequest) (*model.StopInstancesResult, error) {
	if err := someInstances(in.InstanceIds); err != nil {
		return nil, err
	}
	if model.Val(in.Hibernate) {
		return nil, ec2err.New("UnsupportedHibernationConfiguration", "The instance '%s' is not configured for hibernation.", in.InstanceIds[0])
	}
	moves, err := s.cfg.Compute.Stop(ctx, c.Account(), in.InstanceIds, model.Val(in.Force))
	if err != nil {
		return nil, err
	}
	return &model.StopInstancesResult{StoppingInstances: showMoves(moves)}, nil
}
