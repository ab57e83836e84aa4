package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeVolumes lists volumes: those that instances were launched with, as long as they are there.
func (s *Server) describeVolumes(ctx context.Context, c *Call, in *model.DescribeVolumesRequest) (*model.DescribeVolumesResult, error) {
	all, err := s.volumes(ctx, c)
	if err != nil {
		return nil, err
	}
	page, next, err := listing[model.Volume]{
		items: all, id: func(v *model.Volume) string { return *v.VolumeId }, kind: ids.Volume, asked: in.VolumeIds, filters: volumeFilters,
		exclusive: "volumeSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeVolumesResult{Volumes: page, NextToken: next}, nil
}
