package iam

import (
	"fmt"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// directory is the state of all rows in memory, with credentials ready for use. It is not safe for concurrent
// use; Service guards it.
type directory struct {
	sealer   *Sealer
	accounts map[string]accountRecord
	byCanon  map[string]string // canonical id -> account id
	users    map[userID]user
	owners   map[string]string // name of an owner -> its account
	keys     map[string]keyRecord
	creds    map[string]Credential // of usable keys
	root     rootRecord
}

type userID struct{ account, name string }

type user struct {
	userRecord
	revision kv.Index
}

func newDirectory(s *Sealer) *directory {
	return &directory{
		sealer: s, accounts: map[string]accountRecord{}, byCanon: map[string]string{}, users: map[userID]user{},
		owners: map[string]string{}, keys: map[string]keyRecord{}, creds: map[string]Credential{},
	}
}

// put applies a row. The order of rows does not matter: credentials are made once all they need is there.
func (d *directory) put(row, value []byte, rev kv.Index) error {
	name := string(row)
	kind, rest := name[:min(len(name), len(rowAccount))], name[min(len(name), len(rowAccount)):]
	switch kind {
	case rowAccount:
		var a accountRecord
		if err := decodeRecord(value, &a); err != nil {
			return fmt.Errorf("account %q: %w", rest, err)
		}
		d.accounts[a.ID] = a
		d.byCanon[a.CanonicalID] = a.ID
		return d.refresh(a.ID)
	case rowUser:
		var u userRecord
		if err := decodeRecord(value, &u); err != nil {
			return fmt.Errorf("user %q: %w", rest, err)
		}
		d.users[userID{u.Account, u.Name}] = user{u, rev}
		return d.refresh(u.Account)
	case rowKey:
		var k keyRecord
		if err := decodeRecord(value, &k); err != nil {
			return fmt.Errorf("key %q: %w", rest, err)
		}
		d.keys[k.ID] = k
		return d.refreshKey(k)
	case rowOwner:
		d.owners[rest] = string(value)
	case rowRoot:
		if err := decodeRecord(value, &d.root); err != nil {
			return fmt.Errorf("root: %w", err)
		}
	}
	return nil
}

// remove applies the removal of a row.
func (d *directory) remove(row []byte) {
	name := string(row)
	kind, rest := name[:min(len(name), len(rowAccount))], name[min(len(name), len(rowAccount)):]
	switch kind {
	case rowAccount:
		delete(d.byCanon, d.accounts[rest].CanonicalID)
		delete(d.accounts, rest)
	case rowUser:
		if len(rest) > 12 {
			delete(d.users, userID{rest[:12], rest[12:]})
		}
	case rowKey:
		delete(d.keys, rest)
		delete(d.creds, rest)
	case rowOwner:
		delete(d.owners, rest)
	}
}

// refresh makes the credentials of an account anew. Accounts and users change rarely.
func (d *directory) refresh(account string) error {
	for _, k := range d.keys {
		if k.Account == account {
			if err := d.refreshKey(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// refreshKey makes the credential of a key, if its user and account are there.
func (d *directory) refreshKey(k keyRecord) error {
	delete(d.creds, k.ID)
	u, ok := d.users[userID{k.Account, k.User}]
	if !ok {
		return nil
	}
	a, ok := d.accounts[k.Account]
	if !ok {
		return nil
	}
	secret, err := d.sealer.Open(rowKey+k.ID, k.Sealed)
	if err != nil {
		return fmt.Errorf("key %q: %w", k.ID, err)
	}
	p := principal(a, u.userRecord)
	p.AccessKeyID = k.ID
	d.creds[k.ID] = Credential{Secret: secret, Principal: p}
	return nil
}

func principal(a accountRecord, u userRecord) Principal {
	p := Principal{
		AccountID: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName,
		UserName: u.Name, UserID: u.ID, ARN: userARN(u), Root: u.Owner,
	}
	if u.Owner {
		p.UserID = a.ID
	}
	return p
}

func userARN(u userRecord) string {
	if u.Owner {
		return "arn:aws:iam::" + u.Account + ":root"
	}
	return "arn:aws:iam::" + u.Account + ":user/" + u.Name
}

// describe makes the public view of a user.
func (d *directory) describe(u userRecord) User {
	a := d.accounts[u.Account]
	return User{
		Name: u.Name, ID: u.ID, ARN: userARN(u), Owner: u.Owner, Created: time.Unix(u.Created, 0).UTC(),
		Account: a.public(), AccessKeys: append([]string(nil), u.Keys...),
	}
}

func (a accountRecord) public() Account {
	return Account{ID: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName, Email: a.Email, Created: time.Unix(a.Created, 0).UTC()}
}

// find looks a user up by name; an empty account stands for the only one that has a user of that name.
func (d *directory) find(account, name string) ([]user, bool) {
	if account != "" {
		u, ok := d.users[userID{account, name}]
		return []user{u}, ok
	}
	var found []user
	for _, u := range d.users {
		if u.Name == name {
			found = append(found, u)
		}
	}
	return found, len(found) > 0
}

// ours reports whether a row belongs to this package.
func ours(row []byte) bool { return strings.HasPrefix(string(row), rowPrefix) }
