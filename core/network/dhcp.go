package network

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// The options that hosts carry out.
const (
	optDomain  = "domain-name"
	optServers = "domain-name-servers"
	optNTP     = "ntp-servers"
	optWINS    = "netbios-name-servers"
	optNode    = "netbios-node-type"

	// ProvidedDNS stands for the resolver of the VPC.
	ProvidedDNS = "AmazonProvidedDNS"
)

// DHCPOptionSets returns the sets of DHCP options of an account.
func (s *Service) DHCPOptionSets(account string) []*DHCPOptions {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.dhcps.of(account)
}

// CreateDHCPOptions makes a set of DHCP options.
func (s *Service) CreateDHCPOptions(ctx context.Context, account string, options []DHCPOption, tagged tags.Set) (*DHCPOptions, error) {
	if len(options) == 0 {
		return nil, errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter dhcpConfiguration")
	}
	seen := map[string]bool{}
	for _, o := range options {
		if err := checkOption(o); err != nil {
			return nil, err
		}
		if seen[o.Key] {
			return nil, invalid("Value (%s) for parameter name is invalid. DHCP option specified twice", o.Key)
		}
		seen[o.Key] = true
	}
	options = slices.SortedFunc(slices.Values(options), func(a, b DHCPOption) int { return cmp.Compare(a.Key, b.Key) })
	var set *DHCPOptions
	err := s.change(ctx, "network.CreateDHCPOptions", account, func(tx *Tx) error {
		st := tx.state()
		if err := tx.quota(account, quotaDHCP, st.customDHCP(account), s.limit.DHCPOptions, "DhcpOptionsLimitExceeded",
			"The maximum number of DHCP option sets has been reached."); err != nil {
			return err
		}
		set = &DHCPOptions{ID: ids.New(ids.DHCPOptions), Account: account, Options: options, Created: tx.now}
		create(tx, st.dhcps, set.ID, set)
		tx.tag(set.ID, tagged)
		return nil
	})
	return set, err
}

func (st *state) customDHCP(account string) int {
	n := 0
	for _, o := range st.dhcps.of(account) {
		if !o.Default {
			n++
		}
	}
	return n
}

func checkOption(o DHCPOption) error {
	bad := func() error {
		return invalid("Value (%.64s) for parameter %s is invalid.", strings.Join(o.Values, ","), o.Key)
	}
	if len(o.Values) == 0 {
		return bad()
	}
	switch o.Key {
	case optDomain:
		if len(o.Values) != 1 || !validDomain(o.Values[0]) {
			return bad()
		}
	case optServers, optNTP, optWINS:
		if len(o.Values) > 4 {
			return bad()
		}
		for _, v := range o.Values {
			if o.Key == optServers && v == ProvidedDNS {
				continue
			}
			if a, err := netip.ParseAddr(v); err != nil || !a.Is4() {
				return bad()
			}
		}
	case optNode:
		if len(o.Values) != 1 || !slices.Contains([]string{"1", "2", "4", "8"}, o.Values[0]) {
			return bad()
		}
	default:
		return invalid("Value (%.64s) for parameter name is invalid. Unknown DHCP option", o.Key)
	}
	return nil
}

// validDomain accepts names of labels, and several of them, as some guests take.
func validDomain(s string) bool {
	return s != "" && len(s) <= 253 && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(".-_ ", r)
	}) < 0
}

// DeleteDHCPOptions removes a set that no VPC uses.
func (s *Service) DeleteDHCPOptions(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteDHCPOptions", account, func(tx *Tx) error {
		st := tx.state()
		o, err := own(tx, ids.DHCPOptions, st.dhcps, id, read[DHCPOptions])
		if err != nil {
			return err
		}
		if st.withDHCP.count(id) > 0 {
			return dependency(id, "dhcpOptions")
		}
		tx.unused(id)
		drop(tx, st.dhcps, id)
		if !o.Default {
			tx.count(quotaOf(account, quotaDHCP), -1)
		}
		tx.untag(id)
		return nil
	})
}

// carriedOut reports whether hosts do what a set asks for.
func (o *DHCPOptions) carriedOut() bool {
	return !slices.ContainsFunc(o.Options, func(o DHCPOption) bool {
		return o.Key != optDomain && (o.Key != optServers || len(o.Values) != 1 || o.Values[0] != ProvidedDNS)
	})
}

// AssociateDHCPOptions gives a VPC a set of DHCP options; "default" stands for none.
func (s *Service) AssociateDHCPOptions(ctx context.Context, account, id, vpc string) error {
	return s.change(ctx, "network.AssociateDHCPOptions", account, func(tx *Tx) error {
		st := tx.state()
		v, err := tx.ownVPC(vpc)
		if err != nil {
			return err
		}
		c := *v
		c.DHCPOptions = ""
		if id != "default" {
			o, err := own(tx, ids.DHCPOptions, st.dhcps, id, need[DHCPOptions])
			if err != nil {
				return err
			}
			if !o.carriedOut() {
				return errs.New(errs.NotImplemented, Unsupported, "DHCP options other than domain-name and domain-name-servers=%s cannot be associated.", ProvidedDNS).On(id)
			}
			c.DHCPOptions = id
			tx.use(id, 1)
		}
		if v.DHCPOptions != "" {
			tx.use(v.DHCPOptions, -1)
		}
		update(tx, st.vpcs, vpc, &c)
		return nil
	})
}
