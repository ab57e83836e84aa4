package network

import (
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// InterfaceSpec says what interface to make.
type InterfaceSpec struct {
	Subnet      string       // empty: the default subnet of Zone
	Zone        string       // with an empty Subnet; empty: the first zone with a default subnet
	Groups      []string     // ids; empty with GroupNames empty: the VPC's default group
	GroupNames  []string     // names of groups of the VPC, beside Groups
	Private     netip.Addr   // the primary address; invalid: any free one
	Secondary   []netip.Addr // further addresses
	SecondaryN  int          // number of further addresses to choose
	Description string
	Requester   string // who makes it; an instance's own interfaces have none
	// AutoPublic overrides the subnet's MapPublicIP: whether the interface has a public address while its instance
	// runs. Without Attach none is taken.
	AutoPublic *bool
	NoSrcCheck bool    // turn the check of source and destination off
	Attach     *Attach // nil: the interface stays available
	Tags       tags.Set
}

// Attach says which instance gets an interface.
type Attach struct {
	Instance            string
	DeviceIndex         int
	NetworkCard         int
	DeleteOnTermination bool
}

// defaultSubnet finds the subnet of a launch that names none.
func (tx *Tx) defaultSubnet(zone string) (*Subnet, error) {
	st := tx.state()
	d := st.defaults.get(tx.account)
	if d == nil || d.VPC == "" {
		return nil, errs.New(errs.Invalid, NoDefaultVPC, "No default VPC for this user")
	}
	if zone != "" && tx.s.ZoneID(zone) == "" {
		return nil, invalid("Invalid availability zone: [%s]", zone)
	}
	for _, z := range tx.s.conf.Zones {
		if zone != "" && z.Name != zone {
			continue
		}
		for _, sub := range st.subnets.pick(st.inVPC.subnets.ids(d.VPC)) {
			if sub.DefaultForZone && sub.Zone == z.Name {
				return sub, nil
			}
		}
	}
	if zone != "" {
		return nil, errs.New(errs.Invalid, NoDefaultSubnet, "No default subnet for availability zone: '%s'.", zone)
	}
	return nil, errs.New(errs.Invalid, NoDefaultSubnet, "No subnets found for the default VPC '%s'. Please specify a subnet.", d.VPC)
}

// subnet resolves the subnet of a spec and demands that it stays.
func (tx *Tx) subnet(id, zone string) (*Subnet, error) {
	if id == "" {
		sub, err := tx.defaultSubnet(zone)
		if err != nil {
			return nil, err
		}
		id = sub.ID
	}
	if err := checkID(ids.Subnet, id); err != nil {
		return nil, err
	}
	sub := need(tx, tx.state().subnets, id)
	if sub == nil || sub.Account != tx.account {
		return nil, notFound(ids.Subnet, id)
	}
	if zone != "" && sub.Zone != zone {
		return nil, invalid("The availability zone '%s' does not match that of the subnet '%s'.", zone, id)
	}
	return sub, nil
}

// groupsFor resolves the groups of an interface in sub and demands that they stay.
func (tx *Tx) groupsFor(sub *Subnet, byID, byName []string) ([]string, error) {
	st := tx.state()
	var out []string
	for _, id := range byID {
		if err := checkID(ids.SecurityGroup, id); err != nil {
			return nil, err
		}
		g := need(tx, st.groups, id)
		if g == nil || g.Account != tx.account {
			return nil, notFound(ids.SecurityGroup, id)
		}
		if g.VPC != sub.VPC {
			return nil, errs.New(errs.Invalid, "InvalidParameter", "Security group %s and subnet %s belong to different networks.", id, sub.ID).On(id)
		}
		out = append(out, id)
	}
	for _, name := range byName {
		h := peek(tx, st.names, groupName(sub.VPC, name))
		if h == nil || need(tx, st.groups, h.ID) == nil {
			return nil, errs.New(errs.NotFound, "InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", name, sub.VPC).On(name)
		}
		out = append(out, h.ID)
	}
	if len(out) == 0 {
		vpc := need(tx, st.vpcs, sub.VPC)
		if vpc == nil {
			return nil, notFound(ids.VPC, sub.VPC)
		}
		out = []string{vpc.DefaultGroup}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > tx.s.limit.GroupsPerNIC {
		return nil, exceeded(LimitGroupsPerNIC, "The maximum number of security groups per interface has been reached.")
	}
	return out, nil
}
