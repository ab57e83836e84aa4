package network

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/tags"
)

func newGroup(t testing.TB, s *Service, name string) *Group {
	t.Helper()
	g, err := s.CreateGroup(t.Context(), alice, GroupSpec{Name: name, Description: "made by a test"})
	must(t, err)
	return g
}

func tcp(from, to int, cidr string) RuleSpec {
	return RuleSpec{Protocol: "tcp", From: &from, To: &to, IPv4: cidr}
}

func TestGroupNames(t *testing.T) {
	s := open(t)
	other, err := s.CreateVPC(t.Context(), alice, VPCSpec{CIDR: defaultCIDR()})
	must(t, err)
	newGroup(t, s, "web")
	for name, c := range map[string]struct {
		spec GroupSpec
		code errs.Reason
	}{
		"duplicate":          {GroupSpec{Name: "web", Description: "d"}, GroupDuplicate},
		"reserved":           {GroupSpec{Name: "default", Description: "d"}, GroupReserved},
		"like an id":         {GroupSpec{Name: "sg-web", Description: "d"}, InvalidValue},
		"empty":              {GroupSpec{Description: "d"}, InvalidValue},
		"blank":              {GroupSpec{Name: "  ", Description: "d"}, InvalidValue},
		"long":               {GroupSpec{Name: strings.Repeat("x", 256), Description: "d"}, InvalidValue},
		"odd characters":     {GroupSpec{Name: "wëb", Description: "d"}, InvalidValue},
		"no description":     {GroupSpec{Name: "a"}, InvalidValue},
		"long description":   {GroupSpec{Name: "a", Description: strings.Repeat("x", 256)}, InvalidValue},
		"odd description":    {GroupSpec{Name: "a", Description: "a\nb"}, InvalidValue},
		"malformed VPC":      {GroupSpec{VPC: "vpc-1", Name: "a", Description: "d"}, "InvalidVpcID.Malformed"},
		"absent VPC":         {GroupSpec{VPC: "vpc-00000000000000000", Name: "a", Description: "d"}, "InvalidVpcID.NotFound"},
		"somebody else's":    {GroupSpec{VPC: s.DefaultVPC(alice).ID, Name: "a", Description: "d"}, "InvalidVpcID.NotFound"},
		"fine in other VPCs": {GroupSpec{VPC: other.ID, Name: "web", Description: "d"}, ""},
	} {
		account := alice
		if name == "somebody else's" {
			account = bob
		}
		before := len(s.Groups(alice))
		_, err := s.CreateGroup(t.Context(), account, c.spec)
		if errs.ReasonOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if c.code != "" && len(s.Groups(alice)) != before {
			t.Errorf("%s: there is a group more", name)
		}
	}
	audit(t, s)
}

func TestRulesRefused(t *testing.T) {
	s := open(t)
	g := newGroup(t, s, "web")
	other, err := s.CreateVPC(t.Context(), alice, VPCSpec{CIDR: defaultCIDR()})
	must(t, err)
	_, err = s.Authorize(t.Context(), alice, g.ID, false, []RuleSpec{tcp(22, 22, "10.0.0.0/8")}, nil)
	must(t, err)
	n := func(i int) *int { return &i }
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		specs []RuleSpec
		code  errs.Reason
	}{
		"duplicate":             {[]RuleSpec{tcp(22, 22, "10.0.0.0/8")}, PermissionDuplicate},
		"duplicate, unmasked":   {[]RuleSpec{tcp(22, 22, "10.1.2.3/8")}, PermissionDuplicate},
		"duplicate by number":   {[]RuleSpec{{Protocol: "6", From: n(22), To: n(22), IPv4: "10.0.0.0/8"}}, PermissionDuplicate},
		"twice in one request":  {[]RuleSpec{tcp(80, 80, "0.0.0.0/0"), tcp(80, 80, "0.0.0.0/0")}, InvalidValue},
		"one good, one bad":     {[]RuleSpec{tcp(80, 80, "0.0.0.0/0"), tcp(22, 22, "10.0.0.0/8")}, PermissionDuplicate},
		"no protocol":           {[]RuleSpec{{From: n(1), To: n(2), IPv4: "0.0.0.0/0"}}, MissingParameter},
		"unknown protocol":      {[]RuleSpec{{Protocol: "carp", IPv4: "0.0.0.0/0"}}, InvalidValue},
		"protocol 256":          {[]RuleSpec{{Protocol: "256", IPv4: "0.0.0.0/0"}}, InvalidValue},
		"protocol -2":           {[]RuleSpec{{Protocol: "-2", IPv4: "0.0.0.0/0"}}, InvalidValue},
		"no ports":              {[]RuleSpec{{Protocol: "tcp", IPv4: "0.0.0.0/0"}}, InvalidValue},
		"half a range of ports": {[]RuleSpec{{Protocol: "udp", From: n(1), IPv4: "0.0.0.0/0"}}, InvalidValue},
		"ports backwards":       {[]RuleSpec{tcp(80, 22, "0.0.0.0/0")}, InvalidValue},
		"port 65536":            {[]RuleSpec{tcp(0, 65536, "0.0.0.0/0")}, InvalidValue},
		"port -1":               {[]RuleSpec{tcp(-1, -1, "0.0.0.0/0")}, InvalidValue},
		"ICMP type 256":         {[]RuleSpec{{Protocol: "icmp", From: n(256), To: n(0), IPv4: "0.0.0.0/0"}}, InvalidValue},
		"ICMP code of any type": {[]RuleSpec{{Protocol: "icmp", From: n(-1), To: n(0), IPv4: "0.0.0.0/0"}}, InvalidValue},
		"ICMP without a type":   {[]RuleSpec{{Protocol: "icmp", IPv4: "0.0.0.0/0"}}, InvalidValue},
		"no peer":               {[]RuleSpec{{Protocol: "-1"}}, MissingParameter},
		"no CIDR":               {[]RuleSpec{tcp(1, 1, "10.0.0.1")}, InvalidValue},
		"IPv6 as IPv4":          {[]RuleSpec{tcp(1, 1, "::/0")}, InvalidValue},
		"IPv4 as IPv6":          {[]RuleSpec{{Protocol: "-1", IPv6: "0.0.0.0/0"}}, InvalidValue},
		"mapped IPv6":           {[]RuleSpec{{Protocol: "-1", IPv6: "::ffff:10.0.0.0/104"}}, InvalidValue},
		"malformed group":       {[]RuleSpec{{Protocol: "-1", Group: "sg-1"}}, "InvalidGroupId.Malformed"},
		"absent group":          {[]RuleSpec{{Protocol: "-1", Group: "sg-00000000000000000"}}, "InvalidGroup.NotFound"},
		"absent name":           {[]RuleSpec{{Protocol: "-1", GroupName: "nobody"}}, "InvalidGroup.NotFound"},
		"group of another VPC":  {[]RuleSpec{{Protocol: "-1", Group: other.DefaultGroup}}, "InvalidGroup.NotFound"},
		"another's group":       {[]RuleSpec{{Protocol: "-1", Group: s.DefaultVPC(alice).DefaultGroup, Owner: bob}}, "InvalidGroup.NotFound"},
		"prefix list":           {[]RuleSpec{{Protocol: "-1", PrefixList: "pl-00000000"}}, "InvalidPrefixListID.NotFound"},
		"odd description":       {[]RuleSpec{{Protocol: "-1", IPv4: "0.0.0.0/0", Description: text("ü")}}, InvalidValue},
		"long description":      {[]RuleSpec{{Protocol: "-1", IPv4: "0.0.0.0/0", Description: text(strings.Repeat("x", 256))}}, InvalidValue},
	} {
		before := fmt.Sprint(s.Group(g.ID).Rules)
		_, err := s.Authorize(t.Context(), alice, g.ID, false, c.specs, nil)
		if got := errs.ReasonOf(err); err == nil || got != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if fmt.Sprint(s.Group(g.ID).Rules) != before {
			t.Errorf("%s: the rules changed", name)
		}
	}
	audit(t, s)
}

func TestRules(t *testing.T) {
	s, ctx := open(t), t.Context()
	web, db := newGroup(t, s, "web"), newGroup(t, s, "db")
	if len(web.Rules) != 1 || !web.Rules[0].Egress || web.Rules[0].CIDR != anywhere4() {
		t.Fatalf("a new group has the rules %v", web.Rules)
	}
	label, err := tags.New([]tags.Tag{{Key: "Name", Value: "pg"}})
	must(t, err)
	rules, err := s.Authorize(ctx, alice, db.ID, false, []RuleSpec{
		{Protocol: "TCP", From: new(5432), To: new(5432), Group: web.ID, Description: new("postgres")},
		{Protocol: "50", From: new(7), To: new(9), IPv4: "10.1.2.3/16"},
		{Protocol: "icmpv6", IPv6: "2001:db8::1/32"},
		{Protocol: "icmp", From: new(8), To: new(-1), GroupName: "web"},
		{Protocol: "-1", Group: db.ID},
	}, label)
	must(t, err)
	for i, want := range []string{
		"peer: " + web.ID + ", TCP, from port: 5432, to port: 5432, ALLOW", "peer: 10.1.0.0/16, 50, ALLOW",
		"peer: 2001:db8::/32, ICMPV6, type: ALL, code: ALL, ALLOW", "peer: " + web.ID + ", ICMP, type: 8, code: ALL, ALLOW",
		"peer: " + db.ID + ", ALL, ALLOW",
	} {
		if got := rules[i].text(); got != want {
			t.Errorf("rule %d is %q, want %q", i, got, want)
		}
	}
	audit(t, s)

	refused(t, s.DeleteGroup(ctx, alice, web.ID), DependencyViolation) // rules of db name it
	refused(t, s.DeleteGroup(ctx, bob, web.ID), "InvalidGroup.NotFound")
	refused(t, s.DeleteGroup(ctx, alice, s.DefaultVPC(alice).DefaultGroup), CannotDelete)

	// Modify keeps ids and directions, and never makes two rules the same.
	must(t, s.ModifyRules(ctx, alice, db.ID, []RuleChange{{rules[0].ID, tcp(5433, 5433, "10.0.0.0/8")}}))
	refused(t, s.ModifyRules(ctx, alice, db.ID, []RuleChange{{rules[1].ID, tcp(5433, 5433, "10.0.0.0/8")}}), PermissionDuplicate)
	refused(t, s.ModifyRules(ctx, alice, db.ID, []RuleChange{{"sgr-00000000000000000", tcp(1, 1, "10.0.0.0/8")}}), "InvalidSecurityGroupRuleId.NotFound")
	refused(t, s.ModifyRules(ctx, alice, db.ID, []RuleChange{{"sgr-x", tcp(1, 1, "10.0.0.0/8")}}), "InvalidSecurityGroupRuleId.Malformed")
	audit(t, s)

	// Descriptions, by what a rule allows and by its id.
	spec := tcp(5433, 5433, "10.0.0.0/8")
	spec.Description = new("moved")
	must(t, s.DescribeRules(ctx, alice, db.ID, false, []RuleSpec{spec}, nil))
	must(t, s.DescribeRules(ctx, alice, db.ID, false, nil, []RuleDescription{{rules[1].ID, "esp"}}))
	refused(t, s.DescribeRules(ctx, alice, db.ID, true, []RuleSpec{spec}, nil), PermissionNotFound)
	refused(t, s.DescribeRules(ctx, alice, db.ID, true, nil, []RuleDescription{{rules[1].ID, "esp"}}), "InvalidSecurityGroupRuleId.NotFound")
	for _, r := range s.Group(db.ID).Rules {
		if want := map[string]string{rules[0].ID: "moved", rules[1].ID: "esp"}[r.ID]; r.Description != want {
			t.Errorf("%s is described as %q, want %q", r.ID, r.Description, want)
		}
	}

	// Revoke: all or nothing.
	_, err = s.Revoke(ctx, alice, db.ID, false, []RuleSpec{tcp(5433, 5433, "10.0.0.0/8"), tcp(1, 1, "10.0.0.0/8")}, nil)
	refused(t, err, PermissionNotFound)
	_, err = s.Revoke(ctx, alice, db.ID, true, []RuleSpec{tcp(5433, 5433, "10.0.0.0/8")}, nil)
	refused(t, err, PermissionNotFound) // it is no egress rule
	if n := len(s.Group(db.ID).Rules); n != 6 {
		t.Fatalf("%d rules are left", n)
	}
	_, err = s.Revoke(ctx, alice, db.ID, false, []RuleSpec{tcp(5433, 5433, "10.0.0.0/8")}, nil)
	must(t, err)
	_, err = s.Revoke(ctx, alice, db.ID, false, nil, []string{rules[1].ID, rules[2].ID, rules[3].ID, rules[4].ID})
	must(t, err)
	_, err = s.Revoke(ctx, alice, db.ID, false, nil, []string{rules[1].ID})
	refused(t, err, "InvalidSecurityGroupRuleId.NotFound")
	audit(t, s)
	must(t, s.DeleteGroup(ctx, alice, web.ID))
	must(t, s.DeleteGroup(ctx, alice, db.ID))
	refused(t, s.DeleteGroup(ctx, alice, db.ID), "InvalidGroup.NotFound")
	audit(t, s)
}

func TestGroupQuotas(t *testing.T) {
	c := config(openStore(t, newFS()))
	c.Limits.RulesPerGroup, c.Limits.GroupsPerVPC, c.Limits.GroupsPerNIC = 3, 2, 1
	s := openWith(t, c)
	ctx := t.Context()
	g := newGroup(t, s, "a")
	specs := []RuleSpec{tcp(1, 1, "10.0.0.0/8"), tcp(2, 2, "10.0.0.0/8"), tcp(3, 3, "10.0.0.0/8"), tcp(4, 4, "10.0.0.0/8")}
	_, err := s.Authorize(ctx, alice, g.ID, false, specs, nil)
	refused(t, err, LimitRules)
	_, err = s.Authorize(ctx, alice, g.ID, false, specs[:3], nil)
	must(t, err)
	_, err = s.Authorize(ctx, alice, g.ID, false, specs[3:], nil)
	refused(t, err, LimitRules)
	_, err = s.Authorize(ctx, alice, g.ID, false, []RuleSpec{{Protocol: "-1", IPv6: "::/0"}}, nil)
	must(t, err) // another family, another quota
	b := newGroup(t, s, "b")
	_, err = s.CreateGroup(ctx, alice, GroupSpec{Name: "c", Description: "d"})
	refused(t, err, LimitGroups)
	err = s.inTx(ctx, alice, func(tx *Tx) error {
		_, err := tx.CreateInterface(InterfaceSpec{Groups: []string{g.ID, b.ID}})
		return err
	})
	refused(t, err, LimitGroupsPerNIC)
	must(t, s.DeleteGroup(ctx, alice, b.ID))
	newGroup(t, s, "c")
	audit(t, s)
}
