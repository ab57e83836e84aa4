package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createVpc makes a VPC.
func (s *Server) createVpc(ctx context.Context, c *Call, in *model.CreateVpcRequest) (*model.CreateVpcResult, error) {
	if err := noIPAM(in.Ipv4IpamPoolId, in.Ipv6IpamPoolId); err != nil {
		return nil, err
	}
	if err := noIPv6(model.Val(in.AmazonProvidedIpv6CidrBlock), in.Ipv6CidrBlock != nil, in.Ipv6Pool != nil, in.Ipv6NetmaskLength != nil); err != nil {
		return nil, err
	}
	switch t := model.Val(in.InstanceTenancy); t {
	case "", "default":
	case "host": // of instances only
		return nil, ec2err.Value("instanceTenancy", t)
	default:
		return nil, ec2err.Unsupported("The tenancy '%s' is not supported.", ec2err.Clip(t))
	}
	if in.CidrBlock == nil {
		return nil, ec2err.New(ec2err.MissingParameter, "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	cidr, err := network.ParseCIDR("cidrBlock", *in.CidrBlock)
	if err != nil {
		return nil, err
	}
	tagged, err := tagsFor(in.TagSpecifications, "vpc")
	if err != nil {
		return nil, err
	}
	v, err := s.network.CreateVPC(ctx, c.Account(), network.VPCSpec{CIDR: cidr, Tags: tagged})
	if err != nil {
		return nil, err
	}
	return &model.CreateVpcResult{Vpc: newVPC(v, tagged)}, nil
}

// newVPC writes a VPC as the call that makes it answers: pending, though it is available at once.
func newVPC(v *network.VPC, t tags.Set) *model.Vpc {
	out := renderVPC(v, t)
	out.State, out.Tags, out.Ipv6CidrBlockAssociationSet = new("pending"), allTags(t), []model.VpcIpv6CidrBlockAssociation{}
	return &out
}
