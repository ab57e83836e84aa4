package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// rebootInstances asks guests to restart.
func (s *Server) rebootInstances(ctx context.Context, c *Call, in *model.RebootInstancesRequest) (*model.Done, error) {
	if err := someInstances(in.InstanceIds); err != nil {
		return nil, err
	}
	return &model.Done{}, s.cfg.Compute.Reboot(ctx, c.Account(), in.InstanceIds)
}
