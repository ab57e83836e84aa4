package network

import (
	"context"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
)

// GroupSpec says what security group to make.
type GroupSpec struct {
	VPC         string // empty: the default VPC
	Name        string
	Description string
	Tags        tags.Set
}

// Groups returns the security groups of an account.
func (s *Service) Groups(account string) []*Group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.groups.of(account)
}

func (spec *GroupSpec) check() error {
	switch {
	case spec.Name == "" || !describable(spec.Name) || strings.TrimSpace(spec.Name) == "":
		return invalid("Invalid security group name '%.255s'. Valid names are non-empty strings less than 256 characters from the following set: a-zA-Z0-9. %s", spec.Name, descriptionRunes[1:])
	case strings.HasPrefix(spec.Name, "sg-"):
		return invalid("Group names may not be in the format sg-*")
	case strings.EqualFold(spec.Name, defaultGroupName):
		return errs.New(errs.Invalid, GroupReserved, "The security group name 'default' is reserved").On(spec.Name)
	case spec.Description == "" || !describable(spec.Description):
		return invalid("Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. %s", descriptionRunes[1:])
	}
	return nil
}

// CreateGroup makes a security group, which lets everything out and nothing in.
func (s *Service) CreateGroup(ctx context.Context, account string, spec GroupSpec) (*Group, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	var g *Group
	err := s.change(ctx, "network.CreateGroup", account, func(tx *Tx) error {
		st := tx.state()
		id := spec.VPC
		if id == "" {
			if id = st.defaults.get(account).VPC; id == "" {
				return errs.New(errs.Invalid, NoDefaultVPC, "No default VPC for this user")
			}
		}
		vpc, err := tx.inVPC(id)
		if err != nil {
			return err
		}
		if st.names.get(groupName(id, spec.Name)) != nil {
			return errs.New(errs.Exists, GroupDuplicate, "The security group '%s' already exists for VPC '%s'", spec.Name, id).On(spec.Name)
		}
		if err := tx.quota(id, quotaGroups, st.inVPC.groups.count(id)-1, s.limit.GroupsPerVPC, LimitGroups,
			"The maximum number of security groups has been reached."); err != nil {
			return err
		}
		g = &Group{ID: ids.New(ids.SecurityGroup), Account: account, VPC: vpc.ID, Name: spec.Name, Description: spec.Description,
			Rules: []Rule{newEgress()}, Created: tx.now}
		tx.use(id, 1)
		tx.makeGroup(g)
		tx.tag(g.ID, spec.Tags)
		return nil
	})
	return g, err
}

// FindGroup resolves a group that is named by id or, in the default VPC, by name.
func (s *Service) FindGroup(account, id, name string) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.mu.state
	switch {
	case id != "":
		if err := checkID(ids.SecurityGroup, id); err != nil {
			return "", err
		}
		if g := st.groups.get(id); g == nil || g.Account != account || name != "" && g.Name != name {
			return "", notFound(ids.SecurityGroup, id)
		}
		return id, nil
	case name != "":
		if d := st.defaults.get(account); d != nil {
			if h := st.names.get(groupName(d.VPC, name)); h != nil {
				return h.ID, nil
			}
			if d.VPC != "" {
				return "", errs.New(errs.NotFound, "InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, d.VPC).On(name)
			}
		}
		return "", errs.New(errs.Invalid, NoDefaultVPC, "No default VPC for this user")
	}
	return "", errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter GroupName or GroupId")
}

// DeleteGroup removes a group that nothing uses: no interface, and no rule of another group.
func (s *Service) DeleteGroup(ctx context.Context, account, id string) error {
	return s.change(ctx, "network.DeleteGroup", account, func(tx *Tx) error {
		st := tx.state()
		g, err := tx.ownGroup(id)
		if err != nil {
			return err
		}
		if g.Name == defaultGroupName {
			return errs.New(errs.Invalid, CannotDelete, "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id).On(id)
		}
		if st.members.count(id) > 0 || st.referrers.count(id) > 0 {
			return errs.New(errs.Conflict, DependencyViolation, "resource %s has a dependent object", id).On(id)
		}
		tx.unused(id)
		tx.use(g.VPC, -1)
		tx.count(quotaOf(g.VPC, quotaGroups), -1)
		tx.dropGroup(g)
		tx.untag(id)
		return nil
	})
}

// dropGroup removes a group that was read, with its name, its rules and what they refer to.
func (tx *Tx) dropGroup(g *Group) {
	st := tx.state()
	drop(tx, st.groups, g.ID)
	drop(tx, st.names, groupName(g.VPC, g.Name))
	for i := range g.Rules {
		tx.dropRule(g, &g.Rules[i])
	}
}

// addRule and dropRule do what goes with a rule that comes into a group or leaves it: its row, and the count of the group
// that it names.
func (tx *Tx) addRule(g *Group, r *Rule) {
	create(tx, tx.state().rules, r.ID, &holderRecord{ID: g.ID})
	tx.refer(g.ID, r.Group, 1)
}

func (tx *Tx) dropRule(g *Group, r *Rule) {
	drop(tx, tx.state().rules, r.ID)
	tx.untag(r.ID)
	tx.refer(g.ID, r.Group, -1)
}

// makeGroup makes a group that was found right.
func (tx *Tx) makeGroup(g *Group) {
	create(tx, tx.state().names, groupName(g.VPC, g.Name), &holderRecord{ID: g.ID})
	create(tx, tx.state().groups, g.ID, g)
	for i := range g.Rules {
		tx.addRule(g, &g.Rules[i])
	}
}

// refer counts that rules of a group name another.
func (tx *Tx) refer(from, to string, n int64) {
	if to != "" && to != from {
		tx.use(to, n)
	}
}

func (tx *Tx) ownGroup(id string) (*Group, error) {
	return own(tx, ids.SecurityGroup, tx.state().groups, id, read[Group])
}

// Authorize adds rules to a group, all or none, and returns them.
func (s *Service) Authorize(ctx context.Context, account, id string, egress bool, specs []RuleSpec, tagged tags.Set) ([]Rule, error) {
	var added []Rule
	err := s.change(ctx, "network.Authorize", account, func(tx *Tx) error {
		g, err := tx.ownGroup(id)
		if err != nil {
			return err
		}
		added = nil
		for i := range specs {
			r, err := tx.rule(g, egress, &specs[i])
			if err != nil {
				return err
			}
			r.ID = ids.New(ids.SecurityGroupRule)
			if slices.ContainsFunc(added, func(o Rule) bool { return o.same(&r) }) {
				return invalid("The same permission must not appear multiple times")
			}
			if slices.ContainsFunc(g.Rules, func(o Rule) bool { return o.same(&r) }) {
				return errs.New(errs.Exists, PermissionDuplicate, "the specified rule \"%s\" already exists", r.text()).On(id)
			}
			added = append(added, r)
			tx.addRule(g, &r)
			tx.tag(r.ID, tagged)
		}
		return tx.putRules(g, slices.Concat(g.Rules, added))
	})
	return added, err
}

// putRules replaces the rules of a group.
func (tx *Tx) putRules(g *Group, rules []Rule) error {
	counts := map[[2]bool]int{}
	for i := range rules {
		f := rules[i].family()
		if counts[f]++; counts[f] > tx.s.limit.RulesPerGroup && len(rules) > len(g.Rules) {
			return exceeded(LimitRules, "The maximum number of rules per security group has been reached.").On(g.ID)
		}
	}
	c := *g
	c.Rules = rules
	update(tx, tx.state().groups, c.ID, &c)
	return nil
}

// Revoke removes rules from a group, all or none, and returns them.
func (s *Service) Revoke(ctx context.Context, account, id string, egress bool, specs []RuleSpec, ruleIDs []string) ([]Rule, error) {
	var gone []Rule
	err := s.change(ctx, "network.Revoke", account, func(tx *Tx) error {
		g, err := tx.ownGroup(id)
		if err != nil {
			return err
		}
		gone = nil
		left := slices.Clone(g.Rules)
		remove := func(which func(*Rule) bool) bool {
			i := slices.IndexFunc(left, func(r Rule) bool { return r.Egress == egress && which(&r) })
			if i < 0 {
				return false
			}
			gone = append(gone, left[i])
			tx.dropRule(g, &left[i])
			left = slices.Delete(left, i, i+1)
			return true
		}
		for i := range specs {
			r, err := tx.rule(g, egress, &specs[i])
			if err != nil {
				return err
			}
			if !remove(func(o *Rule) bool { return o.same(&r) }) {
				return errs.New(errs.NotFound, PermissionNotFound, "The specified rule does not exist in this security group.").On(id)
			}
		}
		for _, rule := range ruleIDs {
			if err := checkID(ids.SecurityGroupRule, rule); err != nil {
				return err
			}
			if !remove(func(o *Rule) bool { return o.ID == rule }) {
				return notFound(ids.SecurityGroupRule, rule)
			}
		}
		return tx.putRules(g, left)
	})
	return gone, err
}

// RuleChange replaces what a rule allows.
type RuleChange struct {
	Rule string
	Spec RuleSpec
}

// ModifyRules replaces rules of a group, all or none. They keep their ids and directions.
func (s *Service) ModifyRules(ctx context.Context, account, id string, changes []RuleChange) error {
	return s.change(ctx, "network.ModifyRules", account, func(tx *Tx) error {
		g, err := tx.ownGroup(id)
		if err != nil {
			return err
		}
		rules := slices.Clone(g.Rules)
		for i := range changes {
			c := &changes[i]
			at, err := findRule(rules, c.Rule)
			if err != nil {
				return err
			}
			r, err := tx.rule(g, rules[at].Egress, &c.Spec)
			if err != nil {
				return err
			}
			tx.refer(g.ID, rules[at].Group, -1)
			tx.refer(g.ID, r.Group, 1)
			r.ID = c.Rule
			rules[at] = r
		}
		for i := range rules {
			for j := range i {
				if rules[i].same(&rules[j]) {
					return errs.New(errs.Exists, PermissionDuplicate, "the specified rule \"%s\" already exists", rules[i].text()).On(id)
				}
			}
		}
		return tx.putRules(g, rules)
	})
}

func findRule(rules []Rule, id string) (int, error) {
	if err := checkID(ids.SecurityGroupRule, id); err != nil {
		return 0, err
	}
	at := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if at < 0 {
		return 0, notFound(ids.SecurityGroupRule, id)
	}
	return at, nil
}

// RuleDescription gives a rule another description.
type RuleDescription struct {
	Rule        string
	Description string
}

// DescribeRules changes the descriptions of rules of one direction, named by what they allow or by id.
func (s *Service) DescribeRules(ctx context.Context, account, id string, egress bool, specs []RuleSpec, byID []RuleDescription) error {
	return s.change(ctx, "network.DescribeRules", account, func(tx *Tx) error {
		g, err := tx.ownGroup(id)
		if err != nil {
			return err
		}
		rules := slices.Clone(g.Rules)
		for i := range specs {
			r, err := tx.rule(g, egress, &specs[i])
			if err != nil {
				return err
			}
			at := slices.IndexFunc(rules, func(o Rule) bool { return o.same(&r) })
			if at < 0 {
				return errs.New(errs.NotFound, PermissionNotFound, "The specified rule does not exist in this security group.").On(id)
			}
			rules[at].Description = r.Description
		}
		for _, d := range byID {
			at, err := findRule(rules, d.Rule)
			if err != nil {
				return err
			}
			if rules[at].Egress != egress {
				return notFound(ids.SecurityGroupRule, d.Rule)
			}
			if !describable(d.Description) {
				return invalid("Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. %s", descriptionRunes[1:])
			}
			rules[at].Description = d.Description
		}
		return tx.putRules(g, rules)
	})
}
