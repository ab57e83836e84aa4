package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeAddressesAttribute tells an attribute of Elastic IPs: the names that reverse DNS has for them, of which there are none.
func (s *Server) describeAddressesAttribute(ctx context.Context, c *Call, in *model.DescribeAddressesAttributeRequest) (*model.DescribeAddressesAttributeResult, error) {
	if err := s.ensure(ctx, c); err != nil {
		return nil, err
	}
	all := []model.AddressAttribute{}
	for _, e := range s.network.ElasticIPs(c.Account()) {
		all = append(all, model.AddressAttribute{PublicIp: new(e.Public.String()), AllocationId: new(e.Allocation)})
	}
	page, next, err := listing[model.AddressAttribute]{
		items: all, id: func(a *model.AddressAttribute) string { return model.Val(a.AllocationId) }, kind: ids.Allocation, asked: in.AllocationIds,
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeAddressesAttributeResult{Addresses: page, NextToken: next}, nil
}
