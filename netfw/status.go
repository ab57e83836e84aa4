package netfw

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/netfw/link"
)

// carrier tells whether something holds the other end of a link that is up.
func carrier(l netlink.Link) bool { return l.Attrs().RawFlags&unix.IFF_LOWER_UP != 0 }

// Interfaces tells the state of all interfaces of an applied network, by their ids in order.
func (h *Host) Interfaces(ctx context.Context, networkID string) ([]Status, error) {
	n, err := h.network(networkID, false)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removed || n.ns == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, networkID)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	byName := func(links []netlink.Link) map[string]netlink.Link {
		m := make(map[string]netlink.Link, len(links))
		for _, l := range links {
			m[l.Attrs().Name] = l
		}
		return m
	}
	inside, err := link.Links(n.ns)
	if err != nil {
		return nil, err
	}
	outside, err := link.Links(nil)
	if err != nil {
		return nil, err
	}
	drops, err := n.table.Drops()
	if err != nil {
		return nil, err
	}
	here, there := byName(inside), byName(outside)
	out := make([]Status, 0, len(n.desired))
	for id := range n.desired {
		s := Status{ID: id, Tap: TapName(h.cfg.Prefix, id), State: Absent}
		if l, ok := here[s.Tap]; ok {
			s.State, s.Carrier = Plugged, carrier(l)
			if st := l.Attrs().Statistics; st != nil {
				// What the host sends the guest gets.
				s.InBytes, s.InPackets, s.OutBytes, s.OutPackets = st.TxBytes, st.TxPackets, st.RxBytes, st.RxPackets
			}
		} else if _, ok := there[s.Tap]; ok {
			s.State = Prepared
		}
		d := drops[s.Tap]
		s.DeniedIn, s.DeniedOut, s.Spoofed, s.SpoofedARP = d.DeniedIn, d.DeniedOut, d.Spoofed, d.SpoofedARP
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Leftovers lists what the host made and no applied network has. Call it after Apply for all networks.
func (h *Host) Leftovers(ctx context.Context) ([]Leftover, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	if h.mu.closed {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	networks := make([]*network, 0, len(h.mu.networks))
	for _, n := range h.mu.networks {
		networks = append(networks, n)
	}
	h.mu.Unlock()
	mine := map[string]bool{}
	for _, n := range networks {
		n.mu.Lock()
		mine[NamespaceName(h.cfg.Prefix, n.id)], mine[uplinkName(h.cfg.Prefix, n.id)] = true, true
		for id := range n.desired {
			mine[TapName(h.cfg.Prefix, id)] = true
		}
		n.mu.Unlock()
	}
	var left []Leftover
	names, err := link.Namespaces(h.cfg.Prefix + "-")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !mine[name] {
			left = append(left, Leftover{"namespace", name})
		}
	}
	links, err := link.Links(nil)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		a := l.Attrs()
		if mine[a.Name] || !h.made(a.Name, a.Alias) {
			continue
		}
		kind := "tap"
		if l.Type() == "veth" {
			kind = "uplink"
		}
		left = append(left, Leftover{kind, a.Name})
	}
	if len(networks) == 0 {
		there, err := h.outside.Exists()
		if err != nil {
			return nil, err
		}
		if there {
			left = append(left, Leftover{"table", tableName + "_" + h.cfg.Prefix})
		}
	}
	return left, nil
}

// made tells whether a link of the host's namespace is of our making. One that was not finished has no alias yet, but a name
// that nobody else would choose.
func (h *Host) made(name, have string) bool {
	if strings.HasPrefix(have, alias(h.cfg.Prefix, "")) {
		return true
	}
	rest, ok := strings.CutPrefix(name, h.cfg.Prefix)
	return ok && have == "" && len(name) == 15 && (rest[0] == 't' || rest[0] == 'u') && strings.Trim(rest[1:], "0123456789abcdef") == ""
}

// Sweep removes the leftovers and tells what it removed.
func (h *Host) Sweep(ctx context.Context) ([]Leftover, error) {
	left, err := h.Leftovers(ctx)
	if err != nil {
		return nil, err
	}
	var removed []Leftover
	var errs []error
	for _, l := range left {
		var err error
		switch l.Kind {
		case "namespace":
			err = h.removeNamespace(l.Name)
		case "table":
			h.mu.Lock()
			if len(h.mu.networks) == 0 {
				h.mu.prepared = false
				err = h.outside.Remove()
			}
			h.mu.Unlock()
		default:
			err = link.DeleteLink(nil, l.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep %s %s: %w", l.Kind, l.Name, err))
			continue
		}
		removed = append(removed, l)
	}
	return removed, errors.Join(errs...)
}
