package network

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// SubnetSpec says what subnet to make.
type SubnetSpec struct {
	VPC    string
	Zone   string // empty: the zone of ZoneID, or the first
	ZoneID string
	CIDR   netip.Prefix
	Tags   tags.Set
}

// Subnets returns the subnets of an account.
func (s *Service) Subnets(account string) []*Subnet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.subnets.of(account)
}

// FreeAddresses is how many addresses of a subnet are left.
func (s *Service) FreeAddresses(sub *Subnet) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return usable(sub.CIDR) - len(s.mu.state.used[sub.ID])
}

// zone finds the zone of a new subnet.
func (s *Service) zone(name, id string) (Zone, error) {
	var names []string
	for _, z := range s.conf.Zones {
		if name == z.Name && (id == "" || id == z.ID) || name == "" && (id == "" || id == z.ID) {
			return z, nil
		}
		names = append(names, z.Name)
	}
	param, value := "availabilityZone", name
	if name == "" {
		param, value = "availabilityZoneId", id
	}
	return Zone{}, invalid("Value (%s) for parameter %s is invalid. Subnets can currently only be created in the following availability zones: %s.",
		value, param, strings.Join(names, ", "))
}

// CreateSubnet makes a subnet.
func (s *Service) CreateSubnet(ctx context.Context, account string, spec SubnetSpec) (*Subnet, error) {
	var sub *Subnet
	err := s.change(ctx, "network.CreateSubnet", account, func(tx *Tx) error {
		vpc, err := tx.ownVPC(spec.VPC)
		if err != nil {
			return err
		}
		zone, err := s.zone(spec.Zone, spec.ZoneID)
		if err != nil {
			return err
		}
		if err := tx.fits(vpc, spec.CIDR); err != nil {
			return err
		}
		if err := tx.subnetQuota(vpc.ID); err != nil {
			return err
		}
		sub = tx.makeSubnet(vpc, zone.Name, spec.CIDR, false)
		tx.tag(sub.ID, spec.Tags)
		update(tx, tx.state().vpcs, vpc.ID, vpc) // its revision orders those who make subnets in it
		return nil
	})
	return sub, err
}

// subnetQuota refuses one subnet too many. What it counts is counted by makeSubnet.
func (tx *Tx) subnetQuota(vpc string) error {
	if tx.state().inVPC.subnets.count(vpc) >= tx.s.limit.SubnetsPerVPC {
		return exceeded(LimitSubnets, "The maximum number of subnets has been reached.").On(vpc)
	}
	tx.limit(quotaOf(vpc, quotaSubnets), tx.s.limit.SubnetsPerVPC)
	return nil
}

// fits checks the range of a new subnet.
func (tx *Tx) fits(vpc *VPC, cidr netip.Prefix) error {
	inside := false
	for _, c := range vpc.CIDRs {
		inside = inside || c.CIDR.Overlaps(cidr) && cidr.Bits() >= c.CIDR.Bits()
	}
	if !inside || cidr.Bits() < largest || cidr.Bits() > smallest {
		return errs.New(errs.Invalid, SubnetRange, "The CIDR '%s' is invalid.", cidr).On(cidr.String())
	}
	st := tx.state()
	for _, other := range st.subnets.pick(st.inVPC.subnets.ids(vpc.ID)) {
		if other.CIDR.Overlaps(cidr) {
			return fail(SubnetConflict, "The CIDR '%s' conflicts with another subnet", cidr).On(cidr.String())
		}
	}
	return nil
}

// CreateDefaultSubnet makes the default subnet of a zone anew after it was deleted.
func (s *Service) CreateDefaultSubnet(ctx context.Context, account, zone string) (*Subnet, error) {
	var sub *Subnet
	err := s.change(ctx, "network.CreateDefaultSubnet", account, func(tx *Tx) error {
		st := tx.state()
		d := st.defaults.get(account)
		if d.VPC == "" {
			return errs.New(errs.NotFound, "DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
		}
		vpc, err := tx.ownVPC(d.VPC)
		if err != nil {
			return err
		}
		if _, err := s.zone(zone, ""); zone == "" || err != nil {
			return invalid("Value (%s) for parameter availabilityZone is invalid.", zone)
		}
		for _, have := range st.subnets.pick(st.inVPC.subnets.ids(vpc.ID)) {
			if have.DefaultForZone && have.Zone == zone {
				return errs.New(errs.Exists, DefaultSubnetExists, "'%s' is already the default subnet in %s.", have.ID, zone).On(have.ID)
			}
		}
		for i := range maxZones {
			cidr := netip.PrefixFrom(nth(vpc.CIDRs[0].CIDR, i<<12), 20)
			if tx.fits(vpc, cidr) == nil {
				if err := tx.subnetQuota(vpc.ID); err != nil {
					return err
				}
				sub = tx.makeSubnet(vpc, zone, cidr, true)
				update(tx, st.vpcs, vpc.ID, vpc)
				return nil
			}
		}
		return fail(SubnetConflict, "There is no free /20 range left in the default VPC.").On(vpc.ID)
	})
	return sub, err
}

// DeleteSubnet removes a subnet that has no interface.
func (s *Service) DeleteSubnet(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteSubnet", account, func(tx *Tx) error {
		st := tx.state()
		sub, err := own(tx, ids.Subnet, st.subnets, id, read)
		if err != nil {
			return err
		}
		if st.inSubnet.count(id) > 0 {
			return dependency(id, "subnet")
		}
		tx.unused(id)
		drop(tx, st.subnets, id)
		tx.use(sub.VPC, -1)
		tx.use(sub.ACL, -1)
		if sub.RouteTable != "" {
			tx.use(sub.RouteTable, -1)
		}
		tx.count(quotaOf(sub.VPC, quotaSubnets), -1)
		tx.untag(id)
		return nil
	})
}

// SubnetChange says what to change of a subnet; nil is left as it is.
type SubnetChange struct {
	MapPublicIP   *bool
	ResourceNameA *bool
	HostnameType  *string
}

// ModifySubnet changes attributes of a subnet.
func (s *Service) ModifySubnet(ctx context.Context, account, id string, c SubnetChange) error {
	return s.change(ctx, "network.ModifySubnet", account, func(tx *Tx) error {
		sub, err := own(tx, ids.Subnet, tx.state().subnets, id, read)
		if err != nil {
			return err
		}
		v := *sub
		set(&v.MapPublicIP, c.MapPublicIP)
		set(&v.ResourceNameA, c.ResourceNameA)
		set(&v.HostnameType, c.HostnameType)
		update(tx, tx.state().subnets, id, &v)
		return nil
	})
}
