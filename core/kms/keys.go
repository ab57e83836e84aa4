package kms

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Key describes a key.
type Key struct {
	ID          string
	ARN         string // "" for the store's own key
	Account     string
	Description string
	Aliases     []string
	Managed     bool // made on demand
	Shared      bool // every account may use it
	Enabled     bool
	Created     time.Time
	Rotated     time.Time // when its present material was made
	Versions    int       // of its material
}

func (s *Service) describe(k *key) Key {
	out := Key{
		ID: k.id, Account: k.Account, Description: k.Description, Aliases: slices.Clone(k.Aliases),
		Managed: k.Managed, Shared: k.Shared, Enabled: !k.Disabled, Created: time.Unix(k.Created, 0).UTC(),
		Rotated: time.Unix(k.Materials[len(k.Materials)-1].Created, 0).UTC(), Versions: len(k.Materials),
	}
	if k.Account != "" {
		out.ARN = s.ARN(k.Account, k.id)
	}
	return out
}

// Resolve returns the key that a name stands for; names without an account are the given account's, and the empty name is
// its default key, which is made when it is not there.
func (s *Service) Resolve(ctx context.Context, account, name string) (Key, error) {
	k, err := s.resolve(ctx, account, name)
	if err != nil {
		return Key{}, err
	}
	return s.describe(k), nil
}

func (s *Service) resolve(ctx context.Context, account, name string) (*key, error) {
	if name == ManagedKey {
		return s.key(ctx, ManagedKey)
	}
	r, err := parseRef(account, cmp.Or(name, DefaultAlias))
	if err != nil {
		return nil, err
	}
	if r.alias != "" {
		if r.id, err = s.alias(ctx, r.account, r.alias); err != nil {
			return nil, err
		}
		if r.id == "" && r.alias == DefaultAlias && r.account == account {
			return s.makeManaged(ctx, account, newID(), DefaultAlias)
		}
		if r.id == "" {
			return nil, notFound("Alias arn:aws:kms:%s:%s:%s is not found.", s.region, r.account, r.alias)
		}
	}
	k, err := s.key(ctx, r.id)
	if err != nil || k.Account != r.account && !k.Shared {
		if err == nil || errs.ReasonOf(err) == NotFound {
			err = notFound("Key '%s' does not exist", s.ARN(r.account, r.id))
		}
		return nil, err
	}
	return k, nil
}

// NewKey is what a key is made from.
type NewKey struct {
	Account     string
	Alias       string // "" for none; alias/ in front is added
	Shared      bool   // every account may use the key, by its alias too
	Description string
}

// maxDescription is AWS's limit.
const maxDescription = 8192

// CreateKey makes a key.
func (s *Service) CreateKey(ctx context.Context, n NewKey) (Key, error) {
	if err := iam.CheckAccountID(n.Account); err != nil {
		return Key{}, err
	}
	if len(n.Description) > maxDescription {
		return Key{}, invalid("A description has at most %d characters", maxDescription)
	}
	if n.Alias != "" {
		if !strings.HasPrefix(n.Alias, aliasPrefix) {
			n.Alias = aliasPrefix + n.Alias
		}
		if !aliasName.MatchString(n.Alias) || strings.HasPrefix(n.Alias, "alias/aws/") {
			return Key{}, invalid("%q is not a name for an alias: letters, digits, / _ and -, not beginning with alias/aws/", n.Alias)
		}
	}
	k, err := s.create(ctx, newID(), keyRecord{Account: n.Account, Description: n.Description, Shared: n.Shared}, n.Alias)
	if errors.Is(err, kv.ErrConditionFailed) {
		return Key{}, errs.New(errs.Exists, AlreadyExists, "An alias with the name %s already exists", n.Alias)
	}
	if err != nil {
		return Key{}, err
	}
	return s.describe(k), nil
}

// makeManaged makes a key on demand, or returns the one that somebody else made meanwhile.
func (s *Service) makeManaged(ctx context.Context, account, id, alias string) (*key, error) {
	k, err := s.create(ctx, id, keyRecord{Account: account, Managed: true}, alias)
	if !errors.Is(err, kv.ErrConditionFailed) {
		return k, err
	}
	s.drop()
	if alias == "" {
		v, err := s.store.Get(ctx, kv.Control, keyRow(id))
		if err != nil {
			return nil, rows.Failed("kms.key", err)
		}
		return s.decode(id, v.Data, v.Revision)
	}
	if id, err = s.alias(ctx, account, alias); err != nil {
		return nil, err
	}
	return s.key(ctx, id)
}

// create writes a new key; kv.ErrConditionFailed when its id or alias is taken.
func (s *Service) create(ctx context.Context, id string, rec keyRecord, alias string) (*key, error) {
	rec.Created = time.Now().Unix()
	rec.Materials = []materialRecord{s.newMaterial(id, 1)}
	var b kv.Batch
	b.IfAbsent(keyRow(id))
	if alias != "" {
		rec.Aliases = []string{alias}
		b.IfAbsent(aliasRow(rec.Account, alias))
		b.Put(aliasRow(rec.Account, alias), []byte(id))
		if rec.Shared {
			b.IfAbsent(sharedRow(alias))
			b.Put(sharedRow(alias), []byte(id))
		}
	}
	data := schema.Encode(&rec)
	b.Put(keyRow(id), data)
	res, err := s.store.Commit(ctx, kv.Control, &b)
	s.drop()
	if errors.Is(err, kv.ErrConditionFailed) {
		return nil, err
	} else if err != nil {
		return nil, rows.Failed("kms.create", err)
	}
	return s.decode(id, data, res.Index)
}

func (s *Service) newMaterial(id string, version int) materialRecord {
	k := NewDataKey()
	return materialRecord{Created: time.Now().Unix(), Sealed: s.sealer.Seal(sealContext(id, version), iam.NewSecret(string(k[:])))}
}

// ListKeys lists the keys of an account, or of all and the store's own when account is empty.
func (s *Service) ListKeys(ctx context.Context, account string) ([]Key, error) {
	var all []Key
	err := s.rows(ctx, func(k *key) error {
		if account == "" || k.Account == account {
			all = append(all, s.describe(k))
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Key) int { return a.Created.Compare(b.Created) })
	return all, err
}

// RotateKey gives a key new material. What the old material sealed still opens.
func (s *Service) RotateKey(ctx context.Context, account, name string) (Key, error) {
	return s.change(ctx, account, name, func(k *key) error {
		if len(k.Materials) >= math.MaxUint16 {
			return errs.New(errs.Limit, "", "The key has been rotated as often as it can be.")
		}
		k.Materials = append(slices.Clone(k.Materials), s.newMaterial(k.id, len(k.Materials)+1))
		return nil
	})
}

// SetEnabled enables or disables a key. The store's own cannot be disabled.
func (s *Service) SetEnabled(ctx context.Context, account, name string, enabled bool) (Key, error) {
	return s.change(ctx, account, name, func(k *key) error {
		if k.id == ManagedKey && !enabled {
			return invalid("The store's own key cannot be disabled")
		}
		k.Disabled = !enabled
		return nil
	})
}

// change rewrites a key's row.
func (s *Service) change(ctx context.Context, account, name string, fn func(*key) error) (Key, error) {
	for {
		s.drop()
		k, err := s.resolve(ctx, account, name)
		if err != nil {
			return Key{}, err
		}
		changed := *k
		if err := fn(&changed); err != nil {
			return Key{}, err
		}
		var b kv.Batch
		b.IfRevision(keyRow(k.id), k.revision)
		b.Put(keyRow(k.id), schema.Encode(&changed.keyRecord))
		_, err = s.store.Commit(ctx, kv.Control, &b)
		s.drop()
		if err == nil {
			return s.describe(&changed), nil
		}
		if !errors.Is(err, kv.ErrConditionFailed) || ctx.Err() != nil {
			return Key{}, rows.Failed("kms.change", err)
		}
	}
}
