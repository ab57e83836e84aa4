package network

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// ACLs returns the network ACLs of an account.
func (s *Service) ACLs(account string) []*ACL {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.acls.of(account)
}

// ACLAssociations returns the subnets of an ACL.
func (s *Service) ACLAssociations(acl string) []*Subnet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.subnets.pick(s.mu.state.withACL.ids(acl))
}

// CreateACL makes an ACL without entries: it denies everything.
func (s *Service) CreateACL(ctx context.Context, account, vpc string, tagged tags.Set, tok idem.Token) (*ACL, error) {
	id, err := s.once(ctx, "network.CreateACL", account, tok, func(tx *Tx) (string, error) {
		st := tx.state()
		if _, err := tx.inVPC(vpc); err != nil {
			return "", err
		}
		if err := tx.quota(vpc, quotaACLs, st.inVPC.acls.count(vpc), s.limit.ACLsPerVPC, LimitACLs,
			"The maximum number of network ACLs has been reached."); err != nil {
			return "", err
		}
		a := &ACL{ID: ids.New(ids.NetworkACL), Account: account, VPC: vpc, Created: tx.now}
		tx.use(vpc, 1)
		create(tx, st.acls, a.ID, a)
		tx.tag(a.ID, tagged)
		return a.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return made(s, ids.NetworkACL, id, func(st *state) *table[ACL] { return st.acls })
}

func (tx *Tx) ownACL(id string) (*ACL, error) {
	return own(tx, ids.NetworkACL, tx.state().acls, id, read[ACL])
}

// DeleteACL removes an ACL that is not a default one and has no subnet.
func (s *Service) DeleteACL(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteACL", account, func(tx *Tx) error {
		st := tx.state()
		a, err := tx.ownACL(id)
		if err != nil {
			return err
		}
		if a.Default {
			return errs.New(errs.Invalid, InvalidValue, "cannot delete default network ACL %s", id).On(id)
		}
		if st.withACL.count(id) > 0 {
			return dependency(id, "networkAcl")
		}
		tx.unused(id)
		drop(tx, st.acls, id)
		tx.use(a.VPC, -1)
		tx.count(quotaOf(a.VPC, quotaACLs), -1)
		tx.untag(id)
		return nil
	})
}

// passes reports whether an ACL lets all packets through, which is all that hosts carry out.
func passes(entries []ACLEntry) bool {
	for _, egress := range []bool{false, true} {
		first := slices.IndexFunc(entries, func(e ACLEntry) bool {
			return e.Egress == egress && (!e.Allow || e.Protocol == Any && e.CIDR == anywhere4())
		})
		if first < 0 || !entries[first].Allow {
			return false
		}
	}
	return true
}

func cannotFilter(id string) error {
	return errs.New(errs.NotImplemented, Unsupported, "Network ACLs that deny packets of subnets are not supported: %s has subnets and must allow all traffic. Use security groups.", id).On(id)
}

// maxACLNumber is the highest number that an entry may have; the implied deny comes after it.
const maxACLNumber = 32766

// editACL changes the entries of an ACL. at is where an entry of that direction and number is, or below zero.
func (s *Service) editACL(ctx context.Context, op, account, id string, egress bool, number int, edit func(a *ACL, at int) ([]ACLEntry, error)) error {
	return s.change(ctx, op, account, func(tx *Tx) error {
		a, err := tx.ownACL(id)
		if err != nil {
			return err
		}
		if number < 1 || number > maxACLNumber {
			return invalid("Value (%d) for parameter ruleNumber is invalid. It must be between 1 and %d.", number, maxACLNumber)
		}
		at := slices.IndexFunc(a.Entries, func(e ACLEntry) bool { return e.Egress == egress && e.Number == number })
		entries, err := edit(a, at)
		if err != nil {
			return err
		}
		slices.SortFunc(entries, func(a, b ACLEntry) int {
			if a.Egress != b.Egress {
				if a.Egress {
					return 1
				}
				return -1
			}
			return cmp.Compare(a.Number, b.Number)
		})
		if !passes(entries) {
			if tx.state().withACL.count(id) > 0 {
				return cannotFilter(id)
			}
			tx.limit(usersOf(id), 0)
		}
		c := *a
		c.Entries = entries
		update(tx, tx.state().acls, id, &c)
		return nil
	})
}

// CreateACLEntry adds an entry to an ACL.
func (s *Service) CreateACLEntry(ctx context.Context, account, id string, e ACLEntry) error {
	return s.editACL(ctx, "network.CreateACLEntry", account, id, e.Egress, e.Number, func(a *ACL, at int) ([]ACLEntry, error) {
		if at >= 0 {
			return nil, errs.New(errs.Exists, ACLEntryExists, "The network acl entry identified by %d already exists.", e.Number).On(id)
		}
		n := 0
		for i := range a.Entries {
			if a.Entries[i].Egress == e.Egress {
				n++
			}
		}
		if n >= s.limit.EntriesPerACL {
			return nil, exceeded(LimitACLEntries, "The maximum number of network ACL entries has been reached.").On(id)
		}
		return append(slices.Clone(a.Entries), e), nil
	})
}

func noEntry(id string, number int) error {
	return errs.New(errs.NotFound, ACLEntryNotFound, "The network acl entry identified by %d does not exist.", number).On(id)
}

// ReplaceACLEntry replaces an entry of an ACL.
func (s *Service) ReplaceACLEntry(ctx context.Context, account, id string, e ACLEntry) error {
	return s.editACL(ctx, "network.ReplaceACLEntry", account, id, e.Egress, e.Number, func(a *ACL, at int) ([]ACLEntry, error) {
		if at < 0 {
			return nil, noEntry(id, e.Number)
		}
		entries := slices.Clone(a.Entries)
		entries[at] = e
		return entries, nil
	})
}

// DeleteACLEntry removes an entry of an ACL.
func (s *Service) DeleteACLEntry(ctx context.Context, account, id string, egress bool, number int) error {
	return s.editACL(ctx, "network.DeleteACLEntry", account, id, egress, number, func(a *ACL, at int) ([]ACLEntry, error) {
		if at < 0 {
			return nil, noEntry(id, number)
		}
		return slices.Delete(slices.Clone(a.Entries), at, at+1), nil
	})
}

// ReplaceACLAssociation gives a subnet another ACL.
func (s *Service) ReplaceACLAssociation(ctx context.Context, account, assoc, id string) (string, error) {
	fresh := ids.New(ids.NetworkACLAssociation)
	err := s.change(ctx, "network.ReplaceACLAssociation", account, func(tx *Tx) error {
		st := tx.state()
		a, err := tx.ownACL(id)
		if err != nil {
			return err
		}
		if err := checkID(ids.NetworkACLAssociation, assoc); err != nil {
			return err
		}
		sub := read(tx, st.subnets, st.associations[assoc])
		if sub == nil || sub.Account != account {
			return notFound(ids.NetworkACLAssociation, assoc)
		}
		if sub.VPC != a.VPC {
			return invalid("Network ACL %s and subnet %s belong to different networks", id, sub.ID)
		}
		if !passes(a.Entries) {
			return cannotFilter(id)
		}
		c := *sub
		c.ACL, c.ACLAssociation = id, fresh
		update(tx, st.subnets, c.ID, &c)
		tx.use(sub.ACL, -1)
		tx.use(id, 1)
		return nil
	})
	return fresh, err
}

// ACLEntrySpec is an entry as a request writes it.
type ACLEntrySpec struct {
	Number     int
	Egress     bool
	Allow      bool
	Protocol   string
	CIDR       string
	From, To   *int
	Type, Code *int
}

// Entry checks a spec.
func (spec *ACLEntrySpec) Entry() (ACLEntry, error) {
	e := ACLEntry{Number: spec.Number, Egress: spec.Egress, Allow: spec.Allow, From: Any, To: Any, ICMPType: Any, ICMPCode: Any}
	var err error
	if e.Protocol, err = ParseProtocol(spec.Protocol); err != nil {
		return e, err
	}
	var cidr netip.Prefix
	if cidr, err = ParseCIDR("cidrBlock", spec.CIDR); err != nil {
		return e, err
	}
	e.CIDR = cidr
	switch e.Protocol {
	case TCP, UDP:
		if e.From, e.To, err = ports(e.Protocol, spec.From, spec.To); err != nil {
			return e, err
		}
	case ICMP:
		if e.ICMPType, e.ICMPCode, err = ports(e.Protocol, spec.Type, spec.Code); err != nil {
			return e, err
		}
	}
	return e, nil
}
