package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
)

// Interfaces returns the interfaces of an account.
func (s *Service) Interfaces(account string) []*Interface {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.interfaces.of(account)
}

// InterfaceOfAttachment finds the interface of an attachment.
func (s *Service) InterfaceOfAttachment(account, attachment string) (*Interface, error) {
	if err := checkID(ids.InterfaceAttachment, attachment); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	nic := s.mu.state.interfaces.get(s.mu.state.attachments[attachment])
	if nic == nil || nic.Account != account {
		return nil, notFound(ids.InterfaceAttachment, attachment)
	}
	return nic, nil
}

// CreateInterface makes an interface that is attached to nothing.
func (s *Service) CreateInterface(ctx context.Context, account string, spec InterfaceSpec, tok idem.Token) (*Interface, error) {
	spec.Attach = nil
	id, err := s.once(ctx, "network.CreateInterface", account, tok, func(tx *Tx) (string, error) {
		nic, err := tx.createInterface(spec)
		if err != nil {
			return "", err
		}
		return nic.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return made(s, ids.NetworkInterface, id, func(st *state) *table[Interface] { return st.interfaces })
}

// DeleteInterface removes an interface that is attached to nothing.
func (s *Service) DeleteInterface(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteInterface", account, func(tx *Tx) error {
		nic, err := tx.ownInterface(id)
		if err != nil {
			return err
		}
		if nic.Attachment != nil {
			return fail(InvalidValue, "Network interface '%s' is currently in use.", id).On(id)
		}
		tx.deleteInterface(nic)
		return nil
	})
}

// InterfaceChange says what to change of an interface; nil is left as it is.
type InterfaceChange struct {
	Groups              []string // ids
	Description         *string
	SourceDestCheck     *bool
	Attachment          string // with DeleteOnTermination
	DeleteOnTermination *bool
}

// ModifyInterface changes attributes of an interface.
func (s *Service) ModifyInterface(ctx context.Context, account, id string, ch InterfaceChange) error {
	return s.change(ctx, "network.ModifyInterface", account, func(tx *Tx) error {
		nic, err := tx.ownInterface(id)
		if err != nil {
			return err
		}
		c := nic.edit()
		if ch.Groups != nil {
			sub := peek(tx, tx.state().subnets, nic.Subnet)
			if sub == nil {
				return notFound(ids.Subnet, nic.Subnet)
			}
			if c.Groups, err = tx.groupsFor(sub, ch.Groups, nil); err != nil {
				return err
			}
			for _, g := range nic.Groups {
				tx.use(g, -1)
			}
			for _, g := range c.Groups {
				tx.use(g, 1)
			}
		}
		if ch.Description != nil {
			if len(*ch.Description) > maxDescription {
				return invalid("The description is longer than %d characters.", maxDescription)
			}
			c.Description = *ch.Description
		}
		set(&c.SourceDestCheck, ch.SourceDestCheck)
		if ch.DeleteOnTermination != nil {
			switch {
			case ch.Attachment == "":
				return errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter attachmentId")
			case c.Attachment == nil, c.Attachment.ID != ch.Attachment:
				return notFound(ids.InterfaceAttachment, ch.Attachment)
			}
			c.Attachment.DeleteOnTermination = *ch.DeleteOnTermination
		}
		update(tx, tx.state().interfaces, id, c)
		return nil
	})
}

// AssignAddresses gives an interface further private addresses: those named, and n of its choice. Named ones may be taken
// from another interface of the account if move is set.
func (s *Service) AssignAddresses(ctx context.Context, account, id string, named []netip.Addr, n int, move bool) ([]netip.Addr, error) {
	var added []netip.Addr
	err := s.change(ctx, "network.AssignAddresses", account, func(tx *Tx) error {
		st := tx.state()
		added = nil
		nic, err := tx.ownInterface(id)
		if err != nil {
			return err
		}
		sub := peek(tx, st.subnets, nic.Subnet)
		if sub == nil {
			return notFound(ids.Subnet, nic.Subnet)
		}
		if len(nic.Addresses)+len(named)+n > s.limit.AddressesPerNIC {
			return exceeded(LimitPrivateAddresses, "Number of private addresses will exceed limit of %d.", s.limit.AddressesPerNIC)
		}
		c := nic.edit()
		for _, a := range slices.Concat(named, make([]netip.Addr, n)) {
			if a.IsValid() && slices.ContainsFunc(c.Addresses, func(have Address) bool { return have.Private == a }) {
				added = append(added, a)
				continue
			}
			if holder := st.used[sub.ID][a]; a.IsValid() && move && holder != "" {
				if err := tx.takeFrom(holder, a); err != nil {
					return err
				}
			}
			a, err := tx.takePrivate(sub, id, a)
			if err != nil {
				return err
			}
			c.Addresses = append(c.Addresses, Address{Private: a})
			added = append(added, a)
		}
		update(tx, st.interfaces, id, c)
		return nil
	})
	return added, err
}

// takeFrom takes a further address from an interface, to be given to another.
func (tx *Tx) takeFrom(id string, a netip.Addr) error {
	st := tx.state()
	nic := read(tx, st.interfaces, id)
	if nic == nil || nic.Account != tx.account || nic.Addresses[0].Private == a {
		return fail(AddressInUse, "Address %s is in use.", a)
	}
	c := nic.edit()
	i := slices.IndexFunc(c.Addresses, func(have Address) bool { return have.Private == a })
	if i < 0 {
		return fail(AddressInUse, "Address %s is in use.", a)
	}
	tx.dropPublic(c, &c.Addresses[i])
	drop(tx, st.private, privateName(c.Subnet, a))
	c.Addresses = slices.Delete(c.Addresses, i, i+1)
	update(tx, st.interfaces, id, c)
	return nil
}

// UnassignAddresses takes further private addresses from an interface.
func (s *Service) UnassignAddresses(ctx context.Context, account, id string, named []netip.Addr) error {
	return s.change(ctx, "network.UnassignAddresses", account, func(tx *Tx) error {
		if _, err := tx.ownInterface(id); err != nil {
			return err
		}
		for _, a := range named {
			nic := peek(tx, tx.state().interfaces, id)
			i := slices.IndexFunc(nic.Addresses, func(have Address) bool { return have.Private == a })
			switch {
			case i < 0:
				return invalid("Some of the specified addresses are not assigned to interface %s", id)
			case i == 0:
				return invalid("The primary private IP address %s of interface %s cannot be unassigned", a, id)
			}
			if err := tx.takeFrom(id, a); err != nil {
				return err
			}
		}
		return nil
	})
}
