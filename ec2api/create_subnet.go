package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createSubnet makes a subnet.
func (s *Server) createSubnet(ctx context.Context, c *Call, in *model.CreateSubnetRequest) (*model.CreateSubnetResult, error) {
	if err := noIPAM(in.Ipv4IpamPoolId, in.Ipv6IpamPoolId); err != nil {
		return nil, err
	}
	if err := noIPv6(in.Ipv6CidrBlock != nil, model.Val(in.Ipv6Native), in.Ipv6NetmaskLength != nil); err != nil {
		return nil, err
	}
	if in.OutpostArn != nil {
		return nil, ec2err.Unsupported("Outposts are not supported.")
	}
	if in.CidrBlock == nil {
		return nil, ec2err.New(ec2err.MissingParameter, "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
	}
	cidr, err := network.ParseCIDR("cidrBlock", *in.CidrBlock)
	if err != nil {
		return nil, err
	}
	tagged, err := tagsFor(in.TagSpecifications, "subnet")
	if err != nil {
		return nil, err
	}
	n, err := s.network.CreateSubnet(ctx, c.Account(), network.SubnetSpec{
		VPC: model.Val(in.VpcId), Zone: model.Val(in.AvailabilityZone), ZoneID: model.Val(in.AvailabilityZoneId), CIDR: cidr, Tags: tagged,
	})
	if err != nil {
		return nil, err
	}
	return &model.CreateSubnetResult{Subnet: new(s.renderSubnet(n, tagged))}, nil
}
