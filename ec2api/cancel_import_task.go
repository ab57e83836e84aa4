package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// cancelImportTask ends a task of ImportImage that is not done.
func (s *Server) cancelImportTask(ctx context.Context, c *Call, in *model.CancelImportTaskRequest) (*model.CancelImportTaskResult, error) {
	id := model.Val(in.ImportTaskId)
	if id == "" {
		return nil, ec2err.Missing("ImportTaskId")
	}
	if err := checkIDs(ids.ImportImageTask, id); err != nil {
		return nil, err
	}
	before, after, err := s.cfg.Compute.CancelImport(ctx, c.Account(), id, model.Val(in.CancelReason))
	if err != nil {
		return nil, err
	}
	return &model.CancelImportTaskResult{ImportTaskId: new(id), PreviousState: new(before), State: new(after)}, nil
}
