package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// getPasswordData answers that there is no password: only agents of Windows guests make one.
func (s *Server) getPasswordData(ctx context.Context, c *Call, in *model.GetPasswordDataRequest) (*model.GetPasswordDataResult, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	i, err := s.cfg.Compute.Instance(ctx, c.Account(), id)
	if err != nil {
		return nil, err
	}
	return &model.GetPasswordDataResult{InstanceId: new(id), PasswordData: new(""), Timestamp: new(compute.Time(i.Launched))}, nil
}
