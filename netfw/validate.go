package netfw

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
)

// validID holds for ids of resources: a word, a dash and hex digits.
var validID = regexp.MustCompile(`^[a-z]+-[0-9a-f]{1,32}$`)

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9]{1,2}$`)

// check finds what makes a network as a whole impossible.
func (n *Network) check() error {
	if !validID.MatchString(n.ID) {
		return fmt.Errorf("%w: network id %q", ErrInvalid, n.ID)
	}
	if n.MTU != 0 && (n.MTU < 576 || n.MTU > 9500) {
		return fmt.Errorf("%w: %s: MTU %d", ErrInvalid, n.ID, n.MTU)
	}
	if !slices.ContainsFunc(n.CIDRs, func(p netip.Prefix) bool { return p.Addr().Is4() }) {
		return fmt.Errorf("%w: %s has no IPv4 block", ErrInvalid, n.ID)
	}
	for _, p := range n.CIDRs {
		if !p.IsValid() || p.Addr().Is4In6() || p.Bits() == 0 {
			return fmt.Errorf("%w: %s: block %s", ErrInvalid, n.ID, p)
		}
	}
	seen := map[string]bool{}
	for _, s := range n.Subnets {
		switch {
		case !validID.MatchString(s.ID) || seen[s.ID]:
			return fmt.Errorf("%w: %s: subnet id %q", ErrInvalid, n.ID, s.ID)
		case !s.CIDR.Addr().Is4() || s.CIDR.Bits() > 30 || !n.contains(s.CIDR.Addr()):
			return fmt.Errorf("%w: %s: subnet %s has block %s", ErrInvalid, n.ID, s.ID, s.CIDR)
		}
		seen[s.ID] = true
	}
	return nil
}

func (n *Network) contains(a netip.Addr) bool {
	return slices.ContainsFunc(n.CIDRs, func(p netip.Prefix) bool { return p.Contains(a) })
}

// checkInterface finds what makes an interface impossible, beyond what the firewall checks.
func (n *Network) checkInterface(i *Interface, subnets map[string]Subnet) error {
	if !validID.MatchString(i.ID) {
		return fmt.Errorf("%w: %s: interface id %q", ErrInvalid, n.ID, i.ID)
	}
	s, ok := subnets[i.Subnet]
	if !ok {
		return fmt.Errorf("%w: %s: subnet %q is not there", ErrInvalid, i.ID, i.Subnet)
	}
	if len(i.Addresses) == 0 || !i.Addresses[0].IP.Is4() {
		return fmt.Errorf("%w: %s: the first address has to be IPv4", ErrInvalid, i.ID)
	}
	for _, a := range i.Addresses {
		inside := s.CIDR.Contains(a.IP) || s.IPv6.IsValid() && s.IPv6.Contains(a.IP)
		if !inside || a.IP == gateway(s.CIDR) {
			return fmt.Errorf("%w: %s: address %s is none of subnet %s for guests", ErrInvalid, i.ID, a.IP, s.CIDR)
		}
		for _, out := range []netip.Addr{a.Public, a.NAT} {
			if out.IsValid() && n.contains(out) {
				return fmt.Errorf("%w: %s: public address %s is inside of the network", ErrInvalid, i.ID, out)
			}
		}
	}
	if !printable(i.Hostname) {
		return fmt.Errorf("%w: %s: host name %q", ErrInvalid, i.ID, i.Hostname)
	}
	return nil
}

// printable holds for host and domain names, and for none.
func printable(s string) bool {
	if len(s) > 253 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// gateway is the router's address in a subnet.
func gateway(p netip.Prefix) netip.Addr { return p.Masked().Addr().Next() }

// resolver is the address of the network's DNS: the base plus two.
func (n *Network) resolver() netip.Addr {
	for _, p := range n.CIDRs {
		if p.Addr().Is4() {
			return p.Masked().Addr().Next().Next()
		}
	}
	return netip.Addr{}
}
