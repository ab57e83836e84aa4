package ec2api

import (
	"context"
	"maps"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// The bounds of a page of volumes, which the model does not state.
const (
	minVolumePage = 5
	maxVolumePage = 1000
)

func checkVolumePage(n *int) error {
	if n != nil && (*n < minVolumePage || *n > maxVolumePage) {
		return ec2err.New(ec2err.InvalidParameterValue, "Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", *n, minVolumePage, maxVolumePage)
	}
	return nil
}

// describeVolumes lists the disks of instances.
func (s *Server) describeVolumes(ctx context.Context, c *Call, in *model.DescribeVolumesRequest) (*model.DescribeVolumesResult, error) {
	if err := checkVolumePage(in.MaxResults); err != nil {
		return nil, err
	}
	all, err := s.volumes(ctx, c)
	if err != nil {
		return nil, err
	}
	filters := volumeFilters
	filters.Fields = maps.Clone(volumeFilters.Fields)
	filters.Fields["availability-zone-id"] = func(v *model.Volume) []string {
		return []string{s.cfg.Network.ZoneID(model.Val(v.AvailabilityZone))}
	}
	page, next, err := listing[model.Volume]{
		items: all, id: func(v *model.Volume) string { return *v.VolumeId }, kind: ids.Volume, asked: in.VolumeIds, filters: filters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeVolumesResult{Volumes: page, NextToken: next}, nil
}
