package agent

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/netfw/imds"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Metadata tells the host's network what an instance may know of itself.
type Metadata = imds.Source

// metadata finds the instance behind an interface and describes it.
func (a *Agent) metadata(ctx context.Context, vpc, iface string) (*imds.Instance, error) {
	e := a.cfg.Network.Interface(iface)
	if e == nil || e.VPC != vpc || e.Attachment == nil {
		return nil, imds.ErrNotFound
	}
	i, err := a.cfg.Compute.Get(ctx, a.cfg.Host, e.Attachment.Instance)
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, imds.ErrNotFound
	}
	m := &imds.Instance{
		ID: i.ID, AccountID: i.Account, ImageID: i.Image, InstanceType: i.Type, Architecture: i.Architecture, ReservationID: i.Reservation,
		LaunchIndex: i.LaunchIndex, Launched: compute.Time(i.Launched), Region: a.cfg.Region, AvailabilityZone: i.Zone,
		AvailabilityZoneID: a.cfg.Network.ZoneID(i.Zone), Domain: "amazonaws.com", UserData: i.UserData,
		BlockDevices: map[string]string{"ami": i.RootName, "root": i.RootName},
		Disabled:     i.Metadata.Endpoint == "disabled", TokenRequired: i.Metadata.Tokens == "required", HopLimit: i.Metadata.HopLimit,
		TagsEnabled: i.Metadata.Tags == "enabled",
	}
	for n := range i.Disks {
		if n > 0 { // the names of EC2, without the folder
			m.BlockDevices["ebs"+strconv.Itoa(n)] = strings.TrimPrefix(i.Disks[n].Device, "/dev/")
		}
	}
	if i.PublicKey != "" {
		m.Keys = []imds.Key{{Name: i.KeyName, OpenSSH: i.PublicKey}}
	}
	for n, e := range a.cfg.Network.InterfacesOf(i.ID) {
		m.Interfaces = append(m.Interfaces, a.describeInterface(e))
		if n > 0 {
			continue
		}
		m.Hostname = a.cfg.Network.PrivateName(e.Addresses[0].Private)
		m.Groups = m.Interfaces[0].GroupNames
		if p := e.Addresses[0].Public; p.IsValid() {
			m.PublicIP, m.PublicHostname = p, a.cfg.Network.PublicName(p)
		}
	}
	if m.TagsEnabled {
		if m.Tags, err = a.tagsOf(ctx, i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (a *Agent) describeInterface(e *network.Interface) imds.Interface {
	out := imds.Interface{ID: e.ID, MAC: e.MAC, OwnerID: e.Account, SubnetID: e.Subnet, VPCID: e.VPC, GroupIDs: e.Groups,
		PublicIPs: map[netip.Addr]netip.Addr{}}
	if at := e.Attachment; at != nil {
		out.DeviceIndex, out.NetworkCard = at.DeviceIndex, at.NetworkCard
	}
	for n, ad := range e.Addresses {
		out.LocalIPs = append(out.LocalIPs, ad.Private)
		if ad.Public.IsValid() {
			out.PublicIPs[ad.Public] = ad.Private
		}
		if n == 0 {
			out.LocalHostname = a.cfg.Network.PrivateName(ad.Private)
			out.PublicHostname = a.cfg.Network.PublicName(ad.Public)
		}
	}
	for _, id := range e.Groups {
		if g := a.cfg.Network.Group(id); g != nil {
			out.GroupNames = append(out.GroupNames, g.Name)
		}
	}
	if s := a.cfg.Network.Subnet(e.Subnet); s != nil {
		out.SubnetCIDR = s.CIDR
	}
	if v := a.cfg.Network.VPC(e.VPC); v != nil {
		for _, c := range v.CIDRs {
			out.VPCCIDRs = append(out.VPCCIDRs, c.CIDR)
		}
	}
	return out
}

func (a *Agent) tagsOf(ctx context.Context, i *compute.Instance) (map[string]string, error) {
	v, err := a.cfg.Store.View(ctx, kv.Control)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	set, err := tags.Of(v, i.Account, i.ID)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(set))
	for _, t := range set {
		all[t.Key] = t.Value
	}
	return all, nil
}
