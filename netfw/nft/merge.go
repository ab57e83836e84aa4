package nft

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A span is a range of ports or addresses, both ends included, in the order of the network.
type span struct{ from, to string }

// join sorts spans and makes those one that overlap or touch.
func unite(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 {
			next, more := after(out[n-1].to)
			if !more || s.from <= next {
				out[n-1].to = max(out[n-1].to, s.to)
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// after is the value that follows; false after the last one.
func after(v string) (string, bool) {
	b := []byte(v)
	for i := len(b) - 1; i >= 0; i-- {
		b[i]++
		if b[i] != 0 {
			return string(b), true
		}
	}
	return "", false
}

// block is the span of a block of addresses.
func block(p netip.Prefix) span {
	p = p.Masked()
	last := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	return span{string(p.Addr().AsSlice()), string(last)}
}

func ports(from, to int) span { return span{string(port(from)), string(port(to))} }

// A spanSet is an unnamed set of spans that a rule looks something up in. It lives and dies with its rule.
type spanSet struct {
	key    nftables.SetDatatype
	spans  []span
	lookup *expr.Lookup // gets the set's id when the transaction is made
}

// elements are the spans as the kernel takes them: where each begins, and where it is over.
func (s *spanSet) elements() []nftables.SetElement {
	var out []nftables.SetElement
	if first := s.spans[0].from; !only(first, 0) {
		out = append(out, nftables.SetElement{Key: make([]byte, len(first)), IntervalEnd: true})
	}
	for _, sp := range s.spans {
		out = append(out, nftables.SetElement{Key: []byte(sp.from)})
		if end, ok := after(sp.to); ok {
			out = append(out, nftables.SetElement{Key: []byte(end), IntervalEnd: true})
		}
	}
	return out
}

// maxSpans is how many spans fit into one set, whose elements are told to the kernel in one attribute of 64 KiB.
const maxSpans = 400

// A service is what a rule allows, apart from the peer.
type service struct {
	protocol int
	from, to int    // type and code of ICMP
	ports    []span // of TCP and UDP; nil: all
	text     string
}

// services of the rules of one peer, with the ports of a protocol brought together.
func services(rules []Rule) []service {
	var out []service
	spans := map[int][]span{}
	seen := map[string]bool{}
	add := func(s service) {
		if !seen[s.text] {
			seen[s.text] = true
			out = append(out, s)
		}
	}
	for _, r := range rules {
		switch r.Protocol {
		case TCP, UDP:
			spans[r.Protocol] = append(spans[r.Protocol], ports(r.From, r.To))
		case ICMP, ICMPv6:
			add(service{r.Protocol, r.From, r.To, nil, fmt.Sprintf("%s %d/%d", map[int]string{ICMP: "icmp", ICMPv6: "icmpv6"}[r.Protocol], r.From, r.To)})
		case Any:
			add(service{Any, 0, 0, nil, "all"})
		default:
			add(service{r.Protocol, 0, 0, nil, "protocol " + strconv.Itoa(r.Protocol)})
		}
	}
	for proto, name := range map[int]string{TCP: "tcp", UDP: "udp"} {
		for part := range slices.Chunk(unite(spans[proto]), maxSpans) {
			texts := make([]string, len(part))
			for i, s := range part {
				texts[i] = portText(s)
			}
			add(service{proto, 0, 0, part, name + " " + strings.Join(texts, ",")})
		}
	}
	slices.SortFunc(out, func(a, b service) int { return cmp.Compare(a.text, b.text) })
	return out
}

func portText(s span) string {
	from, to := int(s.from[0])<<8|int(s.from[1]), int(s.to[0])<<8|int(s.to[1])
	if from == to {
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// compileRules makes as few rules of the kernel as it can: one for each service, with all blocks that may use it, and one for
// each group and service. A rule costs time whenever any chain changes, because the kernel looks at all of them again.
func compileRules(rules []Rule, ingress bool) []rule {
	byPeer := map[netip.Prefix][]Rule{}
	byGroup := map[string][]Rule{}
	for _, r := range rules {
		if r.Group != "" {
			byGroup[r.Group] = append(byGroup[r.Group], r)
		} else {
			byPeer[r.CIDR.Masked()] = append(byPeer[r.CIDR.Masked()], r)
		}
	}
	direction := " to "
	if ingress {
		direction = " from "
	}
	type use struct {
		service
		v4     bool
		blocks []span
	}
	uses := map[string]*use{}
	for peer, theirs := range byPeer {
		for _, s := range services(theirs) {
			v4 := peer.Addr().Is4()
			key := fmt.Sprintf("%v %s", v4, s.text)
			if uses[key] == nil {
				uses[key] = &use{service: s, v4: v4}
			}
			uses[key].blocks = append(uses[key].blocks, block(peer))
		}
	}
	var out []rule
	for _, u := range uses {
		for part := range slices.Chunk(unite(u.blocks), maxSpans) {
			texts := make([]string, len(part))
			for i, b := range part {
				texts[i] = blockText(b)
			}
			r := rule{text: u.text + direction + strings.Join(texts, ",")}
			r.match(family(u.v4)...)
			r.within(loadAddr(u.v4, ingress), addrType(u.v4), part)
			r.service(u.service)
			out = append(out, r)
		}
	}
	for group, theirs := range byGroup {
		for _, s := range services(theirs) {
			for _, v4 := range []bool{true, false} {
				set := memberSet(group, v4).name
				r := rule{text: s.text + direction + "@" + set}
				r.match(inSet(set, v4, ingress)...)
				r.service(s)
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(a, b rule) int { return cmp.Compare(a.text, b.text) })
	for i := range out {
		out[i].text = shorten(out[i].text)
	}
	return out
}

func addrType(v4 bool) nftables.SetDatatype {
	if v4 {
		return nftables.TypeIPAddr
	}
	return nftables.TypeIP6Addr
}

func blockText(s span) string {
	from, _ := netip.AddrFromSlice([]byte(s.from))
	to, _ := netip.AddrFromSlice([]byte(s.to))
	for bits := range from.BitLen() + 1 {
		if p := netip.PrefixFrom(from, bits); p.Masked() == p && block(p) == s {
			return p.String()
		}
	}
	return from.String() + "-" + to.String()
}

// maxText is how much of a comment the kernel and nft take, with room for the sum.
const maxText = 100

// shorten keeps texts short and different.
func shorten(s string) string {
	if len(s) <= maxText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:maxText-21] + "... #" + hex.EncodeToString(sum[:8])
}

func (r *rule) match(m ...expr.Any) { r.exprs = append(r.exprs, m...) }

// within matches what is loaded against spans: not at all if they are everything, by comparison if there is one that a
// comparison can tell, by a set otherwise.
func (r *rule) within(loaded expr.Any, key nftables.SetDatatype, spans []span) {
	if len(spans) == 1 {
		s := spans[0]
		switch {
		case only(s.from, 0) && only(s.to, 0xff):
			return
		case s.from == s.to:
			r.match(loaded, equal([]byte(s.from)))
		default:
			r.match(loaded, &expr.Cmp{Op: expr.CmpOpGte, Register: reg, Data: []byte(s.from)}, &expr.Cmp{Op: expr.CmpOpLte, Register: reg, Data: []byte(s.to)})
		}
		return
	}
	l := &expr.Lookup{SourceRegister: reg}
	r.match(loaded, l)
	r.sets = append(r.sets, &spanSet{key, spans, l})
}

// service matches a service, and accepts.
func (r *rule) service(s service) {
	switch s.protocol {
	case Any:
	case TCP, UDP:
		r.match(protocol(s.protocol)...)
		r.within(load(expr.PayloadBaseTransportHeader, 2, 2), nftables.TypeInetService, s.ports)
	case ICMP, ICMPv6:
		r.match(icmp(s.protocol, s.from, s.to)...)
	default:
		r.match(protocol(s.protocol)...)
	}
	r.match(accept())
}

// only tells whether all bytes are the same.
func only(s string, b byte) bool { return bytes.Count([]byte(s), []byte{b}) == len(s) }

// trimZero is a name without the zero bytes that fill it up.
func trimZero(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
