package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// associateVpcCidrBlock adds a range to a VPC.
func (s *Server) associateVpcCidrBlock(ctx context.Context, c *Call, in *model.AssociateVpcCidrBlockRequest) (*model.AssociateVpcCidrBlockResult, error) {
	if err := noIPAM(in.Ipv4IpamPoolId, in.Ipv6IpamPoolId); err != nil {
		return nil, err
	}
	if err := noIPv6(model.Val(in.AmazonProvidedIpv6CidrBlock), in.Ipv6CidrBlock != nil, in.Ipv6Pool != nil, in.Ipv6NetmaskLength != nil); err != nil {
		return nil, err
	}
	if in.CidrBlock == nil {
		return nil, ec2err.Missing("cidrBlock")
	}
	cidr, err := network.ParseCIDR("cidrBlock", *in.CidrBlock)
	if err != nil {
		return nil, err
	}
	a, err := s.network.AssociateCIDR(ctx, c.Account(), model.Val(in.VpcId), cidr)
	if err != nil {
		return nil, err
	}
	return &model.AssociateVpcCidrBlockResult{VpcId: in.VpcId, CidrBlockAssociation: new(renderCIDR(a, "associating"))}, nil
}
