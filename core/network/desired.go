package network

import (
	"iter"
	"maps"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// Desired is the network of one host: what [Service.Desired] derives for the interfaces that lie there.
type Desired struct {
	Index kv.Index // the store's commit that it reflects
	VPCs  []DesiredVPC
}

// DesiredVPC is one VPC as a host needs it. Everything in it is sorted by id.
type DesiredVPC struct {
	VPC        *VPC
	DHCP       *DHCPOptions // nil: none
	Subnets    []DesiredSubnet
	Interfaces []*Interface // those on this host
	Groups     []DesiredGroup
}

// DesiredSubnet is a subnet of a VPC with what applies to it. All subnets of the VPC are there, since their gateways
// and ranges concern every host.
type DesiredSubnet struct {
	Subnet *Subnet
	Routes []Route
	ACL    *ACL
	// Internet says that the subnet's routes lead to an attached internet gateway. Elsewhere public addresses are
	// mapped, but nothing reaches them.
	Internet bool
}

// DesiredGroup is a group of a local interface, or one whose members a rule of such a group names.
type DesiredGroup struct {
	Group   *Group
	Members []netip.Addr // private addresses of all its interfaces, on whatever host; sorted
}

// DesiredOf is Desired for the interfaces of some instances.
func (s *Service) DesiredOf(instances iter.Seq[string]) Desired {
	var interfaces []string
	s.mu.RLock()
	for id := range instances {
		for nic := range s.mu.state.ofInstance.ids(id) {
			interfaces = append(interfaces, nic)
		}
	}
	s.mu.RUnlock()
	return s.Desired(interfaces)
}

// SameShape tells whether two are of the same VPC with the same subnets and routes.
func (d *DesiredVPC) SameShape(o *DesiredVPC) bool {
	return d.VPC == o.VPC && d.DHCP == o.DHCP && slices.EqualFunc(d.Subnets, o.Subnets, func(a, b DesiredSubnet) bool {
		return a.Subnet == b.Subnet && a.ACL == b.ACL && a.Internet == b.Internet && slices.Equal(a.Routes, b.Routes)
	})
}

// Same tells whether two were derived from the same records, and so are the same.
func (d *DesiredVPC) Same(o *DesiredVPC) bool {
	return d.SameShape(o) && slices.Equal(d.Interfaces, o.Interfaces) &&
		slices.EqualFunc(d.Groups, o.Groups, func(a, b DesiredGroup) bool { return a.Group == b.Group && slices.Equal(a.Members, b.Members) })
}

// Desired derives the network that the given interfaces need on the host where they lie. Unknown ids are left out, and
// so are interfaces that no instance holds.
func (s *Service) Desired(interfaces []string) Desired {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.mu.state
	byVPC := map[string][]*Interface{}
	for _, nic := range st.interfaces.pick(slices.Values(interfaces)) {
		if nic.Attachment != nil {
			byVPC[nic.VPC] = append(byVPC[nic.VPC], nic)
		}
	}
	d := Desired{Index: s.mu.applied}
	for _, vpc := range st.vpcs.pick(maps.Keys(byVPC)) {
		v := DesiredVPC{VPC: vpc, DHCP: st.dhcps.get(vpc.DHCPOptions), Interfaces: byVPC[vpc.ID]}
		for _, sub := range st.subnets.pick(st.inVPC.subnets.ids(vpc.ID)) {
			v.Subnets = append(v.Subnets, st.desiredSubnet(vpc, sub))
		}
		v.Groups = st.desiredGroups(v.Interfaces)
		d.VPCs = append(d.VPCs, v)
	}
	return d
}

func (st *state) desiredSubnet(vpc *VPC, sub *Subnet) DesiredSubnet {
	d := DesiredSubnet{Subnet: sub, ACL: st.acls.get(sub.ACL)}
	table := sub.RouteTable
	if table == "" {
		table = vpc.MainTable
	}
	if t := st.tables.get(table); t != nil {
		d.Routes = t.Routes
	}
	for _, r := range d.Routes {
		if gw := st.gateways.get(r.Gateway); gw != nil && gw.VPC == vpc.ID && r.Destination == anywhere4() {
			d.Internet = true
		}
	}
	return d
}

func (st *state) desiredGroups(local []*Interface) []DesiredGroup {
	want := map[string]struct{}{}
	for _, nic := range local {
		for _, g := range nic.Groups {
			want[g] = struct{}{}
		}
	}
	for _, g := range slices.Collect(maps.Keys(want)) {
		if group := st.groups.get(g); group != nil {
			for i := range group.Rules {
				if peer := group.Rules[i].Group; peer != "" {
					want[peer] = struct{}{}
				}
			}
		}
	}
	var out []DesiredGroup
	for _, g := range st.groups.pick(maps.Keys(want)) {
		out = append(out, DesiredGroup{g, st.memberAddresses(g.ID)})
	}
	return out
}

func (st *state) memberAddresses(group string) []netip.Addr {
	all := make([]netip.Addr, 0, st.members.count(group))
	for id := range st.members.ids(group) {
		if nic := st.interfaces.get(id); nic != nil {
			for i := range nic.Addresses {
				all = append(all, nic.Addresses[i].Private)
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}
