package network

import (
	"net/netip"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// state is all rows in memory with the indexes that look-ups need. It is not safe for concurrent use; Service guards it.
type state struct {
	vpcs       *table[VPC]
	subnets    *table[Subnet]
	groups     *table[Group]
	interfaces *table[Interface]
	tables     *table[RouteTable]
	gateways   *table[Gateway]
	acls       *table[ACL]
	dhcps      *table[DHCPOptions]
	elasticIPs *table[ElasticIP]
	defaults   *table[defaultsRecord]
	private    *table[holderRecord]
	public     *table[holderRecord]
	names      *table[holderRecord]
	rules      *table[holderRecord]

	inVPC struct { // VPC -> ids
		subnets, groups, interfaces, tables, gateways, acls index
	}
	inSubnet     index                            // subnet -> interfaces
	ofInstance   index                            // instance -> interfaces
	members      index                            // group -> interfaces
	referrers    index                            // group -> other groups whose rules name it
	withDHCP     index                            // DHCP options -> VPCs
	withTable    index                            // route table -> subnets associated with it by name
	withACL      index                            // ACL -> subnets
	routedTo     index                            // interface -> route tables with a route to it
	attachments  map[string]string                // attachment -> its interface
	associations map[string]string                // association of a table, ACL or address -> subnet, VPC or allocation
	used         map[string]map[netip.Addr]string // subnet -> address -> interface
}

func newState() *state {
	st := &state{
		inSubnet: index{}, ofInstance: index{}, members: index{}, referrers: index{}, withDHCP: index{}, withTable: index{},
		withACL: index{}, routedTo: index{}, attachments: map[string]string{},
		associations: map[string]string{}, used: map[string]map[netip.Addr]string{},
	}
	in := &st.inVPC
	in.subnets, in.groups, in.interfaces, in.tables, in.gateways, in.acls = index{}, index{}, index{}, index{}, index{}, index{}

	st.vpcs = newTable[VPC](tagVPC, func(v *VPC) string { return v.Account }, st.linkVPC, st.unlinkVPC)
	st.subnets = newTable[Subnet](tagSubnet, func(s *Subnet) string { return s.Account }, st.linkSubnet, st.unlinkSubnet)
	st.groups = newTable[Group](tagGroup, func(g *Group) string { return g.Account }, st.linkGroup, st.unlinkGroup)
	st.interfaces = newTable[Interface](tagInterface, func(i *Interface) string { return i.Account }, st.linkInterface, st.unlinkInterface)
	st.tables = newTable[RouteTable](tagTable, func(t *RouteTable) string { return t.Account }, st.linkTable, st.unlinkTable)
	st.gateways = newTable[Gateway](tagGateway, func(g *Gateway) string { return g.Account },
		func(g *Gateway, id string) { in.gateways.add(g.VPC, id) }, func(g *Gateway, id string) { in.gateways.del(g.VPC, id) })
	st.acls = newTable[ACL](tagACL, func(a *ACL) string { return a.Account },
		func(a *ACL, id string) { in.acls.add(a.VPC, id) }, func(a *ACL, id string) { in.acls.del(a.VPC, id) })
	st.dhcps = newTable[DHCPOptions](tagDHCP, func(o *DHCPOptions) string { return o.Account }, nil, nil)
	st.elasticIPs = newTable[ElasticIP](tagElasticIP, func(e *ElasticIP) string { return e.Account },
		func(e *ElasticIP, id string) { enter(st.associations, e.Association, id) },
		func(e *ElasticIP, _ string) { delete(st.associations, e.Association) })
	st.defaults = newTable[defaultsRecord](tagDefaults, nil, nil, nil)
	st.private = newTable[holderRecord](tagPrivate, nil, st.linkPrivate, st.unlinkPrivate)
	st.public = newTable[holderRecord](tagPublic, nil, nil, nil)
	st.names = newTable[holderRecord](tagName, nil, nil, nil)
	st.rules = newTable[holderRecord](tagRule, nil, nil, nil)
	return st
}

// anyTable is one table of whatever kind.
type anyTable interface {
	put(id string, data []byte, rev kv.Index) error
	remove(id string)
}

func (st *state) table(tag byte) anyTable {
	switch tag {
	case tagVPC:
		return st.vpcs
	case tagSubnet:
		return st.subnets
	case tagGroup:
		return st.groups
	case tagInterface:
		return st.interfaces
	case tagTable:
		return st.tables
	case tagGateway:
		return st.gateways
	case tagACL:
		return st.acls
	case tagDHCP:
		return st.dhcps
	case tagElasticIP:
		return st.elasticIPs
	case tagDefaults:
		return st.defaults
	case tagPrivate:
		return st.private
	case tagPublic:
		return st.public
	case tagName:
		return st.names
	case tagRule:
		return st.rules
	}
	return nil
}

// put applies a row; it reports whether the row is one of the network's.
func (st *state) put(key, value []byte, rev kv.Index) (bool, error) {
	tag, id, ok := splitRow(key)
	if !ok {
		return false, nil
	}
	if t := st.table(tag); t != nil {
		return true, t.put(id, value, rev)
	}
	return false, nil // counters are read by nobody
}

// remove applies the removal of a row.
func (st *state) remove(key []byte) bool {
	tag, id, ok := splitRow(key)
	if !ok {
		return false
	}
	if t := st.table(tag); t != nil {
		t.remove(id)
		return true
	}
	return false
}

func enter(m map[string]string, key, id string) {
	if key != "" {
		m[key] = id
	}
}

func (st *state) linkVPC(v *VPC, id string) {
	st.withDHCP.add(v.DHCPOptions, id)
	enter(st.associations, v.MainAssociate, id)
}

func (st *state) unlinkVPC(v *VPC, id string) {
	st.withDHCP.del(v.DHCPOptions, id)
	delete(st.associations, v.MainAssociate)
}

func (st *state) linkSubnet(s *Subnet, id string) {
	st.inVPC.subnets.add(s.VPC, id)
	st.withTable.add(s.RouteTable, id)
	st.withACL.add(s.ACL, id)
	enter(st.associations, s.RouteAssociate, id)
	enter(st.associations, s.ACLAssociation, id)
}

func (st *state) unlinkSubnet(s *Subnet, id string) {
	st.inVPC.subnets.del(s.VPC, id)
	st.withTable.del(s.RouteTable, id)
	st.withACL.del(s.ACL, id)
	delete(st.associations, s.RouteAssociate)
	delete(st.associations, s.ACLAssociation)
}

func (st *state) linkGroup(g *Group, id string) {
	st.inVPC.groups.add(g.VPC, id)
	for i := range g.Rules {
		r := &g.Rules[i]
		if r.Group != id {
			st.referrers.add(r.Group, id)
		}
	}
}

func (st *state) unlinkGroup(g *Group, id string) {
	st.inVPC.groups.del(g.VPC, id)
	for i := range g.Rules {
		r := &g.Rules[i]
		st.referrers.del(r.Group, id)
	}
}

func (st *state) linkInterface(i *Interface, id string) {
	st.inVPC.interfaces.add(i.VPC, id)
	st.inSubnet.add(i.Subnet, id)
	for _, g := range i.Groups {
		st.members.add(g, id)
	}
	if i.Attachment != nil {
		st.ofInstance.add(i.Attachment.Instance, id)
		enter(st.attachments, i.Attachment.ID, id)
	}
}

func (st *state) unlinkInterface(i *Interface, id string) {
	st.inVPC.interfaces.del(i.VPC, id)
	st.inSubnet.del(i.Subnet, id)
	for _, g := range i.Groups {
		st.members.del(g, id)
	}
	if i.Attachment != nil {
		st.ofInstance.del(i.Attachment.Instance, id)
		delete(st.attachments, i.Attachment.ID)
	}
}

func (st *state) linkTable(t *RouteTable, id string) {
	st.inVPC.tables.add(t.VPC, id)
	for _, r := range t.Routes {
		st.routedTo.add(r.Interface, id)
	}
}

func (st *state) unlinkTable(t *RouteTable, id string) {
	st.inVPC.tables.del(t.VPC, id)
	for _, r := range t.Routes {
		st.routedTo.del(r.Interface, id)
	}
}

func (st *state) linkPrivate(h *holderRecord, name string) {
	subnet, a := splitPrivate(name)
	if st.used[subnet] == nil {
		st.used[subnet] = map[netip.Addr]string{}
	}
	st.used[subnet][a] = h.ID
}

func (st *state) unlinkPrivate(_ *holderRecord, name string) {
	subnet, a := splitPrivate(name)
	delete(st.used[subnet], a)
	if len(st.used[subnet]) == 0 {
		delete(st.used, subnet)
	}
}
