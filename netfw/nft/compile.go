package nft

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A unit is what one tap, one group, or the base of the table wants in the kernel.
type unit struct {
	chains   []chain
	sets     []object
	elements []element
	counters []object
}

// An object is a chain, a set or a counter by its family and name.
type object struct {
	family nftables.TableFamily
	name   string
}

const (
	inet = nftables.TableFamilyINet
	arp  = nftables.TableFamilyARP
)

// A chain with its rules. A base chain has a hook.
type chain struct {
	object
	hook  *hook
	rules []rule
}

type hook struct {
	kind     nftables.ChainType
	num      *nftables.ChainHook
	priority int32
	policy   nftables.ChainPolicy
}

// A rule says in text what its expressions do. The text is kept in the kernel as the rule's comment, and is what tells one
// rule from another: two rules of the same text must do the same.
type rule struct {
	text  string
	exprs []expr.Any
}

// An element of a set or map. A verdict map's value is the name of the chain to jump to.
type element struct {
	set object
	key string
	val string
}

// format changes whenever the same text comes to mean other expressions: then all chains are refilled.
const format = "format_1"

// Names of the sets that every table has.
const (
	guards    = "guards"    // interface -> chain that checks the source
	outgoing  = "outgoing"  // interface -> chain of what the guest may send
	incoming  = "incoming"  // interface -> chain of what the guest may get
	public    = "public"    // public address -> private one
	leaving   = "leaving"   // private address -> the one to leave as
	resolvers = "resolvers" // where DNS answers
)

func join(parts ...match) match {
	var m match
	for _, p := range parts {
		m = append(m, p...)
	}
	return m
}

func one(e expr.Any) match { return match{e} }

// compileBase is what does not depend on taps and groups.
func compileBase(f Firewall) unit {
	established := rule{"answers", join(tracked(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), one(accept()))}
	byIn := func(set string) rule {
		return rule{"by interface in @" + set, match{loadMeta(expr.MetaKeyIIFNAME), verdictOf(set)}}
	}
	byOut := func(set string) rule {
		return rule{"by interface in @" + set, match{loadMeta(expr.MetaKeyOIFNAME), verdictOf(set)}}
	}
	drops := rule{"all else", one(drop())}
	accepts := func(text string, m ...match) rule { return rule{text, join(append(m, one(accept()))...)} }

	guard := []rule{byIn(guards), accepts("loopback", iif("lo"))}
	guardARP := []rule{byIn(guards)}
	out := []rule{established, {"broken", join(tracked(expr.CtStateBitINVALID), one(drop()))}, byIn(outgoing)}
	in := []rule{established, byOut(incoming)}
	local := []rule{accepts("loopback", iif("lo")), established}
	if f.Uplink {
		guard = append(guard, accepts("uplink", iif(Uplink)))
		guardARP = append(guardARP, accepts("uplink", iif(Uplink)))
		out = append(out, accepts("from the uplink", iif(Uplink)))
		in = append(in, accepts("to the uplink, with an address to leave as",
			oif(Uplink), iifNot(Uplink), ipv4(), match{loadAddr(true, true), mapped(leaving)}))
		local = append(local, rule{"from the uplink", join(iif(Uplink), one(drop()))})
	}
	local = append(local,
		accepts("DHCP", ipv4(), toPorts(UDP, 67, 67), fromPort(68)),
		accepts("DNS by UDP", inSet(resolvers, true, false), toPorts(UDP, 53, 53)),
		accepts("DNS by TCP", inSet(resolvers, true, false), toPorts(TCP, 53, 53)),
		accepts("ping", ipv4(), icmp(ICMP, 8, Any)),
		accepts("ping 6", ipv6(), icmp(ICMPv6, 128, Any)),
		accepts("router solicitation", ipv6(), icmp(ICMPv6, 133, Any)),
		accepts("neighbour solicitation", ipv6(), icmp(ICMPv6, 135, Any)),
		accepts("neighbour advertisement", ipv6(), icmp(ICMPv6, 136, Any)))
	if f.Metadata {
		local = append(local, accepts("metadata", within(netip.PrefixFrom(MetadataAddr, 32), false), toPorts(TCP, 80, 80)))
	}
	base := func(fam nftables.TableFamily, name string, kind nftables.ChainType, num *nftables.ChainHook, prio int32, policy nftables.ChainPolicy, rules []rule) chain {
		return chain{object{fam, name}, &hook{kind, num, prio, policy}, rules}
	}
	u := unit{chains: []chain{
		{object{inet, format}, nil, nil},
		base(inet, "guard", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -300, nftables.ChainPolicyAccept, append(guard, drops)),
		base(arp, "guard", nftables.ChainTypeFilter, nftables.ChainHookRef(0), 0, nftables.ChainPolicyDrop, guardARP),
		base(inet, "forward_out", nftables.ChainTypeFilter, nftables.ChainHookForward, -10, nftables.ChainPolicyDrop, out),
		base(inet, "forward_in", nftables.ChainTypeFilter, nftables.ChainHookForward, 0, nftables.ChainPolicyDrop, in),
		base(inet, "local", nftables.ChainTypeFilter, nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, local),
	}}
	u.sets = []object{{inet, guards}, {arp, guards}, {inet, outgoing}, {inet, incoming}, {inet, public}, {inet, leaving}, {inet, resolvers}}
	if f.Uplink {
		u.chains = append(u.chains,
			base(inet, "from_outside", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, -100, nftables.ChainPolicyAccept, []rule{
				{"to the private address", join(iif(Uplink), ipv4(), match{loadAddr(true, false), mapped(public), nat(expr.NATTypeDestNAT)})}}),
			base(inet, "to_outside", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept, []rule{
				{"as the public address", join(oif(Uplink), ipv4(), match{loadAddr(true, true), mapped(leaving), nat(expr.NATTypeSourceNAT)})}}))
	}
	for _, a := range f.DNS {
		if a.Is4() {
			u.elements = append(u.elements, element{object{inet, resolvers}, string(a.AsSlice()), ""})
		}
	}
	return u
}

// compileTap is what one guest's interface wants: a chain that checks the source, one for each direction, a counter for all
// that is dropped, and its addresses as elements.
func compileTap(t Tap) unit {
	name := t.Name
	guard, in, out := "from_"+name, "in_"+name, "out_"+name
	spoofed, deniedIn, deniedOut := "spoofed_"+name, "denied_in_"+name, "denied_out_"+name
	var u unit

	mac := []byte(t.MAC)
	forged := rule{"forged", match{count(spoofed), drop()}}
	wrongMAC := rule{"not MAC " + t.MAC.String(), match{load(expr.PayloadBaseLLHeader, 6, 6), differs(mac), count(spoofed), drop()}}
	source := []rule{{"our own broadcast", join(looped(), one(drop()))}, wrongMAC}
	hardware := []rule{wrongMAC,
		{"not sender " + t.MAC.String(), match{load(expr.PayloadBaseNetworkHeader, 8, 6), differs(mac), count(spoofed), drop()}}}
	for _, a := range t.Addrs {
		source = append(source, rule{"from " + a.IP.String(), join(within(netip.PrefixFrom(a.IP, a.IP.BitLen()), true), one(accept()))})
		if a.IP.Is4() {
			hardware = append(hardware, rule{"as " + a.IP.String(), match{load(expr.PayloadBaseNetworkHeader, 14, 4), equal(a.IP.AsSlice()), accept()}})
		}
	}
	linkLocal := netip.MustParsePrefix("fe80::/10")
	source = append(source,
		rule{"DHCP", join(within(netip.MustParsePrefix("0.0.0.0/32"), true), toPorts(UDP, 67, 67), fromPort(68), one(accept()))},
		rule{"link-local ICMP", join(within(linkLocal, true), protocol(ICMPv6), one(accept()))},
		rule{"unspecified ICMP", join(within(netip.MustParsePrefix("::/128"), true), protocol(ICMPv6), one(accept()))})
	if t.AnySource {
		source = append(source, rule{"any source", one(accept())})
	}
	source = append(source, forged)
	hardware = append(hardware,
		rule{"probe", match{load(expr.PayloadBaseNetworkHeader, 14, 4), equal(make([]byte, 4)), accept()}}, forged)

	var mayIn, mayOut []rule
	for _, g := range t.Groups {
		mayIn = append(mayIn, rule{"group " + g, one(jump("i_" + g))})
		mayOut = append(mayOut, rule{"group " + g, one(jump("o_" + g))})
	}
	mayIn = append(mayIn, rule{"denied", match{count(deniedIn), drop()}})
	mayOut = append(mayOut, rule{"denied", match{count(deniedOut), drop()}})

	u.chains = []chain{
		{object{inet, guard}, nil, source}, {object{arp, guard}, nil, hardware},
		{object{inet, in}, nil, mayIn}, {object{inet, out}, nil, mayOut},
	}
	u.counters = []object{{inet, spoofed}, {arp, spoofed}, {inet, deniedIn}, {inet, deniedOut}}
	key := string(ifname(name))
	u.elements = []element{
		{object{inet, guards}, key, guard}, {object{arp, guards}, key, guard},
		{object{inet, incoming}, key, in}, {object{inet, outgoing}, key, out},
	}
	for _, a := range t.Addrs {
		ip := string(a.IP.AsSlice())
		if a.Public.IsValid() {
			u.elements = append(u.elements, element{object{inet, public}, string(a.Public.AsSlice()), ip})
		}
		if a.Source.IsValid() {
			u.elements = append(u.elements, element{object{inet, leaving}, ip, string(a.Source.AsSlice())})
		}
		for _, g := range t.Groups {
			u.elements = append(u.elements, member(g, a.IP))
		}
	}
	return u
}

// memberSet is the name of the set of a group's members of one family of addresses.
func memberSet(group string, v4 bool) object {
	if v4 {
		return object{inet, "m4_" + group}
	}
	return object{inet, "m6_" + group}
}

func member(group string, a netip.Addr) element {
	return element{memberSet(group, a.Is4()), string(a.AsSlice()), ""}
}

// compileGroup is a chain of rules for each direction, and the sets of members.
func compileGroup(g Group) unit {
	u := unit{sets: []object{memberSet(g.ID, true), memberSet(g.ID, false)}}
	u.chains = []chain{
		{object{inet, "i_" + g.ID}, nil, compileRules(g.Ingress, true)},
		{object{inet, "o_" + g.ID}, nil, compileRules(g.Egress, false)},
	}
	for _, rules := range [][]Rule{g.Ingress, g.Egress} {
		for _, r := range rules {
			if r.Group != "" {
				u.sets = append(u.sets, memberSet(r.Group, true), memberSet(r.Group, false))
			}
		}
	}
	for _, a := range g.Remote {
		u.elements = append(u.elements, member(g.ID, a))
	}
	return u
}

func compileRules(rules []Rule, ingress bool) []rule {
	var out []rule
	for _, r := range rules {
		what, text := service(r)
		direction := " to "
		if ingress {
			direction = " from "
		}
		if r.Group == "" {
			out = append(out, rule{text + direction + r.CIDR.Masked().String(), join(within(r.CIDR, ingress), what, one(accept()))})
			continue
		}
		for _, v4 := range []bool{true, false} {
			set := memberSet(r.Group, v4)
			out = append(out, rule{text + direction + "@" + set.name, join(inSet(set.name, v4, ingress), what, one(accept()))})
		}
	}
	return out
}

// service is the part of a rule that does not name the peer.
func service(r Rule) (match, string) {
	switch r.Protocol {
	case Any:
		return nil, "all"
	case TCP, UDP:
		name := map[int]string{TCP: "tcp", UDP: "udp"}[r.Protocol]
		return toPorts(r.Protocol, r.From, r.To), fmt.Sprintf("%s %d-%d", name, r.From, r.To)
	case ICMP, ICMPv6:
		name := map[int]string{ICMP: "icmp", ICMPv6: "icmpv6"}[r.Protocol]
		return icmp(r.Protocol, r.From, r.To), fmt.Sprintf("%s %d/%d", name, r.From, r.To)
	default:
		return protocol(r.Protocol), "protocol " + strconv.Itoa(r.Protocol)
	}
}
