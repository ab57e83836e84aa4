package keypair

import (
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// The types of key.
const (
	RSA     = "rsa"
	ED25519 = "ed25519"
)

// Reasons of refusals: EC2's codes.
const (
	NotFound      errs.Reason = "InvalidKeyPair.NotFound"
	Duplicate     errs.Reason = "InvalidKeyPair.Duplicate"
	BadFormat     errs.Reason = "InvalidKey.Format"
	LimitExceeded errs.Reason = "KeyPairLimitExceeded"
	BadValue      errs.Reason = "InvalidParameterValue"
)

// MaxPairs is how many pairs an account may have.
const MaxPairs = 5000

// Pair is a key pair.
type Pair struct {
	ID          string
	Name        string
	Type        string // RSA or ED25519
	Fingerprint string
	PublicKey   string // a line for authorized_keys, with the name as comment
	Created     time.Time
}

const (
	rowName  = "keypair.n"
	rowID    = "keypair.i"
	rowCount = "keypair.c"
	schema   = 1
)

func nameRow(account, name string) []byte { return []byte(rowName + account + name) }
func idRow(account, id string) []byte     { return []byte(rowID + account + id) }
func countRow(account string) []byte      { return []byte(rowCount + account) }

// Getter is what [Get] reads from: a kv.View.
type Getter interface {
	Get(key []byte) (kv.Value, error)
}

// Get returns the pair of a name.
func Get(v Getter, account, name string) (Pair, error) {
	val, err := v.Get(nameRow(account, name))
	switch {
	case errors.Is(err, kv.ErrNotFound):
		const shown = 255
		return Pair{}, errs.New(errs.NotFound, NotFound, "The key pair '%s' does not exist", name[:min(len(name), shown)]).On(name)
	case err != nil:
		return Pair{}, errs.Wrap("keypair.Get", errs.Internal, err)
	}
	return decode(val.Data)
}

// GetByID returns the pair of an id.
func GetByID(v Getter, account, id string) (Pair, error) {
	val, err := v.Get(idRow(account, id))
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return Pair{}, absentID(id)
	case err != nil:
		return Pair{}, errs.Wrap("keypair.GetByID", errs.Internal, err)
	}
	return Get(v, account, string(val.Data))
}

func absentID(id string) error {
	const shown = 64
	return errs.New(errs.NotFound, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist", id[:min(len(id), shown)]).On(id)
}

// list reads all pairs of an account.
func list(v kv.View, account string) (all []Pair, err error) {
	lower := nameRow(account, "")
	it := v.Scan(kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(lower)})
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		p, err := decode(it.Value())
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func encode(p Pair) []byte {
	b := []byte{schema}
	for _, s := range [...]string{p.ID, p.Name, p.Type, p.Fingerprint, p.PublicKey} {
		b = msgp.AppendString(b, s)
	}
	return msgp.AppendInt64(b, p.Created.UnixMilli())
}

var errRecord = errors.New("keypair: malformed record")

func decode(data []byte) (p Pair, err error) {
	if len(data) == 0 || data[0] != schema {
		return p, fmt.Errorf("%w: schema", errRecord)
	}
	rest := data[1:]
	for _, s := range [...]*string{&p.ID, &p.Name, &p.Type, &p.Fingerprint, &p.PublicKey} {
		if *s, rest, err = msgp.ReadStringBytes(rest); err != nil {
			return p, fmt.Errorf("%w: %w", errRecord, err)
		}
	}
	ms, _, err := msgp.ReadInt64Bytes(rest)
	if err != nil {
		return p, fmt.Errorf("%w: %w", errRecord, err)
	}
	p.Created = time.UnixMilli(ms).UTC()
	return p, nil
}
