package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// The protocols that EC2 names.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// RuleSpec is a rule as a request writes it: one peer.
type RuleSpec struct {
	Protocol   string // tcp, udp, icmp, icmpv6, a number, -1 or all
	From, To   *int
	IPv4       string // of IPv4, IPv6, Group, GroupName and PrefixList one is set
	IPv6       string
	Group      string
	GroupName  string
	Owner      string // the account of the group; empty: the caller's
	PrefixList string
	// Description is nil when none was given.
	Description *string
}

// maxDescription is the longest description of a group, rule or interface, in bytes.
const maxDescription = 255

// descriptionRunes are what descriptions may hold beside letters, digits and spaces.
const descriptionRunes = "._-:/()#,@[]+=&;{}!$*"

func describable(s string) bool {
	return len(s) <= maxDescription && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != ' ' && !strings.ContainsRune(descriptionRunes, r)
	}) < 0
}

// ParseProtocol reads the name or number of a protocol.
func ParseProtocol(s string) (int, error) {
	switch strings.ToLower(s) {
	case "tcp":
		return TCP, nil
	case "udp":
		return UDP, nil
	case "icmp":
		return ICMP, nil
	case "icmpv6":
		return ICMPv6, nil
	case "-1", "all":
		return Any, nil
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return int(n), nil
	}
	const shown = 64
	return 0, invalid("Invalid value '%s' for IP protocol. Unknown protocol.", s[:min(len(s), shown)])
}

// ProtocolName is how EC2 writes a protocol.
func ProtocolName(p int) string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMP:
		return "icmp"
	case ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(p)
}

// ports normalizes the ports, or types and codes, of a rule: what means nothing becomes Any.
func ports(protocol int, from, to *int) (int, int, error) {
	switch protocol {
	case TCP, UDP:
		switch {
		case from == nil || to == nil:
			return 0, 0, invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		case *from < 0 || *to > 65535 || *from > *to:
			return 0, 0, invalid("Invalid TCP/UDP port range (%d:%d)", *from, *to)
		}
		return *from, *to, nil
	case ICMP, ICMPv6:
		if from == nil && to == nil && protocol == ICMPv6 {
			return Any, Any, nil
		}
		switch {
		case from == nil || to == nil:
			return 0, 0, invalid("Invalid value 'Must specify both type and code with ICMP.' for portRange.")
		case *from < Any || *from > 255 || *to < Any || *to > 255 || *from == Any && *to != Any:
			return 0, 0, invalid("ICMP type and code (%d:%d) are out of range", *from, *to)
		}
		return *from, *to, nil
	}
	return Any, Any, nil
}

// ruleCIDR reads the range of a rule and masks what lies behind the prefix.
func ruleCIDR(text string, v6 bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4() == v6 || p.Addr().Is4In6() {
		const shown = 64
		return p, invalid("CIDR block %s is malformed", text[:min(len(text), shown)])
	}
	return p.Masked(), nil
}

// rule checks a spec for a group and makes its rule, without an id. A group that it names must stay.
func (tx *Tx) rule(g *Group, egress bool, spec *RuleSpec) (Rule, error) {
	if spec.Protocol == "" {
		return Rule{}, errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter ipProtocol")
	}
	protocol, err := ParseProtocol(spec.Protocol)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{Egress: egress, Protocol: protocol}
	if r.From, r.To, err = ports(protocol, spec.From, spec.To); err != nil {
		return r, err
	}
	if d := spec.Description; d != nil {
		if !describable(*d) {
			return r, invalid("Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. %s", descriptionRunes[1:])
		}
		r.Description = *d
	}
	switch {
	case spec.IPv4 != "":
		r.CIDR, err = ruleCIDR(spec.IPv4, false)
	case spec.IPv6 != "":
		r.CIDR, err = ruleCIDR(spec.IPv6, true)
	case spec.Group != "" || spec.GroupName != "":
		r.Group, err = tx.peer(g, spec)
	case spec.PrefixList != "":
		err = errs.New(errs.NotFound, "InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", spec.PrefixList).On(spec.PrefixList)
	default:
		err = errs.New(errs.Invalid, MissingParameter, "The request must contain a source or destination: cidrIp, cidrIpv6, groupId or prefixListId")
	}
	return r, err
}

// peer finds the group that a rule of g names.
func (tx *Tx) peer(g *Group, spec *RuleSpec) (string, error) {
	st := tx.state()
	id := spec.Group
	if id == "" {
		h := peek(tx, st.names, groupName(g.VPC, spec.GroupName))
		if h == nil {
			return "", errs.New(errs.NotFound, "InvalidGroup.NotFound", "The security group '%s' does not exist", spec.GroupName).On(spec.GroupName)
		}
		id = h.ID
	}
	if err := checkID(ids.SecurityGroup, id); err != nil {
		return "", err
	}
	if id == g.ID {
		return id, nil
	}
	other := need(tx, st.groups, id)
	switch {
	case other == nil || other.Account != tx.account || spec.Owner != "" && spec.Owner != other.Account:
		return "", notFound(ids.SecurityGroup, id)
	case other.VPC != g.VPC:
		return "", errs.New(errs.NotFound, "InvalidGroup.NotFound", "You have specified two resources that belong to different networks.").On(id)
	}
	return id, nil
}

// Peer is the other side of a rule in text.
func (r *Rule) Peer() string {
	if r.Group != "" {
		return r.Group
	}
	return r.CIDR.String()
}

// same reports whether two rules allow the same: only one of them may be in a group.
func (r *Rule) same(o *Rule) bool {
	return r.Egress == o.Egress && r.Protocol == o.Protocol && r.From == o.From && r.To == o.To && r.CIDR == o.CIDR && r.Group == o.Group
}

// text describes a rule as EC2's errors do.
func (r *Rule) text() string {
	name := strings.ToUpper(ProtocolName(r.Protocol))
	number := func(n int) string { return cmp.Or(map[int]string{Any: "ALL"}[n], strconv.Itoa(n)) }
	switch r.Protocol {
	case Any:
		name = "ALL"
	case TCP, UDP:
		name += fmt.Sprintf(", from port: %d, to port: %d", r.From, r.To)
	case ICMP, ICMPv6:
		name += fmt.Sprintf(", type: %s, code: %s", number(r.From), number(r.To))
	}
	return fmt.Sprintf("peer: %s, %s, ALLOW", r.Peer(), name)
}

// family tells rules apart that count against different quotas.
func (r *Rule) family() [2]bool { return [2]bool{r.Egress, r.CIDR.IsValid() && r.CIDR.Addr().Is6()} }
