package kv

import "fmt"

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

// Op is one operation of a batch. A key appears in at most one operation of a batch.
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

// Add adds delta to the counter under key. Read it back with DecodeCounter.
func (b *Batch) Add(key []byte, delta int64) {
	if delta != 0 {
		b.op(Op{Kind: OpAdd, Key: key, Delta: delta})
	}
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

// Validate checks the limits that hold for every engine.
func (b *Batch) Validate() error {
	if len(b.Conds)+len(b.Ops) > MaxBatchSize || b.size > MaxBatchLen {
		return fmt.Errorf("%w: batch of %d operations, %d bytes", ErrTooLarge, len(b.Conds)+len(b.Ops), b.size)
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		if len(o.Key) == 0 || len(o.Key) > MaxKeyLen {
			return fmt.Errorf("%w: key of %d bytes", ErrTooLarge, len(o.Key))
		}
		if len(o.Value) > MaxValueLen {
			return fmt.Errorf("%w: value of %d bytes", ErrTooLarge, len(o.Value))
		}
	}
	return nil
}
