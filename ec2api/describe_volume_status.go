package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var volumeStatusFilters = filter.Set[model.VolumeStatusItem]{Fields: map[string]func(*model.VolumeStatusItem) []string{
	"action.code":        nil,
	"action.description": nil,
	"action.event-id":    nil,
	"availability-zone":  func(v *model.VolumeStatusItem) []string { return word(v.AvailabilityZone) },
	"event.description":  nil,
	"event.event-id":     nil,
	"event.event-type":   nil,
	"event.not-after":    nil,
	"event.not-before":   nil,
	"volume-status.details-name": func(v *model.VolumeStatusItem) []string {
		return word(v.VolumeStatus.Details[0].Name)
	},
	"volume-status.details-status": func(v *model.VolumeStatusItem) []string {
		return word(v.VolumeStatus.Details[0].Status)
	},
	"volume-status.status": func(v *model.VolumeStatusItem) []string { return word(v.VolumeStatus.Status) },
}}

// describeVolumeStatus tells of disks that they can be used: one that could not would have stopped its instance.
func (s *Server) describeVolumeStatus(ctx context.Context, c *Call, in *model.DescribeVolumeStatusRequest) (*model.DescribeVolumeStatusResult, error) {
	all, err := s.volumes(ctx, c)
	if err != nil {
		return nil, err
	}
	items := make([]model.VolumeStatusItem, len(all))
	for i := range all {
		items[i] = model.VolumeStatusItem{
			VolumeId: all[i].VolumeId, AvailabilityZone: all[i].AvailabilityZone, AvailabilityZoneId: all[i].AvailabilityZoneId, Actions: []model.VolumeStatusAction{}, Events: []model.VolumeStatusEvent{},
			VolumeStatus: &model.VolumeStatusInfo{Status: new("ok"), Details: []model.VolumeStatusDetails{{Name: new("io-enabled"), Status: new("passed")}}},
		}
	}
	page, next, err := listing[model.VolumeStatusItem]{
		items: items, id: func(v *model.VolumeStatusItem) string { return *v.VolumeId }, kind: ids.Volume, asked: in.VolumeIds,
		filters: volumeStatusFilters, exclusive: "volumeSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeVolumeStatusResult{VolumeStatuses: page, NextToken: next}, nil
}
