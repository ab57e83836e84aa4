package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// monitorInstances turns detailed monitoring on.
func (s *Server) monitorInstances(ctx context.Context, c *Call, in *model.MonitorInstancesRequest) (*model.MonitorInstancesResult, error) {
	list, err := s.monitor(ctx, c, in.InstanceIds, true)
	return &model.MonitorInstancesResult{InstanceMonitorings: list}, err
}

// monitor notes whether detailed monitoring is on; what is answered is on its way there, as EC2 says it.
func (s *Server) monitor(ctx context.Context, c *Call, instances []string, on bool) ([]model.InstanceMonitoring, error) {
	if err := someInstances(instances); err != nil {
		return nil, err
	}
	if err := s.cfg.Compute.Monitor(ctx, c.Account(), instances, on); err != nil {
		return nil, err
	}
	state := "disabling"
	if on {
		state = "pending"
	}
	out := make([]model.InstanceMonitoring, len(instances))
	for n, id := range instances {
		out[n] = model.InstanceMonitoring{InstanceId: new(id), Monitoring: &model.Monitoring{State: new(state)}}
	}
	return out, nil
}
