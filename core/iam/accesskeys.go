package iam

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// AccessKey is a key of a user. Secret is set only by the call that made the key.
type AccessKey struct {
	ID        string
	Secret    Secret
	AccountID string
	UserName  string
	Off       bool // it signs nothing until it is turned on again
	Created   time.Time
}

// newKey makes a key, with the given id and secret or drawn ones. s.mu is held.
func (s *Service) newKey(d *directory, account, name, id string, secret Secret, now int64) (AccessKey, keyRecord, error) {
	if id == "" {
		var err, err2 error
		id, err = s.make.accessKeyID()
		secret, err2 = s.make.secret()
		if err := errors.Join(err, err2); err != nil {
			return AccessKey{}, keyRecord{}, err
		}
	} else if _, taken := d.keys[id]; taken {
		return AccessKey{}, keyRecord{}, exists("an access key", id)
	}
	rec := keyRecord{ID: id, Account: account, User: name, Sealed: s.sealer.Seal(rowKey+id, secret), Created: now}
	return AccessKey{ID: id, Secret: secret, AccountID: account, UserName: name, Created: time.Unix(now, 0).UTC()}, rec, nil
}

// CreateAccessKey gives a user a further key and returns it. The secret is shown this once. Id and secret are given together, or
// drawn.
func (s *Service) CreateAccessKey(ctx context.Context, account, name, id string, secret Secret) (AccessKey, error) {
	if (id == "") != secret.IsZero() {
		return AccessKey{}, invalid("An access key id and a secret are given together or not at all.")
	}
	if id != "" {
		if err := errors.Join(CheckAccessKeyID(id), CheckSecret(secret)); err != nil {
			return AccessKey{}, err
		}
	}
	const op = "iam.CreateAccessKey"
	for range attempts {
		u, err := s.user(account, name)
		if err != nil {
			return AccessKey{}, err
		}
		if len(u.Keys) >= MaxAccessKeys {
			return AccessKey{}, errs.New(errs.Limit, LimitExceeded, "A user has at most %d access keys.", MaxAccessKeys).On(name)
		}
		s.mu.RLock()
		key, rec, err := s.newKey(s.mu.dir, u.Account, u.Name, id, secret, time.Now().Unix())
		s.mu.RUnlock()
		if err != nil {
			return AccessKey{}, err
		}
		changed := u.userRecord
		changed.Keys = append(slices.Clone(u.Keys), key.ID)
		b := &kv.Batch{}
		b.IfRevision(userRow(u.Account, u.Name), u.revision)
		b.Put(userRow(u.Account, u.Name), schema.Encode(&changed))
		b.IfAbsent(keyRow(key.ID))
		b.Put(keyRow(key.ID), schema.Encode(&rec))
		err = s.commit(ctx, op, b)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, kv.ErrConditionFailed) {
			return AccessKey{}, err
		}
	}
	return AccessKey{}, errs.New(errs.Conflict, "", "Too many concurrent changes; try again.").On(name)
}

// DeleteAccessKey takes a key away from its user; requests signed with it are refused from then on.
func (s *Service) DeleteAccessKey(ctx context.Context, id string) error {
	const op = "iam.DeleteAccessKey"
	for range attempts {
		s.mu.RLock()
		k, ok := s.mu.dir.keys[id]
		root := s.mu.dir.root.Key
		u := s.mu.dir.users[userID{k.Account, k.User}]
		s.mu.RUnlock()
		switch {
		case !ok:
			return errs.New(errs.NotFound, NoSuchEntity, "There is no access key %q.", id).On(id)
		case id == root:
			return errs.New(errs.Conflict, DeleteConflict, "The key of the root of this cloud cannot be deleted.").On(id)
		}
		changed := u.userRecord
		changed.Keys = slices.DeleteFunc(slices.Clone(u.Keys), func(k string) bool { return k == id })
		b := &kv.Batch{}
		b.IfRevision(userRow(u.Account, u.Name), u.revision)
		b.Put(userRow(u.Account, u.Name), schema.Encode(&changed))
		b.Delete(keyRow(id))
		if err := s.commit(ctx, op, b); !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
	return errs.New(errs.Conflict, "", "Too many concurrent changes; try again.").On(id)
}

// SetAccessKey turns a key on or off. Requests signed with one that is off are refused as if there were no such key.
func (s *Service) SetAccessKey(ctx context.Context, id string, on bool) error {
	return s.retry(ctx, "iam.SetAccessKey", id, func(b *kv.Batch) error {
		k, ok := s.mu.dir.keys[id]
		switch {
		case !ok:
			return errs.New(errs.NotFound, NoSuchEntity, "There is no access key %q.", id).On(id)
		case id == s.mu.dir.root.Key && !on:
			return errs.New(errs.Conflict, DeleteConflict, "The key of the root of this cloud cannot be turned off.").On(id)
		}
		// The user's row is written anew, as by everything that changes its keys.
		u := s.mu.dir.users[userID{k.Account, k.User}]
		b.IfRevision(userRow(k.Account, k.User), u.revision)
		b.Put(userRow(k.Account, k.User), schema.Encode(&u.userRecord))
		k.Off = !on
		b.Put(keyRow(id), schema.Encode(&k))
		return nil
	})
}

// ListAccessKeys returns the keys of a user, without their secrets, oldest first.
func (s *Service) ListAccessKeys(_ context.Context, account, name string) ([]AccessKey, error) {
	u, err := s.user(account, name)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []AccessKey
	for _, id := range u.Keys {
		if k, ok := s.mu.dir.keys[id]; ok {
			all = append(all, AccessKey{ID: k.ID, AccountID: k.Account, UserName: k.User, Off: k.Off, Created: time.Unix(k.Created, 0).UTC()})
		}
	}
	return all, nil
}
