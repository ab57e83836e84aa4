package ec2api

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/netip"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// runInstances makes instances.
func (s *Server) runInstances(ctx context.Context, c *Call, in *model.RunInstancesRequest) (*model.Reservation, error) {
	if err := refuseUnbuilt(in); err != nil {
		return nil, err
	}
	if err := s.checkCPU(in); err != nil {
		return nil, err
	}
	run := &compute.RunInput{
		Token: c.Token(), Image: model.Val(in.ImageId), Type: model.Val(in.InstanceType), Min: model.Val(in.MinCount), Max: model.Val(in.MaxCount),
		Key: model.Val(in.KeyName), ShutdownBehavior: model.Val(in.InstanceInitiatedShutdownBehavior), NoTerminate: model.Val(in.DisableApiTermination),
		NoStop: model.Val(in.DisableApiStop), EBSOptimized: model.Val(in.EbsOptimized),
	}
	var err error
	if in.ImageId != nil {
		if err := checkIDs(ids.Image, *in.ImageId); err != nil {
			return nil, err
		}
	}
	if in.Placement != nil {
		if run.Zone, err = s.zone(in.Placement); err != nil {
			return nil, err
		}
	}
	if in.Monitoring != nil {
		run.Monitoring = model.Val(in.Monitoring.Enabled)
	}
	if in.CreditSpecification != nil {
		run.CPUCredits = model.Val(in.CreditSpecification.CpuCredits)
	}
	if m := in.MetadataOptions; m != nil {
		if run.Metadata, err = metadataOptions(m.HttpTokens, m.HttpPutResponseHopLimit, m.HttpEndpoint, m.HttpProtocolIpv6, m.InstanceMetadataTags); err != nil {
			return nil, err
		}
	}
	if run.UserData, err = decodeUserData(in.UserData); err != nil {
		return nil, err
	}
	if run.Disks, err = diskRequests(in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	if run.Interfaces, err = interfaceRequests(in); err != nil {
		return nil, err
	}
	if err := runTags(run, in.TagSpecifications); err != nil {
		return nil, err
	}
	res, err := s.cfg.Compute.Run(ctx, c.Who, run)
	if err != nil {
		return nil, err
	}
	out := &model.Reservation{
		Groups: []model.GroupIdentifier{}, Instances: []model.Instance{}, OwnerId: new(res.Account), ReservationId: new(res.ID),
	}
	for _, i := range res.Instances {
		shown := *s.showInstance(i, run.InstanceTags)
		withoutPublic(&shown)
		out.Instances = append(out.Instances, shown)
	}
	return out, nil
}

// withoutPublic takes automatic public addresses from an instance: AWS tells of them when it describes the instance, not when
// it launches it.
func withoutPublic(i *model.Instance) {
	own := func(a *model.InstanceNetworkInterfaceAssociation) *model.InstanceNetworkInterfaceAssociation {
		if a == nil || *a.IpOwnerId == automatic {
			return nil
		}
		return a
	}
	for n := range i.NetworkInterfaces {
		card := &i.NetworkInterfaces[n]
		card.Association = own(card.Association)
		for k := range card.PrivateIpAddresses {
			card.PrivateIpAddresses[k].Association = own(card.PrivateIpAddresses[k].Association)
		}
	}
	if len(i.NetworkInterfaces) == 0 || i.NetworkInterfaces[0].Association == nil {
		i.PublicIpAddress, i.PublicDnsName = nil, new("")
	}
}

// zone reads the zone of a placement, which has two names.
func (s *Server) zone(p *model.Placement) (string, error) {
	if p.AvailabilityZoneId == nil {
		return model.Val(p.AvailabilityZone), nil
	}
	if p.AvailabilityZone != nil {
		return "", ec2err.Combination("The parameter availabilityZoneId cannot be used with the parameter availabilityZone")
	}
	for _, z := range s.network.Zones() {
		if z.ID == *p.AvailabilityZoneId {
			return z.Name, nil
		}
	}
	return "", ec2err.New(ec2err.InvalidParameterValue, "Invalid availability zone-id: [%s]", ec2err.Clip(*p.AvailabilityZoneId))
}

func runTags(run *compute.RunInput, specs []model.TagSpecification) error {
	for _, t := range []struct {
		kind string
		to   *tags.Set
	}{{"instance", &run.InstanceTags}, {"volume", &run.VolumeTags}, {"network-interface", &run.InterfaceTags}} {
		set, err := tagsFor(specs, t.kind, "instance", "volume", "network-interface")
		if err != nil {
			return err
		}
		*t.to = set
	}
	return nil
}

// decodeUserData undoes the coding for the wire.
func decodeUserData(s *string) ([]byte, error) {
	if s == nil || *s == "" {
		return nil, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding} {
		if data, err := enc.DecodeString(*s); err == nil {
			if len(data) > compute.MaxUserData {
				return nil, ec2err.New(ec2err.InvalidParameterValue, "User data is limited to %d bytes", compute.MaxUserData)
			}
			return data, nil
		}
	}
	return nil, ec2err.New("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
}

func metadataOptions(tokens *string, hops *int, endpoint, v6, tagged *string) (compute.MetadataOptions, error) {
	if hops != nil && *hops < 1 { // which stands for none given further on
		return compute.MetadataOptions{}, ec2err.Low("httpPutResponseHopLimit", *hops, 1)
	}
	return compute.MetadataOptions{Tokens: model.Val(tokens), HopLimit: model.Val(hops), Endpoint: model.Val(endpoint), IPv6: model.Val(v6), Tags: model.Val(tagged)}, nil
}

func diskRequests(maps []model.BlockDeviceMapping) ([]compute.DiskRequest, error) {
	var out []compute.DiskRequest
	for i := range maps {
		m := &maps[i]
		r := compute.DiskRequest{Device: model.Val(m.DeviceName), NoDevice: m.NoDevice != nil, Virtual: model.Val(m.VirtualName)}
		if e := m.Ebs; e != nil {
			switch {
			case r.Virtual != "":
				return nil, ec2err.Combination("A block device mapping cannot have both a virtual name and an EBS volume: %s", ec2err.Clip(r.Device))
			case e.KmsKeyId != nil && !model.Val(e.Encrypted):
				return nil, ec2err.New("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
			case model.Val(e.Encrypted):
				return nil, ec2err.Unsupported("Encrypted volumes are not built yet.")
			case e.OutpostArn != nil:
				return nil, ec2err.Unsupported("Outposts are not built.")
			}
			if e.SnapshotId != nil {
				if err := checkIDs(ids.Snapshot, *e.SnapshotId); err != nil {
					return nil, err
				}
			}
			r.SizeGiB, r.Type, r.IOPS, r.Throughput = e.VolumeSize, model.Val(e.VolumeType), e.Iops, e.Throughput
			r.Snapshot, r.Delete = model.Val(e.SnapshotId), e.DeleteOnTermination
		}
		out = append(out, r)
	}
	return out, nil
}

// interfaceRequests reads both ways to say what interfaces instances get.
func interfaceRequests(in *model.RunInstancesRequest) ([]compute.InterfaceRequest, error) {
	if err := checkIDs(ids.SecurityGroup, in.SecurityGroupIds...); err != nil {
		return nil, err
	}
	if in.SubnetId != nil {
		if err := checkIDs(ids.Subnet, *in.SubnetId); err != nil {
			return nil, err
		}
	}
	if len(in.NetworkInterfaces) == 0 {
		if len(in.SecurityGroups) > 0 && in.SubnetId != nil {
			return nil, ec2err.Combination("The parameter groupName cannot be used with the parameter subnet")
		}
		r := compute.InterfaceRequest{Subnet: model.Val(in.SubnetId), Groups: in.SecurityGroupIds, GroupNames: in.SecurityGroups}
		var err error
		r.Private, err = address("PrivateIpAddress", in.PrivateIpAddress)
		return []compute.InterfaceRequest{r}, err
	}
	switch {
	case in.SubnetId != nil:
		return nil, ec2err.Combination("Network interfaces and an instance-level subnet ID may not be specified on the same request")
	case len(in.SecurityGroupIds)+len(in.SecurityGroups) > 0:
		return nil, ec2err.Combination("Network interfaces and an instance-level security groups may not be specified on the same request")
	case in.PrivateIpAddress != nil:
		return nil, ec2err.Combination("Network interfaces and an instance-level private IP address may not be specified on the same request")
	}
	var out []compute.InterfaceRequest
	for i := range in.NetworkInterfaces {
		r, err := interfaceRequest(&in.NetworkInterfaces[i], len(in.NetworkInterfaces))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func interfaceRequest(n *model.InstanceNetworkInterfaceSpecification, of int) (r compute.InterfaceRequest, err error) {
	if n.DeviceIndex == nil {
		return r, ec2err.Missing("NetworkInterface.DeviceIndex")
	}
	switch {
	case model.Val(n.Ipv6AddressCount) > 0 || len(n.Ipv6Addresses) > 0 || len(n.Ipv6Prefixes) > 0 || model.Val(n.Ipv6PrefixCount) > 0 || model.Val(n.PrimaryIpv6):
		return r, ec2err.Unsupported("IPv6 is not built yet.")
	case len(n.Ipv4Prefixes) > 0 || model.Val(n.Ipv4PrefixCount) > 0:
		return r, ec2err.Unsupported("Prefixes of interfaces are not built.")
	case model.Val(n.AssociateCarrierIpAddress) || n.EnaSrdSpecification != nil || n.ConnectionTrackingSpecification != nil:
		return r, ec2err.Unsupported("Carrier addresses, ENA Express and settings of connection tracking are not built.")
	case n.InterfaceType != nil && *n.InterfaceType != "interface":
		return r, ec2err.Unsupported("Interfaces of type %s are not built.", ec2err.Clip(*n.InterfaceType))
	case n.AssociatePublicIpAddress != nil && (n.NetworkInterfaceId != nil || of > 1):
		return r, ec2err.Combination("The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces or an existing one.")
	}
	r = compute.InterfaceRequest{
		Existing: model.Val(n.NetworkInterfaceId), DeviceIndex: *n.DeviceIndex, NetworkCard: model.Val(n.NetworkCardIndex),
		Keep: n.DeleteOnTermination != nil && !*n.DeleteOnTermination, Subnet: model.Val(n.SubnetId), Groups: n.Groups,
		Description: model.Val(n.Description), AutoPublic: n.AssociatePublicIpAddress, SecondaryN: model.Val(n.SecondaryPrivateIpAddressCount),
	}
	if r.Existing != "" {
		if r.Subnet != "" || len(r.Groups) > 0 || n.PrivateIpAddress != nil || len(n.PrivateIpAddresses) > 0 {
			return r, ec2err.Combination("A network interface may not specify both a network interface ID and a subnet, a group or an address")
		}
		return r, checkIDs(ids.NetworkInterface, r.Existing)
	}
	if r.Subnet != "" {
		if err := checkIDs(ids.Subnet, r.Subnet); err != nil {
			return r, err
		}
	}
	if err := checkIDs(ids.SecurityGroup, r.Groups...); err != nil {
		return r, err
	}
	if r.Private, err = address("PrivateIpAddress", n.PrivateIpAddress); err != nil {
		return r, err
	}
	for i := range n.PrivateIpAddresses {
		p := &n.PrivateIpAddresses[i]
		a, err := address("PrivateIpAddresses.PrivateIpAddress", p.PrivateIpAddress)
		switch {
		case err != nil:
			return r, err
		case !model.Val(p.Primary):
			r.Secondary = append(r.Secondary, a)
		case r.Private.IsValid():
			return r, ec2err.Combination("Only one primary private IP address can be specified.")
		default:
			r.Private = a
		}
	}
	return r, nil
}

// address reads an IPv4 address; an absent one is invalid.
func address(param string, s *string) (netip.Addr, error) {
	if s == nil || *s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(*s)
	if err != nil || !a.Is4() {
		return a, ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Invalid IPv4 address.", ec2err.Clip(*s), param)
	}
	return a, nil
}

// checkCPU takes the CPU options that the instance type has, and no others.
func (s *Server) checkCPU(in *model.RunInstancesRequest) error {
	o := in.CpuOptions
	if o == nil {
		return nil
	}
	t, known := s.cfg.Types.Get(cmp.Or(model.Val(in.InstanceType), compute.DefaultType))
	other := func(asked *int, has int) bool { return asked != nil && *asked != has }
	if known && (other(o.CoreCount, t.Cores()) || other(o.ThreadsPerCore, t.ThreadsPerCore)) || model.Val(o.AmdSevSnp) == "enabled" {
		return ec2err.Unsupported("CPU options other than those of the instance type are not built.")
	}
	return nil // an unknown type is refused later
}

// refuseUnbuilt refuses what EC2 can do and this server cannot, so that nothing that was asked for is left out in silence.
func refuseUnbuilt(in *model.RunInstancesRequest) error {
	no := ec2err.Unsupported
	if p := in.Placement; p != nil {
		switch {
		case p.Tenancy != nil && *p.Tenancy != "default":
			return no("The tenancy %s is not built; hosts are shared.", ec2err.Clip(*p.Tenancy))
		case model.Val(p.GroupName) != "" || p.GroupId != nil || p.PartitionNumber != nil:
			return no("Placement groups are not built yet.")
		case p.HostId != nil || p.Affinity != nil || p.HostResourceGroupArn != nil || p.SpreadDomain != nil:
			return no("Dedicated hosts are not built.")
		}
	}
	switch {
	case model.Val(in.Ipv6AddressCount) > 0 || len(in.Ipv6Addresses) > 0 || model.Val(in.EnablePrimaryIpv6):
		return no("IPv6 is not built yet.")
	case in.KernelId != nil || in.RamdiskId != nil:
		return no("Kernels and RAM disks beside those of the image are not built.")
	case in.IamInstanceProfile != nil:
		return no("Instance profiles are not built yet.")
	case in.LaunchTemplate != nil:
		return no("Launch templates are not built yet.")
	case in.InstanceMarketOptions != nil:
		return no("Spot instances are not built.")
	case len(in.ElasticGpuSpecification) > 0 || len(in.ElasticInferenceAccelerators) > 0:
		return no("Accelerators are not built.")
	case in.CapacityReservationSpecification != nil && in.CapacityReservationSpecification.CapacityReservationTarget != nil:
		return no("Capacity reservations are not built.")
	case in.HibernationOptions != nil && model.Val(in.HibernationOptions.Configured):
		return no("Hibernation is not built.")
	case len(in.LicenseSpecifications) > 0:
		return no("License configurations are not built.")
	case in.EnclaveOptions != nil && model.Val(in.EnclaveOptions.Enabled):
		return no("Enclaves are not built.")
	case in.PrivateDnsNameOptions != nil && model.Val(in.PrivateDnsNameOptions.HostnameType) == "resource-name":
		return no("Host names made of instance ids are not built.")
	case in.MaintenanceOptions != nil && model.Val(in.MaintenanceOptions.AutoRecovery) == "disabled":
		return no("Turning automatic recovery off is not built.")
	case in.AdditionalInfo != nil:
		return no("AdditionalInfo is reserved.")
	}
	return nil
}
