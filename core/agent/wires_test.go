package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

const account = "111111111111"

// plan is a cloud's network with an agent that looks after nothing else.
type plan struct {
	testing.TB
	*Agent
	store kv.Store
	nets  *network.Service
	group string
}

func newPlan(tb testing.TB, host HostNetwork) *plan {
	tb.Helper()
	store, err := local.Open(local.Default(tb.TempDir()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	limits := network.DefaultLimits()
	limits.GroupsPerVPC = 10_000
	nets, err := network.Open(tb.Context(), network.Config{Store: store, Region: "us-east-1", Limits: limits,
		Zones: []network.Zone{{Name: "us-east-1a", ID: "use1-az1"}, {Name: "us-east-1b", ID: "use1-az2"}}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nets.Close)
	a := &Agent{cfg: Config{Network: nets}, log: slog.New(slog.DiscardHandler), net: host, life: tb.Context()}
	tb.Cleanup(a.work.Wait)
	a.wires.on, a.wires.applied = map[string]bool{}, map[string]*appliedVPC{}
	p := &plan{tb, a, store, nets, ""}
	p.must(nets.Ensure(tb.Context(), account))
	g, err := nets.CreateGroup(tb.Context(), account, network.GroupSpec{Name: "g", Description: "g"})
	p.must(err)
	p.group = g.ID
	return p
}

func (p *plan) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// launch makes the interfaces of n instances, in some zone, each in the groups that are given. It returns the instances.
func (p *plan) launch(n int, zone string, groups ...string) []string {
	p.Helper()
	var instances []string
	for len(instances) < n {
		b := &kv.Batch{}
		tx := p.nets.Begin(b, account)
		for range min(100, n-len(instances)) {
			id := ids.New(ids.Instance)
			_, err := tx.CreateInterface(network.InterfaceSpec{Zone: zone, Groups: groups, AutoPublic: new(false),
				Attach: &network.Attach{Instance: id, DeleteOnTermination: true}})
			p.must(err)
			instances = append(instances, id)
		}
		tx.Flush()
		res, err := p.store.Commit(p.Context(), kv.Control, b)
		p.must(err)
		p.must(p.nets.Await(p.Context(), res.Index))
	}
	return instances
}

// allow adds a rule to a group.
func (p *plan) allow(group string, port int) {
	p.Helper()
	_, err := p.nets.Authorize(p.Context(), account, group, false, []network.RuleSpec{{Protocol: "tcp", From: &port, To: &port, IPv4: "0.0.0.0/0"}}, nil)
	p.must(err)
}

// recorder is a host's network that notes what it is told.
type recorder struct {
	HostNetwork
	mu      sync.Mutex
	fail    error
	hold    chan struct{} // an application waits for it
	entered chan struct{}
	applied []netfw.Network
	removed []string
}

func (r *recorder) Apply(ctx context.Context, n netfw.Network) error {
	if r.entered != nil {
		r.entered <- struct{}{}
		select {
		case <-r.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.applied = append(r.applied, n)
	return nil
}

func (r *recorder) Remove(_ context.Context, id string) error {
	r.removed = append(r.removed, id)
	return nil
}

func (r *recorder) Sweep(context.Context) ([]netfw.Leftover, error) { return nil, nil }

func (r *recorder) last() netfw.Network { return r.applied[len(r.applied)-1] }

// The host's network is told what changed, all of it and once.
func TestWires(t *testing.T) {
	r := &recorder{}
	p := newPlan(t, r)
	ctx := t.Context()
	apply := func(flip map[string]bool, calls int) {
		t.Helper()
		before := len(r.applied)
		p.must(p.apply(ctx, flip))
		if n := len(r.applied) - before; n != calls {
			t.Errorf("applied %d times, want %d", n, calls)
		}
	}
	i := p.launch(3, "", p.group)
	apply(nil, 0)
	apply(map[string]bool{i[0]: true, i[1]: true}, 1)
	if n := r.last(); len(n.Interfaces) != 2 || len(n.Groups) != 1 || len(n.Groups[0].Remote) != 1 {
		t.Fatalf("%d interfaces, groups %v", len(n.Interfaces), n.Groups)
	}
	apply(map[string]bool{i[0]: true}, 0)
	p.allow(p.group, 80)
	apply(nil, 1)
	apply(nil, 0)
	if in := r.last().Groups[0].Ingress; len(in) != 1 || in[0].From != 80 {
		t.Errorf("rules %v", in)
	}
	// One that is on another host is a remote member, and none when it comes here.
	apply(map[string]bool{i[2]: true}, 1)
	if n := r.last(); len(n.Interfaces) != 3 || len(n.Groups[0].Remote) != 0 || !slices.IsSortedFunc(n.Interfaces, func(a, b netfw.Interface) int {
		return slices.Compare([]byte(a.ID), []byte(b.ID))
	}) {
		t.Errorf("%d interfaces, groups %v", len(n.Interfaces), n.Groups)
	}
	// Another address shows, though all else of the interface is said as before.
	nic := p.nets.InterfacesOf(i[0])[0]
	before := r.last()
	p.must(p.nets.ModifyInterface(ctx, account, nic.ID, network.InterfaceChange{SourceDestCheck: new(false)}))
	apply(nil, 1)
	for k, n := range r.last().Interfaces {
		if n.AnySource != (n.ID == nic.ID) || n.Addresses[0] != before.Interfaces[k].Addresses[0] || n.Addresses[0].IP == (netip.Addr{}) {
			t.Errorf("%+v", n)
		}
	}

	r.fail = errors.New("no")
	if err := p.apply(ctx, map[string]bool{i[2]: false}); !errors.Is(err, r.fail) {
		t.Errorf("a failure is told as %v", err)
	}
	r.fail = nil
	apply(nil, 1) // what failed is tried again though nothing changed
	apply(map[string]bool{i[0]: false, i[1]: false}, 0)
	if len(r.removed) != 1 {
		t.Errorf("removed %v", r.removed)
	}
}

// Who waits for an application is served by the next one, together with the others.
func TestWiresTogether(t *testing.T) {
	r := &recorder{hold: make(chan struct{}), entered: make(chan struct{})}
	p := newPlan(t, r)
	i := p.launch(9, "", p.group)
	var work sync.WaitGroup
	join := func(id string) {
		work.Go(func() {
			if err := p.apply(t.Context(), map[string]bool{id: true}); err != nil {
				t.Error(err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.last().Interfaces) < 2 && id != i[0] {
				t.Errorf("%s is told that it is on the network, which it is not", id)
			}
		})
	}
	join(i[0])
	<-r.entered
	for _, id := range i[1:] {
		join(id)
	}
	for joined := 0; joined < 8; { // all wait for the turn after the one that runs
		p.wires.next.Lock()
		if p.wires.next.turn != nil {
			joined = len(p.wires.next.turn.flips)
		}
		p.wires.next.Unlock()
	}
	r.hold <- struct{}{}
	<-r.entered
	r.hold <- struct{}{}
	work.Wait()
	if len(r.applied) != 2 || len(r.last().Interfaces) != 9 {
		t.Errorf("applied %d times, %d interfaces at last", len(r.applied), len(r.last().Interfaces))
	}
}

// Whoever gives up waiting for an application, were it the one that it was begun for, does not spoil it for the others.
func TestWiresOutliveWhoAsked(t *testing.T) {
	r := &recorder{hold: make(chan struct{}), entered: make(chan struct{})}
	p := newPlan(t, r)
	i := p.launch(2, "", p.group)
	asked, giveUp := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- p.apply(asked, map[string]bool{i[0]: true}) }()
	<-r.entered
	go func() { second <- p.apply(asked, map[string]bool{i[1]: true}) }() // begins the next turn
	third := make(chan error, 1)
	for joined := false; !joined; {
		p.wires.next.Lock()
		joined = p.wires.next.turn != nil
		p.wires.next.Unlock()
	}
	go func() { third <- p.apply(t.Context(), map[string]bool{i[1]: true}) }()
	giveUp()
	for _, gaveUp := range []chan error{first, second} {
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up is told %v", err)
		}
	}
	r.hold <- struct{}{}
	<-r.entered
	r.hold <- struct{}{}
	if err := <-third; err != nil {
		t.Errorf("who waited is told %v", err)
	}
	if n := r.last(); len(n.Interfaces) != 2 {
		t.Errorf("%d interfaces are on the network, want both", len(n.Interfaces))
	}
}

// BenchmarkRuleOfMany is what a rule of a group that all are in takes from the call that makes it until the kernel has it, with
// taps in a namespace behind their firewall, and what a rule of one does.
func BenchmarkRuleOfMany(b *testing.B) {
	for _, many := range []int{2000, 5000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			host, err := netfw.Open(b.Context(), netfw.Config{Prefix: "bw", Isolated: true})
			if err != nil {
				b.Fatal(err)
			}
			p := newPlan(b, host)
			b.Cleanup(func() {
				p.must(host.Remove(context.Background(), p.nets.Groups(account)[0].VPC))
				_, err := host.Sweep(context.Background())
				p.must(err)
				p.must(host.Close())
			})
			own, err := p.nets.CreateGroup(b.Context(), account, network.GroupSpec{Name: "own", Description: "of one"})
			p.must(err)
			instances := p.launch(many/2, "us-east-1a", p.group)
			instances = append(instances, p.launch(many-many/2-1, "us-east-1b", p.group)...)
			one := p.launch(1, "us-east-1a", p.group, own.ID)[0]
			flip := map[string]bool{one: true}
			for _, id := range instances {
				flip[id] = true
			}
			p.must(p.apply(b.Context(), flip))
			for id := range flip {
				e := p.nets.InterfacesOf(id)[0]
				_, err := host.PrepareTap(b.Context(), e.VPC, e.ID)
				p.must(err)
				p.must(host.Plug(b.Context(), e.VPC, e.ID))
			}
			follow, stop := context.WithCancel(b.Context())
			var work sync.WaitGroup
			work.Go(func() { p.followNetwork(follow) })
			defer func() { stop(); work.Wait() }()
			settled := func() {
				for {
					p.wires.mu.Lock()
					done := p.wires.version == p.nets.Version()
					p.wires.mu.Unlock()
					if done {
						return
					}
					time.Sleep(20 * time.Microsecond)
				}
			}
			for name, group := range map[string]string{"all": p.group, "one": own.ID} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						p.allow(group, 80)
						settled()
						b.StopTimer()
						port := 80
						_, err := p.nets.Revoke(b.Context(), account, group, false, []network.RuleSpec{{Protocol: "tcp", From: &port, To: &port, IPv4: "0.0.0.0/0"}}, nil)
						p.must(err)
						settled()
						b.StartTimer()
					}
				})
			}
			joins := p.nets.InterfacesOf(instances[0])[0]
			b.Run("member", func(b *testing.B) {
				for k := 0; b.Loop(); k++ {
					groups := [][]string{{p.group, own.ID}, {p.group}}[k%2]
					p.must(p.nets.ModifyInterface(b.Context(), account, joins.ID, network.InterfaceChange{Groups: groups}))
					settled()
				}
			})
		})
	}
}
