package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var zoneFilters = filter.Set[model.AvailabilityZone]{Fields: map[string]func(*model.AvailabilityZone) []string{
	"group-long-name":  func(z *model.AvailabilityZone) []string { return []string{model.Val(z.GroupLongName)} },
	"group-name":       func(z *model.AvailabilityZone) []string { return []string{model.Val(z.GroupName)} },
	"message":          nil,
	"opt-in-status":    func(z *model.AvailabilityZone) []string { return []string{model.Val(z.OptInStatus)} },
	"parent-zone-id":   nil,
	"parent-zone-name": nil,
	"region-name":      func(z *model.AvailabilityZone) []string { return []string{model.Val(z.RegionName)} },
	"state":            func(z *model.AvailabilityZone) []string { return []string{model.Val(z.State)} },
	"zone-id":          func(z *model.AvailabilityZone) []string { return []string{model.Val(z.ZoneId)} },
	"zone-name":        func(z *model.AvailabilityZone) []string { return []string{model.Val(z.ZoneName)} },
	"zone-type":        func(z *model.AvailabilityZone) []string { return []string{model.Val(z.ZoneType)} },
}}

// describeAvailabilityZones lists the zones of the region.
func (s *Server) describeAvailabilityZones(_ context.Context, c *Call, in *model.DescribeAvailabilityZonesRequest) (*model.DescribeAvailabilityZonesResult, error) {
	have := s.cfg.Network.Zones()
	zones := make([]model.AvailabilityZone, len(have))
	for i, z := range have {
		zones[i] = model.AvailabilityZone{
			ZoneName: new(z.Name), ZoneId: new(z.ID), RegionName: new(s.cfg.Region), State: new("available"),
			GroupName: new(s.cfg.Region + "-zg-1"), GroupLongName: new(s.cfg.Region + " 1"), NetworkBorderGroup: new(s.cfg.Region), OptInStatus: new("opt-in-not-required"),
			ZoneType: new("availability-zone"), Messages: []model.AvailabilityZoneMessage{},
		}
	}
	l := listing[model.AvailabilityZone]{
		items: zones, id: func(z *model.AvailabilityZone) string { return model.Val(z.ZoneName) }, asked: in.ZoneNames,
		absent: func(name string) error {
			return ec2err.New(ec2err.InvalidParameterValue, "Invalid availability zone: [%s]", ec2err.Clip(name))
		},
		filters: zoneFilters,
	}
	if len(in.ZoneIds) > 0 {
		if len(in.ZoneNames) > 0 {
			return nil, ec2err.Combination("Zone names and zone IDs cannot be used together.")
		}
		l.id, l.asked = func(z *model.AvailabilityZone) string { return model.Val(z.ZoneId) }, in.ZoneIds
	}
	var err error
	if zones, _, err = l.answer(c); err != nil {
		return nil, err
	}
	return &model.DescribeAvailabilityZonesResult{AvailabilityZones: zones}, nil
}
