package network

import (
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestDefaultVPC(t *testing.T) {
	s := open(t)
	vpc := s.DefaultVPC(alice)
	if vpc == nil || vpc.CIDRs[0].CIDR.String() != "172.31.0.0/16" || !vpc.Default || !vpc.DNSHostnames || !vpc.DNSSupport {
		t.Fatalf("default VPC is %+v", vpc)
	}
	subs := s.Subnets(alice)
	if len(subs) != 2 {
		t.Fatalf("%d subnets", len(subs))
	}
	for _, sub := range subs {
		if !sub.DefaultForZone || !sub.MapPublicIP || sub.CIDR.Bits() != 20 || s.FreeAddresses(sub) != 4091 {
			t.Errorf("subnet %+v has %d free addresses", sub, s.FreeAddresses(sub))
		}
	}
	nic := launch(t, s, InterfaceSpec{})
	if nic.Groups[0] != vpc.DefaultGroup || !nic.Addresses[0].Public.IsValid() || nic.Zone != "us-east-1a" {
		t.Errorf("interface %+v", nic)
	}
	d := s.Desired([]string{nic.ID, "eni-0"})
	if len(d.VPCs) != 1 || len(d.VPCs[0].Subnets) != 2 || !d.VPCs[0].Subnets[0].Internet || len(d.VPCs[0].Groups) != 1 ||
		len(d.VPCs[0].Groups[0].Members) != 1 || d.VPCs[0].DHCP == nil {
		t.Errorf("desired: %+v", d)
	}
	audit(t, s)
}

// TestDefaultVPCRace: many first calls of an account, by two services on one store, make one default VPC.
func TestDefaultVPCRace(t *testing.T) {
	st := openStore(t, vfs.NewMem())
	a, b := openWith(t, config(st)), openWith(t, config(st))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			if err := []*Service{a, b}[i%2].Ensure(t.Context(), alice); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range []*Service{a, b} {
		must(t, s.CatchUp(t.Context()))
		if n := len(s.VPCs(alice)); n != 1 || s.DefaultVPC(alice) == nil {
			t.Errorf("%d VPCs", n)
		}
		audit(t, s)
	}
}

func TestDefaultVPCDeletedAndMadeAnew(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	_, err := s.CreateDefaultVPC(ctx, alice)
	refused(t, err, DefaultVPCExists)
	vpc := s.DefaultVPC(alice)
	refused(t, s.DeleteVPC(ctx, alice, vpc.ID), DependencyViolation)
	refused(t, s.DeleteVPC(ctx, bob, vpc.ID), "InvalidVpcID.NotFound")
	for _, sub := range s.Subnets(alice) {
		must(t, s.DeleteSubnet(ctx, alice, sub.ID))
	}
	_, err = s.CreateDefaultSubnet(ctx, alice, "us-east-1c")
	refused(t, err, InvalidValue)
	sub, err := s.CreateDefaultSubnet(ctx, alice, "us-east-1b")
	must(t, err)
	if sub.CIDR.String() != "172.31.0.0/20" || !sub.DefaultForZone {
		t.Errorf("subnet %+v", sub)
	}
	_, err = s.CreateDefaultSubnet(ctx, alice, "us-east-1b")
	refused(t, err, DefaultSubnetExists)
	must(t, s.DeleteSubnet(ctx, alice, sub.ID))
	for _, gw := range s.Gateways(alice) {
		must(t, s.DetachGateway(ctx, alice, gw.ID, vpc.ID))
		must(t, s.DeleteGateway(ctx, alice, gw.ID))
	}
	must(t, s.DeleteVPC(ctx, alice, vpc.ID))
	audit(t, s)
	must(t, s.Ensure(ctx, alice)) // does not bring it back
	if s.DefaultVPC(alice) != nil {
		t.Fatal("the deleted default VPC is back")
	}
	_, err = s.CreateGroup(ctx, alice, GroupSpec{Name: "web", Description: "d"})
	refused(t, err, NoDefaultVPC)
	err = s.inTx(ctx, alice, func(tx *Tx) error { _, err := tx.CreateInterface(InterfaceSpec{}); return err })
	refused(t, err, NoDefaultVPC)
	again, err := s.CreateDefaultVPC(ctx, alice)
	must(t, err)
	if again.ID == vpc.ID || len(s.Subnets(alice)) != 2 {
		t.Errorf("made anew: %+v", again)
	}
	audit(t, s)
}

// TestRestart: another service on the same store sees the same.
func TestRestart(t *testing.T) {
	fs := vfs.NewMem()
	st := openStore(t, fs)
	s := openWith(t, config(st))
	must(t, s.Ensure(t.Context(), alice))
	nic := launch(t, s, InterfaceSpec{})
	s.Close()
	must(t, st.Close())

	again := openStore(t, fs)
	s = openWith(t, config(again))
	got := s.Interface(nic.ID)
	if got == nil || got.MAC != nic.MAC || got.Addresses[0] != nic.Addresses[0] || !got.Created.Equal(nic.Created) {
		t.Fatalf("after the restart: %+v, want %+v", got, nic)
	}
	audit(t, s)
}
