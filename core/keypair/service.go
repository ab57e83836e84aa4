package keypair

import (
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Service makes, imports, lists and removes key pairs.
type Service struct{ store kv.Store }

// NewService makes a Service.
func NewService(store kv.Store) *Service { return &Service{store} }

// Create makes a pair. The private key is returned and forgotten.
func (s *Service) Create(ctx context.Context, account, name, kind string, format Format, set tags.Set) (Pair, string, error) {
	if err := checkName(name); err != nil {
		return Pair{}, "", err
	}
	// Before the key is made, which takes time: a name that is taken already.
	if err := s.free(ctx, account, name); err != nil {
		return Pair{}, "", err
	}
	made, err := generate(kind)
	if err != nil {
		return Pair{}, "", err
	}
	private, err := made.encode(format, name)
	if err != nil {
		return Pair{}, "", err
	}
	p, err := s.put(ctx, account, Pair{Name: name, Type: kind, Fingerprint: made.fingerprint(), PublicKey: line(made.public, name)}, set)
	return p, private, err
}

// Import keeps a public key that was made elsewhere.
func (s *Service) Import(ctx context.Context, account, name string, material []byte, set tags.Set) (Pair, error) {
	if err := checkName(name); err != nil {
		return Pair{}, err
	}
	public, kind, err := parsePublic(material)
	if err != nil {
		return Pair{}, err
	}
	fingerprint, err := importedFingerprint(public, kind)
	if err != nil {
		return Pair{}, err
	}
	return s.put(ctx, account, Pair{Name: name, Type: kind, Fingerprint: fingerprint, PublicKey: line(public, name)}, set)
}

func checkName(name string) error {
	const most = 255
	if name == "" || len(name) > most {
		return errs.New(errs.Invalid, BadValue, "Value for parameter KeyName is invalid. It must have between 1 and %d characters.", most)
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return errs.New(errs.Invalid, BadValue, "Value for parameter KeyName is invalid. Character sets beyond ASCII are not supported.")
		}
	}
	return nil
}

func duplicate(name string) error {
	return errs.New(errs.Exists, Duplicate, "The keypair '%s' already exists.", name).On(name)
}

func (s *Service) free(ctx context.Context, account, name string) error {
	_, err := s.store.Get(ctx, kv.Control, nameRow(account, name))
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return nil
	case err != nil:
		return errs.Wrap("keypair.Create", errs.Internal, err)
	}
	return duplicate(name)
}

func (s *Service) put(ctx context.Context, account string, p Pair, set tags.Set) (Pair, error) {
	p.ID, p.Created = ids.New(ids.KeyPair), time.Now().UTC().Truncate(time.Millisecond)
	var b kv.Batch
	b.IfAbsent(nameRow(account, p.Name))
	b.IfAbsent(idRow(account, p.ID))
	b.IfCounterAtMost(countRow(account), MaxPairs)
	b.Put(nameRow(account, p.Name), encode(p))
	b.Put(idRow(account, p.ID), []byte(p.Name))
	b.Add(countRow(account), 1)
	tags.Put(&b, account, p.ID, set)
	_, err := s.store.Commit(ctx, kv.Control, &b)
	var failed *kv.ConditionError
	switch {
	case errors.As(err, &failed) && failed.Kind == kv.CondAtMost:
		return Pair{}, errs.New(errs.Limit, LimitExceeded, "The maximum number of key pairs (%d) has been reached.", MaxPairs)
	case errors.Is(err, kv.ErrConditionFailed):
		return Pair{}, duplicate(p.Name)
	}
	return p, errs.Wrap("keypair.put", errs.Internal, err)
}

// attempts bounds how often Delete begins again because others change the same pair.
const attempts = 16

// Delete removes the pair of a name, or of an id when name is empty. That it is not there is no error: removed is false.
func (s *Service) Delete(ctx context.Context, account, name, id string) (p Pair, removed bool, err error) {
	for range attempts {
		if p, removed, err = s.remove(ctx, account, name, id); !errors.Is(err, kv.ErrConditionFailed) {
			break
		}
	}
	return p, removed, errs.Wrap("keypair.Delete", errs.Internal, err)
}

func (s *Service) remove(ctx context.Context, account, name, id string) (_ Pair, removed bool, err error) {
	v, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return Pair{}, false, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	var p Pair
	if name != "" {
		p, err = Get(v, account, name)
	} else {
		p, err = GetByID(v, account, id)
	}
	if errs.ReasonOf(err) == NotFound {
		return Pair{}, false, nil
	}
	if err != nil {
		return Pair{}, false, err
	}
	var b kv.Batch
	b.IfExists(idRow(account, p.ID))
	b.Delete(nameRow(account, p.Name))
	b.Delete(idRow(account, p.ID))
	b.Add(countRow(account), -1)
	tags.Delete(&b, account, p.ID)
	if _, err := s.store.Commit(ctx, kv.Control, &b); err != nil {
		return Pair{}, false, err
	}
	return p, true, nil
}

// Tagged is a pair and its tags.
type Tagged struct {
	Pair
	Tags tags.Set
}

// List returns the pairs of an account with their tags, of one moment.
func (s *Service) List(ctx context.Context, account string) (_ []Tagged, err error) {
	v, err := s.store.View(ctx, kv.Control)
	if err != nil {
		return nil, errs.Wrap("keypair.List", errs.Internal, err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	pairs, err := list(v, account)
	if err != nil {
		return nil, errs.Wrap("keypair.List", errs.Internal, err)
	}
	all, err := tags.All(v, account, string(ids.KeyPair)+"-")
	if err != nil {
		return nil, errs.Wrap("keypair.List", errs.Internal, err)
	}
	out := make([]Tagged, len(pairs))
	for i, p := range pairs {
		out[i] = Tagged{p, all[p.ID]}
	}
	return out, nil
}

// TagRow makes key pairs taggable; see tags.Owner.
func (s *Service) TagRow(v kv.View, account, id string) (row []byte, mine bool, err error) {
	if ids.Check(ids.KeyPair, id) != nil {
		return nil, false, nil
	}
	row = idRow(account, id)
	_, err = v.Get(row)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, true, absentID(id)
	}
	return row, true, errs.Wrap("keypair.TagRow", errs.Internal, err)
}

var _ tags.Owner = (*Service)(nil)
