package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeVpcAttribute tells one attribute of a VPC.
func (s *Server) describeVpcAttribute(ctx context.Context, c *Call, in *model.DescribeVpcAttributeRequest) (*model.DescribeVpcAttributeResult, error) {
	if err := s.ensure(ctx, c); err != nil {
		return nil, err
	}
	id := model.Val(in.VpcId)
	if err := checkIDs(ids.VPC, id); err != nil {
		return nil, err
	}
	v := s.network.VPC(id)
	if v == nil || v.Account != c.Account() {
		return nil, notFound(ids.VPC, id)
	}
	out := &model.DescribeVpcAttributeResult{VpcId: new(id)}
	value := func(b bool) *model.AttributeBooleanValue { return &model.AttributeBooleanValue{Value: new(b)} }
	switch model.Val(in.Attribute) {
	case "enableDnsSupport":
		out.EnableDnsSupport = value(v.DNSSupport)
	case "enableDnsHostnames":
		out.EnableDnsHostnames = value(v.DNSHostnames)
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = value(v.AddressUsage)
	default:
		return nil, ec2err.Value("attribute", model.Val(in.Attribute))
	}
	return out, nil
}
