package netfw

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/netfw/link"
	"github.com/aureole-cloud/aureole/netfw/nft"
)

// firewall translates the network to what its table holds.
func (n *network) firewall(want *Network, desired map[string]Interface) nft.Firewall {
	f := nft.Firewall{
		Uplink:   !n.host.cfg.Isolated,
		DNS:      want.resolvers(),
		Metadata: n.host.cfg.Metadata != nil,
		Groups:   want.Groups,
	}
	if n.taps == nil {
		n.taps = n.translate(want, desired)
	}
	f.Taps = n.taps
	return f
}

// translate makes the taps of the firewall.
func (n *network) translate(want *Network, desired map[string]Interface) []nft.Tap {
	taps := make([]nft.Tap, 0, len(desired))
	// In the order of the list: of two interfaces that claim one address, the first has it.
	seen := make(map[string]bool, len(desired))
	for k := range want.Interfaces {
		i, ok := desired[want.Interfaces[k].ID]
		if !ok || seen[i.ID] {
			continue
		}
		seen[i.ID] = true
		t := nft.Tap{Name: TapName(n.host.cfg.Prefix, i.ID), MAC: i.MAC, Groups: i.Groups, AnySource: i.AnySource,
			Addrs: make([]nft.Translation, 0, len(i.Addresses))}
		for _, a := range i.Addresses {
			tr := nft.Translation{IP: a.IP}
			switch {
			case n.host.cfg.Isolated || !a.IP.Is4():
			case a.Public.IsValid():
				tr.Public, tr.Source = a.Public, a.Public
			case a.NAT.IsValid():
				tr.Source = a.NAT
			case a.Egress:
				tr.Source = n.uplink
			}
			t.Addrs = append(t.Addrs, tr)
		}
		taps = append(taps, t)
	}
	return taps
}

// linkLocalResolver answers in every network.
var linkLocalResolver = netip.AddrFrom4([4]byte{169, 254, 169, 253})

// resolvers are the addresses where DNS answers.
func (n *Network) resolvers() []netip.Addr {
	if n.NoDNS {
		return nil
	}
	return []netip.Addr{n.resolver(), linkLocalResolver}
}

func (n *Network) mtu() int {
	if n.MTU == 0 {
		return 1500
	}
	return n.MTU
}

func needsUplinkAddress(desired map[string]Interface) bool {
	for _, i := range desired {
		if slices.ContainsFunc(i.Addresses, func(a Address) bool { return a.Egress && !a.Public.IsValid() && !a.NAT.IsValid() }) {
			return true
		}
	}
	return false
}

// uplinkAddress finds the address of a network on the host, or the first that no network has. The routes of the host say who
// has which, so nothing else has to be kept.
func (h *Host) uplinkAddress(network string) (netip.Addr, error) {
	h.allocate.Lock()
	defer h.allocate.Unlock()
	name := uplinkName(h.cfg.Prefix, network)
	taken, err := link.Public(h.cfg.Uplinks)
	if err != nil {
		return netip.Addr{}, err
	}
	for a, owner := range taken {
		if owner == name {
			return a, nil
		}
	}
	for a := h.cfg.Uplinks.Masked().Addr().Next(); h.cfg.Uplinks.Contains(a); a = a.Next() {
		// A network that was promised an address may not have made its route yet.
		if _, ok := taken[a]; ok || h.promised[a] != "" && h.promised[a] != network {
			continue
		}
		h.promised[a] = network
		return a, nil
	}
	return netip.Addr{}, fmt.Errorf("no address is left in %s", h.cfg.Uplinks)
}

func (i *Interface) equal(o *Interface) bool {
	return i.ID == o.ID && i.Subnet == o.Subnet && i.AnySource == o.AnySource && i.Hostname == o.Hostname &&
		slices.Equal(i.MAC, o.MAC) && slices.Equal(i.Addresses, o.Addresses) && slices.Equal(i.Groups, o.Groups)
}

func (i *Interface) clone() Interface {
	c := *i
	c.MAC, c.Addresses, c.Groups = slices.Clone(i.MAC), slices.Clone(i.Addresses), slices.Clone(i.Groups)
	return c
}
