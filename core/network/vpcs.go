package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// VPCSpec says what VPC to make.
type VPCSpec struct {
	CIDR netip.Prefix
	Tags tags.Set
}

// The sizes of VPCs and subnets, in bits of the prefix.
const (
	largest  = 16
	smallest = 28
)

// ParseCIDR reads an IPv4 range for a parameter and masks what lies behind the prefix, as EC2 does.
func ParseCIDR(param, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, invalid("Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", text, param)
	}
	return p.Masked(), nil
}

// unroutable are ranges that no VPC may overlap: guests need them for something else.
func unroutable(p netip.Prefix) bool {
	for _, no := range [...]string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"} {
		if netip.MustParsePrefix(no).Overlaps(p) {
			return true
		}
	}
	return false
}

func checkVPCRange(p netip.Prefix) error {
	if p.Bits() < largest || p.Bits() > smallest || unroutable(p) {
		return errs.New(errs.Invalid, VPCRange, "The CIDR '%s' is invalid.", p).On(p.String())
	}
	return nil
}

// VPCs returns the VPCs of an account.
func (s *Service) VPCs(account string) []*VPC {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.vpcs.of(account)
}

// DefaultVPC is the default VPC of an account, nil when it has none.
func (s *Service) DefaultVPC(account string) *VPC {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.mu.state.defaults.get(account)
	if d == nil {
		return nil
	}
	return s.mu.state.vpcs.get(d.VPC)
}

// CreateVPC makes a VPC.
func (s *Service) CreateVPC(ctx context.Context, account string, spec VPCSpec) (*VPC, error) {
	if err := checkVPCRange(spec.CIDR); err != nil {
		return nil, err
	}
	var vpc *VPC
	err := s.change(ctx, "network.CreateVPC", account, func(tx *Tx) (err error) {
		vpc, err = tx.makeVPC(spec, false)
		return err
	})
	return vpc, err
}

// ownVPC returns a VPC of the account, to be changed.
func (tx *Tx) ownVPC(id string) (*VPC, error) {
	return own(tx, ids.VPC, tx.state().vpcs, id, read[VPC])
}

// inVPC returns a VPC of the account that must stay.
func (tx *Tx) inVPC(id string) (*VPC, error) { return own(tx, ids.VPC, tx.state().vpcs, id, need) }

// own returns a record of the account by its id, got by read or need.
func own[T any](tx *Tx, k ids.Kind, t *table[T], id string, get func(*Tx, *table[T], string) *T) (*T, error) {
	if err := checkID(k, id); err != nil {
		return nil, err
	}
	v := get(tx, t, id)
	if v == nil || t.owner(v) != tx.account {
		return nil, notFound(k, id)
	}
	return v, nil
}

// DeleteVPC removes a VPC with what was made with it. Nothing else may be left in it.
func (s *Service) DeleteVPC(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteVPC", account, func(tx *Tx) error {
		st := tx.state()
		vpc, err := tx.ownVPC(id)
		if err != nil {
			return err
		}
		in := &st.inVPC
		if in.subnets.count(id) > 0 || in.gateways.count(id) > 0 || in.groups.count(id) > 1 || in.tables.count(id) > 1 || in.acls.count(id) > 1 {
			return dependency(id, "vpc")
		}
		tx.unused(id)
		drop(tx, st.vpcs, id)
		tx.use(vpc.DHCPOptions, -1)
		drop(tx, st.tables, vpc.MainTable)
		drop(tx, st.acls, vpc.DefaultACL)
		if g := read(tx, st.groups, vpc.DefaultGroup); g != nil {
			tx.dropGroup(g)
		}
		for _, made := range []string{vpc.MainTable, vpc.DefaultACL, vpc.DefaultGroup} {
			tx.forget(usersOf(made))
			tx.untag(made)
		}
		for _, what := range []string{quotaSubnets, quotaGroups, quotaTables, quotaACLs} {
			tx.forget(quotaOf(id, what))
		}
		tx.forget(usersOf(mappedIn(id)))
		tx.count(quotaOf(account, quotaVPCs), -1)
		tx.untag(id)
		if vpc.Default {
			read(tx, st.defaults, account)
			update(tx, st.defaults, account, &defaultsRecord{})
		}
		return nil
	})
}

// VPCChange says what to change of a VPC; nil is left as it is.
type VPCChange struct{ DNSSupport, DNSHostnames, AddressUsage *bool }

// ModifyVPC changes attributes of a VPC.
func (s *Service) ModifyVPC(ctx context.Context, account, id string, c VPCChange) error {
	return s.change(ctx, "network.ModifyVPC", account, func(tx *Tx) error {
		vpc, err := tx.ownVPC(id)
		if err != nil {
			return err
		}
		v := *vpc
		set(&v.DNSSupport, c.DNSSupport)
		set(&v.DNSHostnames, c.DNSHostnames)
		set(&v.AddressUsage, c.AddressUsage)
		update(tx, tx.state().vpcs, id, &v)
		return nil
	})
}

func set[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// AssociateCIDR adds a range to a VPC.
func (s *Service) AssociateCIDR(ctx context.Context, account, id string, cidr netip.Prefix) (CIDRAssociation, error) {
	assoc := CIDRAssociation{ID: ids.New(ids.VPCCIDRAssociation), CIDR: cidr}
	err := s.change(ctx, "network.AssociateCIDR", account, func(tx *Tx) error {
		vpc, err := tx.ownVPC(id)
		if err != nil {
			return err
		}
		if err := checkVPCRange(cidr); err != nil {
			return err
		}
		for _, have := range vpc.CIDRs {
			if have.CIDR.Overlaps(cidr) {
				return errs.New(errs.Invalid, InvalidValue, "The CIDR '%s' overlaps with CIDR '%s' of the vpc '%s'.", cidr, have.CIDR, id)
			}
		}
		if len(vpc.CIDRs) >= tx.s.limit.CIDRsPerVPC {
			return exceeded("CidrLimitExceeded", "This network '%s' has met its maximum number of allowed CIDRs: %d", id, tx.s.limit.CIDRsPerVPC)
		}
		v := *vpc
		v.CIDRs = append(slices.Clone(vpc.CIDRs), assoc)
		update(tx, tx.state().vpcs, id, &v)
		return nil
	})
	return assoc, err
}

// DisassociateCIDR takes a range from a VPC, unless it is the primary one or subnets lie in it.
func (s *Service) DisassociateCIDR(ctx context.Context, account, assoc string) (*VPC, CIDRAssociation, error) {
	var vpc *VPC
	var gone CIDRAssociation
	err := s.change(ctx, "network.DisassociateCIDR", account, func(tx *Tx) error {
		if err := checkID(ids.VPCCIDRAssociation, assoc); err != nil {
			return err
		}
		st := tx.state()
		for _, candidate := range st.vpcs.of(account) {
			i := slices.IndexFunc(candidate.CIDRs, func(a CIDRAssociation) bool { return a.ID == assoc })
			if i < 0 {
				continue
			}
			if vpc = read(tx, st.vpcs, candidate.ID); vpc == nil {
				break
			}
			gone = vpc.CIDRs[i]
			if i == 0 {
				return fail("OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", assoc).On(assoc)
			}
			for _, sub := range st.subnets.pick(st.inVPC.subnets.ids(vpc.ID)) {
				if gone.CIDR.Overlaps(sub.CIDR) {
					return fail("InvalidCidr.InUse", "The vpc CIDR block with association ID %s may not be disassociated. The CIDR block contains subnets", assoc).On(assoc)
				}
			}
			v := *vpc
			v.CIDRs = slices.Delete(slices.Clone(vpc.CIDRs), i, i+1)
			update(tx, st.vpcs, v.ID, &v)
			return nil
		}
		return notFound(ids.VPCCIDRAssociation, assoc)
	})
	return vpc, gone, err
}
