package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// ErrSkipped says that a log entry had been applied before; nothing was done.
var ErrSkipped = errors.New("fsm: entry already applied")

// Refusal says why a batch was not applied, and what the engine must know to report it: the verdict may
// be told only once the state that it rests on is durable.
type Refusal struct {
	kv.ConditionError
	// Seen is the youngest revision that the conditions up to the failed one looked at. Keys that they found
	// absent have none.
	Seen kv.Index
}

// Unwrap yields the error for the caller of the store.
func (e *Refusal) Unwrap() error { return &e.ConditionError }

// Machine applies the batches of one shard. Not safe for concurrent use.
type Machine struct {
	shard kv.Shard
	rec   Record
	recK  []byte
	key   []byte  // scratch: a physical key
	adds  []int64 // scratch: new values of counters, in the order of the adds
}

// NewMachine continues a shard from what r holds.
func NewMachine(r Reader, s kv.Shard) (*Machine, error) {
	rec, err := ReadRecord(r, s)
	if err != nil {
		return nil, err
	}
	return &Machine{shard: s, rec: rec, recK: recordKey(s)}, nil
}

// Record is the shard's record after the last Apply.
func (m *Machine) Record() Record { return m.rec }

// Check tests the conditions of b against r. The first that does not hold is returned as a *Refusal.
func (m *Machine) Check(r Reader, b *kv.Batch) error {
	var seen kv.Index
	for i := range b.Conds {
		c := &b.Conds[i]
		holds, rev, err := m.holds(r, b, c)
		if err != nil {
			return fmt.Errorf("fsm: condition %d: %w", i, err)
		}
		seen = max(seen, rev)
		if !holds {
			return &Refusal{ConditionError: kv.ConditionError{Cond: i, Kind: c.Kind, Key: c.Key}, Seen: seen}
		}
	}
	return nil
}

// holds tests one condition, and tells the revision of its key, 0 if that is absent.
func (m *Machine) holds(r Reader, b *kv.Batch, c *kv.Cond) (bool, kv.Index, error) {
	m.key = AppendKey(m.key[:0], m.shard, c.Key)
	stored, closer, err := r.Get(m.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return c.Kind == kv.CondAbsent || c.Kind == kv.CondAtMost && atMost(0, b, c), 0, nil
	}
	if err != nil {
		return false, 0, err
	}
	defer closer.Close()
	rev, data, err := Split(stored)
	if err != nil {
		return false, 0, err
	}
	switch c.Kind {
	case kv.CondExists:
		return true, rev, nil
	case kv.CondRevision:
		return rev == c.Revision, rev, nil
	case kv.CondValue:
		return bytes.Equal(data, c.Value), rev, nil
	case kv.CondAtMost:
		v, err := kv.DecodeCounter(data)
		return err == nil && atMost(v, b, c), rev, err
	}
	return false, rev, nil
}

// atMost tells whether a counter that stands at v keeps the limit of c after the adds of b.
func atMost(v int64, b *kv.Batch, c *kv.Cond) bool {
	sum, ok := add(v, delta(b, c.Key))
	return ok && sum <= c.Limit
}

// delta is what b adds to the counter under key.
func delta(b *kv.Batch, key []byte) int64 {
	for i := range b.Ops {
		if o := &b.Ops[i]; o.Kind == kv.OpAdd && bytes.Equal(o.Key, key) {
			return o.Delta
		}
	}
	return 0
}

// add sums with a check for overflow.
func add(a, b int64) (int64, bool) {
	if (b > 0 && a > math.MaxInt64-b) || (b < 0 && a < math.MinInt64-b) {
		return 0, false
	}
	return a + b, true
}

// Apply checks b, which must be valid ([kv.Batch.Validate]), against r and, if every condition holds, writes
// its operations and the shard's new record to w and returns the commit's index. w must not hold changes to
// the shard that r does not show.
//
// position is the place of b in the engine's log, growing from 1; an entry at or below the last one gets
// ErrSkipped. An engine without a log passes 0. When b is refused (a *Refusal, or an error that is
// kv.ErrInvalid), w holds no part of it; with a position, w then holds the record, for the entry is done.
// After any other error w must be thrown away and the machine made anew.
func (m *Machine) Apply(w *pebble.Batch, r Reader, b *kv.Batch, position uint64) (kv.Index, error) {
	if position != 0 && position <= m.rec.Position {
		return 0, ErrSkipped
	}
	next := Record{Index: m.rec.Index + 1, Position: position}
	if err := m.prepare(r, b); err != nil {
		if position == 0 || !refused(err) {
			return 0, err
		}
		next.Index = m.rec.Index
		if werr := m.putRecord(w, next); werr != nil {
			return 0, werr
		}
		return 0, err
	}
	adds := m.adds
	for i := range b.Ops {
		if err := m.applyOne(w, &b.Ops[i], next.Index, &adds); err != nil {
			return 0, fmt.Errorf("fsm: write: %w", err)
		}
	}
	if err := m.putRecord(w, next); err != nil {
		return 0, err
	}
	return next.Index, nil
}

// refused tells a verdict on the batch from a failure of the machine.
func refused(err error) bool {
	return errors.Is(err, kv.ErrConditionFailed) || errors.Is(err, kv.ErrInvalid)
}

// prepare does all that can refuse b before the first write: conditions and the new values of counters.
func (m *Machine) prepare(r Reader, b *kv.Batch) error {
	if err := m.Check(r, b); err != nil {
		return err
	}
	m.adds = m.adds[:0]
	for i := range b.Ops {
		o := &b.Ops[i]
		if o.Kind != kv.OpAdd {
			continue
		}
		old, err := m.counter(r, o.Key)
		if err != nil {
			return err
		}
		sum, ok := add(old, o.Delta)
		if !ok {
			return fmt.Errorf("%w: counter %q overflows: %d plus %d", kv.ErrInvalid, o.Key, old, o.Delta)
		}
		m.adds = append(m.adds, sum)
	}
	return nil
}

func (m *Machine) counter(r Reader, key []byte) (int64, error) {
	m.key = AppendKey(m.key[:0], m.shard, key)
	stored, closer, err := r.Get(m.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("fsm: read counter: %w", err)
	}
	defer closer.Close()
	_, data, err := Split(stored)
	if err != nil {
		return 0, err
	}
	return kv.DecodeCounter(data)
}

// applyOne writes one operation straight into the buffer of w.
func (m *Machine) applyOne(w *pebble.Batch, o *kv.Op, index kv.Index, adds *[]int64) error {
	switch o.Kind {
	case kv.OpPut:
		op := w.SetDeferred(PrefixLen+len(o.Key), RevisionLen+len(o.Value))
		AppendKey(op.Key[:0], m.shard, o.Key)
		binary.BigEndian.PutUint64(op.Value, uint64(index))
		copy(op.Value[RevisionLen:], o.Value)
		return op.Finish()
	case kv.OpAdd:
		op := w.SetDeferred(PrefixLen+len(o.Key), RevisionLen+kv.CounterLen)
		AppendKey(op.Key[:0], m.shard, o.Key)
		binary.BigEndian.PutUint64(op.Value, uint64(index))
		binary.BigEndian.PutUint64(op.Value[RevisionLen:], uint64((*adds)[0]))
		*adds = (*adds)[1:]
		return op.Finish()
	case kv.OpDelete:
		op := w.DeleteDeferred(PrefixLen + len(o.Key))
		AppendKey(op.Key[:0], m.shard, o.Key)
		return op.Finish()
	case kv.OpDeleteRange:
		op := w.DeleteRangeDeferred(PrefixLen+len(o.Key), PrefixLen+len(o.Value))
		AppendKey(op.Key[:0], m.shard, o.Key)
		AppendKey(op.Value[:0], m.shard, o.Value)
		return op.Finish()
	}
	return fmt.Errorf("operation of kind %d", o.Kind) // Validate lets none through
}

func (m *Machine) putRecord(w *pebble.Batch, rec Record) error {
	op := w.SetDeferred(len(m.recK), recordLen)
	copy(op.Key, m.recK)
	rec.put(op.Value)
	if err := op.Finish(); err != nil {
		return fmt.Errorf("fsm: write record: %w", err)
	}
	m.rec = rec
	return nil
}
