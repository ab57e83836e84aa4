package netfw

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aureole-cloud/aureole/netfw/dns"
)

// services are what guests find in a network, and what they read: a view that is replaced as a whole, so that no packet waits
// for a change.
type services struct {
	view    atomic.Pointer[view]
	byIndex map[int]string // interface index -> interface id, of plugged taps; guarded by network.mu
	running []func()       // what ends the services that run; guarded by network.mu
	wait    sync.WaitGroup
}

// A view is a state of a network that never changes.
type view struct {
	network    Network // without groups and interfaces
	subnets    map[string]Subnet
	interfaces map[string]Interface
	byAddr     map[netip.Addr]string
	byIndex    map[int]string
	zone       *dns.Zone
}

// publish makes a view of what is wanted.
func (n *network) publish(want *Network) {
	v := &view{network: *want, subnets: make(map[string]Subnet, len(want.Subnets)), interfaces: n.desired,
		byAddr: make(map[netip.Addr]string, len(n.desired))}
	v.network.Groups, v.network.Interfaces = nil, nil
	// What the caller changes later is not ours.
	v.network.CIDRs, v.network.Subnets, v.network.Records = slices.Clone(want.CIDRs), slices.Clone(want.Subnets), slices.Clone(want.Records)
	for k := range v.network.Records {
		v.network.Records[k].Addresses = slices.Clone(v.network.Records[k].Addresses)
	}
	for _, s := range want.Subnets {
		v.subnets[s.ID] = s
	}
	for id, i := range n.desired {
		for _, a := range i.Addresses {
			v.byAddr[a.IP] = id
		}
	}
	v.byIndex = n.indexes()
	v.zone = want.zone(n.desired)
	n.view.Store(v)
}

// published tells whether the view has what is wanted, apart from the interfaces.
func (n *network) published(want *Network) bool {
	v := n.view.Load()
	return v != nil && v.network.MTU == want.MTU && v.network.NoDNS == want.NoDNS && v.network.Domain == want.Domain &&
		slices.Equal(v.network.CIDRs, want.CIDRs) && slices.Equal(v.network.Subnets, want.Subnets) &&
		slices.EqualFunc(v.network.Records, want.Records, func(a, b Record) bool { return a.Name == b.Name && slices.Equal(a.Addresses, b.Addresses) })
}

// publishPlugged makes a view that differs from the last in which taps are plugged.
func (n *network) publishPlugged() {
	v := *n.view.Load()
	v.byIndex = n.indexes()
	n.view.Store(&v)
}

func (n *network) indexes() map[int]string {
	m := make(map[int]string, len(n.byIndex))
	for index, id := range n.byIndex {
		if _, ok := n.plugged[id]; !ok {
			delete(n.byIndex, index)
			continue
		}
		m[index] = id
	}
	return m
}

// index notes that an interface is plugged as the link of an index.
func (n *network) index(i int, id string) {
	if n.byIndex == nil {
		n.byIndex = map[int]string{}
	}
	for old, have := range n.byIndex {
		if have == id && old != i {
			delete(n.byIndex, old)
		}
	}
	n.byIndex[i] = id
}
