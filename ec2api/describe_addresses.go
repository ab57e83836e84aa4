package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeAddresses lists Elastic IPs.
func (s *Server) describeAddresses(ctx context.Context, c *Call, in *model.DescribeAddressesRequest) (*model.DescribeAddressesResult, error) {
	tagged, err := s.described(ctx, c, ids.Allocation)
	if err != nil {
		return nil, err
	}
	all := []model.Address{}
	for _, e := range s.network.ElasticIPs(c.Account()) {
		all = append(all, s.renderAddress(e, tagged[e.Allocation]))
	}
	l := listing[model.Address]{
		items: all, id: func(a *model.Address) string { return model.Val(a.AllocationId) }, kind: ids.Allocation, asked: in.AllocationIds, filters: addressFilters,
	}
	for _, public := range in.PublicIps {
		id, err := s.network.FindAllocation(c.Account(), public)
		if err != nil {
			return nil, err
		}
		l.asked = append(l.asked, id)
	}
	page, _, err := l.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeAddressesResult{Addresses: page}, nil
}
