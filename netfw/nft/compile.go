package nft

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A unit is what one tap, one group, or the base of the table wants in the kernel.
type unit struct {
	chains   []chain
	sets     []object
	elements []element
}

// An object is a chain or a set by its family and name.
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
	sets  []*spanSet
}

// An element of a set or map. A verdict map's value is the name of the chain to jump to. Units may want the same element.
type element struct {
	set object
	key string
	val string
}

// format changes whenever the same text comes to mean other expressions: then all chains are refilled.
const format = "format_3"

// Names of the sets that every table has.
const (
	bound     = "bound"      // interface, MAC and source that belong together
	bound6    = "bound6"     // the same for IPv6
	cards     = "cards"      // interface and MAC that belong together
	anySource = "any_source" // the same, of those that may send from any address
	public    = "public"     // public address -> private one
	leaving   = "leaving"    // private address -> the one to leave as
	resolvers = "resolvers"  // where DNS answers
	// Sets whose elements count what is looked up: packets that are dropped, by interface.
	spoofed   = "spoofed"
	deniedIn  = "denied_in"
	deniedOut = "denied_out"
	// How the names of the maps begin that there are once for each place in a tap's list of groups. Which group a tap has is data,
	// and changes without the kernel looking at any chain; where the rules of a group are is known to few elements, shared by all
	// its taps.
	belongs  = "groups_"   // interface -> number of its group
	outgoing = "outgoing_" // number of a group -> chain of what its members may send
	incoming = "incoming_" // number of a group -> chain of what its members may get
)

func sets(places int) []object {
	all := []object{{arp, bound}, {inet, bound}, {inet, bound6}, {inet, cards}, {inet, anySource}, {inet, public},
		{inet, leaving}, {inet, resolvers}, {arp, spoofed}, {inet, spoofed}, {inet, deniedIn}, {inet, deniedOut}}
	for k := range places {
		all = append(all, object{inet, place(belongs, k)}, object{inet, place(outgoing, k)}, object{inet, place(incoming, k)})
	}
	return all
}

// place is the name of a map for the groups that are the k-th of their taps.
func place(kind string, k int) string { return kind + strconv.Itoa(k+1) }

// places is how many groups a tap has at most.
func places(taps []Tap) int {
	n := 1
	for k := range taps {
		n = max(n, len(taps[k].Groups))
	}
	return n
}

// byPlace leads from an interface to the chains of its groups, one after the other. The number goes by way of the packet's mark:
// nft aborts when it lists a rule that looks up in one map what it found in another.
func byPlace(key expr.MetaKey, chains string, places int) []rule {
	rules := make([]rule, places)
	for k := range rules {
		rules[k] = rule{text: "by group in @" + place(belongs, k) + " and @" + place(chains, k),
			exprs: match{loadMeta(key), mapped(place(belongs, k)), storeMark(), loadMeta(expr.MetaKeyMARK), verdictOf(place(chains, k))}}
	}
	return rules
}

func join(parts ...match) match {
	var m match
	for _, p := range parts {
		m = append(m, p...)
	}
	return m
}

func one(e expr.Any) match { return match{e} }

// compileBase is what does not depend on taps and groups, but for how many groups a tap has at most.
func compileBase(f Firewall, places int) unit {
	verdict := func(text string, v expr.Any, m ...match) rule {
		return rule{text: text, exprs: join(append(m, one(v))...)}
	}
	accepts := func(text string, m ...match) rule { return verdict(text, accept(), m...) }
	drops := func(text string, m ...match) rule { return verdict(text, drop(), m...) }
	counted := func(key expr.MetaKey, set string) rule {
		return drops("count in @"+set, match{loadMeta(key), &expr.Lookup{SourceRegister: reg, SetName: set}})
	}
	established := accepts("answers", tracked(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED))

	card := match{loadMeta(expr.MetaKeyIIFNAME), loadTo(regMAC, expr.PayloadBaseLLHeader, 6, 6), &expr.Lookup{SourceRegister: reg, SetName: cards}}
	from := func(set string, v4 bool) match {
		offset, length := uint32(12), uint32(4)
		if !v4 {
			offset, length = 8, 16
		}
		return append(family(v4), loadMeta(expr.MetaKeyIIFNAME), loadTo(regMAC, expr.PayloadBaseLLHeader, 6, 6),
			loadTo(regAddr, expr.PayloadBaseNetworkHeader, offset, length), &expr.Lookup{SourceRegister: reg, SetName: set})
	}
	guard := []rule{
		drops("our own broadcast", looped()),
		accepts("bound", from(bound, true)),
		accepts("loopback", iif("lo")),
		accepts("bound IPv6", from(bound6, false)),
		accepts("DHCP", within(netip.MustParsePrefix("0.0.0.0/32"), true), toPort(UDP, 67), fromPort(68), card),
		accepts("link-local ICMP", within(netip.MustParsePrefix("fe80::/10"), true), protocol(ICMPv6), card),
		accepts("unspecified ICMP", within(netip.MustParsePrefix("::/128"), true), protocol(ICMPv6), card),
		accepts("any source", match{loadMeta(expr.MetaKeyIIFNAME), loadTo(regMAC, expr.PayloadBaseLLHeader, 6, 6), &expr.Lookup{SourceRegister: reg, SetName: anySource}}),
	}
	guardARP := []rule{accepts("bound", match{loadMeta(expr.MetaKeyIIFNAME), loadTo(regMAC, expr.PayloadBaseLLHeader, 6, 6),
		loadTo(regAddr, expr.PayloadBaseNetworkHeader, 8, 6), loadTo(regAddr+2, expr.PayloadBaseNetworkHeader, 14, 4),
		&expr.Lookup{SourceRegister: reg, SetName: bound}})}
	out := slices.Concat([]rule{established, drops("broken", tracked(expr.CtStateBitINVALID))},
		byPlace(expr.MetaKeyIIFNAME, outgoing, places), []rule{counted(expr.MetaKeyIIFNAME, deniedOut)})
	in := slices.Concat([]rule{established}, byPlace(expr.MetaKeyOIFNAME, incoming, places), []rule{counted(expr.MetaKeyOIFNAME, deniedIn)})
	local := []rule{accepts("loopback", iif("lo")), established}
	if f.Uplink {
		guard = append(guard, accepts("uplink", iif(Uplink)))
		guardARP = append(guardARP, accepts("uplink", iif(Uplink)))
		out = append(out, accepts("from the uplink", iif(Uplink)))
		in = append(in, accepts("to the uplink, with an address to leave as",
			oif(Uplink), iifNot(Uplink), ipv4(), match{loadAddr(true, true), mapped(leaving)}))
		local = append(local, drops("from the uplink", iif(Uplink)))
	}
	guard = append(guard, counted(expr.MetaKeyIIFNAME, spoofed), drops("all else"))
	guardARP = append(guardARP, counted(expr.MetaKeyIIFNAME, spoofed))
	local = append(local,
		accepts("DHCP", ipv4(), toPort(UDP, 67), fromPort(68)),
		accepts("DNS by UDP", inSet(resolvers, true, false), toPort(UDP, 53)),
		accepts("DNS by TCP", inSet(resolvers, true, false), toPort(TCP, 53)),
		accepts("ping", ipv4(), icmp(ICMP, 8, Any)),
		accepts("ping 6", ipv6(), icmp(ICMPv6, 128, Any)),
		accepts("router solicitation", ipv6(), icmp(ICMPv6, 133, Any)),
		accepts("neighbour solicitation", ipv6(), icmp(ICMPv6, 135, Any)),
		accepts("neighbour advertisement", ipv6(), icmp(ICMPv6, 136, Any)))
	if f.Metadata {
		local = append(local, accepts("metadata", within(netip.PrefixFrom(MetadataAddr, 32), false), toPort(TCP, 80)))
	}
	base := func(fam nftables.TableFamily, name string, kind nftables.ChainType, num *nftables.ChainHook, prio int32, policy nftables.ChainPolicy, rules []rule) chain {
		return chain{object{fam, name}, &hook{kind, num, prio, policy}, rules}
	}
	u := unit{chains: []chain{
		{object{inet, format}, nil, nil},
		base(inet, "guard", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -300, nftables.ChainPolicyAccept, guard),
		base(arp, "guard", nftables.ChainTypeFilter, nftables.ChainHookRef(0), 0, nftables.ChainPolicyDrop, guardARP),
		base(inet, "forward_out", nftables.ChainTypeFilter, nftables.ChainHookForward, -10, nftables.ChainPolicyDrop, out),
		base(inet, "forward_in", nftables.ChainTypeFilter, nftables.ChainHookForward, 0, nftables.ChainPolicyDrop, in),
		base(inet, "local", nftables.ChainTypeFilter, nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, local),
	}}
	u.sets = sets(places)
	if f.Uplink {
		u.chains = append(u.chains,
			base(inet, "from_outside", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, -100, nftables.ChainPolicyAccept, []rule{
				{text: "to the private address", exprs: join(iif(Uplink), ipv4(), match{loadAddr(true, false), mapped(public), nat(expr.NATTypeDestNAT)})}}),
			base(inet, "to_outside", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept, []rule{
				{text: "as the public address", exprs: join(oif(Uplink), ipv4(), match{loadAddr(true, true), mapped(leaving), nat(expr.NATTypeSourceNAT)})}}))
	}
	for _, a := range f.DNS {
		if a.Is4() {
			u.elements = append(u.elements, element{object{inet, resolvers}, string(a.AsSlice()), ""})
		}
	}
	return u
}

// compileTap is what one guest's interface wants: its name, groups, MAC and addresses as elements of the sets and maps that the
// base looks them up in.
func compileTap(t Tap, n numbers) unit {
	name, mac := string(ifname(t.Name)), padded(t.MAC)
	var u unit
	put := func(fam nftables.TableFamily, set, key, val string) {
		u.elements = append(u.elements, element{object{fam, set}, key, val})
	}
	for k, g := range t.Groups {
		key := n.of(g)
		put(inet, place(belongs, k), name, key)
		put(inet, place(outgoing, k), key, "o_"+g)
		put(inet, place(incoming, k), key, "i_"+g)
	}
	put(inet, cards, name+mac, "")
	put(inet, spoofed, name, "")
	put(arp, spoofed, name, "")
	put(inet, deniedIn, name, "")
	put(inet, deniedOut, name, "")
	if t.AnySource {
		put(inet, anySource, name+mac, "")
	}
	// Whoever asks whether its address is free has none to ask with.
	put(arp, bound, name+mac+mac+"\x00\x00\x00\x00", "")
	for _, a := range t.Addrs {
		ip := string(a.IP.AsSlice())
		if a.IP.Is4() {
			put(inet, bound, name+mac+ip, "")
			put(arp, bound, name+mac+mac+ip, "")
		} else {
			put(inet, bound6, name+mac+ip, "")
		}
		if a.Public.IsValid() {
			put(inet, public, string(a.Public.AsSlice()), ip)
		}
		if a.Source.IsValid() {
			put(inet, leaving, ip, string(a.Source.AsSlice()))
		}
		for _, g := range t.Groups {
			u.elements = append(u.elements, member(g, a.IP))
		}
	}
	return u
}

// padded fills a MAC up to the whole registers that the kernel compares.
func padded(mac []byte) string { return string(append(append(make([]byte, 0, 8), mac...), 0, 0)) }

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
