package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var importFilters = filter.Set[model.ImportImageTask]{
	Tags: func(t *model.ImportImageTask) map[string]string { return tagMap(t.Tags) },
	Fields: map[string]func(*model.ImportImageTask) []string{
		"task-state": func(t *model.ImportImageTask) []string { return []string{model.Val(t.Status)} },
	},
}

// describeImportImageTasks lists the tasks of ImportImage.
func (s *Server) describeImportImageTasks(ctx context.Context, c *Call, in *model.DescribeImportImageTasksRequest) (*model.DescribeImportImageTasksResult, error) {
	all, tagged, err := s.cfg.Compute.Imports(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	items := make([]model.ImportImageTask, len(all))
	for n, t := range all {
		items[n] = showImport(t, tagged[t.ID])
	}
	page, next, err := listing[model.ImportImageTask]{
		items: items, id: func(t *model.ImportImageTask) string { return model.Val(t.ImportTaskId) }, kind: ids.ImportImageTask,
		asked: in.ImportTaskIds, filters: importFilters,
	}.answer(c)
	return &model.DescribeImportImageTasksResult{ImportImageTasks: page, NextToken: next}, err
}
