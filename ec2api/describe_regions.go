package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// regionFilters are the attributes of a region.
var regionFilters = filter.Set[model.Region]{Fields: map[string]func(*model.Region) []string{
	"endpoint":      func(r *model.Region) []string { return []string{model.Val(r.Endpoint)} },
	"opt-in-status": func(r *model.Region) []string { return []string{model.Val(r.OptInStatus)} },
	"region-name":   func(r *model.Region) []string { return []string{model.Val(r.RegionName)} },
}}

// describeRegions tells of the one region that this server is.
func (s *Server) describeRegions(_ context.Context, c *Call, in *model.DescribeRegionsRequest) (*model.DescribeRegionsResult, error) {
	regions, _, err := listing[model.Region]{
		items: []model.Region{{
			RegionName: new(s.cfg.Region), Endpoint: new(s.cfg.Endpoint), OptInStatus: new("opt-in-not-required"),
		}},
		id:    func(r *model.Region) string { return model.Val(r.RegionName) },
		asked: in.RegionNames,
		absent: func(name string) error {
			return ec2err.New(ec2err.InvalidParameterValue, "Invalid region names: [%s]", ec2err.Clip(name))
		},
		filters: regionFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeRegionsResult{Regions: regions}, nil
}
