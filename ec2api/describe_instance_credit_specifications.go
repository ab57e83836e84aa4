package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var creditFilters = filter.Set[model.InstanceCreditSpecification]{Fields: map[string]func(*model.InstanceCreditSpecification) []string{
	"instance-id": func(i *model.InstanceCreditSpecification) []string { return []string{model.Val(i.InstanceId)} },
}}

// describeInstanceCreditSpecifications tells how burstable instances pay for CPU time; without ids only of those that were
// told to be unlimited, as in EC2.
func (s *Server) describeInstanceCreditSpecifications(ctx context.Context, c *Call, in *model.DescribeInstanceCreditSpecificationsRequest) (*model.DescribeInstanceCreditSpecificationsResult, error) {
	shown, err := s.instances(ctx, c, in.InstanceIds)
	if err != nil {
		return nil, err
	}
	items := []model.InstanceCreditSpecification{}
	for _, i := range shown {
		switch {
		case i.CPUCredits == "" || i.State == compute.Terminated:
		case len(in.InstanceIds) > 0 || i.CPUCredits == "unlimited":
			items = append(items, model.InstanceCreditSpecification{InstanceId: new(i.ID), CpuCredits: new(i.CPUCredits)})
		}
	}
	page, next, err := listing[model.InstanceCreditSpecification]{
		items: items, id: func(i *model.InstanceCreditSpecification) string { return model.Val(i.InstanceId) }, kind: ids.Instance, filters: creditFilters,
	}.answer(c)
	return &model.DescribeInstanceCreditSpecificationsResult{InstanceCreditSpecifications: page, NextToken: next}, err
}
