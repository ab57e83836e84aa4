package agent

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/netfw"
)

// wires is what the agent knows of the host's network: which instances have to be on it, and what was applied for them.
type wires struct {
	mu      sync.Mutex // held while a network is applied
	on      map[string]bool
	applied map[string]*appliedVPC
	version uint64 // of the cloud's network that was applied last; 0 when that failed

	next struct {
		sync.Mutex
		turn *turn // what the next application takes along; nil: nothing yet
	}
}

// A turn is one application of the network, for all who waited for the one before to end. It is the agent's own: that one of
// those who wait gives up is nothing to the others.
type turn struct {
	flips []map[string]bool // instance -> whether it is on the network
	done  chan struct{}     // closed when it is over
	err   error             // read it after that
}

// appliedVPC is what was applied for a VPC, and what it was made of: records that are replaced when they change, never altered,
// so that the same pointers mean the same network.
type appliedVPC struct {
	desired network.DesiredVPC
	network netfw.Network
}

// gather is how long changes of the network are gathered before they are applied, when there was one just before.
const gather = 10 * time.Millisecond

// followNetwork applies changes of the network, such as rules of groups, to what is on this host.
func (a *Agent) followNetwork(ctx context.Context) {
	if a.net == nil {
		return
	}
	for {
		changed := a.cfg.Network.Changed()
		if err := a.apply(ctx, nil); err != nil && ctx.Err() == nil {
			a.log.Error("the network is not yet as it should be; trying again", "error", err)
			if !sleep(ctx, time.Second) {
				return
			}
			continue
		}
		applied := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if wait := gather - time.Since(applied); wait > 0 && !sleep(ctx, wait) {
			return
		}
	}
}

// apply makes the host's network what it should be, after putting instances on it or taking them off. Many who come at a time
// are served together: what an application costs does not depend on how many there are. What was asked for is done even if
// whoever asked does not wait for it until the end of ctx.
func (a *Agent) apply(ctx context.Context, flip map[string]bool) error {
	if a.net == nil {
		return nil
	}
	w := &a.wires
	w.next.Lock()
	t := w.next.turn
	if t == nil {
		t = &turn{done: make(chan struct{})}
		w.next.turn = t
		a.work.Go(func() { a.takeTurn(t) })
	}
	t.flips = append(t.flips, flip)
	w.next.Unlock()

	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeTurn applies the next turn once the one before is over. Only the end of the agent cuts it off.
func (a *Agent) takeTurn(t *turn) {
	w := &a.wires
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next.Lock()
	w.next.turn = nil // who comes from now on waits for the one after
	w.next.Unlock()
	t.err = a.applyTurn(a.life, t)
	close(t.done)
}

// applyTurn applies what differs from before. wires.mu is held.
func (a *Agent) applyTurn(ctx context.Context, t *turn) error {
	w := &a.wires
	same := true
	for _, flip := range t.flips {
		for id, on := range flip {
			same = same && w.on[id] == on
			if on {
				w.on[id] = true
			} else {
				delete(w.on, id)
			}
		}
	}
	version := a.cfg.Network.Version()
	if same && w.version == version {
		return nil
	}
	w.version = 0
	desired := a.cfg.Network.DesiredOf(maps.Keys(w.on))
	var errs []error
	present := map[string]bool{}
	for i := range desired.VPCs {
		d := &desired.VPCs[i]
		id := d.VPC.ID
		present[id] = true
		old := w.applied[id]
		if old != nil && old.desired.Same(d) {
			continue
		}
		n := a.translate(d, old)
		if err := a.net.Apply(ctx, n); err != nil {
			delete(w.applied, id)
			errs = append(errs, err)
			continue
		}
		w.applied[id] = &appliedVPC{*d, n}
	}
	for id := range maps.Clone(w.applied) {
		if present[id] {
			continue
		}
		if err := a.net.Remove(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(w.applied, id)
		if len(w.applied) == 0 { // what all networks share goes with the last
			_, err := a.net.Sweep(ctx)
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	if err == nil {
		w.version = version
	}
	return err
}

// prepareTaps puts the interfaces of an instance on the network and makes their taps, for the machine to open.
func (a *Agent) prepareTaps(ctx context.Context, id string, spec *hypervisor.Spec) error {
	// What fails for others does not matter here: what fails for this instance shows below.
	applied := a.apply(ctx, map[string]bool{id: true})
	for _, e := range a.cfg.Network.InterfacesOf(id) {
		tap, err := a.net.PrepareTap(ctx, e.VPC, e.ID)
		if err != nil {
			return errors.Join(err, applied)
		}
		spec.NICs = append(spec.NICs, hypervisor.NIC{Tap: tap, MAC: e.MAC})
	}
	return nil
}

// plug moves the taps of a paused machine behind their firewall.
func (a *Agent) plug(ctx context.Context, id string) error {
	if a.net == nil {
		return nil
	}
	applied := a.apply(ctx, map[string]bool{id: true})
	for _, e := range a.cfg.Network.InterfacesOf(id) {
		if err := a.net.Plug(ctx, e.VPC, e.ID); err != nil {
			return errors.Join(err, applied)
		}
	}
	return nil
}

// unplug takes the interfaces of an instance off the network, with their taps and rules.
func (a *Agent) unplug(ctx context.Context, id string) error {
	return a.apply(ctx, map[string]bool{id: false})
}

// translate says in the words of the host's network what the cloud's network wants. What it said for the same records before,
// it says again.
func (a *Agent) translate(d *network.DesiredVPC, old *appliedVPC) netfw.Network {
	n := netfw.Network{ID: d.VPC.ID, Domain: a.cfg.Network.PrivateDomain(), NoDNS: !d.VPC.DNSSupport}
	for _, c := range d.VPC.CIDRs {
		n.CIDRs = append(n.CIDRs, c.CIDR)
	}
	internet := map[string]bool{}
	for _, s := range d.Subnets {
		n.Subnets = append(n.Subnets, netfw.Subnet{ID: s.Subnet.ID, CIDR: s.Subnet.CIDR})
		internet[s.Subnet.ID] = s.Internet
	}
	saidInterfaces, saidGroups := old.said(d)
	local := make(map[netip.Addr]bool, len(d.Interfaces))
	n.Interfaces = make([]netfw.Interface, 0, len(d.Interfaces))
	for _, e := range d.Interfaces {
		i, ok := saidInterfaces[e]
		if !ok {
			made := a.translateInterface(e, d.VPC, internet[e.Subnet])
			i = &made
		}
		for _, ad := range i.Addresses {
			local[ad.IP] = true
		}
		n.Interfaces = append(n.Interfaces, *i)
	}
	for _, g := range d.Groups {
		out := netfw.Group{ID: g.Group.ID}
		if said, ok := saidGroups[g.Group]; ok {
			out.Ingress, out.Egress = said.Ingress, said.Egress
		} else {
			for _, r := range g.Group.Rules {
				rule := netfw.Rule{Protocol: r.Protocol, From: r.From, To: r.To, CIDR: r.CIDR, Group: r.Group}
				if r.Egress {
					out.Egress = append(out.Egress, rule)
				} else {
					out.Ingress = append(out.Ingress, rule)
				}
			}
		}
		for _, m := range g.Members {
			if !local[m] {
				out.Remote = append(out.Remote, m)
			}
		}
		n.Groups = append(n.Groups, out)
	}
	return n
}

// said is what was said for records. Interfaces depend on their VPC and subnets too: when one of these is another, they are said
// anew.
func (v *appliedVPC) said(d *network.DesiredVPC) (map[*network.Interface]*netfw.Interface, map[*network.Group]*netfw.Group) {
	if v == nil {
		return nil, nil
	}
	var interfaces map[*network.Interface]*netfw.Interface
	if v.desired.SameShape(d) {
		interfaces = make(map[*network.Interface]*netfw.Interface, len(v.desired.Interfaces))
		for k, e := range v.desired.Interfaces {
			interfaces[e] = &v.network.Interfaces[k]
		}
	}
	groups := make(map[*network.Group]*netfw.Group, len(v.desired.Groups))
	for k := range v.desired.Groups {
		groups[v.desired.Groups[k].Group] = &v.network.Groups[k]
	}
	return interfaces, groups
}

func (a *Agent) translateInterface(e *network.Interface, v *network.VPC, internet bool) netfw.Interface {
	mac, err := net.ParseMAC(e.MAC)
	if err != nil {
		a.log.Error("an interface has a bad MAC", "interface", e.ID, "mac", e.MAC) // Apply refuses it
	}
	i := netfw.Interface{ID: e.ID, MAC: mac, Subnet: e.Subnet, Groups: e.Groups, AnySource: !e.SourceDestCheck}
	for _, ad := range e.Addresses {
		out := netfw.Address{IP: ad.Private, Name: a.cfg.Network.PrivateName(ad.Private)}
		if internet && ad.Public.IsValid() {
			out.Public = ad.Public
			if v.DNSHostnames {
				out.PublicName = a.cfg.Network.PublicName(ad.Public)
			}
		}
		i.Addresses = append(i.Addresses, out)
	}
	return i
}
