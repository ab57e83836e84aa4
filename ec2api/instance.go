package ec2api

import (
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// instanceShown is an instance on its way into an answer, with what filters look at beside that. Its form is made when it is
// asked for: most filters do without, and most instances that a filter looks at are not answered.
type instanceShown struct {
	srv    *Server
	core   *compute.Instance
	tagged tags.Set

	net   []*network.Interface // nil: not looked up yet
	made  *model.Instance
	named map[string]string
}

// cards are the interfaces of the instance, as they were when they were first asked for. A terminated one has none any more,
// as in EC2.
func (i *instanceShown) cards() []*network.Interface {
	if i.net == nil && i.core.State != compute.Terminated {
		i.net = i.srv.network.InterfacesOf(i.core.ID)
	}
	return i.net
}

// card is the first interface; nil when there is none.
func (i *instanceShown) card() *network.Interface {
	if cards := i.cards(); len(cards) > 0 {
		return cards[0]
	}
	return nil
}

// tags are those of the instance by key.
func (i *instanceShown) tags() map[string]string {
	if i.named == nil {
		i.named = make(map[string]string, len(i.tagged))
		for _, t := range i.tagged {
			i.named[t.Key] = t.Value
		}
	}
	return i.named
}

// form is the instance as it is answered.
func (i *instanceShown) form() *model.Instance {
	if i.made == nil {
		i.srv.makeForm(i)
	}
	return i.made
}

// showInstance is the answer's form of an instance.
func (s *Server) showInstance(i *compute.Instance, tagged tags.Set) *model.Instance {
	return (&instanceShown{srv: s, core: i, tagged: tagged}).form()
}

func (s *Server) makeForm(shown *instanceShown) {
	i := shown.core
	launched := compute.Time(i.Launched)
	shown.made = &model.Instance{
		AmiLaunchIndex: new(i.LaunchIndex), ImageId: new(i.Image), InstanceId: new(i.ID), InstanceType: new(i.Type), KeyName: orNil(i.KeyName),
		LaunchTime: new(launched), Monitoring: &model.Monitoring{State: new(onOff(i.Monitoring))},
		Placement:      &model.Placement{AvailabilityZone: new(i.Zone), AvailabilityZoneId: new(s.network.ZoneID(i.Zone)), GroupName: new(""), Tenancy: new("default")},
		PrivateDnsName: new(""), PublicDnsName: new(""), ProductCodes: []model.ProductCode{},
		State: showState(i.State), StateTransitionReason: new(i.TransText), StateReason: showReason(i), Architecture: new(i.Architecture),
		BlockDeviceMappings: showDisks(i), ClientToken: new(i.ClientToken), EbsOptimized: new(i.EBSOptimized), EnaSupport: new(true),
		Hypervisor: new("xen"), NetworkInterfaces: []model.InstanceNetworkInterface{}, RootDeviceName: new(i.RootName), RootDeviceType: new("ebs"),
		SecurityGroups: []model.GroupIdentifier{}, Tags: renderTags(shown.tagged), VirtualizationType: new("hvm"), CpuOptions: s.showCPU(i),
		CapacityReservationSpecification: &model.CapacityReservationSpecificationResponse{CapacityReservationPreference: new("open")},
		HibernationOptions:               &model.HibernationOptions{Configured: new(false)}, MetadataOptions: showMetadataOptions(i),
		EnclaveOptions: &model.EnclaveOptions{Enabled: new(false)}, PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"),
		UsageOperationUpdateTime: new(compute.Time(i.Created)), MaintenanceOptions: &model.InstanceMaintenanceOptions{AutoRecovery: new("default"), RebootMigration: new("default")},
		CurrentInstanceBootMode: new(bootMode(i)), NetworkPerformanceOptions: &model.InstanceNetworkPerformanceOptions{BandwidthWeighting: new("default")},
		Operator: ownOperator(),
	}
	if i.Source.UEFI {
		shown.made.BootMode = shown.made.CurrentInstanceBootMode
	}
	if i.State != compute.Terminated {
		s.addNetwork(shown)
	}
}

// addNetwork adds what an instance has of the network.
func (s *Server) addNetwork(shown *instanceShown) {
	i, out := shown.core, shown.made
	out.SubnetId, out.VpcId = orNil(i.Subnet), orNil(i.VPC)
	out.PrivateIpAddress = orNil(i.PrivateIP)
	for n, e := range shown.cards() {
		card := s.showCard(e, i.State)
		out.NetworkInterfaces = append(out.NetworkInterfaces, card)
		if n > 0 {
			continue
		}
		out.PrivateDnsName, out.PrivateIpAddress = new(s.network.PrivateName(e.Addresses[0].Private)), card.PrivateIpAddress
		out.SecurityGroups, out.SourceDestCheck = card.Groups, card.SourceDestCheck
		if a := card.Association; a != nil {
			out.PublicIpAddress, out.PublicDnsName = a.PublicIp, a.PublicDnsName
		}
		options := &model.PrivateDnsNameOptionsResponse{HostnameType: new("ip-name"), EnableResourceNameDnsARecord: new(false), EnableResourceNameDnsAAAARecord: new(false)}
		if sub := s.cfg.Network.Subnet(e.Subnet); sub != nil {
			options.EnableResourceNameDnsARecord = new(sub.ResourceNameA)
		}
		out.PrivateDnsNameOptions = options
	}
}

// showCard makes the form in which an instance's answer has an interface.
func (s *Server) showCard(e *network.Interface, state compute.State) model.InstanceNetworkInterface {
	out := model.InstanceNetworkInterface{
		Description: new(e.Description), Groups: []model.GroupIdentifier{}, Ipv6Addresses: []model.InstanceIpv6Address{}, MacAddress: new(e.MAC),
		NetworkInterfaceId: new(e.ID), OwnerId: new(e.Account), SourceDestCheck: new(e.SourceDestCheck), Status: new("in-use"),
		SubnetId: new(e.Subnet), VpcId: new(e.VPC), InterfaceType: new("interface"), Operator: ownOperator(),
	}
	for _, id := range e.Groups {
		if g := s.cfg.Network.Group(id); g != nil {
			out.Groups = append(out.Groups, model.GroupIdentifier{GroupId: new(g.ID), GroupName: new(g.Name)})
		}
	}
	if at := e.Attachment; at != nil {
		status := "attached"
		if state == compute.Pending {
			status = "attaching"
		}
		out.Attachment = &model.InstanceNetworkInterfaceAttachment{
			AttachTime: new(at.Time), AttachmentId: new(at.ID), DeleteOnTermination: new(at.DeleteOnTermination), DeviceIndex: new(at.DeviceIndex),
			Status: new(status), NetworkCardIndex: new(at.NetworkCard),
		}
	}
	for n, a := range e.Addresses {
		name := s.privateName(e, &a)
		ip := model.InstancePrivateIpAddress{Primary: new(n == 0), PrivateDnsName: name, PrivateIpAddress: new(a.Private.String())}
		if a.Public.IsValid() {
			owner := e.Account
			if a.Allocation == "" {
				owner = automatic
			}
			ip.Association = &model.InstanceNetworkInterfaceAssociation{IpOwnerId: new(owner), PublicDnsName: new(s.publicName(e, a.Public)), PublicIp: new(a.Public.String())}
		}
		out.PrivateIpAddresses = append(out.PrivateIpAddresses, ip)
		if n == 0 {
			out.PrivateDnsName, out.PrivateIpAddress, out.Association = name, ip.PrivateIpAddress, ip.Association
		}
	}
	return out
}

func showState(s compute.State) *model.InstanceState {
	return &model.InstanceState{Code: new(int(s)), Name: new(s.String())}
}

func showReason(i *compute.Instance) *model.StateReason {
	switch {
	case i.Reason.Code != "":
		return &model.StateReason{Code: new(i.Reason.Code), Message: new(i.Reason.Message)}
	case i.State == compute.Pending:
		return &model.StateReason{Code: new("pending"), Message: new("pending")}
	}
	return nil
}

func showDisks(i *compute.Instance) []model.InstanceBlockDeviceMapping {
	out := []model.InstanceBlockDeviceMapping{}
	if i.State == compute.Terminated || i.State == compute.Pending && !i.Ran {
		return out
	}
	for _, d := range i.Disks {
		out = append(out, model.InstanceBlockDeviceMapping{DeviceName: new(d.Device), Ebs: &model.EbsInstanceBlockDevice{
			AttachTime: new(compute.Time(d.Attached)), DeleteOnTermination: new(d.Delete), Status: new("attached"), VolumeId: new(d.Volume), EbsCardIndex: new(0),
		}})
	}
	return out
}

// showCPU tells the cores of an instance: those of its type, or of what a type that is gone from the catalogue had.
func (s *Server) showCPU(i *compute.Instance) *model.CpuOptions {
	if t, ok := s.cfg.Types.Get(i.Type); ok && t.VCPUs == i.VCPUs {
		return &model.CpuOptions{CoreCount: new(t.Cores()), ThreadsPerCore: new(t.ThreadsPerCore)}
	}
	if i.VCPUs < 2 || i.Architecture != "x86_64" {
		return &model.CpuOptions{CoreCount: new(i.VCPUs), ThreadsPerCore: new(1)}
	}
	return &model.CpuOptions{CoreCount: new(i.VCPUs / 2), ThreadsPerCore: new(2)}
}

func showMetadataOptions(i *compute.Instance) *model.InstanceMetadataOptionsResponse {
	m := &i.Metadata
	state := "applied"
	if i.State == compute.Pending && !i.Ran || i.State == compute.Terminated { // so does EC2 tell of both
		state = "pending"
	}
	return &model.InstanceMetadataOptionsResponse{
		State: new(state), HttpTokens: new(m.Tokens), HttpPutResponseHopLimit: new(m.HopLimit), HttpEndpoint: new(m.Endpoint),
		HttpProtocolIpv6: new(m.IPv6), InstanceMetadataTags: new(m.Tags),
	}
}

func bootMode(i *compute.Instance) string {
	if i.Source.UEFI {
		return "uefi"
	}
	return "legacy-bios"
}

// ownOperator says that a resource is not run by a service on behalf of the account.
func ownOperator() *model.OperatorResponse { return &model.OperatorResponse{Managed: new(false)} }

func onOff(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

// orNil leaves an empty element out.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// shownTime is how filters write times.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
