package iam

import (
	"fmt"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/iam/policy"
	"github.com/aureole-cloud/aureole/core/rows"
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
	groups   map[userID]group
	policies map[Holder]map[string]heldPolicy // by the holder and the name
	docs     map[Holder][]*policy.Document    // the same, ready for decisions
	root     rootRecord
}

type userID struct{ account, name string }

type group struct {
	groupRecord
	revision kv.Index
}

type heldPolicy struct {
	policyRecord
	doc *policy.Document
}

type user struct {
	userRecord
	revision kv.Index
}

func newDirectory(s *Sealer) *directory {
	return &directory{
		sealer: s, accounts: map[string]accountRecord{}, byCanon: map[string]string{}, users: map[userID]user{},
		owners: map[string]string{}, keys: map[string]keyRecord{}, creds: map[string]Credential{},
		groups: map[userID]group{}, policies: map[Holder]map[string]heldPolicy{}, docs: map[Holder][]*policy.Document{},
	}
}

// put applies a row. The order of rows does not matter: credentials are made once all they need is there.
func (d *directory) put(row, value []byte, rev kv.Index) error {
	name := string(row)
	kind, rest := name[:min(len(name), len(rowAccount))], name[min(len(name), len(rowAccount)):]
	switch kind {
	case rowAccount:
		var a accountRecord
		if err := schema.Decode(value, &a); err != nil {
			return fmt.Errorf("account %q: %w", rest, err)
		}
		d.accounts[a.ID] = a
		d.byCanon[a.CanonicalID] = a.ID
		return d.refresh(a.ID)
	case rowUser:
		var u userRecord
		if err := schema.Decode(value, &u); err != nil {
			return fmt.Errorf("user %q: %w", rest, err)
		}
		d.users[userID{u.Account, u.Name}] = user{u, rev}
		return d.refresh(u.Account)
	case rowKey:
		var k keyRecord
		if err := schema.Decode(value, &k); err != nil {
			return fmt.Errorf("key %q: %w", rest, err)
		}
		d.keys[k.ID] = k
		return d.refreshKey(k)
	case rowGroup:
		var g groupRecord
		if err := schema.Decode(value, &g); err != nil {
			return fmt.Errorf("group %q: %w", rest, err)
		}
		d.groups[userID{g.Account, g.Name}] = group{g, rev}
	case rowPolicy:
		return d.putPolicy(rest, value)
	case rowOwner:
		d.owners[rest] = string(value)
	case rowRoot:
		if err := schema.Decode(value, &d.root); err != nil {
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
	case rowGroup:
		if len(rest) > 12 {
			delete(d.groups, userID{rest[:12], rest[12:]})
		}
	case rowPolicy:
		if h, name, ok := holderOf(rest); ok {
			delete(d.policies[h], name)
			d.compile(h)
		}
	}
}

// holderOf takes the key of a policy's row apart, without its kind.
func holderOf(rest string) (h Holder, name string, ok bool) {
	if len(rest) < 13 {
		return h, "", false
	}
	h.Account, h.Kind = rest[:12], HolderKind(rest[12]-'0')
	h.Name, name, ok = strings.Cut(rest[13:], "\x00")
	return h, name, ok
}

// putPolicy takes a policy. One that cannot be read denies its holder everything: what it would have denied is not known.
func (d *directory) putPolicy(rest string, value []byte) error {
	h, name, ok := holderOf(rest)
	if !ok {
		return fmt.Errorf("policy %q: %w", rest, rows.ErrMalformed)
	}
	p := heldPolicy{doc: denyAll()}
	err := schema.Decode(value, &p.policyRecord)
	if err == nil {
		var doc *policy.Document
		if doc, err = policy.Parse(p.Document, policy.Identity); err == nil {
			p.doc = doc
		}
	}
	if d.policies[h] == nil {
		d.policies[h] = map[string]heldPolicy{}
	}
	d.policies[h][name] = p
	d.compile(h)
	if err != nil {
		return fmt.Errorf("policy %q of %q: %w", name, h.Name, err)
	}
	return nil
}

func denyAll() *policy.Document {
	return &policy.Document{Version: policy.Version2012, Statements: []policy.Statement{
		{Effect: policy.Deny, Actions: []string{"*"}, Resources: []string{"*"}},
	}}
}

// compile lists the documents of a holder anew.
func (d *directory) compile(h Holder) {
	if len(d.policies[h]) == 0 {
		delete(d.policies, h)
		delete(d.docs, h)
		return
	}
	docs := make([]*policy.Document, 0, len(d.policies[h]))
	for _, p := range d.policies[h] {
		docs = append(docs, p.doc)
	}
	d.docs[h] = docs
}

// documents are the policies that a user brings: its own and those of its groups.
func (d *directory) documents(account, name string) []*policy.Document {
	docs := d.docs[Holder{UserPolicies, account, name}]
	for _, g := range d.users[userID{account, name}].Groups {
		if more := d.docs[Holder{GroupPolicies, account, g}]; len(more) > 0 {
			docs = append(docs[:len(docs):len(docs)], more...)
		}
	}
	return docs
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
	if !ok || k.Off {
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
		Account: a.public(), AccessKeys: append([]string(nil), u.Keys...), Groups: append([]string(nil), u.Groups...),
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
