package agent

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"
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
	applied map[string]netfw.Network
}

// gather is how long changes of the network are gathered before they are applied.
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
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if !sleep(ctx, gather) {
			return
		}
	}
}

// apply makes the host's network what it should be, after changing which instances are on it.
func (a *Agent) apply(ctx context.Context, change func(on map[string]bool)) error {
	if a.net == nil {
		return nil
	}
	a.wires.mu.Lock()
	defer a.wires.mu.Unlock()
	if change != nil {
		change(a.wires.on)
	}
	var enis []string
	for id := range a.wires.on {
		for _, e := range a.cfg.Network.InterfacesOf(id) {
			enis = append(enis, e.ID)
		}
	}
	slices.Sort(enis)
	desired := a.cfg.Network.Desired(enis)
	var errs []error
	present := map[string]bool{}
	for i := range desired.VPCs {
		n := a.translate(&desired.VPCs[i])
		present[n.ID] = true
		if reflect.DeepEqual(a.wires.applied[n.ID], n) {
			continue
		}
		if err := a.net.Apply(ctx, n); err != nil {
			delete(a.wires.applied, n.ID)
			errs = append(errs, err)
			continue
		}
		a.wires.applied[n.ID] = n
	}
	for id := range maps.Clone(a.wires.applied) {
		if present[id] {
			continue
		}
		if err := a.net.Remove(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(a.wires.applied, id)
		if len(a.wires.applied) == 0 { // what all networks share goes with the last
			_, err := a.net.Sweep(ctx)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// prepareTaps puts the interfaces of an instance on the network and makes their taps, for the machine to open.
func (a *Agent) prepareTaps(ctx context.Context, id string, spec *hypervisor.Spec) error {
	// What fails for others does not matter here: what fails for this instance shows below.
	applied := a.apply(ctx, func(on map[string]bool) { on[id] = true })
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
	applied := a.apply(ctx, func(on map[string]bool) { on[id] = true })
	for _, e := range a.cfg.Network.InterfacesOf(id) {
		if err := a.net.Plug(ctx, e.VPC, e.ID); err != nil {
			return errors.Join(err, applied)
		}
	}
	return nil
}

// unplug takes the interfaces of an instance off the network, with their taps and rules.
func (a *Agent) unplug(ctx context.Context, id string) error {
	return a.apply(ctx, func(on map[string]bool) { delete(on, id) })
}

// translate says in the words of the host's network what the cloud's network wants.
func (a *Agent) translate(d *network.DesiredVPC) netfw.Network {
	n := netfw.Network{ID: d.VPC.ID, Domain: a.cfg.Network.PrivateDomain(), NoDNS: !d.VPC.DNSSupport}
	for _, c := range d.VPC.CIDRs {
		n.CIDRs = append(n.CIDRs, c.CIDR)
	}
	internet := map[string]bool{}
	for _, s := range d.Subnets {
		n.Subnets = append(n.Subnets, netfw.Subnet{ID: s.Subnet.ID, CIDR: s.Subnet.CIDR})
		internet[s.Subnet.ID] = s.Internet
	}
	local := map[netip.Addr]bool{}
	for _, e := range d.Interfaces {
		i := a.translateInterface(e, d.VPC, internet[e.Subnet])
		for _, ad := range i.Addresses {
			local[ad.IP] = true
		}
		n.Interfaces = append(n.Interfaces, i)
	}
	for _, g := range d.Groups {
		out := netfw.Group{ID: g.Group.ID}
		for _, r := range g.Group.Rules {
			rule := netfw.Rule{Protocol: r.Protocol, From: r.From, To: r.To, CIDR: r.CIDR, Group: r.Group}
			if r.Egress {
				out.Egress = append(out.Egress, rule)
			} else {
				out.Ingress = append(out.Ingress, rule)
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
