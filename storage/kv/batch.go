package kv

import (
	"bytes"
	"fmt"
	"slices"
)

// CondKind says what a condition asks of its key.
type CondKind uint8

// The kinds of condition.
const (
	CondAbsent   CondKind = iota + 1 // the key does not exist
	CondExists                       // the key exists, at any revision
	CondRevision                     // the key's revision is exactly Revision
	CondValue                        // the key's data equals Value
	CondAtMost                       // the counter under the key plus this batch's adds to it is at most Limit (quotas)
)

// String names the kind.
func (k CondKind) String() string {
	switch k {
	case CondAbsent:
		return "absent"
	case CondExists:
		return "exists"
	case CondRevision:
		return "revision"
	case CondValue:
		return "value"
	case CondAtMost:
		return "at most"
	}
	return fmt.Sprintf("CondKind(%d)", uint8(k))
}

// Cond is one condition of a batch.
type Cond struct {
	Kind     CondKind
	Key      []byte
	Revision Index
	Value    []byte
	Limit    int64
}

// OpKind says what an operation does.
type OpKind uint8

// The kinds of operation.
const (
	OpPut         OpKind = iota + 1 // set key to value
	OpDelete                        // remove key; no error when absent
	OpAdd                           // add Delta to the counter under key; commutative, needs no condition
	OpDeleteRange                   // remove all keys in [Key, Value)
)

// Op is one operation of a batch. A key is touched by at most one operation of a batch, ranges included.
type Op struct {
	Kind  OpKind
	Key   []byte
	Value []byte
	Delta int64
}

// Batch is a transaction as data. The zero value is ready to use. It keeps the slices it is given:
// do not change them before Commit has returned.
type Batch struct {
	Conds []Cond
	Ops   []Op
	size  int
}

// IfAbsent demands that key does not exist.
func (b *Batch) IfAbsent(key []byte) { b.cond(Cond{Kind: CondAbsent, Key: key}) }

// IfExists demands that key exists.
func (b *Batch) IfExists(key []byte) { b.cond(Cond{Kind: CondExists, Key: key}) }

// IfRevision demands that key was last written by commit r; r == 0 means absent.
func (b *Batch) IfRevision(key []byte, r Index) {
	if r == 0 {
		b.IfAbsent(key)
		return
	}
	b.cond(Cond{Kind: CondRevision, Key: key, Revision: r})
}

// IfValue demands that key holds exactly v.
func (b *Batch) IfValue(key, v []byte) { b.cond(Cond{Kind: CondValue, Key: key, Value: v}) }

// IfCounterAtMost demands that the counter under key, after this batch's adds, is at most limit.
func (b *Batch) IfCounterAtMost(key []byte, limit int64) {
	b.cond(Cond{Kind: CondAtMost, Key: key, Limit: limit})
}

// Put sets key to value.
func (b *Batch) Put(key, value []byte) { b.op(Op{Kind: OpPut, Key: key, Value: value}) }

// Delete removes key.
func (b *Batch) Delete(key []byte) { b.op(Op{Kind: OpDelete, Key: key}) }

// DeleteRange removes every key in [lower, upper).
func (b *Batch) DeleteRange(lower, upper []byte) {
	b.op(Op{Kind: OpDeleteRange, Key: lower, Value: upper})
}

// Add adds delta to the counter under key. Read it back with DecodeCounter. Adds to the same key sum up.
func (b *Batch) Add(key []byte, delta int64) {
	if delta == 0 {
		return
	}
	for i := range b.Ops {
		if o := &b.Ops[i]; o.Kind == OpAdd && bytes.Equal(o.Key, key) {
			o.Delta += delta
			return
		}
	}
	b.op(Op{Kind: OpAdd, Key: key, Delta: delta})
}

// Reset empties the batch for reuse. Only after Commit has returned with anything but ErrUnknownOutcome.
func (b *Batch) Reset() {
	clear(b.Conds)
	clear(b.Ops)
	b.Conds, b.Ops, b.size = b.Conds[:0], b.Ops[:0], 0
}

// Len is the bytes of all keys and values.
func (b *Batch) Len() int { return b.size }

func (b *Batch) cond(c Cond) {
	b.size += len(c.Key) + len(c.Value)
	b.Conds = append(b.Conds, c)
}

func (b *Batch) op(o Op) {
	b.size += len(o.Key) + len(o.Value)
	b.Ops = append(b.Ops, o)
}

// Validate checks the limits and rules that hold for every engine.
func (b *Batch) Validate() error {
	if len(b.Conds)+len(b.Ops) > MaxBatchSize || b.size > MaxBatchLen {
		return fmt.Errorf("%w: batch of %d operations, %d bytes", ErrTooLarge, len(b.Conds)+len(b.Ops), b.size)
	}
	for i := range b.Conds {
		c := &b.Conds[i]
		if err := checkKey(c.Key); err != nil {
			return err
		}
		if c.Kind < CondAbsent || c.Kind > CondAtMost {
			return fmt.Errorf("%w: condition of %v", ErrInvalid, c.Kind)
		}
	}
	for i := range b.Ops {
		if err := b.Ops[i].check(); err != nil {
			return err
		}
	}
	return b.checkOverlap()
}

func checkKey(key []byte) error {
	if len(key) == 0 {
		return fmt.Errorf("%w: empty key", ErrInvalid)
	}
	if len(key) > MaxKeyLen {
		return fmt.Errorf("%w: key of %d bytes", ErrTooLarge, len(key))
	}
	return nil
}

func (o *Op) check() error {
	switch o.Kind {
	case OpPut:
		if len(o.Value) > MaxValueLen {
			return fmt.Errorf("%w: value of %d bytes", ErrTooLarge, len(o.Value))
		}
	case OpDeleteRange:
		if err := checkKey(o.Value); err != nil {
			return err
		}
		if bytes.Compare(o.Key, o.Value) >= 0 {
			return fmt.Errorf("%w: range from %q to %q", ErrInvalid, o.Key, o.Value)
		}
	case OpDelete, OpAdd:
	default:
		return fmt.Errorf("%w: operation of kind %d", ErrInvalid, o.Kind)
	}
	return checkKey(o.Key)
}

// fewOps is up to where comparing every pair of operations is cheaper than sorting them.
const fewOps = 16

// checkOverlap refuses two operations on one key: their order would matter, and a counter's add would
// have to see what the same batch wrote before it.
func (b *Batch) checkOverlap() error {
	if len(b.Ops) <= fewOps {
		for i := range b.Ops {
			for j := range i {
				if b.Ops[i].overlaps(&b.Ops[j]) {
					return overlapError(&b.Ops[i])
				}
			}
		}
		return nil
	}
	order := make([]*Op, len(b.Ops))
	for i := range b.Ops {
		order[i] = &b.Ops[i]
	}
	slices.SortFunc(order, func(x, y *Op) int { return bytes.Compare(x.Key, y.Key) })
	for i := 1; i < len(order); i++ { // while none overlaps, each ends before the next begins
		if order[i].overlaps(order[i-1]) {
			return overlapError(order[i])
		}
	}
	return nil
}

// overlaps tells whether both touch a key in common.
func (o *Op) overlaps(p *Op) bool {
	switch {
	case o.Kind != OpDeleteRange && p.Kind != OpDeleteRange:
		return bytes.Equal(o.Key, p.Key)
	case o.Kind != OpDeleteRange:
		return bytes.Compare(o.Key, p.Key) >= 0 && bytes.Compare(o.Key, p.Value) < 0
	case p.Kind != OpDeleteRange:
		return p.overlaps(o)
	default:
		return bytes.Compare(o.Key, p.Value) < 0 && bytes.Compare(p.Key, o.Value) < 0
	}
}

func overlapError(o *Op) error {
	return fmt.Errorf("%w: two operations touch the key %q", ErrInvalid, o.Key)
}
