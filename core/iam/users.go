package iam

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Account owns resources.
type Account struct {
	ID          string // 12 digits
	CanonicalID string // 64 hex digits
	DisplayName string
	Email       string
	Created     time.Time
}

// User is an identity of an account.
type User struct {
	Name       string
	ID         string
	ARN        string
	Owner      bool // the root of its account
	Account    Account
	AccessKeys []string // ids
	Groups     []string // names
	Created    time.Time
}

// CreateUserOptions say how a user is made. What is empty is drawn or left out.
type CreateUserOptions struct {
	// AccountID names the account that the user joins. Empty makes a new account which the user owns, and so does an id that no
	// account has yet.
	AccountID   string
	AccessKeyID string // with Secret, or empty
	Secret      Secret
	DisplayName string // of a new account; empty is the user's name
	Email       string // of a new account
}

func (o CreateUserOptions) validate(name string) error {
	err := CheckUserName(name)
	if (o.AccessKeyID == "") != o.Secret.IsZero() {
		err = errors.Join(err, invalid("An access key id and a secret are given together or not at all."))
	}
	if o.AccessKeyID != "" {
		err = errors.Join(err, CheckAccessKeyID(o.AccessKeyID), CheckSecret(o.Secret))
	}
	if o.AccountID != "" {
		err = errors.Join(err, CheckAccountID(o.AccountID))
	}
	return errors.Join(err, checkText("display name", o.DisplayName), checkText("e-mail address", o.Email))
}

// attempts bounds how often a change is decided anew when others changed the same rows.
const attempts = 8

// CreateUser makes a user with one access key and returns both. The secret is shown this once.
func (s *Service) CreateUser(ctx context.Context, name string, o CreateUserOptions) (User, AccessKey, error) {
	const op = "iam.CreateUser"
	if err := o.validate(name); err != nil {
		return User{}, AccessKey{}, err
	}
	for range attempts {
		u, key, b, err := s.planUser(name, o)
		if err != nil {
			return User{}, AccessKey{}, err
		}
		err = s.commit(ctx, op, b)
		if errors.Is(err, kv.ErrConditionFailed) {
			continue
		}
		if err != nil {
			return User{}, AccessKey{}, err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.mu.dir.describe(u), key, nil
	}
	return User{}, AccessKey{}, errs.New(errs.Conflict, "", "Too many concurrent changes; try again.").On(name)
}

// planUser decides on the rows of a new user.
func (s *Service) planUser(name string, o CreateUserOptions) (userRecord, AccessKey, *kv.Batch, error) {
	fail := func(err error) (userRecord, AccessKey, *kv.Batch, error) { return userRecord{}, AccessKey{}, nil, err }
	b := &kv.Batch{}
	now := time.Now().Unix()
	account := o.AccountID
	s.mu.RLock()
	defer s.mu.RUnlock()
	dir := s.mu.dir
	_, joins := dir.accounts[account]
	if !joins {
		if _, taken := dir.owners[name]; taken {
			return fail(exists("a user", name))
		}
		a, err := s.newAccount(dir, account, cmp.Or(o.DisplayName, name), o.Email, now)
		if err != nil {
			return fail(err)
		}
		account = a.ID
		putAccount(b, a)
		b.IfAbsent(ownerRow(name))
		b.Put(ownerRow(name), []byte(account))
	} else {
		if o.DisplayName != "" || o.Email != "" {
			return fail(invalid("Display name and e-mail belong to the account: give them when it is made."))
		}
		if _, taken := dir.users[userID{account, name}]; taken {
			return fail(exists("a user", name))
		}
		if dir.countUsers(account) >= MaxUsers {
			return fail(errs.New(errs.Limit, LimitExceeded, "An account has at most %d users.", MaxUsers).On(account))
		}
		b.IfExists(accountRow(account))
	}
	id, err := s.make.userID()
	if err != nil {
		return fail(err)
	}
	key, rec, err := s.newKey(dir, account, name, o.AccessKeyID, o.Secret, now)
	if err != nil {
		return fail(err)
	}
	u := userRecord{Account: account, Name: name, ID: id, Owner: !joins, Keys: []string{key.ID}, Created: now}
	b.IfAbsent(userRow(account, name))
	b.Put(userRow(account, name), schema.Encode(&u))
	b.IfAbsent(keyRow(key.ID))
	b.Put(keyRow(key.ID), schema.Encode(&rec))
	return u, key, b, nil
}

func (d *directory) countUsers(account string) int {
	n := 0
	for id := range d.users {
		if id.account == account {
			n++
		}
	}
	return n
}

// newAccount draws the record of an account that is not there yet. s.mu is held.
func (s *Service) newAccount(d *directory, id, display, email string, now int64) (accountRecord, error) {
	for id == "" {
		drawn, err := s.make.accountID()
		if err != nil {
			return accountRecord{}, err
		}
		if _, taken := d.accounts[drawn]; !taken {
			id = drawn
		}
	}
	canonical, err := s.make.canonicalID()
	return accountRecord{ID: id, CanonicalID: canonical, DisplayName: display, Email: email, Created: now}, err
}

func putAccount(b *kv.Batch, a accountRecord) {
	b.IfAbsent(accountRow(a.ID))
	b.Put(accountRow(a.ID), schema.Encode(&a))
	b.IfAbsent(canonicalRow(a.CanonicalID))
	b.Put(canonicalRow(a.CanonicalID), []byte(a.ID))
}

func exists(what, name string) error {
	return errs.New(errs.Exists, EntityAlreadyExists, "There is %s %q already.", what, name).On(name)
}

// DeleteUser removes a user with its keys. An empty account stands for the only one that has a user of that
// name. The account of a deleted owner stays, since things may belong to it.
func (s *Service) DeleteUser(ctx context.Context, account, name string) error {
	const op = "iam.DeleteUser"
	for range attempts {
		u, err := s.user(account, name)
		if err != nil {
			return err
		}
		if root, _ := s.rootUser(); root == (userID{u.Account, u.Name}) {
			return errs.New(errs.Conflict, DeleteConflict, "The root of this cloud cannot be deleted.").On(name)
		}
		b := &kv.Batch{}
		b.IfRevision(userRow(u.Account, u.Name), u.revision)
		b.Delete(userRow(u.Account, u.Name))
		for _, k := range u.Keys {
			b.Delete(keyRow(k))
		}
		if u.Owner {
			b.Delete(ownerRow(u.Name))
		}
		s.mu.RLock()
		s.mu.dir.dropPolicies(b, Holder{UserPolicies, u.Account, u.Name})
		s.mu.RUnlock()
		if err = s.commit(ctx, op, b); !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
	return errs.New(errs.Conflict, "", "Too many concurrent changes; try again.").On(name)
}

// user finds one user.
func (s *Service) user(account, name string) (user, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.dir.user(account, name)
}

// user finds one user; an empty account stands for the only one that has a user of that name.
func (d *directory) user(account, name string) (user, error) {
	found, ok := d.find(account, name)
	switch {
	case !ok:
		return user{}, errs.New(errs.NotFound, NoSuchEntity, "There is no user %q.", name).On(name)
	case len(found) > 1:
		return user{}, invalid("%d accounts have a user %q: name the account.", len(found), name)
	}
	return found[0], nil
}

// User returns one user. An empty account stands for the only one that has a user of that name.
func (s *Service) User(_ context.Context, account, name string) (User, error) {
	u, err := s.user(account, name)
	if err != nil {
		return User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.dir.describe(u.userRecord), nil
}

// ListUsers returns the users of an account, or of all accounts when it is empty, sorted by account and name.
func (s *Service) ListUsers(_ context.Context, account string) ([]User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ok := s.mu.dir.accounts[account]; !ok && account != "" {
		return nil, noAccount(account)
	}
	var all []User
	for id, u := range s.mu.dir.users {
		if account == "" || id.account == account {
			all = append(all, s.mu.dir.describe(u.userRecord))
		}
	}
	slices.SortFunc(all, func(a, b User) int {
		return cmp.Or(cmp.Compare(a.Account.ID, b.Account.ID), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
