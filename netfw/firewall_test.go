package netfw_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/netfw"
)

func TestPortsOpenAndClose(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a1", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2", Egress: []netfw.Rule{everywhere()}}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-2").static()
	b.listen(80)
	b.listen(81)
	a.mustNotReach("10.0.0.11:80")

	n.Groups[1].Ingress = []netfw.Rule{cidr(netfw.TCP, 80, 80, "10.0.0.0/24")}
	c.apply(n)
	a.mustReach("10.0.0.11:80")
	a.mustNotReach("10.0.0.11:81")
	kept, err := a.dial("10.0.0.11:80")
	must(t, err)
	defer func() { _ = kept.Close() }()
	if _, ok := ask(kept); !ok {
		t.Fatal("the flow does not work")
	}

	n.Groups[1].Ingress = nil
	c.apply(n)
	a.mustNotReach("10.0.0.11:80")
	if _, ok := ask(kept); !ok {
		t.Error("an established flow ended with the rule")
	}
	if s := b.status(); s.DeniedIn == 0 || s.Spoofed != 0 {
		t.Errorf("counters of the closed guest: %+v", s)
	}
	if s := a.status(); s.Spoofed != 0 || s.SpoofedARP != 0 || s.DeniedOut != 0 {
		t.Errorf("counters of the open guest: %+v", s)
	}
}

func TestGroupsReferToGroups(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a2", "10.0.0.0/16")
	n.Groups = []netfw.Group{
		{ID: "sg-db", Ingress: []netfw.Rule{fromGroup(netfw.TCP, 5432, 5432, "sg-web")}},
		{ID: "sg-web", Egress: []netfw.Rule{everywhere()}},
		{ID: "sg-self", Ingress: []netfw.Rule{fromGroup(netfw.Any, 0, 0, "sg-self")}, Egress: []netfw.Rule{everywhere()}},
	}
	db := c.guest(n, "10.0.0.10", "sg-db").static()
	web := c.guest(n, "10.0.0.11", "sg-web").static()
	other := c.guest(n, "10.0.0.12", "sg-self").static()
	db.listen(5432)
	other.listen(80)
	web.mustReach("10.0.0.10:5432")
	other.mustNotReach("10.0.0.10:5432")
	web.mustNotReach("10.0.0.12:80")

	// Membership moves: the one comes, the other goes.
	n.Interfaces[2].Groups = []string{"sg-self", "sg-web"}
	n.Interfaces[1].Groups = []string{"sg-self"}
	c.apply(n)
	other.mustReach("10.0.0.10:5432")
	web.mustNotReach("10.0.0.10:5432")
	web.mustReach("10.0.0.12:80")

	// What a group may send counts too: sg-db has no egress at all.
	db.mustNotReach("10.0.0.12:80")
	if s := db.status(); s.DeniedOut == 0 {
		t.Errorf("counters: %+v", s)
	}
	// Members on other hosts are told by address.
	n.Interfaces[1].Groups = []string{"sg-web"}
	n.Groups[2].Remote = []netip.Addr{netip.MustParseAddr("10.0.0.11")}
	c.apply(n)
	web.mustReach("10.0.0.12:80")
	n.Groups[2].Remote = nil
	c.apply(n)
	web.mustNotReach("10.0.0.12:80")
}

func TestProtocols(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a3", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2"}}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-2").static()
	b.listen(80)
	b.listen(443)
	b.listen(1024)
	type probe struct {
		name string
		try  func() bool
	}
	tcp := func(port int) probe {
		return probe{fmt.Sprintf("tcp %d", port), func() bool { _, ok := a.reaches(fmt.Sprintf("10.0.0.11:%d", port)); return ok }}
	}
	ping := probe{"ping", func() bool { return a.pings("10.0.0.11") }}
	for _, test := range []struct {
		rule          netfw.Rule
		opens, closes []probe
	}{
		{cidr(netfw.TCP, 80, 443, "10.0.0.10/32"), []probe{tcp(80), tcp(443)}, []probe{tcp(1024), ping}},
		{cidr(netfw.TCP, 0, 65535, "10.0.0.8/29"), []probe{tcp(80), tcp(1024)}, []probe{ping}},
		{cidr(netfw.TCP, 80, 80, "10.0.0.16/29"), nil, []probe{tcp(80)}},
		{cidr(netfw.TCP, 80, 80, "::/0"), nil, []probe{tcp(80)}},
		{cidr(netfw.UDP, 80, 80, "0.0.0.0/0"), nil, []probe{tcp(80)}},
		{cidr(netfw.ICMP, 8, 0, "0.0.0.0/0"), []probe{ping}, []probe{tcp(80)}},
		{cidr(netfw.ICMP, 8, netfw.Any, "0.0.0.0/0"), []probe{ping}, nil},
		{cidr(netfw.ICMP, netfw.Any, netfw.Any, "0.0.0.0/0"), []probe{ping}, nil},
		{cidr(netfw.ICMP, 13, netfw.Any, "0.0.0.0/0"), nil, []probe{ping}},
		{cidr(6, 1024, 1024, "10.0.0.0/8"), []probe{tcp(1024)}, []probe{tcp(80)}},
		{cidr(50, 0, 0, "0.0.0.0/0"), nil, []probe{tcp(80), ping}},
		{cidr(netfw.Any, 0, 0, "10.0.0.10/32"), []probe{tcp(80), ping}, nil},
	} {
		n.Groups[1].Ingress = []netfw.Rule{test.rule}
		c.apply(n)
		for _, p := range test.opens {
			if !p.try() {
				t.Errorf("%+v: %s does not pass", test.rule, p.name)
			}
		}
		for _, p := range test.closes {
			if p.try() {
				t.Errorf("%+v: %s passes", test.rule, p.name)
			}
		}
	}
}

var pingID atomic.Int32

// pings sends one echo request and waits for the answer.
func (g *guest) pings(addr string) bool {
	ok := false
	must(g.t, g.ns.Do(func() error {
		// A datagram socket for ICMP needs leave; a raw one needs none here.
		c, err := net.Dial("ip4:icmp", addr)
		if err != nil {
			return nil
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(brief))
		// Each with another id, so that none counts as an answer of an earlier flow.
		m := []byte{8, 0, 0, 0, 0, 0, 0, 1}
		binary.BigEndian.PutUint16(m[4:], uint16(pingID.Add(1)))
		binary.BigEndian.PutUint16(m[2:], checksum(m))
		if _, err := c.Write(m); err != nil {
			return nil
		}
		buf := make([]byte, 256)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return nil
			}
			if n > 20 && buf[20] == 0 { // behind the IP header: an echo reply
				ok = true
				return nil
			}
		}
	}))
	return ok
}

func TestInvalidPartsHoldNothingUp(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-a4", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), openGroup("sg-2")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	b := c.guest(n, "10.0.0.11", "sg-1").static()
	b.listen(80)
	a.mustReach("10.0.0.11:80")

	bad := *n
	bad.Groups = []netfw.Group{openGroup("sg-1"), openGroup("sg-2"), {ID: "sg-3", Ingress: []netfw.Rule{{Protocol: 999}}}}
	twin := n.Interfaces[1]
	twin.ID, twin.MAC = "eni-ffff", net.HardwareAddr{2, 9, 9, 9, 9, 9}
	lost := n.Interfaces[1]
	lost.ID, lost.Subnet = "eni-fffe", "subnet-9"
	nowhere := n.Interfaces[1]
	nowhere.ID, nowhere.Addresses, nowhere.Groups = "eni-fffd", []netfw.Address{{IP: netip.MustParseAddr("10.0.0.99")}}, []string{"sg-9"}
	good := n.Interfaces[0]
	good.Groups = []string{"sg-2"}
	bad.Interfaces = []netfw.Interface{good, n.Interfaces[1], twin, lost, nowhere}
	err := c.host.Apply(t.Context(), bad)
	if !errors.Is(err, netfw.ErrInvalid) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{"protocol 999", "10.0.0.11 belongs to both", "subnet-9", "sg-9"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	a.mustReach("10.0.0.11:80")
	if _, err := c.host.PrepareTap(t.Context(), n.ID, "eni-fffe"); !errors.Is(err, netfw.ErrNotFound) {
		t.Errorf("the tap of an invalid interface: %v", err)
	}
	c.apply(n)
	a.mustReach("10.0.0.11:80")
}
