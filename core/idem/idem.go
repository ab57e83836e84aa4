// Package idem makes calls that carry a client token happen once: whoever repeats a call with the same token and the same
// parameters gets what the first one made, also after a crash.
//
// # Guarantees
//
//   - The record of a token is part of the commit that makes the thing ([Token.Record]): there is never one without the
//     other, and of two calls at the same time one makes the thing and the other finds it.
//   - The same token with other parameters is an *errs.E with ParameterMismatch.
//   - Records outlive [Retention]; [Sweep] removes older ones.
//
// # Use
//
//	made, seen, err := tok.Lookup(view)      // in the view that the decision is made on
//	if err != nil || seen { … return what was made … }
//	…
//	tok.Record(&batch, id)                   // and commit; on kv.ErrConditionFailed begin again
//
// The zero Token stands for a call without one: Lookup finds nothing and Record adds nothing.
//
// It knows no action and no resource: ids are strings.
//
// # Rows of the control shard
//
//	idem.t<account><action><token>    record: hash of the parameters, time, ids
package idem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// ParameterMismatch is the reason of a token that came back with other parameters.
const ParameterMismatch errs.Reason = "IdempotentParameterMismatch"

// Retention is how long a token is remembered at least.
const Retention = 48 * time.Hour

const (
	rowToken = "idem.t"
	schema   = 1
	// sweepBatch bounds one commit of Sweep.
	sweepBatch = 512
)

// Token is a call's token. The zero value is a call without one.
type Token struct {
	Account string
	Action  string
	Token   string
	Hash    [32]byte  // of the parameters
	Time    time.Time // of the call
}

// Given reports whether the call has a token.
func (t *Token) Given() bool { return t.Token != "" }

func (t *Token) key() []byte {
	k := append([]byte(rowToken), t.Account...) // account ids have one length
	return keys.AppendString(keys.AppendString(k, t.Action), t.Token)
}

// Getter is what Lookup reads from: a kv.View.
type Getter interface {
	Get(key []byte) (kv.Value, error)
}

// Lookup returns the ids of what an earlier call with this token made, if there was one.
func (t *Token) Lookup(v Getter) (made []string, seen bool, err error) {
	if !t.Given() {
		return nil, false, nil
	}
	val, err := v.Get(t.key())
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	r, err := decode(val.Data)
	if err != nil {
		return nil, false, err
	}
	if r.hash != t.Hash {
		return nil, true, errs.New(errs.Invalid, ParameterMismatch,
			"The client token you have provided is associated with a request with different parameters.").On(t.Token)
	}
	return r.ids, true, nil
}

// Record adds to b that this call made ids, on condition that no other call with the token did meanwhile.
func (t *Token) Record(b *kv.Batch, ids ...string) {
	if !t.Given() {
		return
	}
	k := t.key()
	b.IfAbsent(k)
	b.Put(k, encode(record{hash: t.Hash, time: t.Time, ids: ids}))
}

// Sweep removes the records from before a time, in small commits, and says how many there were.
func Sweep(ctx context.Context, s kv.Store, before time.Time) (int, error) {
	total := 0
	for {
		n, err := sweepSome(ctx, s, before)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func sweepSome(ctx context.Context, s kv.Store, before time.Time) (n int, err error) {
	v, err := s.View(ctx, kv.Control)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	it := v.Scan(kv.ScanOptions{Lower: []byte(rowToken), Upper: keys.PrefixEnd([]byte(rowToken))})
	var b kv.Batch
	for ok := it.First(); ok && n < sweepBatch; ok = it.Next() {
		r, err := decode(it.Value())
		if err != nil {
			return 0, errors.Join(err, it.Close())
		}
		if r.time.Before(before) {
			k := append([]byte(nil), it.Key()...)
			b.IfRevision(k, it.Revision())
			b.Delete(k)
			n++
		}
	}
	if err := it.Close(); err != nil || n == 0 {
		return 0, err
	}
	_, err = s.Commit(ctx, kv.Control, &b)
	return n, err
}

// record is what is kept of a token.
type record struct {
	hash [32]byte
	time time.Time
	ids  []string
}

func encode(r record) []byte {
	b := append([]byte{schema}, r.hash[:]...)
	b = msgp.AppendInt64(b, r.time.Unix())
	b = msgp.AppendArrayHeader(b, uint32(len(r.ids)))
	for _, id := range r.ids {
		b = msgp.AppendString(b, id)
	}
	return b
}

var errRecord = errors.New("idem: malformed record")

func decode(data []byte) (r record, err error) {
	if len(data) < 1+len(r.hash) || data[0] != schema {
		return r, fmt.Errorf("%w: schema", errRecord)
	}
	copy(r.hash[:], data[1:])
	sec, rest, err := msgp.ReadInt64Bytes(data[1+len(r.hash):])
	if err != nil {
		return r, fmt.Errorf("%w: %w", errRecord, err)
	}
	r.time = time.Unix(sec, 0)
	n, rest, err := msgp.ReadArrayHeaderBytes(rest)
	if err != nil || int(n) > len(rest) {
		return r, fmt.Errorf("%w: ids: %w", errRecord, err)
	}
	r.ids = make([]string, n)
	for i := range r.ids {
		if r.ids[i], rest, err = msgp.ReadStringBytes(rest); err != nil {
			return r, fmt.Errorf("%w: id: %w", errRecord, err)
		}
	}
	return r, nil
}
