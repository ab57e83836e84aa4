package ec2api

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createNetworkInterface makes a network interface that is attached to nothing.
func (s *Server) createNetworkInterface(ctx context.Context, c *Call, in *model.CreateNetworkInterfaceRequest) (*model.CreateNetworkInterfaceResult, error) {
	if err := noIPv6(len(in.Ipv6Addresses) > 0, model.Val(in.Ipv6AddressCount) > 0, len(in.Ipv6Prefixes) > 0, model.Val(in.Ipv6PrefixCount) > 0, model.Val(in.EnablePrimaryIpv6)); err != nil {
		return nil, err
	}
	if len(in.Ipv4Prefixes) > 0 || model.Val(in.Ipv4PrefixCount) > 0 {
		return nil, ec2err.Unsupported("Prefixes of network interfaces are not supported.")
	}
	if t := model.Val(in.InterfaceType); t != "" && t != "interface" {
		return nil, ec2err.Unsupported("Network interfaces of type '%s' are not supported.", ec2err.Clip(t))
	}
	tagged, err := tagsFor(in.TagSpecifications, "network-interface")
	if err != nil {
		return nil, err
	}
	spec := network.InterfaceSpec{
		Subnet: model.Val(in.SubnetId), Groups: in.Groups, Description: model.Val(in.Description), SecondaryN: model.Val(in.SecondaryPrivateIpAddressCount), Tags: tagged,
		Requester: c.Who.UserID,
	}
	if spec.SecondaryN < 0 {
		return nil, ec2err.Value("secondaryPrivateIpAddressCount", strconv.Itoa(spec.SecondaryN))
	}
	if spec.Private, spec.Secondary, err = privateAddresses(in.PrivateIpAddress, in.PrivateIpAddresses); err != nil {
		return nil, err
	}
	if len(spec.Secondary) > 0 && spec.SecondaryN > 0 {
		return nil, ec2err.Combination("secondaryPrivateIpAddressCount cannot be used together with secondary addresses.")
	}
	n, err := s.network.CreateInterface(ctx, c.Account(), spec, c.Token())
	if err != nil {
		return nil, err
	}
	out := s.renderInterface(n, tagged)
	out.Status, out.PublicDnsName = new("pending"), nil // as AWS answers; it is available at once
	return &model.CreateNetworkInterfaceResult{NetworkInterface: &out, ClientToken: in.ClientToken}, nil
}

// privateAddresses reads the addresses of a new interface: the primary one, and the others.
func privateAddresses(single *string, list []model.PrivateIpAddressSpecification) (primary netip.Addr, more []netip.Addr, err error) {
	if primary, err = ipv4("privateIpAddress", single); err != nil {
		return primary, nil, err
	}
	for i := range list {
		a, err := ipv4("privateIpAddresses", list[i].PrivateIpAddress)
		switch {
		case err != nil:
			return primary, nil, err
		case !a.IsValid():
			return primary, nil, ec2err.Missing("privateIpAddress")
		case !model.Val(list[i].Primary):
			more = append(more, a)
		case primary.IsValid():
			return primary, nil, ec2err.Combination("Only one primary private IP address can be specified.")
		default:
			primary = a
		}
	}
	return primary, more, nil
}
