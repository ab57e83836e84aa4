package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// RouteTables returns the route tables of an account.
func (s *Service) RouteTables(account string) []*RouteTable {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.tables.of(account)
}

// TableAssociations returns the subnets that are associated with a route table by name.
func (s *Service) TableAssociations(table string) []*Subnet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.subnets.pick(s.mu.state.withTable.ids(table))
}

// Leads reports whether a route's target is there: otherwise the route is a black hole.
func (s *Service) Leads(vpc string, r *Route) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	gw := s.mu.state.gateways.get(r.Gateway)
	return gw != nil && gw.VPC == vpc
}

// CreateRouteTable makes a route table with the local routes only.
func (s *Service) CreateRouteTable(ctx context.Context, account, vpc string, tagged tags.Set, tok idem.Token) (*RouteTable, error) {
	id, err := s.once(ctx, "network.CreateRouteTable", account, tok, func(tx *Tx) (string, error) {
		st := tx.state()
		if _, err := tx.inVPC(vpc); err != nil {
			return "", err
		}
		if err := tx.quota(vpc, quotaTables, st.inVPC.tables.count(vpc), s.limit.RouteTablesPerVPC, LimitRouteTables,
			"The maximum number of route tables has been reached."); err != nil {
			return "", err
		}
		t := &RouteTable{ID: ids.New(ids.RouteTable), Account: account, VPC: vpc, Created: tx.now}
		tx.use(vpc, 1)
		create(tx, st.tables, t.ID, t)
		tx.tag(t.ID, tagged)
		return t.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return made(s, ids.RouteTable, id, func(st *state) *table[RouteTable] { return st.tables })
}

func (tx *Tx) ownTable(id string) (*RouteTable, error) {
	return own(tx, ids.RouteTable, tx.state().tables, id, read[RouteTable])
}

// DeleteRouteTable removes a route table that is not the main one and has no subnet.
func (s *Service) DeleteRouteTable(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteRouteTable", account, func(tx *Tx) error {
		st := tx.state()
		t, err := tx.ownTable(id)
		if err != nil {
			return err
		}
		vpc, err := tx.ownVPC(t.VPC) // which may make it its main one
		if err != nil {
			return err
		}
		if vpc.MainTable == id || st.withTable.count(id) > 0 {
			return dependency(id, "routeTable")
		}
		tx.unused(id)
		drop(tx, st.tables, id)
		tx.use(t.VPC, -1)
		tx.count(quotaOf(t.VPC, quotaTables), -1)
		tx.untag(id)
		return nil
	})
}

// AssociateRouteTable gives a subnet a route table of its own.
func (s *Service) AssociateRouteTable(ctx context.Context, account, id, subnet string) (string, error) {
	assoc := ids.New(ids.RouteTableAssociation)
	err := s.change(ctx, "network.AssociateRouteTable", account, func(tx *Tx) error {
		st := tx.state()
		t, err := own(tx, ids.RouteTable, st.tables, id, need[RouteTable])
		if err != nil {
			return err
		}
		sub, err := own(tx, ids.Subnet, st.subnets, subnet, read[Subnet])
		if err != nil {
			return err
		}
		if t.VPC != sub.VPC {
			return invalid("Route table %s and subnet %s belong to different networks", id, subnet)
		}
		if sub.RouteTable != "" {
			return fail(AlreadyAssociated, "the specified association for route table %s conflicts with an existing association", id).On(subnet)
		}
		c := *sub
		c.RouteTable, c.RouteAssociate = id, assoc
		update(tx, st.subnets, subnet, &c)
		tx.use(id, 1)
		return nil
	})
	return assoc, err
}

// association finds the subnet or the VPC that an association of a route table belongs to.
func (tx *Tx) tableAssociation(assoc string) (*Subnet, *VPC, error) {
	if err := checkID(ids.RouteTableAssociation, assoc); err != nil {
		return nil, nil, err
	}
	st := tx.state()
	holder := st.associations[assoc]
	if sub := read(tx, st.subnets, holder); sub != nil && sub.Account == tx.account {
		return sub, nil, nil
	}
	if vpc := read(tx, st.vpcs, holder); vpc != nil && vpc.Account == tx.account {
		return nil, vpc, nil
	}
	return nil, nil, notFound(ids.RouteTableAssociation, assoc)
}

// DisassociateRouteTable lets a subnet use the main route table again.
func (s *Service) DisassociateRouteTable(ctx context.Context, account, assoc string) error {
	return s.change(ctx, "network.DisassociateRouteTable", account, func(tx *Tx) error {
		sub, vpc, err := tx.tableAssociation(assoc)
		if err != nil {
			return err
		}
		if vpc != nil {
			return invalid("cannot disassociate the main route table association %s", assoc)
		}
		c := *sub
		c.RouteTable, c.RouteAssociate = "", ""
		update(tx, tx.state().subnets, c.ID, &c)
		tx.use(sub.RouteTable, -1)
		return nil
	})
}

// ReplaceTableAssociation gives a subnet, or a VPC as its main one, another route table.
func (s *Service) ReplaceTableAssociation(ctx context.Context, account, assoc, id string) (string, error) {
	fresh := ids.New(ids.RouteTableAssociation)
	err := s.change(ctx, "network.ReplaceTableAssociation", account, func(tx *Tx) error {
		st := tx.state()
		t, err := own(tx, ids.RouteTable, st.tables, id, need[RouteTable])
		if err != nil {
			return err
		}
		sub, vpc, err := tx.tableAssociation(assoc)
		if err != nil {
			return err
		}
		if sub != nil {
			if sub.VPC != t.VPC {
				return invalid("Route table %s and subnet %s belong to different networks", id, sub.ID)
			}
			c := *sub
			c.RouteTable, c.RouteAssociate = id, fresh
			update(tx, st.subnets, c.ID, &c)
			tx.use(sub.RouteTable, -1)
			tx.use(id, 1)
			return nil
		}
		if vpc.ID != t.VPC {
			return invalid("Route table %s and network %s belong to different networks", id, vpc.ID)
		}
		c := *vpc
		c.MainTable, c.MainAssociate = id, fresh // the former main table is a child of the VPC from now on, the new one no more
		update(tx, st.vpcs, c.ID, &c)
		return nil
	})
	return fresh, err
}

// RouteSpec is a route as a request writes it.
type RouteSpec struct {
	Destination netip.Prefix
	Gateway     string
	NATGateway  string
	Other       string // any other target
}

// route checks a spec for a table. Only what the hosts carry out is taken.
func (tx *Tx) route(t *RouteTable, spec RouteSpec) (Route, error) {
	r := Route{Destination: spec.Destination, Gateway: spec.Gateway}
	switch {
	case spec.NATGateway != "":
		return r, notFound(ids.NATGateway, spec.NATGateway)
	case spec.Other != "":
		return r, errs.New(errs.NotImplemented, Unsupported, "Routes to %s are not supported: targets of routes are internet gateways.", spec.Other)
	case spec.Gateway == "":
		return r, errs.New(errs.Invalid, MissingParameter, "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, vpcEndpointId, coreNetworkArn")
	}
	gw := need(tx, tx.state().gateways, spec.Gateway)
	if gw == nil || gw.Account != tx.account {
		return r, errs.New(errs.NotFound, "InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist", spec.Gateway).On(spec.Gateway)
	}
	if gw.VPC != t.VPC {
		return r, invalid("route table %s and network gateway %s belong to different networks", t.ID, gw.ID)
	}
	if r.Destination != anywhere4() {
		return r, errs.New(errs.NotImplemented, Unsupported, "The route %s is not supported: routes to an internet gateway have the destination 0.0.0.0/0.", r.Destination)
	}
	return r, nil
}

func (tx *Tx) localRoute(t *RouteTable, d netip.Prefix) bool {
	vpc := need(tx, tx.state().vpcs, t.VPC)
	return vpc != nil && slices.ContainsFunc(vpc.CIDRs, func(c CIDRAssociation) bool { return c.CIDR == d })
}

// editRoutes changes the routes of a table.
func (s *Service) editRoutes(ctx context.Context, op, account, id string, edit func(tx *Tx, t *RouteTable, at int) ([]Route, error), d netip.Prefix) error {
	return s.change(ctx, op, account, func(tx *Tx) error {
		t, err := tx.ownTable(id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(t.Routes, func(r Route) bool { return r.Destination == d })
		routes, err := edit(tx, t, at)
		if err != nil {
			return err
		}
		c := *t
		c.Routes = routes
		update(tx, tx.state().tables, id, &c)
		return nil
	})
}

// CreateRoute adds a route.
func (s *Service) CreateRoute(ctx context.Context, account, id string, spec RouteSpec) error {
	return s.editRoutes(ctx, "network.CreateRoute", account, id, func(tx *Tx, t *RouteTable, at int) ([]Route, error) {
		r, err := tx.route(t, spec)
		exists := at >= 0 || tx.localRoute(t, spec.Destination)
		switch {
		case !exists && len(t.Routes) >= s.limit.RoutesPerTable:
			return nil, exceeded(LimitRoutes, "The maximum number of routes has been reached.").On(id)
		case err != nil:
			return nil, err
		case exists:
			return nil, errs.New(errs.Exists, RouteExists, "The route identified by %s already exists.", spec.Destination).On(id)
		}
		return append(slices.Clone(t.Routes), r), nil
	}, spec.Destination)
}

// ReplaceRoute gives a route another target.
func (s *Service) ReplaceRoute(ctx context.Context, account, id string, spec RouteSpec) error {
	return s.editRoutes(ctx, "network.ReplaceRoute", account, id, func(tx *Tx, t *RouteTable, at int) ([]Route, error) {
		r, err := tx.route(t, spec)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			return nil, errs.New(errs.Invalid, InvalidValue, "There is no route defined for '%s' in the route table. Use CreateRoute instead.", spec.Destination).On(id)
		}
		routes := slices.Clone(t.Routes)
		routes[at] = r
		return routes, nil
	}, spec.Destination)
}

// DeleteRoute removes a route.
func (s *Service) DeleteRoute(ctx context.Context, account, id string, d netip.Prefix) error {
	return s.editRoutes(ctx, "network.DeleteRoute", account, id, func(tx *Tx, t *RouteTable, at int) ([]Route, error) {
		if tx.localRoute(t, d) {
			return nil, invalid("cannot remove local route %s in route table %s", d, id)
		}
		if at < 0 {
			return nil, errs.New(errs.NotFound, RouteNotFound, "no route with destination-cidr-block %s in route table %s", d, id).On(id)
		}
		return slices.Delete(slices.Clone(t.Routes), at, at+1), nil
	}, d)
}
