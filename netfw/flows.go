package netfw

import (
	"net/netip"
	"slices"

	"github.com/aureole-cloud/aureole/netfw/link"
	"github.com/aureole-cloud/aureole/netfw/nft"
)

// A side is whose an address is, and what it is to the outside.
type side struct {
	tap            string
	public, source netip.Addr
}

func sides(taps []nft.Tap) map[netip.Addr]side {
	m := make(map[netip.Addr]side, len(taps))
	for _, t := range taps {
		for _, a := range t.Addrs {
			if _, taken := m[a.IP]; !taken {
				m[a.IP] = side{t.Name, a.Public, a.Source}
			}
		}
	}
	return m
}

// endFlows ends the tracked connections of addresses that changed hands or are translated otherwise since the taps were had.
// When a network is adopted nobody knows what it had: then those end that could not begin today, because a process may have
// been killed before it came to this.
func (n *network) endFlows(want *Network, had []nft.Tap, adopts bool) error {
	if !adopts && len(had) == len(n.taps) && (len(had) == 0 || &had[0] == &n.taps[0]) {
		return nil // not even made anew
	}
	now := sides(n.taps)
	var lost []netip.Addr
	var moved []netip.Addr
	for a, s := range sides(had) {
		is := now[a]
		if s.tap != is.tap {
			lost = append(lost, a)
		}
		if s.public.IsValid() && (s.tap != is.tap || s.public != is.public) {
			lost = append(lost, s.public)
		}
		if s.source.IsValid() && s.source != is.source {
			moved = append(moved, a)
		}
	}
	anySource := slices.ContainsFunc(n.taps, func(t nft.Tap) bool { return t.AnySource })
	local := n.local(want)
	plugged := make(map[string]bool, len(n.plugged))
	for id := range n.plugged {
		plugged[TapName(n.host.cfg.Prefix, id)] = true
	}
	// An address that no guest is behind has no flows: whoever had it is gone.
	nobodys := func(a netip.Addr) bool {
		return !plugged[now[a].tap] && want.contains(a) && !slices.Contains(local, a)
	}
	ends := func(f link.Flow) bool {
		switch {
		case slices.ContainsFunc(lost, f.Has):
			return true
		case f.Src != f.ReplyDst && now[f.Src].source != f.ReplyDst, f.Dst != f.ReplySrc && now[f.ReplySrc].public != f.Dst:
			return true
		}
		return nobodys(f.ReplySrc) || nobodys(f.Src) && !anySource
	}
	var err error
	if adopts || n.stray {
		err = n.ns.EndFlows(ends)
	} else {
		err = n.ns.EndFlowsOf(append(lost, moved...), ends)
	}
	n.stray = err != nil // what should have ended is looked for among all with the next change
	return err
}

// local are the addresses at which the router itself answers.
func (n *network) local(want *Network) []netip.Addr {
	local := append([]netip.Addr{nft.MetadataAddr}, want.resolvers()...)
	for _, s := range want.Subnets {
		local = append(local, gateway(s.CIDR))
	}
	return local
}
