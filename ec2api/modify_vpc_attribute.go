package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyVpcAttribute changes one attribute of a VPC.
func (s *Server) modifyVpcAttribute(ctx context.Context, c *Call, in *model.ModifyVpcAttributeRequest) (*model.Done, error) {
	var change network.VPCChange
	n := 0
	take := func(dst **bool, v *model.AttributeBooleanValue) {
		if v != nil {
			*dst = new(model.Val(v.Value))
			n++
		}
	}
	take(&change.DNSSupport, in.EnableDnsSupport)
	take(&change.DNSHostnames, in.EnableDnsHostnames)
	take(&change.AddressUsage, in.EnableNetworkAddressUsageMetrics)
	switch {
	case n == 0:
		return nil, ec2err.New(ec2err.MissingParameter, "The request must contain exactly one of enableDnsSupport, enableDnsHostnames, enableNetworkAddressUsageMetrics")
	case n > 1:
		return nil, ec2err.Combination("Fields for multiple attribute types specified: the request must contain exactly one of enableDnsSupport, enableDnsHostnames, enableNetworkAddressUsageMetrics")
	}
	return done(s.network.ModifyVPC(ctx, c.Account(), model.Val(in.VpcId), change))
}
