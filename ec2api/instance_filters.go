package ec2api

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// instanceFilters are those of DescribeInstances.
var instanceFilters = filter.Set[instanceShown]{
	Tags: (*instanceShown).tags,
	Fields: mergeFields(map[string]func(*instanceShown) []string{
		"affinity": nil, "availability-zone-id": nil, "boot-mode": nil, "capacity-reservation-id": nil,
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id":                 nil,
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn": nil,
		"host-id": nil, "iam-instance-profile.arn": nil, "iam-instance-profile.id": nil, "instance-lifecycle": nil, "ipv6-address": nil,
		"kernel-id": nil, "metadata-options.http-protocol-ipv4": nil, "network-performance-options.bandwidth-weighting": nil,
		"operator.principal": nil, "outpost-arn": nil, "placement-group-name": nil, "placement-partition-number": nil, "platform": nil,
		"product-code": nil, "product-code.type": nil, "ramdisk-id": nil, "requester-id": nil, "spot-instance-request-id": nil, "tpm-support": nil,

		"capacity-reservation-specification.capacity-reservation-preference": constant[instanceShown]("open"),
		"enclave-options.enabled":                                       constant[instanceShown]("false"),
		"hibernation-options.configured":                                constant[instanceShown]("false"),
		"maintenance-options.auto-recovery":                             constant[instanceShown]("default"),
		"operator.managed":                                              constant[instanceShown]("false"),
		"private-dns-name-options.enable-resource-name-dns-aaaa-record": constant[instanceShown]("false"),
		"hypervisor":          constant[instanceShown]("xen"),
		"ena-support":         constant[instanceShown]("true"),
		"platform-details":    constant[instanceShown]("Linux/UNIX"),
		"root-device-type":    constant[instanceShown]("ebs"),
		"tenancy":             constant[instanceShown]("default"),
		"usage-operation":     constant[instanceShown]("RunInstances"),
		"virtualization-type": constant[instanceShown]("hvm"),

		"private-dns-name-options.enable-resource-name-dns-a-record": func(i *instanceShown) []string {
			options := i.form().PrivateDnsNameOptions
			if options == nil {
				return nil
			}
			return []string{strconv.FormatBool(model.Val(options.EnableResourceNameDnsARecord))}
		},
		"private-dns-name-options.hostname-type": func(i *instanceShown) []string {
			options := i.form().PrivateDnsNameOptions
			if options == nil {
				return nil
			}
			return []string{model.Val(options.HostnameType)}
		},
		"architecture":               func(i *instanceShown) []string { return []string{i.core.Architecture} },
		"availability-zone":          func(i *instanceShown) []string { return []string{i.core.Zone} },
		"client-token":               func(i *instanceShown) []string { return some(i.core.ClientToken) },
		"current-instance-boot-mode": func(i *instanceShown) []string { return []string{bootMode(i.core)} },
		"dns-name":                   func(i *instanceShown) []string { return some(model.Val(i.form().PublicDnsName)) },
		"ebs-optimized":              func(i *instanceShown) []string { return []string{strconv.FormatBool(i.core.EBSOptimized)} },
		"image-id":                   func(i *instanceShown) []string { return []string{i.core.Image} },
		"instance-id":                func(i *instanceShown) []string { return []string{i.core.ID} },
		"instance-state-code":        func(i *instanceShown) []string { return []string{strconv.Itoa(int(i.core.State))} },
		"instance-state-name":        func(i *instanceShown) []string { return []string{i.core.State.String()} },
		"instance-type":              func(i *instanceShown) []string { return []string{i.core.Type} },
		"instance.group-id":          func(i *instanceShown) []string { return i.groupIDs() },
		"instance.group-name":        func(i *instanceShown) []string { return groupValues(i.form().SecurityGroups, true) },
		"ip-address":                 func(i *instanceShown) []string { return some(model.Val(i.form().PublicIpAddress)) },
		"key-name":                   func(i *instanceShown) []string { return some(i.core.KeyName) },
		"launch-index":               func(i *instanceShown) []string { return []string{strconv.Itoa(i.core.LaunchIndex)} },
		"launch-time":                func(i *instanceShown) []string { return []string{shownTime(compute.Time(i.core.Launched))} },
		"monitoring-state":           func(i *instanceShown) []string { return []string{onOff(i.core.Monitoring)} },
		"owner-id":                   func(i *instanceShown) []string { return []string{i.core.Account} },
		"private-dns-name":           func(i *instanceShown) []string { return some(model.Val(i.form().PrivateDnsName)) },
		"private-ip-address":         func(i *instanceShown) []string { return some(i.privateIP()) },
		"reason":                     func(i *instanceShown) []string { return some(i.core.TransText) },
		"reservation-id":             func(i *instanceShown) []string { return []string{i.core.Reservation} },
		"root-device-name":           func(i *instanceShown) []string { return []string{i.core.RootName} },
		"source-dest-check": func(i *instanceShown) []string {
			e := i.card()
			if e == nil {
				return nil
			}
			return []string{strconv.FormatBool(e.SourceDestCheck)}
		},
		"state-reason-code":           func(i *instanceShown) []string { return some(i.core.Reason.Code) },
		"state-reason-message":        func(i *instanceShown) []string { return some(i.core.Reason.Message) },
		"subnet-id":                   func(i *instanceShown) []string { return i.unlessGone(i.core.Subnet) },
		"usage-operation-update-time": func(i *instanceShown) []string { return []string{shownTime(compute.Time(i.core.Created))} },
		"vpc-id":                      func(i *instanceShown) []string { return i.unlessGone(i.core.VPC) },

		"metadata-options.http-endpoint":      func(i *instanceShown) []string { return []string{i.core.Metadata.Endpoint} },
		"metadata-options.http-protocol-ipv6": func(i *instanceShown) []string { return []string{i.core.Metadata.IPv6} },
		"metadata-options.http-put-response-hop-limit": func(i *instanceShown) []string {
			return []string{strconv.Itoa(i.core.Metadata.HopLimit)}
		},
		"metadata-options.http-tokens":            func(i *instanceShown) []string { return []string{i.core.Metadata.Tokens} },
		"metadata-options.instance-metadata-tags": func(i *instanceShown) []string { return []string{i.core.Metadata.Tags} },
		"metadata-options.state":                  func(i *instanceShown) []string { return []string{model.Val(i.form().MetadataOptions.State)} },

		"block-device-mapping.attach-time": ofDisks(func(d *model.InstanceBlockDeviceMapping) string { return shownTime(model.Val(d.Ebs.AttachTime)) }),
		"block-device-mapping.delete-on-termination": ofDisks(func(d *model.InstanceBlockDeviceMapping) string {
			return strconv.FormatBool(model.Val(d.Ebs.DeleteOnTermination))
		}),
		"block-device-mapping.device-name": ofDisks(func(d *model.InstanceBlockDeviceMapping) string { return model.Val(d.DeviceName) }),
		"block-device-mapping.status":      ofDisks(func(d *model.InstanceBlockDeviceMapping) string { return model.Val(d.Ebs.Status) }),
		"block-device-mapping.volume-id":   ofDisks(func(d *model.InstanceBlockDeviceMapping) string { return model.Val(d.Ebs.VolumeId) }),
	}, cardFields()),
}

// cardFields are the filters that look at an instance's interfaces.
func cardFields() map[string]func(*instanceShown) []string {
	f := map[string]func(*instanceShown) []string{}
	for _, name := range []string{"addresses.association.carrier-ip", "addresses.association.customer-owned-ip", "association.carrier-ip",
		"association.customer-owned-ip", "deny-all-igw-traffic", "ipv4-prefixes.ipv4-prefix", "ipv6-address", "ipv6-addresses.ipv6-address",
		"ipv6-addresses.is-primary-ipv6", "ipv6-native", "ipv6-prefixes.ipv6-prefix", "operator.managed", "operator.principal", "outpost-arn",
		"tag-key", "tag-value"} {
		f["network-interface."+name] = nil
	}
	card := func(name string, values func(e *network.Interface, shown *model.InstanceNetworkInterface) []string) {
		f["network-interface."+name] = func(i *instanceShown) (all []string) {
			cards := i.form().NetworkInterfaces
			for n := range cards {
				all = append(all, values(i.cards()[n], &cards[n])...)
			}
			return all
		}
	}
	address := func(name string, value func(e *network.Interface, n int) string) {
		card("addresses."+name, func(e *network.Interface, _ *model.InstanceNetworkInterface) (all []string) {
			for n := range e.Addresses {
				all = append(all, some(value(e, n))...)
			}
			return all
		})
		if rest, ok := strings.CutPrefix(name, "association."); ok {
			card("association."+rest, func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return some(value(e, 0)) })
		}
	}
	public := func(a netip.Addr, s string) string {
		if !a.IsValid() {
			return ""
		}
		return s
	}
	address("association.allocation-id", func(e *network.Interface, n int) string { return e.Addresses[n].Allocation })
	address("association.association-id", func(e *network.Interface, n int) string { return e.Addresses[n].Association })
	address("association.ip-owner-id", func(e *network.Interface, n int) string {
		if e.Addresses[n].Allocation == "" {
			return public(e.Addresses[n].Public, "amazon")
		}
		return e.Account
	})
	address("association.public-ip", func(e *network.Interface, n int) string {
		return public(e.Addresses[n].Public, e.Addresses[n].Public.String())
	})
	address("primary", func(_ *network.Interface, n int) string { return strconv.FormatBool(n == 0) })
	address("private-ip-address", func(e *network.Interface, n int) string { return e.Addresses[n].Private.String() })
	card("addresses.private-dns-name", func(_ *network.Interface, s *model.InstanceNetworkInterface) (all []string) {
		for n := range s.PrivateIpAddresses {
			all = append(all, model.Val(s.PrivateIpAddresses[n].PrivateDnsName))
		}
		return all
	})
	publicName := func(_ *network.Interface, s *model.InstanceNetworkInterface) (all []string) {
		for n := range s.PrivateIpAddresses {
			if a := s.PrivateIpAddresses[n].Association; a != nil {
				all = append(all, some(model.Val(a.PublicDnsName))...)
			}
		}
		return all
	}
	for _, name := range []string{"addresses.association.public-dns-name", "association.public-dns-name", "public-dns-name"} {
		card(name, publicName)
	}
	attached := func(name string, value func(at *network.Attachment, s *model.InstanceNetworkInterface) string) {
		card("attachment."+name, func(e *network.Interface, s *model.InstanceNetworkInterface) []string {
			if e.Attachment == nil {
				return nil
			}
			return some(value(e.Attachment, s))
		})
	}
	attached("attach-time", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string { return shownTime(at.Time) })
	attached("attachment-id", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string { return at.ID })
	attached("delete-on-termination", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string {
		return strconv.FormatBool(at.DeleteOnTermination)
	})
	attached("device-index", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string {
		return strconv.Itoa(at.DeviceIndex)
	})
	attached("instance-id", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string { return at.Instance })
	attached("instance-owner-id", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string { return at.InstanceAccount })
	attached("network-card-index", func(at *network.Attachment, _ *model.InstanceNetworkInterface) string {
		return strconv.Itoa(at.NetworkCard)
	})
	attached("status", func(_ *network.Attachment, s *model.InstanceNetworkInterface) string {
		return model.Val(s.Attachment.Status)
	})

	card("availability-zone", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.Zone} })
	card("description", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return some(e.Description) })
	card("group-id", func(_ *network.Interface, s *model.InstanceNetworkInterface) []string {
		return groupValues(s.Groups, false)
	})
	card("group-name", func(_ *network.Interface, s *model.InstanceNetworkInterface) []string {
		return groupValues(s.Groups, true)
	})
	card("mac-address", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.MAC} })
	card("network-interface-id", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.ID} })
	card("owner-id", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.Account} })
	card("private-dns-name", func(_ *network.Interface, s *model.InstanceNetworkInterface) []string {
		return some(model.Val(s.PrivateDnsName))
	})
	card("private-ip-address", func(_ *network.Interface, s *model.InstanceNetworkInterface) []string {
		return some(model.Val(s.PrivateIpAddress))
	})
	card("requester-id", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return some(e.Requester) })
	card("requester-managed", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string {
		return []string{strconv.FormatBool(e.RequesterManaged)}
	})
	card("source-dest-check", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string {
		return []string{strconv.FormatBool(e.SourceDestCheck)}
	})
	card("status", func(_ *network.Interface, s *model.InstanceNetworkInterface) []string {
		return some(model.Val(s.Status))
	})
	card("subnet-id", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.Subnet} })
	card("vpc-id", func(e *network.Interface, _ *model.InstanceNetworkInterface) []string { return []string{e.VPC} })
	return f
}

func mergeFields[T any](a, b map[string]func(*T) []string) map[string]func(*T) []string {
	maps.Copy(a, b)
	return a
}

func constant[T any](value string) func(*T) []string {
	values := []string{value}
	return func(*T) []string { return slices.Clone(values) }
}

// some is the values of an attribute that may be missing.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// unlessGone is an attribute that a terminated instance does not have any more.
func (i *instanceShown) unlessGone(value string) []string {
	if i.core.State == compute.Terminated {
		return nil
	}
	return some(value)
}

// privateIP is what the answer has as the instance's own address.
func (i *instanceShown) privateIP() string {
	switch e := i.card(); {
	case i.core.State == compute.Terminated:
		return ""
	case e == nil:
		return i.core.PrivateIP
	default:
		return e.Addresses[0].Private.String()
	}
}

// groupIDs are those of the first interface.
func (i *instanceShown) groupIDs() (all []string) {
	if e := i.card(); e != nil {
		for _, id := range e.Groups {
			if i.srv.network.Group(id) != nil {
				all = append(all, id)
			}
		}
	}
	return all
}

func groupValues(groups []model.GroupIdentifier, names bool) []string {
	all := make([]string, 0, len(groups))
	for i := range groups {
		if names {
			all = append(all, model.Val(groups[i].GroupName))
		} else {
			all = append(all, model.Val(groups[i].GroupId))
		}
	}
	return all
}

func ofDisks(value func(*model.InstanceBlockDeviceMapping) string) func(*instanceShown) []string {
	return func(i *instanceShown) (all []string) {
		disks := i.form().BlockDeviceMappings
		for n := range disks {
			all = append(all, value(&disks[n]))
		}
		return all
	}
}
