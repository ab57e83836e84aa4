package ec2api

import (
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var interfaceFilters = filter.Set[model.NetworkInterface]{
	Fields: interfaceFields(),
	Tags:   func(n *model.NetworkInterface) map[string]string { return tagMap(n.TagSet) },
}

func interfaceFields() map[string]func(*model.NetworkInterface) []string {
	fields := map[string]func(*model.NetworkInterface) []string{
		"availability-zone":    func(n *model.NetworkInterface) []string { return text(n.AvailabilityZone) },
		"availability-zone-id": nil, // filled by the action, which knows the zones
		"description":          func(n *model.NetworkInterface) []string { return []string{model.Val(n.Description)} },
		"group-id": func(n *model.NetworkInterface) []string {
			return each(n.Groups, func(g *model.GroupIdentifier) []string { return text(g.GroupId) })
		},
		"group-name": func(n *model.NetworkInterface) []string {
			return each(n.Groups, func(g *model.GroupIdentifier) []string { return text(g.GroupName) })
		},
		"interface-type":              func(n *model.NetworkInterface) []string { return text(n.InterfaceType) },
		"ipv6-addresses.ipv6-address": nil,
		"mac-address":                 func(n *model.NetworkInterface) []string { return text(n.MacAddress) },
		"network-interface-id":        func(n *model.NetworkInterface) []string { return text(n.NetworkInterfaceId) },
		"operator.managed":            func(*model.NetworkInterface) []string { return []string{"false"} },
		"operator.principal":          nil,
		"owner-id":                    func(n *model.NetworkInterface) []string { return text(n.OwnerId) },
		"private-dns-name":            func(n *model.NetworkInterface) []string { return text(n.PrivateDnsName) },
		"private-ip-address":          func(n *model.NetworkInterface) []string { return text(n.PrivateIpAddress) },
		"requester-id":                func(n *model.NetworkInterface) []string { return text(n.RequesterId) },
		"requester-managed":           func(n *model.NetworkInterface) []string { return boolean(n.RequesterManaged) },
		"source-dest-check":           func(n *model.NetworkInterface) []string { return boolean(n.SourceDestCheck) },
		"status":                      func(n *model.NetworkInterface) []string { return text(n.Status) },
		"subnet-id":                   func(n *model.NetworkInterface) []string { return text(n.SubnetId) },
		"vpc-id":                      func(n *model.NetworkInterface) []string { return text(n.VpcId) },
	}
	addAddressFields(fields)
	for name, values := range attachmentFields {
		fields["attachment."+name] = func(n *model.NetworkInterface) []string {
			if n.Attachment == nil {
				return nil
			}
			return values(n.Attachment)
		}
	}
	return fields
}

var attachmentFields = map[string]func(*model.NetworkInterfaceAttachment) []string{
	"attach-time": func(a *model.NetworkInterfaceAttachment) []string {
		return []string{a.AttachTime.UTC().Format(filterTime)}
	},
	"attachment-id":         func(a *model.NetworkInterfaceAttachment) []string { return text(a.AttachmentId) },
	"delete-on-termination": func(a *model.NetworkInterfaceAttachment) []string { return boolean(a.DeleteOnTermination) },
	"device-index":          func(a *model.NetworkInterfaceAttachment) []string { return number(a.DeviceIndex) },
	"instance-id":           func(a *model.NetworkInterfaceAttachment) []string { return text(a.InstanceId) },
	"instance-owner-id":     func(a *model.NetworkInterfaceAttachment) []string { return text(a.InstanceOwnerId) },
	"status":                func(a *model.NetworkInterfaceAttachment) []string { return text(a.Status) },
}

// filterTime is how filters write times: as answers do.
const filterTime = "2006-01-02T15:04:05.000Z"

func addAddressFields(fields map[string]func(*model.NetworkInterface) []string) {
	type association = *model.NetworkInterfaceAssociation
	public := func(a association) []string { return text(a.PublicIp) }
	owner := func(a association) []string { return text(a.IpOwnerId) }
	for name, values := range map[string]func(association) []string{
		"allocation-id": func(a association) []string { return text(a.AllocationId) }, "association-id": func(a association) []string { return text(a.AssociationId) },
		"ip-owner-id": owner, "public-dns-name": func(a association) []string { return text(a.PublicDnsName) }, "public-ip": public,
	} {
		fields["association."+name] = func(n *model.NetworkInterface) []string {
			if n.Association == nil {
				return nil
			}
			return values(n.Association)
		}
	}
	for name, values := range map[string]func(association) []string{"owner-id": owner, "public-ip": public} {
		fields["addresses.association."+name] = func(n *model.NetworkInterface) []string {
			return each(n.PrivateIpAddresses, func(a *model.NetworkInterfacePrivateIpAddress) []string {
				if a.Association == nil {
					return nil
				}
				return values(a.Association)
			})
		}
	}
	fields["addresses.primary"] = func(n *model.NetworkInterface) []string {
		return each(n.PrivateIpAddresses, func(a *model.NetworkInterfacePrivateIpAddress) []string { return boolean(a.Primary) })
	}
	fields["addresses.private-ip-address"] = func(n *model.NetworkInterface) []string {
		return each(n.PrivateIpAddresses, func(a *model.NetworkInterfacePrivateIpAddress) []string { return text(a.PrivateIpAddress) })
	}
}
