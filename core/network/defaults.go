package network

import (
	"context"
	"net/netip"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// defaultCIDR is the range of every default VPC; its subnets are /20, one per zone.
func defaultCIDR() netip.Prefix { return netip.MustParsePrefix("172.31.0.0/16") }

// Ensure makes the default VPC of an account with all that belongs to it, unless it was ever made. Cheap when it was:
// every operation in the name of an account may call it first.
func (s *Service) Ensure(ctx context.Context, account string) error {
	s.mu.RLock()
	known := s.mu.state.defaults.get(account) != nil
	s.mu.RUnlock()
	if known {
		return nil
	}
	if account == "" {
		return &errs.E{Op: "network.Ensure", Kind: errs.Internal, Msg: "no account"}
	}
	return s.commit(ctx, "network.Ensure", account, nil, func(tx *Tx) error {
		if tx.state().defaults.get(account) != nil {
			return nil // others were first
		}
		return tx.makeDefaultVPC()
	})
}

// CreateDefaultVPC makes the default VPC anew after it was deleted.
func (s *Service) CreateDefaultVPC(ctx context.Context, account string) (*VPC, error) {
	var id string
	err := s.change(ctx, "network.CreateDefaultVPC", account, func(tx *Tx) error {
		d := read(tx, tx.state().defaults, account)
		if d.VPC != "" {
			return errs.New(errs.Exists, DefaultVPCExists, "A Default VPC already exists for this account in this region.").On(d.VPC)
		}
		err := tx.makeDefaultVPC()
		id = peek(tx, tx.state().defaults, account).VPC
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.VPC(id), nil
}

// makeDefaultVPC makes the default VPC with its subnets, gateway and all, and notes that it exists.
func (tx *Tx) makeDefaultVPC() error {
	st := tx.state()
	vpc, err := tx.makeVPC(VPCSpec{CIDR: defaultCIDR()}, true)
	if err != nil {
		return err
	}
	for i, z := range tx.s.conf.Zones {
		cidr := netip.PrefixFrom(nth(defaultCIDR(), i<<12), 20)
		tx.makeSubnet(vpc, z.Name, cidr, true)
	}
	gw := tx.makeGateway()
	gw.VPC = vpc.ID
	tx.use(vpc.ID, 1)
	table := *peek(tx, st.tables, vpc.MainTable)
	table.Routes = []Route{{Destination: anywhere4(), Gateway: gw.ID}}
	update(tx, st.tables, table.ID, &table)
	d := &defaultsRecord{VPC: vpc.ID}
	if st.defaults.get(tx.account) == nil {
		create(tx, st.defaults, tx.account, d)
	} else {
		update(tx, st.defaults, tx.account, d)
	}
	return nil
}

func anywhere4() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }

// makeVPC makes a VPC with what every VPC has: a main route table, a default ACL, a default group and the account's
// default DHCP options.
func (tx *Tx) makeVPC(spec VPCSpec, isDefault bool) (*VPC, error) {
	st := tx.state()
	if isDefault {
		tx.count(quotaOf(tx.account, quotaVPCs), 1)
	} else if err := tx.quota(tx.account, quotaVPCs, st.vpcs.byAccount.count(tx.account), tx.s.limit.VPCs, LimitVPCs,
		"The maximum number of VPCs has been reached."); err != nil {
		return nil, err
	}
	vpc := &VPC{
		ID: ids.New(ids.VPC), Account: tx.account, Default: isDefault, DNSSupport: true, DNSHostnames: isDefault, Created: tx.now,
		CIDRs:     []CIDRAssociation{{ID: ids.New(ids.VPCCIDRAssociation), CIDR: spec.CIDR}},
		MainTable: ids.New(ids.RouteTable), MainAssociate: ids.New(ids.RouteTableAssociation),
		DefaultACL: ids.New(ids.NetworkACL), DefaultGroup: ids.New(ids.SecurityGroup),
		DHCPOptions: tx.defaultDHCP().ID,
	}
	tx.use(vpc.DHCPOptions, 1)
	create(tx, st.vpcs, vpc.ID, vpc)
	create(tx, st.tables, vpc.MainTable, &RouteTable{ID: vpc.MainTable, Account: tx.account, VPC: vpc.ID, Created: tx.now})
	create(tx, st.acls, vpc.DefaultACL, &ACL{ID: vpc.DefaultACL, Account: tx.account, VPC: vpc.ID, Default: true, Created: tx.now,
		Entries: []ACLEntry{allowAll(false), allowAll(true)}})
	tx.makeGroup(&Group{
		ID: vpc.DefaultGroup, Account: tx.account, VPC: vpc.ID, Name: defaultGroupName, Description: "default VPC security group",
		Created: tx.now, Rules: []Rule{
			{ID: ids.New(ids.SecurityGroupRule), Protocol: Any, From: Any, To: Any, Group: vpc.DefaultGroup}, newEgress(),
		},
	})
	for _, what := range []string{quotaTables, quotaACLs} {
		tx.count(quotaOf(vpc.ID, what), 1)
	}
	tx.tag(vpc.ID, spec.Tags)
	return vpc, nil
}

// defaultGroupName is the name that only the group made with a VPC has.
const defaultGroupName = "default"

// newEgress is the rule that every new group has.
func newEgress() Rule {
	return Rule{ID: ids.New(ids.SecurityGroupRule), Egress: true, Protocol: Any, From: Any, To: Any, CIDR: anywhere4()}
}

func allowAll(egress bool) ACLEntry {
	return ACLEntry{Number: 100, Egress: egress, Allow: true, Protocol: Any, CIDR: anywhere4()}
}

// defaultDHCP returns the account's default DHCP options, and makes them with its first VPC.
func (tx *Tx) defaultDHCP() *DHCPOptions {
	st := tx.state()
	for _, id := range st.dhcps.byAccount[tx.account] {
		if o := need(tx, st.dhcps, id); o != nil && o.Default {
			return o
		}
	}
	o := &DHCPOptions{ID: ids.New(ids.DHCPOptions), Account: tx.account, Default: true, Created: tx.now, Options: []DHCPOption{
		{Key: "domain-name", Values: []string{tx.s.PrivateDomain()}},
		{Key: "domain-name-servers", Values: []string{"AmazonProvidedDNS"}},
	}}
	create(tx, st.dhcps, o.ID, o)
	return o
}

// makeSubnet makes a subnet that was found right.
func (tx *Tx) makeSubnet(vpc *VPC, zone string, cidr netip.Prefix, isDefault bool) *Subnet {
	sub := &Subnet{
		ID: ids.New(ids.Subnet), Account: tx.account, VPC: vpc.ID, Zone: zone, CIDR: cidr, DefaultForZone: isDefault,
		MapPublicIP: isDefault, ACL: vpc.DefaultACL, ACLAssociation: ids.New(ids.NetworkACLAssociation), Created: tx.now,
	}
	tx.use(vpc.ID, 1)
	tx.use(sub.ACL, 1)
	tx.count(quotaOf(vpc.ID, quotaSubnets), 1)
	create(tx, tx.state().subnets, sub.ID, sub)
	return sub
}

// makeGateway makes an internet gateway.
func (tx *Tx) makeGateway() *Gateway {
	gw := &Gateway{ID: ids.New(ids.InternetGateway), Account: tx.account, Created: tx.now}
	tx.count(quotaOf(tx.account, quotaGateways), 1)
	create(tx, tx.state().gateways, gw.ID, gw)
	return gw
}
