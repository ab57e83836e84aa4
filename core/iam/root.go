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

// rootName is the user name of the root account's owner.
const rootName = "root"

// ensureRoot makes the root account on the first start. On later ones it replaces the root's key when
// another one is given, and refuses another account id: everything belongs to the first one.
func (s *Service) ensureRoot(ctx context.Context, o RootOptions) error {
	for range attempts {
		root, ok := s.rootUser()
		if ok && o.AccountID != "" && o.AccountID != root.account {
			return errs.New(errs.Conflict, ValidationError, "The root account is %s already; it cannot become %s.", root.account, o.AccountID)
		}
		var b *kv.Batch
		var err error
		if ok {
			b, err = s.planRootKey(root, o)
		} else {
			b, err = s.planRoot(o)
		}
		if err != nil || b == nil {
			return err
		}
		if err = s.commit(ctx, "iam.Open", b); !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
	return errs.New(errs.Conflict, "", "The root account is being changed by others.")
}

// rootUser is the root's name, if there is one.
func (s *Service) rootUser() (userID, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.mu.dir.root
	return userID{r.Account, r.User}, r.Account != ""
}

// planRoot decides on the rows of the first start.
func (s *Service) planRoot(o RootOptions) (*kv.Batch, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := time.Now().Unix()
	a, err := s.newAccount(s.mu.dir, o.AccountID, rootName, "", now)
	if err != nil {
		return nil, err
	}
	id, err := s.make.userID()
	if err != nil {
		return nil, err
	}
	key, rec, err := s.newKey(s.mu.dir, a.ID, rootName, o.AccessKeyID, o.Secret, now)
	if err != nil {
		return nil, err
	}
	u := userRecord{Account: a.ID, Name: rootName, ID: id, Owner: true, Keys: []string{key.ID}, Created: now}
	b := &kv.Batch{}
	b.IfAbsent(rootRow())
	b.Put(rootRow(), schema.Encode(&rootRecord{Account: a.ID, User: rootName, Key: key.ID}))
	putAccount(b, a)
	b.IfAbsent(ownerRow(rootName))
	b.Put(ownerRow(rootName), []byte(a.ID))
	b.IfAbsent(userRow(a.ID, rootName))
	b.Put(userRow(a.ID, rootName), schema.Encode(&u))
	b.IfAbsent(keyRow(key.ID))
	b.Put(keyRow(key.ID), schema.Encode(&rec))
	return b, nil
}

// planRootKey decides on replacing the root's key by the given one; nil when it is the same.
func (s *Service) planRootKey(root userID, o RootOptions) (*kv.Batch, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	dir := s.mu.dir
	old := dir.root.Key
	if o.AccessKeyID == "" || o.AccessKeyID == old && dir.creds[old].Secret == o.Secret {
		return nil, nil
	}
	if k, taken := dir.keys[o.AccessKeyID]; taken && (k.Account != root.account || k.User != root.name) {
		return nil, exists("an access key", o.AccessKeyID)
	}
	u, ok := dir.users[root]
	if !ok {
		return nil, errs.New(errs.Corrupt, "", "The root user's row is missing.")
	}
	now := time.Now().Unix()
	rec := keyRecord{ID: o.AccessKeyID, Account: root.account, User: root.name, Created: now,
		Sealed: s.sealer.Seal(rowKey+o.AccessKeyID, o.Secret)}
	changed := u.userRecord
	changed.Keys = slices.DeleteFunc(slices.Clone(u.Keys), func(k string) bool { return k == old || k == o.AccessKeyID })
	changed.Keys = append(changed.Keys, o.AccessKeyID)
	b := &kv.Batch{}
	b.IfRevision(userRow(root.account, root.name), u.revision)
	b.Put(userRow(root.account, root.name), schema.Encode(&changed))
	b.Put(keyRow(o.AccessKeyID), schema.Encode(&rec))
	if old != o.AccessKeyID {
		b.Delete(keyRow(old))
	}
	b.Put(rootRow(), schema.Encode(&rootRecord{Account: root.account, User: root.name, Key: o.AccessKeyID}))
	s.log.Info("root access key replaced", "old", old, "new", cmp.Or(o.AccessKeyID, old))
	return b, nil
}
