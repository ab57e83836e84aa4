package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// ElasticIPs returns the Elastic IPs of an account.
func (s *Service) ElasticIPs(account string) []*ElasticIP {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.elasticIPs.of(account)
}

// AllocateAddress takes a public address for an account.
func (s *Service) AllocateAddress(ctx context.Context, account string, tagged tags.Set) (*ElasticIP, error) {
	var e *ElasticIP
	err := s.change(ctx, "network.AllocateAddress", account, func(tx *Tx) error {
		st := tx.state()
		if err := tx.quota(account, quotaElasticIPs, st.elasticIPs.byAccount.count(account), s.limit.ElasticIPs, LimitAddresses,
			"The maximum number of addresses has been reached."); err != nil {
			return err
		}
		e = &ElasticIP{Allocation: ids.New(ids.Allocation), Account: account, Created: tx.now}
		a, err := tx.takePublic(e.Allocation)
		if err != nil {
			return err
		}
		e.Public = a
		create(tx, st.elasticIPs, e.Allocation, e)
		tx.tag(e.Allocation, tagged)
		return nil
	})
	return e, err
}

// FindAllocation finds the allocation of a public address.
func (s *Service) FindAllocation(account string, public string) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, err := netip.ParseAddr(public)
	if err != nil {
		return "", invalid("Invalid value '%.64s' for publicIp. Not an IPv4 address.", public)
	}
	for _, e := range s.mu.state.elasticIPs.of(account) {
		if e.Public == a {
			return e.Allocation, nil
		}
	}
	return "", errs.New(errs.NotFound, "InvalidAddress.NotFound", "Address '%s' not found.", a).On(a.String())
}

func (tx *Tx) ownAllocation(id string) (*ElasticIP, error) {
	return own(tx, ids.Allocation, tx.state().elasticIPs, id, read[ElasticIP])
}

// ReleaseAddress gives a public address back.
func (s *Service) ReleaseAddress(ctx context.Context, account, allocation string) error {
	return s.change(ctx, "network.ReleaseAddress", account, func(tx *Tx) error {
		e, err := tx.ownAllocation(allocation)
		if err != nil {
			return err
		}
		if e.Association != "" {
			return fail(AddressInUse, "Address %s is in use.", e.Public).On(allocation)
		}
		drop(tx, tx.state().elasticIPs, allocation)
		drop(tx, tx.state().public, e.Public.String())
		tx.count(quotaOf(account, quotaElasticIPs), -1)
		tx.untag(allocation)
		return nil
	})
}

// AssociateSpec says where an Elastic IP goes.
type AssociateSpec struct {
	Allocation  string
	Interface   string // of Interface and Instance one is set
	Instance    string
	Private     netip.Addr // invalid: the primary address
	Reassociate bool       // take it from where it is
}

// AssociateAddress maps an Elastic IP to a private address.
func (s *Service) AssociateAddress(ctx context.Context, account string, spec AssociateSpec) (string, error) {
	var assoc string
	err := s.change(ctx, "network.AssociateAddress", account, func(tx *Tx) error {
		st := tx.state()
		assoc = ids.New(ids.AddressAssociation)
		e, err := tx.ownAllocation(spec.Allocation)
		if err != nil {
			return err
		}
		nic, err := tx.associateTo(spec)
		if err != nil {
			return err
		}
		i := 0
		if spec.Private.IsValid() {
			if i = slices.IndexFunc(nic.Addresses, func(a Address) bool { return a.Private == spec.Private }); i < 0 {
				return invalid("The networkInterface '%s' does not have a private IP address '%s'", nic.ID, spec.Private)
			}
		}
		if st.inVPC.gateways.count(nic.VPC) == 0 {
			return fail(GatewayNotAttached, "Network %s is not attached to any internet gateway", nic.VPC).On(nic.VPC)
		}
		if e.Interface == nic.ID && e.Private == nic.Addresses[i].Private {
			assoc = e.Association
			return nil
		}
		if e.Association != "" {
			if !spec.Reassociate {
				return fail(AlreadyAssociated, "resource %s is already associated with associate-id %s", spec.Allocation, e.Association).On(spec.Allocation)
			}
			tx.disassociate(e)
			nic = peek(tx, st.interfaces, nic.ID) // it may be the same
		}
		c := nic.edit()
		a := &c.Addresses[i]
		if a.Allocation != "" && !spec.Reassociate {
			return fail(AlreadyAssociated, "resource %s is already associated with associate-id %s", nic.ID, a.Association).On(nic.ID)
		}
		tx.dropPublic(c, a)
		a.Public, a.Allocation, a.Association = e.Public, e.Allocation, assoc
		tx.use(mappedIn(c.VPC), 1)
		update(tx, st.interfaces, c.ID, c)
		ee := *e
		ee.Association, ee.Interface, ee.Private = assoc, c.ID, a.Private
		update(tx, st.elasticIPs, ee.Allocation, &ee)
		return nil
	})
	return assoc, err
}

// associateTo finds the interface that an Elastic IP goes to.
func (tx *Tx) associateTo(spec AssociateSpec) (*Interface, error) {
	if spec.Interface != "" {
		return tx.ownInterface(spec.Interface)
	}
	nics := tx.ofInstance(spec.Instance)
	if len(nics) == 0 || nics[0].Account != tx.account {
		return nil, errs.New(errs.NotFound, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", spec.Instance).On(spec.Instance)
	}
	if len(nics) > 1 {
		return nil, errs.New(errs.Invalid, "InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an interface ID for the operation instead.", spec.Instance).On(spec.Instance)
	}
	return nics[0], nil
}

// disassociate takes an Elastic IP from its interface.
func (tx *Tx) disassociate(e *ElasticIP) {
	st := tx.state()
	if nic := read(tx, st.interfaces, e.Interface); nic != nil {
		c := nic.edit()
		for i := range c.Addresses {
			if c.Addresses[i].Allocation == e.Allocation {
				tx.dropPublic(c, &c.Addresses[i])
			}
		}
		update(tx, st.interfaces, c.ID, c)
	}
}

// DisassociateAddress takes an Elastic IP from where it is.
func (s *Service) DisassociateAddress(ctx context.Context, account, assoc string) error {
	return s.change(ctx, "network.DisassociateAddress", account, func(tx *Tx) error {
		if err := checkID(ids.AddressAssociation, assoc); err != nil {
			return err
		}
		e := read(tx, tx.state().elasticIPs, tx.state().associations[assoc])
		if e == nil || e.Account != account {
			return notFound(ids.AddressAssociation, assoc)
		}
		tx.disassociate(e)
		return nil
	})
}
