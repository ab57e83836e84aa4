package netfw

import (
	"context"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/aureole-cloud/aureole/netfw/link"
)

// find locks an applied network and looks for one of its interfaces. The caller unlocks.
func (h *Host) find(networkID, iface string) (*network, Interface, error) {
	n, err := h.network(networkID, false)
	if err != nil {
		return nil, Interface{}, err
	}
	n.mu.Lock()
	i, ok := n.desired[iface]
	if !ok || n.removed {
		n.mu.Unlock()
		return nil, Interface{}, fmt.Errorf("%w: %s in %s", ErrNotFound, iface, networkID)
	}
	return n, i, nil
}

// PrepareTap makes sure that the tap of an applied interface is in the host's namespace, down, and returns its name. A tap that
// an earlier run of the guest left in the network's namespace goes, unless a guest still holds it: ErrInUse.
func (h *Host) PrepareTap(ctx context.Context, networkID, iface string) (string, error) {
	n, i, err := h.find(networkID, iface)
	if err != nil {
		return "", err
	}
	defer n.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	name, mark := TapName(h.cfg.Prefix, i.ID), alias(h.cfg.Prefix, n.id, i.ID)
	inside, err := link.Find(n.ns, name)
	if err != nil {
		return "", err
	}
	if inside != nil {
		if carrier(inside) {
			return "", fmt.Errorf("%w: %s", ErrInUse, name)
		}
		if err := link.DeleteLink(n.ns, name); err != nil {
			return "", err
		}
		delete(n.plugged, i.ID)
		n.publishPlugged()
		// The guest starts anew: what was tracked of its last run is nothing to it.
		err := n.ns.EndFlows(func(f link.Flow) bool {
			return slices.ContainsFunc(i.Addresses, func(a Address) bool { return f.Has(a.IP) })
		})
		if err != nil {
			return "", err
		}
	}
	outside, err := link.Find(nil, name)
	if err != nil {
		return "", err
	}
	switch {
	case outside == nil:
	case outside.Attrs().Alias == mark:
		return name, link.SetMTU(nil, outside, n.mtu)
	case h.made(name, outside.Attrs().Alias):
		// Made for another network, or not finished.
		if err := link.DeleteLink(nil, name); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("%w: a link %s is there that is not ours", ErrInUse, name)
	}
	return name, link.CreateTap(name, mark, n.mtu)
}

// Plug moves the tap of an applied interface into the network's namespace, behind its firewall, and brings it up. Plugging a
// plugged interface changes nothing.
func (h *Host) Plug(ctx context.Context, networkID, iface string) error {
	n, i, err := h.find(networkID, iface)
	if err != nil {
		return err
	}
	defer n.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	name := TapName(h.cfg.Prefix, i.ID)
	if !n.table.Has(name) {
		return fmt.Errorf("%w: the firewall of %s is not in force", ErrInvalid, i.ID)
	}
	l, err := link.Find(n.ns, name)
	if err != nil {
		return err
	}
	if l == nil {
		outside, err := link.Find(nil, name)
		if err != nil {
			return err
		}
		if outside == nil || outside.Attrs().Alias != alias(h.cfg.Prefix, n.id, i.ID) {
			return fmt.Errorf("%w: %s", ErrNoTap, i.ID)
		}
		if err := link.MoveTap(n.ns, name); err != nil {
			return err
		}
		if l, err = link.Find(n.ns, name); err != nil {
			return err
		}
		if l == nil {
			return fmt.Errorf("%w: %s went away", ErrNoTap, i.ID)
		}
	}
	if err := n.setUp(l, i, n.mtu); err != nil {
		return err
	}
	n.publishPlugged()
	return nil
}

// setUp makes a tap in the namespace one that its guest can talk through.
func (n *network) setUp(l netlink.Link, i Interface, mtu int) error {
	var gw Subnet
	for _, s := range n.router.Subnets {
		if s.ID == i.Subnet {
			gw = s
		}
	}
	hosts := make([]link.Host, 0, len(i.Addresses))
	for _, a := range i.Addresses {
		h := link.Host{Addr: a.IP}
		if a.IP.Is4() {
			h.Gateway = gateway(gw.CIDR)
		}
		hosts = append(hosts, h)
	}
	if err := n.ns.EnsureTap(l, i.MAC, hosts, mtu); err != nil {
		return err
	}
	n.plugged[i.ID] = i
	n.index(l.Attrs().Index, i.ID)
	return nil
}
