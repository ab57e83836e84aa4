package netfw_test

import (
	"testing"

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
