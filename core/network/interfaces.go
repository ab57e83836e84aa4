package network

import (
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// CreateInterface makes an interface with its addresses.
func (tx *Tx) CreateInterface(spec InterfaceSpec) (*Interface, error) {
	var nic *Interface
	err := tx.locked(func() (err error) { nic, err = tx.createInterface(spec); return err })
	return nic, err
}

func (tx *Tx) createInterface(spec InterfaceSpec) (*Interface, error) {
	if len(spec.Description) > maxDescription {
		return nil, invalid("The description is longer than %d characters.", maxDescription)
	}
	sub, err := tx.subnet(spec.Subnet, spec.Zone)
	if err != nil {
		return nil, err
	}
	groups, err := tx.groupsFor(sub, spec.Groups, spec.GroupNames)
	if err != nil {
		return nil, err
	}
	st := tx.state()
	if err := tx.quota(tx.account, quotaInterfaces, st.interfaces.byAccount.count(tx.account), tx.s.limit.Interfaces, LimitInterfaces,
		"You have reached the limit on the number of network interfaces that you can create."); err != nil {
		return nil, err
	}
	nic := &Interface{
		ID: ids.New(ids.NetworkInterface), Account: tx.account, VPC: sub.VPC, Subnet: sub.ID, Zone: sub.Zone, MAC: newMAC(),
		Description: spec.Description, Groups: groups, SourceDestCheck: !spec.NoSrcCheck, AutoPublic: sub.MapPublicIP, Created: tx.now,
		Requester: spec.Requester,
	}
	switch {
	case spec.Attach == nil, spec.Attach.DeviceIndex != 0 && spec.AutoPublic == nil:
		nic.AutoPublic = false // only the first interface made with an instance gets one unasked
	case spec.AutoPublic != nil:
		nic.AutoPublic = *spec.AutoPublic
	}
	if nic.Addresses, err = tx.takeAddresses(sub, nic.ID, spec.Private, spec.Secondary, spec.SecondaryN); err != nil {
		return nil, err
	}
	tx.use(sub.ID, 1)
	for _, g := range groups {
		tx.use(g, 1)
	}
	create(tx, st.interfaces, nic.ID, nic)
	tx.tag(nic.ID, spec.Tags)
	if spec.Attach != nil {
		return tx.attach(nic, *spec.Attach)
	}
	return nic, nil
}

// takeAddresses gives an interface its private addresses, the primary one first.
func (tx *Tx) takeAddresses(sub *Subnet, nic string, primary netip.Addr, more []netip.Addr, n int) ([]Address, error) {
	if total := 1 + len(more) + n; total > tx.s.limit.AddressesPerNIC {
		return nil, exceeded(LimitPrivateAddresses, "Number of private addresses will exceed limit of %d.", tx.s.limit.AddressesPerNIC)
	}
	var out []Address
	take := func(a netip.Addr) error {
		a, err := tx.takePrivate(sub, nic, a)
		out = append(out, Address{Private: a})
		return err
	}
	for _, a := range slices.Concat([]netip.Addr{primary}, more) {
		if a.IsValid() || len(out) > 0 { // those asked for by name come before any that is chosen
			if err := take(a); err != nil {
				return nil, err
			}
		} else {
			out = append(out, Address{})
		}
	}
	for range n {
		if err := take(netip.Addr{}); err != nil {
			return nil, err
		}
	}
	if !primary.IsValid() {
		a, err := tx.takePrivate(sub, nic, netip.Addr{})
		if err != nil {
			return nil, err
		}
		out[0].Private = a
	}
	return out, nil
}

// takePrivate takes one address of a subnet: a, or any free one when a is invalid.
func (tx *Tx) takePrivate(sub *Subnet, nic string, a netip.Addr) (netip.Addr, error) {
	st := tx.state()
	taken := func(a netip.Addr) bool {
		if r := tx.rows[string(rowKey(tagPrivate, privateName(sub.ID, a)))]; r != nil && r.write != writeNone {
			return r.write == writePut
		}
		_, ok := st.used[sub.ID][a]
		return ok
	}
	switch {
	case !a.IsValid():
		var ok bool
		if a, ok = pick(sub.CIDR, reservedLow, reservedHigh, taken); !ok {
			return a, exceeded(NoFreeAddress, "The specified subnet does not have enough free addresses to satisfy the request.")
		}
	case !sub.CIDR.Contains(a):
		return a, invalid("Address %s does not fall within the subnet's address range", a)
	case reserved(sub.CIDR, a):
		return a, invalid("Address %s is in subnet's reserved address range", a)
	case taken(a):
		return a, fail(AddressInUse, "Address %s is in use.", a)
	}
	create(tx, st.private, privateName(sub.ID, a), &holderRecord{ID: nic})
	return a, nil
}

// own returns an interface of the account, to be changed.
func (tx *Tx) ownInterface(id string) (*Interface, error) {
	if err := checkID(ids.NetworkInterface, id); err != nil {
		return nil, err
	}
	nic := read(tx, tx.state().interfaces, id)
	if nic == nil || nic.Account != tx.account {
		return nil, notFound(ids.NetworkInterface, id)
	}
	return nic, nil
}

// edit returns a copy of an interface that may be changed and put back.
func (n *Interface) edit() *Interface {
	c := *n
	c.Addresses = slices.Clone(n.Addresses)
	c.Groups = slices.Clone(n.Groups)
	if n.Attachment != nil {
		a := *n.Attachment
		c.Attachment = &a
	}
	return &c
}

// Attach gives an available interface to an instance.
func (tx *Tx) Attach(eni string, a Attach) (*Interface, error) {
	var nic *Interface
	err := tx.locked(func() error {
		found, err := tx.ownInterface(eni)
		if err != nil {
			return err
		}
		nic, err = tx.attach(found, a)
		return err
	})
	return nic, err
}

func (tx *Tx) attach(nic *Interface, a Attach) (*Interface, error) {
	if nic.Attachment != nil {
		return nil, fail(InterfaceInUse, "The network interface '%s' is currently in use.", nic.ID)
	}
	nic = nic.edit()
	nic.Attachment = &Attachment{
		ID: ids.New(ids.InterfaceAttachment), Instance: a.Instance, InstanceAccount: tx.account, DeviceIndex: a.DeviceIndex,
		NetworkCard: a.NetworkCard, DeleteOnTermination: a.DeleteOnTermination, Time: tx.now,
	}
	if err := tx.takeAutoPublic(nic); err != nil {
		return nil, err
	}
	update(tx, tx.state().interfaces, nic.ID, nic)
	return nic, nil
}

// takeAutoPublic gives an interface its automatic public address, if it is to have one and has none.
func (tx *Tx) takeAutoPublic(nic *Interface) error {
	if !nic.AutoPublic || nic.Addresses[0].Public.IsValid() {
		return nil
	}
	a, err := tx.takePublic(nic.ID)
	if err != nil {
		return err
	}
	nic.Addresses[0].Public = a
	tx.use(mappedIn(nic.VPC), 1)
	return nil
}

// dropPublic takes the public address from an address of an interface: an automatic one is free again, an Elastic IP
// stays the account's.
func (tx *Tx) dropPublic(nic *Interface, a *Address) {
	st := tx.state()
	switch {
	case !a.Public.IsValid():
		return
	case a.Allocation == "":
		drop(tx, st.public, a.Public.String())
	default:
		if e := read(tx, st.elasticIPs, a.Allocation); e != nil {
			c := *e
			c.Association, c.Interface, c.Private = "", "", netip.Addr{}
			update(tx, st.elasticIPs, c.Allocation, &c)
		}
	}
	a.Public, a.Allocation, a.Association = netip.Addr{}, "", ""
	tx.use(mappedIn(nic.VPC), -1)
}

// mappedIn names the counter of the public addresses that are mapped into a VPC.
func mappedIn(vpc string) string { return vpc + "/public" }

// takePublic takes a free public address for an interface or an allocation.
func (tx *Tx) takePublic(holder string) (netip.Addr, error) {
	st := tx.state()
	for _, p := range tx.s.conf.PublicPool {
		a, ok := pick(p, 1, 1, func(a netip.Addr) bool { return peek(tx, st.public, a.String()) != nil })
		if ok {
			create(tx, st.public, a.String(), &holderRecord{ID: holder})
			return a, nil
		}
	}
	return netip.Addr{}, &errs.E{Kind: errs.Unavailable, Reason: NoPublicAddress, Msg: "There are not enough free public addresses to satisfy the request."}
}

// ofInstance returns the interfaces of an instance, the transaction's own included.
func (tx *Tx) ofInstance(instance string) []*Interface {
	st := tx.state()
	var all []*Interface
	for id := range st.ofInstance.ids(instance) {
		if nic := read(tx, st.interfaces, id); nic != nil && nic.Attachment != nil && nic.Attachment.Instance == instance {
			all = append(all, nic)
		}
	}
	slices.SortFunc(all, func(a, b *Interface) int { return a.Attachment.DeviceIndex - b.Attachment.DeviceIndex })
	return all
}

// StopInstance gives back the automatic public addresses of an instance; Elastic IPs stay.
func (tx *Tx) StopInstance(instance string) error {
	return tx.locked(func() error {
		for _, nic := range tx.ofInstance(instance) {
			c := nic.edit()
			for i := range c.Addresses {
				if a := &c.Addresses[i]; a.Allocation == "" {
					tx.dropPublic(c, a)
				}
			}
			update(tx, tx.state().interfaces, c.ID, c)
		}
		return nil
	})
}

// StartInstance takes a public address where an interface asks for one and has none.
func (tx *Tx) StartInstance(instance string) error {
	return tx.locked(func() error {
		for _, nic := range tx.ofInstance(instance) {
			c := nic.edit()
			if err := tx.takeAutoPublic(c); err != nil {
				return err
			}
			update(tx, tx.state().interfaces, c.ID, c)
		}
		return nil
	})
}

// ReleaseInstance lets go of all that a terminated instance held: interfaces that go with it are deleted, others become
// available, Elastic IPs are disassociated. It is idempotent.
func (tx *Tx) ReleaseInstance(instance string) error {
	return tx.locked(func() error {
		for _, nic := range tx.ofInstance(instance) {
			if nic.Attachment.DeleteOnTermination {
				tx.deleteInterface(nic)
				continue
			}
			tx.detach(nic)
		}
		return nil
	})
}

// detach makes an interface available. Automatic public addresses go; Elastic IPs stay with it.
func (tx *Tx) detach(nic *Interface) {
	c := nic.edit()
	c.Attachment = nil
	for i := range c.Addresses {
		if a := &c.Addresses[i]; a.Allocation == "" {
			tx.dropPublic(c, a)
		}
	}
	update(tx, tx.state().interfaces, c.ID, c)
}

// deleteInterface removes an interface that was read, and lets go of what it held.
func (tx *Tx) deleteInterface(nic *Interface) {
	st := tx.state()
	c := nic.edit()
	for i := range c.Addresses {
		tx.dropPublic(c, &c.Addresses[i])
		drop(tx, st.private, privateName(c.Subnet, c.Addresses[i].Private))
	}
	drop(tx, st.interfaces, c.ID)
	tx.use(c.Subnet, -1)
	for _, g := range c.Groups {
		tx.use(g, -1)
	}
	tx.count(quotaOf(c.Account, quotaInterfaces), -1)
	tx.untag(c.ID)
}
