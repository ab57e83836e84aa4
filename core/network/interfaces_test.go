package network

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// small makes a VPC with a gateway and a subnet of 11 usable addresses.
func small(t testing.TB, s *Service) *Subnet {
	t.Helper()
	ctx := t.Context()
	vpc, err := s.CreateVPC(ctx, alice, VPCSpec{CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	must(t, err)
	sub, err := s.CreateSubnet(ctx, alice, SubnetSpec{VPC: vpc.ID, CIDR: netip.MustParsePrefix("10.0.0.16/28")})
	must(t, err)
	gw, err := s.CreateGateway(ctx, alice, nil)
	must(t, err)
	must(t, s.AttachGateway(ctx, alice, gw.ID, vpc.ID))
	return sub
}

func TestAddresses(t *testing.T) {
	s := open(t)
	sub := small(t, s)
	seen := map[netip.Addr]bool{}
	var last *Interface
	for range 11 {
		last = launch(t, s, InterfaceSpec{Subnet: sub.ID})
		a := last.Addresses[0].Private
		if seen[a] || !sub.CIDR.Contains(a) || a.Less(addr("10.0.0.20")) || a == addr("10.0.0.31") {
			t.Errorf("got %s, after %v", a, seen)
		}
		seen[a] = true
	}
	if n := s.FreeAddresses(sub); n != 0 {
		t.Errorf("%d addresses are free", n)
	}
	err := s.inTx(t.Context(), alice, func(tx *Tx) error { _, err := tx.CreateInterface(InterfaceSpec{Subnet: sub.ID}); return err })
	refused(t, err, NoFreeAddress)
	must(t, s.inTx(t.Context(), alice, func(tx *Tx) error { return tx.ReleaseInstance(last.Attachment.Instance) }))
	if got := launch(t, s, InterfaceSpec{Subnet: sub.ID}); got.Addresses[0].Private != last.Addresses[0].Private || got.MAC == last.MAC {
		t.Errorf("got %v, want the address of %v", got, last)
	}
	refused(t, s.DeleteSubnet(t.Context(), alice, sub.ID), DependencyViolation)
	audit(t, s)
}

func TestInterfacesRefused(t *testing.T) {
	s := open(t)
	sub := small(t, s)
	other := s.Subnets(alice)[0]
	if other.ID == sub.ID {
		other = s.Subnets(alice)[1]
	}
	launch(t, s, InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.25")})
	for name, c := range map[string]struct {
		spec InterfaceSpec
		code errs.Reason
	}{
		"malformed subnet":     {InterfaceSpec{Subnet: "subnet-1"}, "InvalidSubnetID.Malformed"},
		"absent subnet":        {InterfaceSpec{Subnet: "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"},
		"wrong zone":           {InterfaceSpec{Subnet: sub.ID, Zone: "us-east-1b"}, InvalidValue},
		"absent zone":          {InterfaceSpec{Zone: "us-east-1z"}, InvalidValue},
		"outside":              {InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.32")}, InvalidValue},
		"router's":             {InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.17")}, InvalidValue},
		"broadcast":            {InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.31")}, InvalidValue},
		"in use":               {InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.25")}, AddressInUse},
		"second in use":        {InterfaceSpec{Subnet: sub.ID, Secondary: []netip.Addr{addr("10.0.0.26"), addr("10.0.0.25")}}, AddressInUse},
		"twice":                {InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.26"), Secondary: []netip.Addr{addr("10.0.0.26")}}, AddressInUse},
		"too many":             {InterfaceSpec{Subnet: sub.ID, SecondaryN: 50}, LimitPrivateAddresses},
		"more than there are":  {InterfaceSpec{Subnet: sub.ID, SecondaryN: 11}, NoFreeAddress},
		"malformed group":      {InterfaceSpec{Subnet: sub.ID, Groups: []string{"web"}}, "InvalidGroupId.Malformed"},
		"absent group":         {InterfaceSpec{Subnet: sub.ID, Groups: []string{"sg-00000000000000000"}}, "InvalidGroup.NotFound"},
		"absent name":          {InterfaceSpec{Subnet: sub.ID, GroupNames: []string{"nobody"}}, "InvalidGroup.NotFound"},
		"group of another VPC": {InterfaceSpec{Subnet: sub.ID, Groups: []string{s.VPC(other.VPC).DefaultGroup}}, "InvalidParameter"},
	} {
		before := len(s.Interfaces(alice))
		err := s.inTx(t.Context(), alice, func(tx *Tx) error { _, err := tx.CreateInterface(c.spec); return err })
		if got := errs.ReasonOf(err); err == nil || got != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if len(s.Interfaces(alice)) != before {
			t.Errorf("%s: there is an interface more", name)
		}
	}
	audit(t, s)
}

// TestOneTransaction: a transaction sees what it did itself.
func TestOneTransaction(t *testing.T) {
	s := open(t)
	sub := small(t, s)
	must(t, s.inTx(t.Context(), alice, func(tx *Tx) error {
		seen := map[netip.Addr]bool{}
		for i := range 11 {
			nic, err := tx.CreateInterface(InterfaceSpec{Subnet: sub.ID, Attach: &Attach{Instance: ids.New(ids.Instance)}})
			if err != nil {
				return fmt.Errorf("interface %d: %w", i, err)
			}
			if seen[nic.Addresses[0].Private] {
				t.Errorf("%s is given twice", nic.Addresses[0].Private)
			}
			seen[nic.Addresses[0].Private] = true
		}
		return nil
	}))
	audit(t, s)
}

// TestAddressRace: many want one address, by two services on one store; one gets it. Then many want any address, and there
// are as many as there are addresses.
func TestAddressRace(t *testing.T) {
	st := openStore(t, newFS())
	a, b := openWith(t, config(st)), openWith(t, config(st))
	must(t, a.Ensure(t.Context(), alice))
	sub := small(t, a)
	must(t, b.CatchUp(t.Context()))
	race := func(n int, spec InterfaceSpec) (won int, codes map[errs.Reason]int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		codes = map[errs.Reason]int{}
		for i := range n {
			wg.Go(func() {
				err := []*Service{a, b}[i%2].inTx(t.Context(), alice, func(tx *Tx) error { _, err := tx.CreateInterface(spec); return err })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else {
					codes[errs.ReasonOf(err)]++
				}
			})
		}
		wg.Wait()
		return won, codes
	}
	if won, codes := race(16, InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.20")}); won != 1 || codes[AddressInUse] != 15 {
		t.Errorf("%d got the address, the others %v", won, codes)
	}
	if won, codes := race(24, InterfaceSpec{Subnet: sub.ID}); won != 10 || codes[NoFreeAddress] != 14 {
		t.Errorf("%d got an address, the others %v", won, codes)
	}
	audit(t, a)
	audit(t, b)
}

func TestPublicAddresses(t *testing.T) {
	c := config(openStore(t, newFS()))
	c.PublicPool = []netip.Prefix{netip.MustParsePrefix("100.65.0.0/30")} // two addresses
	s := openWith(t, c)
	ctx := t.Context()
	first, second := launch(t, s, InterfaceSpec{}), launch(t, s, InterfaceSpec{})
	if !first.Addresses[0].Public.IsValid() || first.Addresses[0].Public == second.Addresses[0].Public {
		t.Fatalf("public addresses %v and %v", first.Addresses, second.Addresses)
	}
	err := s.inTx(ctx, alice, func(tx *Tx) error {
		_, err := tx.CreateInterface(InterfaceSpec{Attach: &Attach{Instance: ids.New(ids.Instance)}})
		return err
	})
	refused(t, err, NoPublicAddress)
	// Stopped, it gives its address up; started, it takes one.
	stop := func(nic *Interface) error {
		return s.inTx(ctx, alice, func(tx *Tx) error { return tx.StopInstance(nic.Attachment.Instance) })
	}
	start := func(nic *Interface) error {
		return s.inTx(ctx, alice, func(tx *Tx) error { return tx.StartInstance(nic.Attachment.Instance) })
	}
	must(t, stop(first))
	must(t, stop(first))
	if s.Interface(first.ID).Addresses[0].Public.IsValid() {
		t.Error("a stopped instance has a public address")
	}
	e, err := s.AllocateAddress(ctx, alice, nil)
	must(t, err)
	refused(t, start(first), NoPublicAddress)
	// An Elastic IP takes the place of an automatic address, which is free then; it survives a stop.
	_, err = s.AssociateAddress(ctx, alice, AssociateSpec{Allocation: e.Allocation, Instance: second.Attachment.Instance})
	must(t, err)
	must(t, start(first))
	must(t, stop(second))
	if got := s.Interface(second.ID).Addresses[0]; got.Public != e.Public || got.Allocation != e.Allocation {
		t.Errorf("the stopped instance has %v, want its Elastic IP", got)
	}
	audit(t, s)
	refused(t, s.ReleaseAddress(ctx, alice, e.Allocation), AddressInUse)
	for range 2 { // twice is once
		must(t, s.inTx(ctx, alice, func(tx *Tx) error { return tx.ReleaseInstance(second.Attachment.Instance) }))
	}
	must(t, s.ReleaseAddress(ctx, alice, e.Allocation))
	refused(t, s.ReleaseAddress(ctx, alice, e.Allocation), "InvalidAllocationID.NotFound")
	if s.Interface(second.ID) != nil {
		t.Error("the interface of a terminated instance is still there")
	}
	gw := s.Gateways(alice)[0]
	refused(t, s.DetachGateway(ctx, alice, gw.ID, gw.VPC), DependencyViolation) // first has a public address
	must(t, stop(first))
	must(t, s.DetachGateway(ctx, alice, gw.ID, gw.VPC))
	if d := s.Desired([]string{first.ID}); d.VPCs[0].Subnets[0].Internet {
		t.Error("without a gateway there is a way out")
	}
	audit(t, s)
}

func TestElasticIPs(t *testing.T) {
	s, ctx := open(t), t.Context()
	sub := small(t, s)
	one := launch(t, s, InterfaceSpec{Subnet: sub.ID, SecondaryN: 1})
	two := launch(t, s, InterfaceSpec{Subnet: sub.ID})
	e, err := s.AllocateAddress(ctx, alice, nil)
	must(t, err)
	to := AssociateSpec{Allocation: e.Allocation, Interface: one.ID, Private: one.Addresses[1].Private}
	first, err := s.AssociateAddress(ctx, alice, to)
	must(t, err)
	again, err := s.AssociateAddress(ctx, alice, to)
	must(t, err)
	if again != first {
		t.Errorf("associating again made %s of %s", again, first)
	}
	to = AssociateSpec{Allocation: e.Allocation, Interface: two.ID}
	_, err = s.AssociateAddress(ctx, alice, to)
	refused(t, err, AlreadyAssociated)
	to.Reassociate = true
	moved, err := s.AssociateAddress(ctx, alice, to)
	must(t, err)
	if got := s.Interface(one.ID).Addresses[1]; got.Public.IsValid() {
		t.Errorf("the address is still at %v", got)
	}
	audit(t, s)
	refused(t, s.DisassociateAddress(ctx, alice, first), "InvalidAssociationID.NotFound")
	refused(t, s.DisassociateAddress(ctx, bob, moved), "InvalidAssociationID.NotFound")
	must(t, s.DisassociateAddress(ctx, alice, moved))
	for name, c := range map[string]struct {
		spec AssociateSpec
		code errs.Reason
	}{
		"absent allocation":    {AssociateSpec{Allocation: "eipalloc-00000000000000000", Interface: one.ID}, "InvalidAllocationID.NotFound"},
		"malformed allocation": {AssociateSpec{Allocation: "eipalloc", Interface: one.ID}, "InvalidAllocationID.Malformed"},
		"absent interface":     {AssociateSpec{Allocation: e.Allocation, Interface: "eni-00000000000000000"}, "InvalidNetworkInterfaceID.NotFound"},
		"absent instance":      {AssociateSpec{Allocation: e.Allocation, Instance: "i-00000000000000000"}, "InvalidInstanceID.NotFound"},
		"no such address":      {AssociateSpec{Allocation: e.Allocation, Interface: one.ID, Private: addr("10.9.9.9")}, InvalidValue},
	} {
		if _, err := s.AssociateAddress(ctx, alice, c.spec); err == nil || errs.ReasonOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	for range 4 {
		_, err := s.AllocateAddress(ctx, alice, nil)
		must(t, err)
	}
	_, err = s.AllocateAddress(ctx, alice, nil)
	refused(t, err, LimitAddresses)
	audit(t, s)
}

func TestInterfaceOperations(t *testing.T) {
	s, ctx := open(t), t.Context()
	sub := small(t, s)
	vpc := s.VPC(sub.VPC)
	tok := idem.Token{Account: alice, Action: "CreateNetworkInterface", Token: "once", Hash: [32]byte{1}}
	nic, err := s.CreateInterface(ctx, alice, InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.21"), Description: "d"}, tok)
	must(t, err)
	same, err := s.CreateInterface(ctx, alice, InterfaceSpec{Subnet: sub.ID, Private: addr("10.0.0.21"), Description: "d"}, tok)
	must(t, err)
	if same.ID != nic.ID || nic.Addresses[0].Public.IsValid() || nic.Attachment != nil {
		t.Errorf("made %+v and %+v", nic, same)
	}
	tok.Hash = [32]byte{2}
	_, err = s.CreateInterface(ctx, alice, InterfaceSpec{Subnet: sub.ID}, tok)
	refused(t, err, idem.ParameterMismatch)

	g, err := s.CreateGroup(ctx, alice, GroupSpec{VPC: vpc.ID, Name: "web", Description: "d"})
	must(t, err)
	must(t, s.ModifyInterface(ctx, alice, nic.ID, InterfaceChange{Groups: []string{g.ID}, Description: new("e"), SourceDestCheck: new(false)}))
	refused(t, s.DeleteGroup(ctx, alice, g.ID), DependencyViolation)
	refused(t, s.ModifyInterface(ctx, alice, nic.ID, InterfaceChange{Groups: []string{s.DefaultVPC(alice).DefaultGroup}}), "InvalidParameter")
	refused(t, s.ModifyInterface(ctx, bob, nic.ID, InterfaceChange{Description: new("x")}), "InvalidNetworkInterfaceID.NotFound")
	audit(t, s)

	added, err := s.AssignAddresses(ctx, alice, nic.ID, []netip.Addr{addr("10.0.0.22")}, 2, false)
	must(t, err)
	other, err := s.CreateInterface(ctx, alice, InterfaceSpec{Subnet: sub.ID}, idem.Token{})
	must(t, err)
	_, err = s.AssignAddresses(ctx, alice, other.ID, added[:1], 0, false)
	refused(t, err, AddressInUse)
	_, err = s.AssignAddresses(ctx, alice, other.ID, added[:1], 0, true)
	must(t, err)
	_, err = s.AssignAddresses(ctx, alice, other.ID, []netip.Addr{s.Interface(nic.ID).Addresses[0].Private}, 0, true)
	refused(t, err, AddressInUse) // primary addresses do not move
	refused(t, s.UnassignAddresses(ctx, alice, nic.ID, added[:1]), InvalidValue)
	refused(t, s.UnassignAddresses(ctx, alice, nic.ID, []netip.Addr{s.Interface(nic.ID).Addresses[0].Private}), InvalidValue)
	must(t, s.UnassignAddresses(ctx, alice, nic.ID, added[1:]))
	audit(t, s)

	instance := ids.New(ids.Instance)
	attach := func(id string) error {
		return s.inTx(ctx, alice, func(tx *Tx) error { _, err := tx.Attach(id, Attach{Instance: instance}); return err })
	}
	must(t, attach(nic.ID))
	refused(t, attach(nic.ID), InterfaceInUse)
	refused(t, s.DeleteInterface(ctx, alice, nic.ID), InvalidValue)
	must(t, s.inTx(ctx, alice, func(tx *Tx) error { return tx.ReleaseInstance(instance) }))
	if got := s.Interface(nic.ID); got == nil || got.Attachment != nil {
		t.Errorf("after its instance went: %+v", got)
	}
	must(t, s.DeleteInterface(ctx, alice, nic.ID))
	must(t, s.DeleteInterface(ctx, alice, other.ID))
	must(t, s.DeleteGroup(ctx, alice, g.ID))
	must(t, s.DeleteSubnet(ctx, alice, sub.ID))
	audit(t, s)
}
