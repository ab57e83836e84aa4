package network

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// Gateways returns the internet gateways of an account.
func (s *Service) Gateways(account string) []*Gateway {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.gateways.of(account)
}

// CreateGateway makes an internet gateway that is attached to nothing.
func (s *Service) CreateGateway(ctx context.Context, account string, tagged tags.Set) (*Gateway, error) {
	var gw *Gateway
	err := s.change(ctx, "network.CreateGateway", account, func(tx *Tx) error {
		if have := tx.state().gateways.byAccount.count(account); have >= s.limit.Gateways {
			return exceeded(LimitGateways, "The maximum number of internet gateways has been reached.")
		}
		tx.limit(quotaOf(account, quotaGateways), s.limit.Gateways)
		gw = tx.makeGateway()
		tx.tag(gw.ID, tagged)
		return nil
	})
	return gw, err
}

func (tx *Tx) ownGateway(id string) (*Gateway, error) {
	return own(tx, ids.InternetGateway, tx.state().gateways, id, read[Gateway])
}

// AttachGateway attaches a gateway to a VPC that has none.
func (s *Service) AttachGateway(ctx context.Context, account, id, vpc string) error {
	return s.change(ctx, "network.AttachGateway", account, func(tx *Tx) error {
		st := tx.state()
		gw, err := tx.ownGateway(id)
		if err != nil {
			return err
		}
		v, err := tx.ownVPC(vpc)
		if err != nil {
			return err
		}
		if gw.VPC != "" {
			return fail(AlreadyAssociated, "resource %s is already attached to network %s", id, gw.VPC).On(id)
		}
		if st.inVPC.gateways.count(vpc) > 0 {
			return fail(InvalidValue, "Network %s already has an internet gateway attached", vpc).On(vpc)
		}
		c := *gw
		c.VPC = vpc
		update(tx, st.gateways, id, &c)
		update(tx, st.vpcs, vpc, v) // its revision orders those who attach gateways to it
		tx.use(vpc, 1)
		return nil
	})
}

// DetachGateway detaches a gateway from a VPC where no public address is mapped.
func (s *Service) DetachGateway(ctx context.Context, account, id, vpc string) error {
	return s.change(ctx, "network.DetachGateway", account, func(tx *Tx) error {
		st := tx.state()
		gw, err := tx.ownGateway(id)
		if err != nil {
			return err
		}
		if _, err := tx.ownVPC(vpc); err != nil {
			return err
		}
		if gw.VPC != vpc {
			return errs.New(errs.Invalid, GatewayNotAttached, "resource %s is not attached to network %s", id, vpc).On(id)
		}
		if st.mapped(vpc) {
			return fail(DependencyViolation, "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpc).On(vpc)
		}
		tx.limit(usersOf(mappedIn(vpc)), 0)
		c := *gw
		c.VPC = ""
		update(tx, st.gateways, id, &c)
		tx.use(vpc, -1)
		return nil
	})
}

// mapped reports whether a public address is mapped into a VPC.
func (st *state) mapped(vpc string) bool {
	for id := range st.inVPC.interfaces.ids(vpc) {
		for _, a := range st.interfaces.get(id).Addresses {
			if a.Public.IsValid() {
				return true
			}
		}
	}
	return false
}

// DeleteGateway removes a gateway that is attached to nothing. Routes that lead to it stay, as black holes.
func (s *Service) DeleteGateway(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteGateway", account, func(tx *Tx) error {
		gw, err := tx.ownGateway(id)
		if err != nil {
			return err
		}
		if gw.VPC != "" {
			return fail(DependencyViolation, "The internetGateway '%s' has dependencies and cannot be deleted.", id).On(id)
		}
		drop(tx, tx.state().gateways, id)
		tx.count(quotaOf(account, quotaGateways), -1)
		tx.untag(id)
		return nil
	})
}
