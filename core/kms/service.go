package kms

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Rows of the control shard, which is shared with other domains: hence the common prefix. Account ids have one length.
const (
	rowPrefix = "kms."
	rowKey    = "kms.k" // id -> keyRecord
	rowAlias  = "kms.a" // account, alias -> id
	rowShared = "kms.s" // alias -> id, of shared keys
)

func keyRow(id string) []byte              { return []byte(rowKey + id) }
func aliasRow(account, name string) []byte { return []byte(rowAlias + account + name) }
func sharedRow(name string) []byte         { return []byte(rowShared + name) }

// sealContext is the place that material is sealed for.
func sealContext(id string, version int) string { return fmt.Sprintf("%s%s#%d", rowKey, id, version) }

const schema rows.Schema = 1

// Config is what a Service is made of.
type Config struct {
	Store  kv.Store
	Sealer *iam.Sealer
	Region string       // in ARNs; "" is us-east-1
	Logger *slog.Logger // nil discards
}

// Service holds the keys. It is safe for concurrent use. Close it before its store.
type Service struct {
	store  kv.Store
	sealer *iam.Sealer
	region string
	log    *slog.Logger

	gen    atomic.Uint64 // raised by every invalidation: what was read before it must not be kept
	cached sync.Map      // row -> *key or, of an alias, string

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// key is a key in memory, never changed.
type key struct {
	keyRecord
	id        string
	revision  kv.Index
	materials []cipher.AEAD
}

// Open opens the key service.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.Store == nil || c.Sealer == nil {
		return nil, errors.New("kms: config: store and sealer are needed")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{store: c.Store, sealer: c.Sealer, region: c.Region, log: c.Logger}
	// The follower lives until Close, longer than the ctx of Open.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.done.Go(func() { rows.Invalidate(background, s.store, s.log, s.drop, s.changed) })
	return s, nil
}

// Close stops following the store.
func (s *Service) Close() error {
	s.cancel()
	s.done.Wait()
	return nil
}

// key returns a key from the cache or the store.
func (s *Service) key(ctx context.Context, id string) (*key, error) {
	row := keyRow(id)
	if k, ok := s.cached.Load(string(row)); ok {
		return k.(*key), nil
	}
	gen := s.gen.Load()
	v, err := s.store.Get(ctx, kv.Control, row)
	switch {
	case errors.Is(err, kv.ErrNotFound) && id == ManagedKey:
		return s.makeManaged(ctx, "", ManagedKey, "")
	case errors.Is(err, kv.ErrNotFound):
		return nil, notFound("Key '%s' does not exist", id)
	case err != nil:
		return nil, rows.Failed("kms.key", err)
	}
	k, err := s.decode(id, v.Data, v.Revision)
	if err != nil {
		return nil, err
	}
	s.keep(gen, string(row), k)
	return k, nil
}

// keep caches what was read, unless something changed since gen.
func (s *Service) keep(gen uint64, row string, value any) {
	s.cached.Store(row, value)
	if s.gen.Load() != gen {
		s.cached.CompareAndDelete(row, value)
	}
}

// drop forgets everything.
func (s *Service) drop() {
	s.gen.Add(1)
	s.cached.Clear()
}

// changed forgets everything when a row of this package changed: keys are few and change rarely.
func (s *Service) changed(row []byte) {
	if strings.HasPrefix(string(row), rowPrefix) {
		s.drop()
	}
}

// alias returns the id that an alias stands for in an account: its own, or one of a shared key; "" when there is no such
// alias.
func (s *Service) alias(ctx context.Context, account, name string) (string, error) {
	id, err := s.lookup(ctx, aliasRow(account, name))
	if id == "" && err == nil && name != DefaultAlias {
		id, err = s.lookup(ctx, sharedRow(name))
	}
	return id, err
}

func (s *Service) lookup(ctx context.Context, row []byte) (string, error) {
	if id, ok := s.cached.Load(string(row)); ok {
		return id.(string), nil
	}
	gen := s.gen.Load()
	v, err := s.store.Get(ctx, kv.Control, row)
	if errors.Is(err, kv.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", rows.Failed("kms.alias", err)
	}
	id := string(v.Data)
	s.keep(gen, string(row), id)
	return id, nil
}

// decode reads a key's row and opens its material.
func (s *Service) decode(id string, data []byte, rev kv.Index) (*key, error) {
	k := &key{id: id, revision: rev}
	if err := schema.Decode(data, &k.keyRecord); err != nil {
		return nil, fmt.Errorf("kms: key %s: %w", id, err)
	}
	if len(k.Materials) == 0 {
		return nil, fmt.Errorf("kms: key %s: %w: no material", id, rows.ErrMalformed)
	}
	for i, m := range k.Materials {
		plain, err := s.sealer.Open(sealContext(id, i+1), m.Sealed)
		if err != nil {
			return nil, fmt.Errorf("kms: key %s, version %d: %w", id, i+1, err)
		}
		if len(plain.Reveal()) != KeySize {
			return nil, fmt.Errorf("kms: key %s, version %d: %w: wrong length", id, i+1, rows.ErrMalformed)
		}
		k.materials = append(k.materials, masterCipher([]byte(plain.Reveal())))
	}
	return k, nil
}

// rows scans all keys.
func (s *Service) rows(ctx context.Context, fn func(*key) error) error {
	view, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return rows.Failed("kms.rows", err)
	}
	defer view.Close()
	it := view.Scan(kv.ScanOptions{Lower: []byte(rowKey), Upper: keys.PrefixEnd([]byte(rowKey))})
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var k *key
		if k, err = s.decode(string(it.Key()[len(rowKey):]), it.Value(), it.Revision()); err == nil {
			err = fn(k)
		}
	}
	return errors.Join(err, it.Close())
}
