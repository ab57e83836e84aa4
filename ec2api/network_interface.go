package ec2api

import (
	"net/netip"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func (s *Server) renderInterface(n *network.Interface, t tags.Set) model.NetworkInterface {
	primary := &n.Addresses[0]
	out := model.NetworkInterface{
		Association: s.renderPublic(n, primary), AvailabilityZone: new(n.Zone), Description: new(n.Description), Groups: s.renderGroups(n.Groups),
		InterfaceType: new("interface"), Ipv6Addresses: []model.NetworkInterfaceIpv6Address{}, MacAddress: new(n.MAC), NetworkInterfaceId: new(n.ID),
		OwnerId: new(n.Account), PrivateDnsName: s.privateName(n, primary), PrivateIpAddress: new(primary.Private.String()),
		RequesterManaged: new(n.RequesterManaged), RequesterId: optional(n.Requester), SourceDestCheck: new(n.SourceDestCheck), Status: new("available"),
		SubnetId: new(n.Subnet), VpcId: new(n.VPC), TagSet: allTags(t), PublicDnsName: new(""), Operator: ownOperator(),
	}
	if out.Association != nil && *out.Association.PublicDnsName != "" {
		out.PublicDnsName = out.Association.PublicDnsName
		out.PublicIpDnsNameOptions = &model.PublicIpDnsNameOptions{DnsHostnameType: new("public-ipv4-dns-name"), PublicIpv4DnsName: out.PublicDnsName}
	}
	for i := range n.Addresses {
		a := &n.Addresses[i]
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, model.NetworkInterfacePrivateIpAddress{
			Association: s.renderPublic(n, a), Primary: new(i == 0), PrivateDnsName: s.privateName(n, a), PrivateIpAddress: new(a.Private.String()),
		})
	}
	if n.Attachment != nil {
		out.Status, out.Attachment = new("in-use"), renderAttachment(n.Attachment)
	}
	return out
}

// privateName is the host name of an address, which it has when its VPC gives names.
func (s *Server) privateName(n *network.Interface, a *network.Address) *string {
	if v := s.network.VPC(n.VPC); v == nil || !v.DNSHostnames {
		return nil
	}
	return new(s.network.PrivateName(a.Private))
}

// publicName is the host name of a public address of an interface, which is empty when its VPC gives no names.
func (s *Server) publicName(n *network.Interface, a netip.Addr) string {
	if v := s.network.VPC(n.VPC); v == nil || !v.DNSHostnames {
		return ""
	}
	return s.network.PublicName(a)
}

func renderAttachment(a *network.Attachment) *model.NetworkInterfaceAttachment {
	return &model.NetworkInterfaceAttachment{
		AttachTime: new(a.Time), AttachmentId: new(a.ID), DeleteOnTermination: new(a.DeleteOnTermination), DeviceIndex: new(a.DeviceIndex),
		NetworkCardIndex: new(a.NetworkCard), InstanceId: new(a.Instance), InstanceOwnerId: new(a.InstanceAccount), Status: new("attached"),
	}
}

// automatic is the owner of public addresses that are nobody's own.
const automatic = "amazon"

// renderPublic writes the public side of an address, nil when it has none. An automatic address is the cloud's.
func (s *Server) renderPublic(n *network.Interface, a *network.Address) *model.NetworkInterfaceAssociation {
	if !a.Public.IsValid() {
		return nil
	}
	owner := automatic
	if a.Allocation != "" {
		owner = n.Account
	}
	return &model.NetworkInterfaceAssociation{
		AllocationId: optional(a.Allocation), AssociationId: optional(a.Association), IpOwnerId: new(owner),
		PublicDnsName: new(s.publicName(n, a.Public)), PublicIp: new(a.Public.String()),
	}
}

// renderGroups writes groups with their names.
func (s *Server) renderGroups(groups []string) []model.GroupIdentifier {
	out := make([]model.GroupIdentifier, 0, len(groups))
	for _, id := range groups {
		if g := s.network.Group(id); g != nil {
			out = append(out, model.GroupIdentifier{GroupId: new(id), GroupName: new(g.Name)})
		}
	}
	return out
}
