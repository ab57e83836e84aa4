package nft

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// ErrInvalid is wrapped by the errors of a Firewall that contradicts itself.
var ErrInvalid = errors.New("invalid firewall")

// Any stands for all protocols, all ICMP types or all ICMP codes.
const Any = -1

// Numbers of the protocols whose rules have ports or types.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// A Rule allows packets of one protocol with one peer: the source of an ingress rule, the destination of an egress rule.
type Rule struct {
	// Protocol is the number in the IP header, or Any.
	Protocol int
	// From and To are the range of destination ports of TCP and UDP. For ICMP and ICMPv6 they are the type and the code, or
	// Any. Otherwise they mean nothing.
	From, To int
	// CIDR is the peer's block; 0.0.0.0/0 is all of IPv4 and none of IPv6. Not set when Group is.
	CIDR netip.Prefix
	// Group is the id of the group whose members are the peer, by their private addresses.
	Group string
}

// A Firewall is what one namespace should let through.
type Firewall struct {
	// Uplink tells whether the namespace has an interface of the name Uplink.
	Uplink bool
	// DNS are the addresses where the resolver answers.
	DNS []netip.Addr
	// Metadata opens the address of the metadata service.
	Metadata bool
	Groups   []Group
	Taps     []Tap
}

// Uplink is the name of the interface that leads out of the namespace.
const Uplink = "uplink"

// MetadataAddr is where the metadata service answers.
var MetadataAddr = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// A Group is a set of addresses and the rules that they share.
type Group struct {
	ID      string
	Ingress []Rule
	Egress  []Rule
	// Remote are members beside the taps that name the group.
	Remote []netip.Addr
}

// A Tap is one guest's interface.
type Tap struct {
	Name      string
	MAC       net.HardwareAddr
	Addrs     []Translation
	Groups    []string
	AnySource bool // let the guest send from any address
}

// A Translation is one address of a tap, and what it is to the outside.
type Translation struct {
	IP netip.Addr
	// Public is translated to IP when packets come in by the uplink. Zero: nothing is.
	Public netip.Addr
	// Source stands for IP when packets leave by the uplink. Zero: nothing leaves.
	Source netip.Addr
}

func (t *Tap) equal(o *Tap) bool {
	return t.Name == o.Name && t.AnySource == o.AnySource && slices.Equal(t.MAC, o.MAC) &&
		slices.Equal(t.Addrs, o.Addrs) && slices.Equal(t.Groups, o.Groups)
}

func (t *Tap) clone() Tap {
	c := *t
	c.MAC, c.Addrs, c.Groups = slices.Clone(t.MAC), slices.Clone(t.Addrs), slices.Clone(t.Groups)
	return c
}

func (g *Group) equal(o *Group) bool {
	return g.ID == o.ID && slices.Equal(g.Ingress, o.Ingress) && slices.Equal(g.Egress, o.Egress) && slices.Equal(g.Remote, o.Remote)
}

func (g *Group) clone() Group {
	c := *g
	c.Ingress, c.Egress, c.Remote = slices.Clone(g.Ingress), slices.Clone(g.Egress), slices.Clone(g.Remote)
	return c
}

// Validate tells what is wrong with a rule by itself.
func (r Rule) Validate() error {
	switch {
	case r.Protocol < Any || r.Protocol > 255:
		return fmt.Errorf("%w: protocol %d", ErrInvalid, r.Protocol)
	case r.CIDR.IsValid() == (r.Group != ""):
		return fmt.Errorf("%w: a rule has either a block or a group as its peer", ErrInvalid)
	case r.Group != "" && !validName(r.Group):
		return fmt.Errorf("%w: group id %q", ErrInvalid, r.Group)
	case r.CIDR.Addr().Is4In6():
		return fmt.Errorf("%w: block %s is IPv4 written as IPv6", ErrInvalid, r.CIDR)
	}
	switch r.Protocol {
	case TCP, UDP:
		if r.From < 0 || r.To > 65535 || r.From > r.To {
			return fmt.Errorf("%w: ports %d to %d", ErrInvalid, r.From, r.To)
		}
	case ICMP, ICMPv6:
		if r.From < Any || r.From > 255 || r.To < Any || r.To > 255 || r.From == Any && r.To != Any {
			return fmt.Errorf("%w: ICMP type %d, code %d", ErrInvalid, r.From, r.To)
		}
	}
	return nil
}

func (g *Group) validate() error {
	if !validName(g.ID) {
		return fmt.Errorf("%w: group id %q", ErrInvalid, g.ID)
	}
	for _, a := range g.Remote {
		if !a.IsValid() || a.Is4In6() {
			return fmt.Errorf("%w: group %s has member %s", ErrInvalid, g.ID, a)
		}
	}
	for _, rules := range [][]Rule{g.Ingress, g.Egress} {
		for _, r := range rules {
			if err := r.Validate(); err != nil {
				return fmt.Errorf("group %s: %w", g.ID, err)
			}
		}
	}
	return nil
}

func (t *Tap) validate() error {
	switch {
	case !validName(t.Name) || len(t.Name) > 15 || t.Name == Uplink:
		return fmt.Errorf("%w: tap name %q", ErrInvalid, t.Name)
	case len(t.MAC) != 6 || t.MAC[0]&1 != 0:
		return fmt.Errorf("%w: tap %s has MAC %q", ErrInvalid, t.Name, t.MAC)
	case len(t.Addrs) == 0:
		return fmt.Errorf("%w: tap %s has no address", ErrInvalid, t.Name)
	}
	for _, a := range t.Addrs {
		if !a.IP.IsValid() || a.IP.Is4In6() || a.IP.IsUnspecified() || a.IP.IsMulticast() {
			return fmt.Errorf("%w: tap %s has address %s", ErrInvalid, t.Name, a.IP)
		}
		for _, out := range []netip.Addr{a.Public, a.Source} {
			if out.IsValid() && (!out.Is4() || !a.IP.Is4()) {
				return fmt.Errorf("%w: tap %s translates %s to %s; only IPv4 is translated", ErrInvalid, t.Name, a.IP, out)
			}
		}
	}
	for _, g := range t.Groups {
		if !validName(g) {
			return fmt.Errorf("%w: tap %s has group %q", ErrInvalid, t.Name, g)
		}
	}
	return nil
}

// validName holds for names that may be part of those of chains and sets: resource ids and names of interfaces.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
