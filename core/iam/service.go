package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Config is what a Service is made of.
type Config struct {
	Store  kv.Store
	Sealer *Sealer
	Logger *slog.Logger // nil discards
	Root   RootOptions
	Random io.Reader // where ids and secrets come from; nil is crypto/rand
}

// RootOptions are the root's keys when they are given instead of made.
type RootOptions struct {
	AccessKeyID string // with Secret, or empty
	Secret      Secret
	AccountID   string // empty: drawn on the first start, kept later
}

// Validate reports what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Store == nil:
		return errors.New("iam: no store")
	case c.Sealer == nil:
		return errors.New("iam: no sealer")
	case (c.Root.AccessKeyID == "") != c.Root.Secret.IsZero():
		return invalid("The root's access key id and secret are given together or not at all.")
	}
	if c.Root.AccessKeyID != "" {
		if err := errors.Join(CheckAccessKeyID(c.Root.AccessKeyID), CheckSecret(c.Root.Secret)); err != nil {
			return fmt.Errorf("iam: the root's key: %w", err)
		}
	}
	if c.Root.AccountID != "" {
		return CheckAccountID(c.Root.AccountID)
	}
	return nil
}

// Service is the directory of accounts, users and keys, and the judge of what they may do. It is safe for
// concurrent use. Close it before its store.
type Service struct {
	store  kv.Store
	sealer *Sealer
	log    *slog.Logger
	make   maker

	rows *rows.Follower

	mu struct {
		sync.RWMutex
		dir *directory
	}
}

// Open reads all accounts, users and keys, makes the root account on the first start, and follows the store
// from then on. ErrNodeKey when secrets were sealed with another key.
func Open(ctx context.Context, c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	s := &Service{store: c.Store, sealer: c.Sealer, log: c.Logger, make: maker{c.Random}}
	var err error
	s.rows, err = rows.Follow(ctx, c.Store, c.Logger, rows.Memory{Prefix: rowPrefix, What: "accounts", Load: s.load, Apply: s.apply})
	if err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	if err := s.ensureRoot(ctx, c.Root); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close stops following the store. Look-ups go on with what is known.
func (s *Service) Close() { s.rows.Close() }

// Secret returns what an access key id stands for. An unknown one is *errs.E with InvalidAccessKeyID.
func (s *Service) Secret(_ context.Context, accessKeyID string) (Credential, error) {
	s.mu.RLock()
	c, ok := s.mu.dir.creds[accessKeyID]
	s.mu.RUnlock()
	if !ok {
		return Credential{}, unknownKey(accessKeyID)
	}
	return c, nil
}

func unknownKey(id string) error {
	const shown = 128
	id = string([]byte(id[:min(len(id), shown)])) // it may alias a request
	return &errs.E{Op: "iam.Secret", Kind: errs.Unauthenticated, Reason: InvalidAccessKeyID, Resource: id,
		Msg: "The AWS Access Key Id you provided does not exist in our records.", Detail: map[string]string{"AWSAccessKeyId": id}}
}

// Root returns the root's access key id and credential.
func (s *Service) Root() (accessKeyID string, c Credential) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	accessKeyID = s.mu.dir.root.Key
	return accessKeyID, s.mu.dir.creds[accessKeyID]
}

// Account returns an account by its id.
func (s *Service) Account(_ context.Context, id string) (Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.mu.dir.accounts[id]
	if !ok {
		return Account{}, noAccount(id)
	}
	return a.public(), nil
}

// AccountByCanonicalID returns an account by the id that S3's grants name it by.
func (s *Service) AccountByCanonicalID(_ context.Context, canonical string) (Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.mu.dir.accounts[s.mu.dir.byCanon[canonical]]
	if !ok {
		return Account{}, noAccount(canonical)
	}
	return a.public(), nil
}

// AccountByEmail returns the one account that was made with an address, written as it was then. An address that several have
// is nobody's.
func (s *Service) AccountByEmail(_ context.Context, address string) (Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []accountRecord
	for _, a := range s.mu.dir.accounts {
		if a.Email == address && address != "" {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return Account{}, noAccount(address)
	}
	return found[0].public(), nil
}

func noAccount(id string) error {
	return errs.New(errs.NotFound, NoSuchEntity, "There is no account %q.", id).On(id)
}
