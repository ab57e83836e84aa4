package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var offeringFilters = filter.Set[model.InstanceTypeOffering]{Fields: map[string]func(*model.InstanceTypeOffering) []string{
	"instance-type": func(o *model.InstanceTypeOffering) []string { return word(o.InstanceType) },
	"location":      func(o *model.InstanceTypeOffering) []string { return word(o.Location) },
}}

// describeInstanceTypeOfferings tells where types can be had: all of them in the region and in each of its zones.
func (s *Server) describeInstanceTypeOfferings(_ context.Context, c *Call, in *model.DescribeInstanceTypeOfferingsRequest) (*model.DescribeInstanceTypeOfferingsResult, error) {
	kind := model.LocationTypeRegion
	if in.LocationType != nil {
		kind = *in.LocationType
	}
	var places []string
	switch kind {
	case model.LocationTypeRegion:
		places = []string{s.cfg.Region}
	case model.LocationTypeAvailabilityZone:
		for _, z := range s.cfg.Network.Zones() {
			places = append(places, z.Name)
		}
	case model.LocationTypeAvailabilityZoneId:
		for _, z := range s.cfg.Network.Zones() {
			places = append(places, z.ID)
		}
	default:
		return nil, ec2err.New(ec2err.InvalidParameterValue, "There are no locations of the type %s.", kind)
	}
	var items []model.InstanceTypeOffering
	for _, t := range s.cfg.Types.All() {
		for _, p := range places {
			items = append(items, model.InstanceTypeOffering{InstanceType: new(t.Name), LocationType: new(kind), Location: new(p)})
		}
	}
	page, next, err := listing[model.InstanceTypeOffering]{
		items: items, filters: offeringFilters,
		id: func(o *model.InstanceTypeOffering) string { return *o.InstanceType + "\x00" + *o.Location },
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeInstanceTypeOfferingsResult{InstanceTypeOfferings: page, NextToken: next}, nil
}
