package nft

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// allows evaluates a rule for TCP from an address to a port, as the kernel would: the register holds what was loaded last.
func allows(t *testing.T, r rule, addr, port string) bool {
	t.Helper()
	var loaded []byte
	for _, e := range r.exprs {
		switch e := e.(type) {
		case *expr.Meta:
			loaded = map[expr.MetaKey][]byte{expr.MetaKeyNFPROTO: {2}, expr.MetaKeyL4PROTO: {6}}[e.Key]
		case *expr.Payload:
			if loaded = []byte(addr); e.Base == expr.PayloadBaseTransportHeader {
				loaded = []byte(port)
			}
		case *expr.Cmp:
			c := bytes.Compare(loaded, e.Data)
			if e.Op == expr.CmpOpEq && c != 0 || e.Op == expr.CmpOpGte && c < 0 || e.Op == expr.CmpOpLte && c > 0 {
				return false
			}
		case *expr.Lookup:
			k := slices.IndexFunc(r.sets, func(s *spanSet) bool { return s.lookup == e })
			if !inElements(r.sets[k].elements(), loaded) {
				return false
			}
		case *expr.Verdict:
			return e.Kind == expr.VerdictAccept
		}
	}
	t.Fatalf("%q has no verdict", r.text)
	return false
}

// inElements finds out whether a value is between a beginning and the end that follows it.
func inElements(elements []nftables.SetElement, v []byte) bool {
	inside := false
	for _, e := range elements {
		if bytes.Compare(e.Key, v) <= 0 {
			inside = !e.IntervalEnd
		}
	}
	return inside
}

func TestMerge(t *testing.T) {
	for _, test := range []struct {
		rules []Rule
		texts []string
	}{
		{tenRules(0), []string{"tcp 1000-1009 from 10.0.0.0/8"}},
		{[]Rule{rule4(TCP, 80, 80, "0.0.0.0/0"), rule4(TCP, 443, 443, "0.0.0.0/0"), rule4(TCP, 80, 80, "0.0.0.0/0")}, []string{"tcp 80,443 from 0.0.0.0/0"}},
		{[]Rule{rule4(TCP, 22, 22, "10.0.0.0/24"), rule4(TCP, 22, 22, "10.0.1.0/24"), rule4(TCP, 22, 22, "192.0.2.7/32")}, []string{"tcp 22 from 10.0.0.0/23,192.0.2.7/32"}},
		{[]Rule{rule4(TCP, 22, 22, "10.0.0.0/24"), rule4(TCP, 22, 22, "10.0.1.0/32")}, []string{"tcp 22 from 10.0.0.0-10.0.1.0"}},
		{[]Rule{rule4(UDP, 0, 65535, "::/0"), rule4(ICMP, 8, -1, "0.0.0.0/0"), rule4(Any, 0, 0, "fd00::/8"), rule4(50, 0, 0, "10.0.0.0/8")},
			[]string{"all from fd00::/8", "icmp 8/-1 from 0.0.0.0/0", "protocol 50 from 10.0.0.0/8", "udp 0-65535 from ::/0"}},
		{[]Rule{{Protocol: TCP, From: 1, To: 2, Group: "sg-1"}, {Protocol: TCP, From: 3, To: 4, Group: "sg-1"}}, []string{"tcp 1-4 from @m4_sg-1", "tcp 1-4 from @m6_sg-1"}},
	} {
		var got []string
		for _, r := range compileRules(test.rules, true) {
			got = append(got, r.text)
		}
		if !slices.Equal(got, test.texts) {
			t.Errorf("%v: %q, not %q", test.rules, got, test.texts)
		}
	}
}

func rule4(protocol, from, to int, block string) Rule {
	return Rule{Protocol: protocol, From: from, To: to, CIDR: netip.MustParsePrefix(block)}
}
