package netfw

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/aureole-cloud/aureole/netfw/link"
	"github.com/aureole-cloud/aureole/netfw/nft"
)

// A network is what the host knows of a network that was applied.
type network struct {
	host *Host
	id   string
	// mu is held while the network changes. What services read they read from the view.
	mu      sync.Mutex
	removed bool
	ns      *link.Namespace
	table   *nft.Table
	ready   bool                 // the namespace is set up and what it has was looked at
	router  *Network             // what the router was set up for
	plugged map[string]Interface // as they were last set up, by id
	desired map[string]Interface
	order   []Interface  // the last list that was valid; nil: none
	uplink  netip.Addr   // the network's own address on the host, if it has one
	public  []netip.Addr // what leads to the uplink; nil: not known
	mtu     int
	taps    []nft.Tap // the desired interfaces as the firewall has them; nil: to be made
	settled bool      // links and public addresses were set up for the desired interfaces without an error
	stray   bool      // tracked connections that should have ended may be left
	services
}

func newNetwork(h *Host, id string) *network {
	return &network{host: h, id: id, plugged: map[string]Interface{}, desired: map[string]Interface{}}
}

// Apply makes a network what it says, and touches only what differs. Parts that fail do not hold up the others: their errors
// come joined, and what they had before stays in force.
func (h *Host) Apply(ctx context.Context, want Network) error {
	if err := want.check(); err != nil {
		return err
	}
	if err := h.prepare(); err != nil {
		return err
	}
	n, err := h.network(want.ID, true)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removed {
		return fmt.Errorf("%w: %s is being removed", ErrNotFound, want.ID)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return n.apply(&want)
}

// apply goes from the inside out: what leaves is unplugged first, then the firewall changes, then the links.
func (n *network) apply(want *Network) error {
	if err := n.open(); err != nil {
		return err
	}
	var errs []error
	note := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", n.id, what, err))
		}
	}
	desired, same := n.desired, n.unchanged(want)
	if !same {
		var bad []error
		desired, bad = n.choose(want)
		errs = append(errs, bad...)
	}
	if !same || !n.ready {
		note("unplug", n.unplug(desired))
	}
	had, adopts := n.taps, !n.ready
	if !same {
		n.taps = nil
	}
	// What follows the interfaces only is not looked at again while they are the same.
	rest := same && n.settled && n.mtu == want.mtu()
	var egress error
	if !rest && n.uplink == (netip.Addr{}) && needsUplinkAddress(desired) && !n.host.cfg.Isolated {
		addr, err := n.host.uplinkAddress(n.id)
		note("uplink", err)
		egress = err
		n.uplink, n.taps = addr, nil
	}
	note("firewall", n.table.Apply(n.firewall(want, desired)))
	note("router", n.ensureRouter(want))
	public := n.ensurePublic(desired, rest)
	note("public addresses", public)
	n.desired = desired
	if !same || !n.published(want) {
		n.publish(want)
	}
	note("services", n.serve())
	if !rest {
		links := n.ensurePlugged(want)
		note("links", links)
		n.settled = egress == nil && public == nil && links == nil
	}
	note("flows", n.endFlows(want, had, adopts))
	return errors.Join(errs...)
}

// unchanged tells whether the interfaces, and what they are checked against, are those of the last Apply, in the same order.
func (n *network) unchanged(want *Network) bool {
	if len(n.order) != len(want.Interfaces) || !n.routed(want) {
		return false
	}
	for k := range want.Interfaces {
		if !n.order[k].equal(&want.Interfaces[k]) {
			return false
		}
	}
	return true
}

// choose makes the desired interfaces of those that are wanted: what is invalid stays as it was.
func (n *network) choose(want *Network) (map[string]Interface, []error) {
	var errs []error
	subnets := make(map[string]Subnet, len(want.Subnets))
	for _, s := range want.Subnets {
		subnets[s.ID] = s
	}
	desired := make(map[string]Interface, len(want.Interfaces))
	order := make([]Interface, 0, len(want.Interfaces))
	for k := range want.Interfaces {
		i := &want.Interfaces[k]
		if err := want.checkInterface(i, subnets); err != nil {
			errs = append(errs, err)
			if old, ok := n.desired[i.ID]; ok {
				desired[i.ID] = old
			}
			continue
		}
		if _, twice := desired[i.ID]; twice {
			errs = append(errs, fmt.Errorf("%w: interface %s comes twice", ErrInvalid, i.ID))
			continue
		}
		if old, ok := n.desired[i.ID]; ok && old.equal(i) {
			desired[i.ID] = old
		} else {
			desired[i.ID] = i.clone()
		}
		order = append(order, desired[i.ID])
	}
	if n.order = order; len(errs) > 0 {
		n.order = nil // to be told again
	}
	return desired, errs
}

// open makes or adopts the namespace.
func (n *network) open() error {
	if n.ns != nil {
		return nil
	}
	ns, err := link.EnsureNamespace(NamespaceName(n.host.cfg.Prefix, n.id))
	if err != nil {
		return err
	}
	n.ns, n.table = ns, nft.New(tableName, ns.FD())
	return nil
}

// unplug removes the taps of interfaces that are not wanted any more. The first time it looks for those of an earlier process.
func (n *network) unplug(desired map[string]Interface) error {
	prefix := n.host.cfg.Prefix
	var errs []error
	if !n.ready {
		wanted := make(map[string]bool, len(desired))
		for id := range desired {
			wanted[TapName(prefix, id)] = true
		}
		links, err := link.Links(n.ns)
		if err != nil {
			return err
		}
		for _, l := range links {
			if name := l.Attrs().Name; strings.HasPrefix(name, prefix+"t") && !wanted[name] {
				errs = append(errs, link.DeleteLink(n.ns, name))
			}
		}
	}
	for id := range n.desired {
		if _, ok := desired[id]; ok {
			continue
		}
		name := TapName(prefix, id)
		errs = append(errs, link.DeleteLink(n.ns, name), link.DeleteLink(nil, name))
		delete(n.plugged, id)
	}
	return errors.Join(errs...)
}

// routed tells whether the router is set up as it should be.
func (n *network) routed(want *Network) bool {
	return n.router != nil && n.router.MTU == want.MTU && n.router.NoDNS == want.NoDNS && slices.Equal(n.router.CIDRs, want.CIDRs) &&
		slices.Equal(n.router.Subnets, want.Subnets)
}

// ensureRouter sets up what the network as a whole has: the router's addresses, its blocks and the uplink.
func (n *network) ensureRouter(want *Network) error {
	if n.routed(want) {
		return nil
	}
	if err := n.ns.EnsureRouter(); err != nil {
		return err
	}
	if err := errors.Join(n.ns.EnsureLocal(n.local(want)), n.ns.EnsureSinks(want.CIDRs)); err != nil {
		return err
	}
	if !n.host.cfg.Isolated {
		name := uplinkName(n.host.cfg.Prefix, n.id)
		if err := n.ns.EnsureUplink(name, nft.Uplink, alias(n.host.cfg.Prefix, n.id), want.mtu()); err != nil {
			return err
		}
	}
	n.router = &Network{MTU: want.MTU, NoDNS: want.NoDNS, CIDRs: slices.Clone(want.CIDRs), Subnets: slices.Clone(want.Subnets)}
	return nil
}

// ensurePublic leads the public addresses of the network to its uplink. They are those of before if the interfaces are.
func (n *network) ensurePublic(desired map[string]Interface, same bool) error {
	if n.host.cfg.Isolated || same && n.public != nil && !slices.ContainsFunc(n.public, func(a netip.Addr) bool { return !n.host.leads(a, n.id) }) {
		return nil
	}
	seen := map[netip.Addr]bool{}
	if n.uplink.IsValid() {
		seen[n.uplink] = true
	}
	for _, i := range desired {
		for _, a := range i.Addresses {
			if a.Public.IsValid() {
				seen[a.Public] = true
			}
			if a.NAT.IsValid() {
				seen[a.NAT] = true
			}
		}
	}
	if n.public != nil && len(n.public) == len(seen) && !slices.ContainsFunc(n.public, func(a netip.Addr) bool { return !seen[a] || !n.host.leads(a, n.id) }) {
		return nil
	}
	n.public = nil
	if err := n.host.lead(seen, n.id); err != nil {
		return err
	}
	n.public = slices.AppendSeq(make([]netip.Addr, 0, len(seen)), maps.Keys(seen))
	return nil
}

// lead makes the host's routes of public addresses, and no others, lead to a network.
func (h *Host) lead(addrs map[netip.Addr]bool, network string) error {
	h.allocate.Lock()
	defer h.allocate.Unlock()
	if err := link.EnsurePublic(uplinkName(h.cfg.Prefix, network), slices.Collect(maps.Keys(addrs))); err != nil {
		return err
	}
	maps.DeleteFunc(h.routed, func(a netip.Addr, id string) bool { return id == network && !addrs[a] })
	for a := range addrs {
		h.routed[a] = network
	}
	return nil
}

// leads tells whether the route of an address was last given to a network: another may have taken it since, and given it up.
func (h *Host) leads(a netip.Addr, network string) bool {
	h.allocate.Lock()
	defer h.allocate.Unlock()
	return h.routed[a] == network
}

// ensurePlugged sets up the taps that are in the namespace and differ from what was wanted last.
func (n *network) ensurePlugged(want *Network) error {
	var errs []error
	found := false
	for id, i := range n.desired {
		old, ok := n.plugged[id]
		if ok && old.equal(&i) && n.mtu == want.mtu() || n.ready && !ok {
			continue // as it should be, or not plugged
		}
		l, err := link.Find(n.ns, TapName(n.host.cfg.Prefix, id))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if l == nil {
			continue
		}
		errs = append(errs, n.setUp(l, i, want.mtu()))
		found = true
	}
	if n.mtu = want.mtu(); found {
		n.publishPlugged()
	}
	err := errors.Join(errs...)
	n.ready = n.ready || err == nil
	return err
}

// close stops the services and lets go of the namespace.
func (n *network) close() {
	n.stopServices()
	if n.ns != nil {
		n.table.Close()
		n.ns.Close()
		n.ns = nil
	}
}

// Remove takes a network away with all that is in it. A network that is not there is no error.
func (h *Host) Remove(ctx context.Context, id string) error {
	if !validID.MatchString(id) {
		return fmt.Errorf("%w: network id %q", ErrInvalid, id)
	}
	h.mu.Lock()
	n := h.mu.networks[id]
	h.mu.Unlock()
	if n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.removed = true
		n.close()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	if n != nil {
		for i := range n.desired {
			errs = append(errs, link.DeleteLink(nil, TapName(h.cfg.Prefix, i)))
		}
	}
	errs = append(errs, h.removeNamespace(NamespaceName(h.cfg.Prefix, id)), link.DeleteLink(nil, uplinkName(h.cfg.Prefix, id)))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	h.mu.Lock()
	delete(h.mu.networks, id)
	h.mu.Unlock()
	h.allocate.Lock()
	defer h.allocate.Unlock()
	its := func(_ netip.Addr, of string) bool { return of == id }
	maps.DeleteFunc(h.promised, its)
	maps.DeleteFunc(h.routed, its)
	return nil
}

// removeNamespace removes a namespace and first, while the firewall stands, the links in it.
func (h *Host) removeNamespace(name string) error {
	if ns, err := link.OpenNamespace(name); err == nil {
		links, err := link.Links(ns)
		for _, l := range links {
			if l.Attrs().Name != "lo" {
				err = errors.Join(err, link.DeleteLink(ns, l.Attrs().Name))
			}
		}
		ns.Close()
		if err != nil {
			return err
		}
	}
	return link.RemoveNamespace(name)
}
