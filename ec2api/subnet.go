package ec2api

import (
	"cmp"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func (s *Server) renderSubnet(n *network.Subnet, t tags.Set) model.Subnet {
	return model.Subnet{
		AvailabilityZone: new(n.Zone), AvailabilityZoneId: new(s.network.ZoneID(n.Zone)), AvailableIpAddressCount: new(s.network.FreeAddresses(n)),
		CidrBlock: new(n.CIDR.String()), DefaultForAz: new(n.DefaultForZone), MapPublicIpOnLaunch: new(n.MapPublicIP), State: new("available"),
		SubnetId: new(n.ID), VpcId: new(n.VPC), OwnerId: new(n.Account), AssignIpv6AddressOnCreation: new(false),
		MapCustomerOwnedIpOnLaunch: new(false), Ipv6CidrBlockAssociationSet: []model.SubnetIpv6CidrBlockAssociation{}, Tags: renderTags(t),
		SubnetArn: new("arn:aws:ec2:" + s.cfg.Region + ":" + n.Account + ":subnet/" + n.ID), EnableDns64: new(false), Ipv6Native: new(false),
		PrivateDnsNameOptionsOnLaunch: &model.PrivateDnsNameOptionsOnLaunch{
			HostnameType: new(cmp.Or(n.HostnameType, "ip-name")), EnableResourceNameDnsARecord: new(n.ResourceNameA), EnableResourceNameDnsAAAARecord: new(false),
		},
	}
}

var subnetFilters = filter.Set[model.Subnet]{
	Fields: map[string]func(*model.Subnet) []string{
		"availability-zone":          func(n *model.Subnet) []string { return text(n.AvailabilityZone) },
		"availabilityZone":           func(n *model.Subnet) []string { return text(n.AvailabilityZone) },
		"availability-zone-id":       func(n *model.Subnet) []string { return text(n.AvailabilityZoneId) },
		"availabilityZoneId":         func(n *model.Subnet) []string { return text(n.AvailabilityZoneId) },
		"available-ip-address-count": func(n *model.Subnet) []string { return number(n.AvailableIpAddressCount) },
		"cidr-block":                 func(n *model.Subnet) []string { return text(n.CidrBlock) },
		"cidr":                       func(n *model.Subnet) []string { return text(n.CidrBlock) },
		"cidrBlock":                  func(n *model.Subnet) []string { return text(n.CidrBlock) },
		"customer-owned-ipv4-pool":   nil,
		"default-for-az":             func(n *model.Subnet) []string { return boolean(n.DefaultForAz) },
		"defaultForAz":               func(n *model.Subnet) []string { return boolean(n.DefaultForAz) },
		"enable-dns64":               func(n *model.Subnet) []string { return boolean(n.EnableDns64) },
		"enable-lni-at-device-index": nil,
		"ipv6-cidr-block-association.association-id":  nil,
		"ipv6-cidr-block-association.ipv6-cidr-block": nil,
		"ipv6-cidr-block-association.state":           nil,
		"ipv6-native":                                 func(n *model.Subnet) []string { return boolean(n.Ipv6Native) },
		"map-customer-owned-ip-on-launch":             func(n *model.Subnet) []string { return boolean(n.MapCustomerOwnedIpOnLaunch) },
		"map-public-ip-on-launch":                     func(n *model.Subnet) []string { return boolean(n.MapPublicIpOnLaunch) },
		"outpost-arn":                                 nil,
		"owner-id":                                    func(n *model.Subnet) []string { return text(n.OwnerId) },
		"private-dns-name-options-on-launch.enable-resource-name-dns-a-record": func(n *model.Subnet) []string {
			return boolean(n.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord)
		},
		"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": func(n *model.Subnet) []string {
			return boolean(n.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord)
		},
		"private-dns-name-options-on-launch.hostname-type": func(n *model.Subnet) []string {
			return text(n.PrivateDnsNameOptionsOnLaunch.HostnameType)
		},
		"state":      func(n *model.Subnet) []string { return text(n.State) },
		"subnet-arn": func(n *model.Subnet) []string { return text(n.SubnetArn) },
		"subnet-id":  func(n *model.Subnet) []string { return text(n.SubnetId) },
		"vpc-id":     func(n *model.Subnet) []string { return text(n.VpcId) },
	},
	Tags: func(n *model.Subnet) map[string]string { return tagMap(n.Tags) },
}
