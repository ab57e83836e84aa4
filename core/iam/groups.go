package iam

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Group is users of one account that share policies.
type Group struct {
	Account string
	Name    string
	ID      string
	ARN     string
	Members []string // names of users
	Created time.Time
}

// Limits of groups.
const (
	MaxGroupName    = 128
	MaxGroups       = 300 // of one account
	MaxGroupsOfUser = 10
)

func checkGroupName(s string) error {
	if len(s) == 0 || len(s) > MaxGroupName {
		return invalid("The name of a group has 1 to %d characters.", MaxGroupName)
	}
	if !nameText(s) {
		return invalid("The name of a group consists of letters, digits and the characters +=,.@_-")
	}
	return nil
}

// CreateGroup makes a group in an account; an empty one stands for the root's.
func (s *Service) CreateGroup(ctx context.Context, account, name string) (Group, error) {
	if err := checkGroupName(name); err != nil {
		return Group{}, err
	}
	id, err := s.make.base32ID("AGPA", 17)
	if err != nil {
		return Group{}, err
	}
	var g groupRecord
	err = s.retry(ctx, "iam.CreateGroup", name, func(b *kv.Batch) error {
		dir := s.mu.dir
		account := cmp.Or(account, dir.root.Account)
		if _, ok := dir.accounts[account]; !ok {
			return noAccount(account)
		}
		if _, taken := dir.groups[userID{account, name}]; taken {
			return exists("a group", name)
		}
		n := 0
		for other := range dir.groups {
			if other.account == account {
				n++
			}
		}
		if n >= MaxGroups {
			return errs.New(errs.Limit, LimitExceeded, "An account has at most %d groups.", MaxGroups).On(account)
		}
		g = groupRecord{Account: account, Name: name, ID: id, Created: time.Now().Unix()}
		b.IfExists(accountRow(account))
		b.IfAbsent(groupRow(account, name))
		b.Put(groupRow(account, name), schema.Encode(&g))
		return nil
	})
	if err != nil {
		return Group{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.dir.describeGroup(&g), nil
}

// ListGroups returns the groups of an account, or of all accounts when it is empty, sorted by account and name.
func (s *Service) ListGroups(_ context.Context, account string) ([]Group, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ok := s.mu.dir.accounts[account]; !ok && account != "" {
		return nil, noAccount(account)
	}
	var all []Group
	for id, g := range s.mu.dir.groups {
		if account == "" || id.account == account {
			all = append(all, s.mu.dir.describeGroup(&g.groupRecord))
		}
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

// DeleteGroup removes a group that nobody is in, with its policies.
func (s *Service) DeleteGroup(ctx context.Context, account, name string) error {
	return s.retry(ctx, "iam.DeleteGroup", name, func(b *kv.Batch) error {
		g, err := s.mu.dir.group(account, name)
		if err != nil {
			return err
		}
		if len(s.mu.dir.members(g.Account, name)) > 0 {
			return errs.New(errs.Conflict, DeleteConflict, "Cannot delete entity, must remove users from group first.").On(name)
		}
		b.IfRevision(groupRow(g.Account, name), g.revision)
		b.Delete(groupRow(g.Account, name))
		s.mu.dir.dropPolicies(b, Holder{GroupPolicies, g.Account, name})
		return nil
	})
}

// AddToGroup puts a user into a group of its account; that it is in already is fine.
func (s *Service) AddToGroup(ctx context.Context, account, name, user string) error {
	return s.setMember(ctx, "iam.AddToGroup", account, name, user, func(u *userRecord) error {
		switch {
		case slices.Contains(u.Groups, name):
			return nil
		case u.Owner:
			return invalid("%q is the root of its account: it may do everything there, and groups change nothing about that.", user)
		case len(u.Groups) >= MaxGroupsOfUser:
			return errs.New(errs.Limit, LimitExceeded, "A user is in at most %d groups.", MaxGroupsOfUser).On(user)
		}
		u.Groups = append(slices.Clone(u.Groups), name)
		return nil
	})
}

// RemoveFromGroup takes a user out of a group.
func (s *Service) RemoveFromGroup(ctx context.Context, account, name, user string) error {
	return s.setMember(ctx, "iam.RemoveFromGroup", account, name, user, func(u *userRecord) error {
		if !slices.Contains(u.Groups, name) {
			return errs.New(errs.NotFound, NoSuchEntity, "%q is not in the group %q.", user, name).On(user)
		}
		u.Groups = slices.DeleteFunc(slices.Clone(u.Groups), func(g string) bool { return g == name })
		return nil
	})
}

// setMember changes what groups a user is in. It also writes the group's row anew: a group that is deleted meanwhile, or a
// member that its deletion did not see, cannot be.
func (s *Service) setMember(ctx context.Context, op, account, name, user string, change func(*userRecord) error) error {
	return s.retry(ctx, op, name, func(b *kv.Batch) error {
		g, err := s.mu.dir.group(account, name)
		if err != nil {
			return err
		}
		u, err := s.mu.dir.user(g.Account, user)
		if err != nil {
			return err
		}
		if err := change(&u.userRecord); err != nil {
			return err
		}
		b.IfRevision(groupRow(g.Account, name), g.revision)
		b.Put(groupRow(g.Account, name), schema.Encode(&g.groupRecord))
		b.IfRevision(userRow(u.Account, u.Name), u.revision)
		b.Put(userRow(u.Account, u.Name), schema.Encode(&u.userRecord))
		return nil
	})
}

// group finds a group; an empty account stands for the only one that has a group of that name.
func (d *directory) group(account, name string) (group, error) {
	var found []group
	for id, g := range d.groups {
		if id.name == name && (account == "" || id.account == account) {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 0:
		return group{}, errs.New(errs.NotFound, NoSuchEntity, "There is no group %q.", name).On(name)
	case 1:
		return found[0], nil
	}
	return group{}, invalid("%d accounts have a group %q: name the account.", len(found), name)
}

func (d *directory) members(account, group string) []string {
	var names []string
	for id, u := range d.users {
		if id.account == account && slices.Contains(u.Groups, group) {
			names = append(names, id.name)
		}
	}
	slices.Sort(names)
	return names
}

func (d *directory) describeGroup(g *groupRecord) Group {
	return Group{
		Account: g.Account, Name: g.Name, ID: g.ID, ARN: "arn:aws:iam::" + g.Account + ":group/" + g.Name,
		Members: d.members(g.Account, g.Name), Created: time.Unix(g.Created, 0).UTC(),
	}
}

// dropPolicies adds the removal of all policies of a holder.
func (d *directory) dropPolicies(b *kv.Batch, h Holder) {
	for name := range d.policies[h] {
		b.Delete(policyRow(h, name))
	}
}
