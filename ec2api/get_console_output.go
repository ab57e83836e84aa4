package ec2api

import (
	"context"
	"encoding/base64"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// getConsoleOutput returns the end of what an instance wrote to its serial console. It is always the latest.
func (s *Server) getConsoleOutput(ctx context.Context, c *Call, in *model.GetConsoleOutputRequest) (*model.GetConsoleOutputResult, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	out, err := s.cfg.Compute.ConsoleOutput(ctx, c.Account(), id)
	if err != nil {
		return nil, err
	}
	return &model.GetConsoleOutputResult{InstanceId: new(id), Output: orNil(base64.StdEncoding.EncodeToString(out.Output)), Timestamp: new(out.Time)}, nil
}
