package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// unmonitorInstances turns detailed monitoring off.
func (s *Server) unmonitorInstances(ctx context.Context, c *Call, in *model.UnmonitorInstancesRequest) (*model.UnmonitorInstancesResult, error) {
	list, err := s.monitor(ctx, c, in.InstanceIds, false)
	return &model.UnmonitorInstancesResult{InstanceMonitorings: list}, err
}
