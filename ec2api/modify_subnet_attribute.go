package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifySubnetAttribute changes one attribute of a subnet.
func (s *Server) modifySubnetAttribute(ctx context.Context, c *Call, in *model.ModifySubnetAttributeRequest) (*model.Done, error) {
	var change network.SubnetChange
	n := 0
	flag := func(v *model.AttributeBooleanValue) *bool {
		if v == nil {
			return nil
		}
		n++
		return new(model.Val(v.Value))
	}
	change.MapPublicIP = flag(in.MapPublicIpOnLaunch)
	change.ResourceNameA = flag(in.EnableResourceNameDnsARecordOnLaunch)
	// What is off and cannot be turned on.
	for name, v := range map[string]*model.AttributeBooleanValue{
		"assignIpv6AddressOnCreation": in.AssignIpv6AddressOnCreation, "enableDns64": in.EnableDns64,
		"enableResourceNameDnsAAAARecordOnLaunch": in.EnableResourceNameDnsAAAARecordOnLaunch, "mapCustomerOwnedIpOnLaunch": in.MapCustomerOwnedIpOnLaunch,
	} {
		if model.Val(flag(v)) {
			return nil, ec2err.Unsupported("The attribute %s cannot be turned on: it is not supported.", name)
		}
	}
	if in.EnableLniAtDeviceIndex != nil || in.DisableLniAtDeviceIndex != nil || in.CustomerOwnedIpv4Pool != nil {
		return nil, ec2err.Unsupported("Outposts are not supported.")
	}
	if t := in.PrivateDnsHostnameTypeOnLaunch; t != nil {
		if *t != "ip-name" {
			return nil, ec2err.Unsupported("The host name type '%s' is not supported.", ec2err.Clip(*t))
		}
		change.HostnameType = t
		n++
	}
	if model.Val(change.ResourceNameA) {
		return nil, ec2err.Unsupported("The attribute enableResourceNameDnsARecordOnLaunch cannot be turned on: it is not supported.")
	}
	switch {
	case n == 0:
		return nil, ec2err.New(ec2err.MissingParameter, "The request must contain exactly one attribute to modify")
	case n > 1:
		return nil, ec2err.Combination("Fields for multiple attribute types specified: modify one attribute at a time.")
	}
	return done(s.network.ModifySubnet(ctx, c.Account(), model.Val(in.SubnetId), change))
}
