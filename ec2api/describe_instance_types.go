package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeInstanceTypes lists the catalogue.
func (s *Server) describeInstanceTypes(_ context.Context, c *Call, in *model.DescribeInstanceTypesRequest) (*model.DescribeInstanceTypesResult, error) {
	types := s.cfg.Types.All()
	items := make([]model.InstanceTypeInfo, len(types))
	for i := range types {
		items[i] = renderInstanceType(&types[i])
	}
	page, next, err := listing[model.InstanceTypeInfo]{
		items: items, id: func(t *model.InstanceTypeInfo) string { return *t.InstanceType },
		asked: in.InstanceTypes, absent: noInstanceType, filters: instanceTypeFilters,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeInstanceTypesResult{InstanceTypes: page, NextToken: next}, nil
}
