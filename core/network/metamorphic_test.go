package network

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/storage/kv"
)

var rounds = flag.Int("network.rounds", 6, "rounds of the metamorphic test")

// TestMetamorphic lets several clients of two services do whatever comes to mind, in one account, and audits the rows after
// each round: every address belongs to whoever says so, every counter is what it counts, nothing names what is gone. What
// fails may fail for EC2's reasons only.
func TestMetamorphic(t *testing.T) {
	c := config(slow{openStore(t, newFS())})
	c.Limits.GroupsPerVPC, c.Limits.Interfaces, c.Limits.RulesPerGroup, c.Limits.VPCs = 12, 30, 8, 3
	c.PublicPool = []netip.Prefix{netip.MustParsePrefix("100.65.0.0/28")}
	a, b := openWith(t, c), openWith(t, c)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	done := map[string]int{}
	for round := range *rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for client := range 4 {
			wg.Go(func() {
				w := &walker{t: t, s: []*Service{a, b}[client%2], r: rand.New(rand.NewPCG(seed, uint64(round*4+client)))}
				for range 60 {
					name, err := w.step()
					if errs.KindOf(err) == errs.Internal && err != nil {
						t.Errorf("%s: %v", name, err)
					}
					mu.Lock()
					done[name+"|"+string(errs.ReasonOf(err))]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		audit(t, a)
		audit(t, b)
		if t.Failed() {
			return
		}
	}
	succeeded := map[string]bool{}
	for what, n := range done {
		if name, code, _ := strings.Cut(what, "|"); code == "" && n > 0 {
			succeeded[name] = true
		}
	}
	if len(succeeded) < 20 {
		t.Errorf("only %v succeeded, in %v", succeeded, done)
	}
}

// slow lets time pass between a decision and its commit, so that many are stale.
type slow struct{ kv.Store }

func (s slow) Commit(ctx context.Context, sh kv.Shard, b *kv.Batch) (kv.Result, error) {
	time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
	return s.Store.Commit(ctx, sh, b)
}

// walker is a client.
type walker struct {
	t *testing.T
	s *Service
	r *rand.Rand
}

func one[T any](w *walker, list []*T) *T {
	if len(list) == 0 {
		return new(T)
	}
	return list[w.r.IntN(len(list))]
}

type step struct {
	name string
	do   func() error
}

func (w *walker) step() (string, error) {
	steps := w.steps()
	s := steps[w.r.IntN(len(steps))]
	return s.name, s.do()
}

func (w *walker) spec() RuleSpec {
	port := w.r.IntN(3)
	if w.r.IntN(2) == 0 {
		return RuleSpec{Protocol: "tcp", From: &port, To: &port, Group: one(w, w.s.Groups(alice)).ID}
	}
	return tcp(port, port, []string{"0.0.0.0/0", "10.0.0.0/8"}[w.r.IntN(2)])
}

func (w *walker) tx(do func(*Tx) error) error {
	if err := w.s.Ensure(w.t.Context(), alice); err != nil {
		return err
	}
	return w.s.inTx(w.t.Context(), alice, do)
}

func (w *walker) steps() []step {
	s, ctx := w.s, w.t.Context()
	nic, sub, group, vpc := one(w, s.Interfaces(alice)), one(w, s.Subnets(alice)), one(w, s.Groups(alice)), one(w, s.VPCs(alice))
	gw, e, table := one(w, s.Gateways(alice)), one(w, s.ElasticIPs(alice)), one(w, s.RouteTables(alice))
	instance := ids.New(ids.Instance)
	if nic.Attachment != nil {
		instance = nic.Attachment.Instance
	}
	var groups []string // few, so that clients meet
	for _, g := range s.Groups(alice) {
		if g.VPC == sub.VPC && g.Name != defaultGroupName && w.r.IntN(2) == 0 {
			groups = []string{g.ID}
		}
	}
	launch := func() error {
		return w.tx(func(tx *Tx) error {
			for range 1 + w.r.IntN(3) {
				if _, err := tx.CreateInterface(InterfaceSpec{Subnet: sub.ID, Groups: groups, Attach: &Attach{Instance: ids.New(ids.Instance), DeleteOnTermination: w.r.IntN(3) > 0}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return []step{
		{"launch", launch},
		{"launch", launch},
		{"terminate", func() error { return w.tx(func(tx *Tx) error { return tx.ReleaseInstance(instance) }) }},
		{"stop", func() error { return w.tx(func(tx *Tx) error { return tx.StopInstance(instance) }) }},
		{"start", func() error { return w.tx(func(tx *Tx) error { return tx.StartInstance(instance) }) }},
		{"attach", func() error {
			return w.tx(func(tx *Tx) error { _, err := tx.Attach(nic.ID, Attach{Instance: instance}); return err })
		}},
		{"create interface", func() error {
			_, err := s.CreateInterface(ctx, alice, InterfaceSpec{Subnet: sub.ID, SecondaryN: w.r.IntN(2)}, idem.Token{})
			return err
		}},
		{"delete interface", func() error { return s.DeleteInterface(ctx, alice, nic.ID) }},
		{"modify interface", func() error {
			return s.ModifyInterface(ctx, alice, nic.ID, InterfaceChange{Groups: []string{group.ID}})
		}},
		{"assign", func() error { _, err := s.AssignAddresses(ctx, alice, nic.ID, nil, 1, false); return err }},
		{"unassign", func() error {
			if len(nic.Addresses) == 0 {
				return nil
			}
			return s.UnassignAddresses(ctx, alice, nic.ID, []netip.Addr{nic.Addresses[len(nic.Addresses)-1].Private})
		}},
		{"create group", func() error {
			_, err := s.CreateGroup(ctx, alice, GroupSpec{VPC: vpc.ID, Name: fmt.Sprint("g", w.r.IntN(2)), Description: "d"})
			return err
		}},
		{"delete group", func() error { return s.DeleteGroup(ctx, alice, group.ID) }},
		{"delete group", func() error { return s.DeleteGroup(ctx, alice, group.ID) }},
		{"authorize", func() error {
			_, err := s.Authorize(ctx, alice, group.ID, false, []RuleSpec{w.spec()}, nil)
			return err
		}},
		{"revoke", func() error { _, err := s.Revoke(ctx, alice, group.ID, false, []RuleSpec{w.spec()}, nil); return err }},
		{"modify rule", func() error {
			i := slices.IndexFunc(group.Rules, func(r Rule) bool { return !r.Egress })
			if i < 0 {
				return nil
			}
			return s.ModifyRules(ctx, alice, group.ID, []RuleChange{{group.Rules[i].ID, w.spec()}})
		}},
		{"create VPC", func() error {
			_, err := s.CreateVPC(ctx, alice, VPCSpec{CIDR: netip.MustParsePrefix("10.0.0.0/16")})
			return err
		}},
		{"delete VPC", func() error { return s.DeleteVPC(ctx, alice, vpc.ID) }},
		{"create subnet", func() error {
			_, err := s.CreateSubnet(ctx, alice, SubnetSpec{VPC: vpc.ID, CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(16 * w.r.IntN(4))}), 28)})
			return err
		}},
		{"delete subnet", func() error { return s.DeleteSubnet(ctx, alice, sub.ID) }},
		{"move gateway", func() error {
			if gw.VPC != "" {
				return s.DetachGateway(ctx, alice, gw.ID, gw.VPC)
			}
			return s.AttachGateway(ctx, alice, gw.ID, vpc.ID)
		}},
		{"allocate", func() error { _, err := s.AllocateAddress(ctx, alice, nil); return err }},
		{"release", func() error { return s.ReleaseAddress(ctx, alice, e.Allocation) }},
		{"associate", func() error {
			_, err := s.AssociateAddress(ctx, alice, AssociateSpec{Allocation: e.Allocation, Interface: nic.ID, Reassociate: w.r.IntN(2) == 0})
			return err
		}},
		{"create table", func() error { _, err := s.CreateRouteTable(ctx, alice, vpc.ID, nil, idem.Token{}); return err }},
		{"delete table", func() error { return s.DeleteRouteTable(ctx, alice, table.ID) }},
		{"associate table", func() error {
			if sub.RouteAssociate != "" {
				if w.r.IntN(2) == 0 {
					return s.DisassociateRouteTable(ctx, alice, sub.RouteAssociate)
				}
				_, err := s.ReplaceTableAssociation(ctx, alice, sub.RouteAssociate, table.ID)
				return err
			}
			if w.r.IntN(4) == 0 && vpc.MainAssociate != "" {
				_, err := s.ReplaceTableAssociation(ctx, alice, vpc.MainAssociate, table.ID)
				return err
			}
			_, err := s.AssociateRouteTable(ctx, alice, table.ID, sub.ID)
			return err
		}},
	}
}
