package network

import (
	"maps"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Tx collects the network's share of one transaction. It sees its own changes. Not safe for concurrent use; good for
// one batch. After an error the batch must be dropped.
//
// It reads the memory of the Service, which may be behind the store: every row that a decision rests on becomes a
// condition of the batch, so that a stale decision fails to commit.
type Tx struct {
	s        *Service
	b        *kv.Batch
	account  string
	now      time.Time
	rows     map[string]*txRow
	counters map[string]*txCounter
	tagged   map[string]tags.Set // of new resources
	untagged []string            // resources that go
}

// txRow is a row that the transaction read or writes.
type txRow struct {
	cond  rowCond
	rev   kv.Index
	write rowWrite
	value any // *T, or nil
	data  rows.Record
}

type rowCond uint8

const (
	condNone rowCond = iota
	condExists
	condRevision
	condAbsent
)

type rowWrite uint8

const (
	writeNone rowWrite = iota
	writePut
	writeDelete
)

type txCounter struct {
	delta int64
	limit int64 // below zero: none
	gone  bool  // its owner goes, so it goes
}

// Begin starts a share of the transaction b in the name of account.
func (s *Service) Begin(b *kv.Batch, account string) *Tx {
	return &Tx{s: s, b: b, account: account, now: time.Now().UTC().Truncate(time.Millisecond),
		rows: map[string]*txRow{}, counters: map[string]*txCounter{}, tagged: map[string]tags.Set{}}
}

// locked runs a part of the transaction that others call, with the memory held still.
func (tx *Tx) locked(decide func() error) error {
	tx.s.mu.RLock()
	defer tx.s.mu.RUnlock()
	return decide()
}

func (tx *Tx) state() *state { return tx.s.mu.state }

// row returns the transaction's notes on a row.
func (tx *Tx) row(tag byte, id string) *txRow {
	key := string(rowKey(tag, id))
	r := tx.rows[key]
	if r == nil {
		r = &txRow{}
		tx.rows[key] = r
	}
	return r
}

// peek returns a record without making it a condition: for messages, and for what other conditions imply.
func peek[T any](tx *Tx, t *table[T], id string) *T {
	if r := tx.rows[string(rowKey(t.tag, id))]; r != nil && r.write != writeNone {
		v, _ := r.value.(*T)
		return v
	}
	return t.get(id)
}

// need returns a record and demands that it still exists at the commit; nil when there is none.
func need[T any](tx *Tx, t *table[T], id string) *T {
	v := peek(tx, t, id)
	if v == nil {
		return nil
	}
	if r := tx.row(t.tag, id); r.cond == condNone && r.write == writeNone {
		r.cond = condExists
	}
	return v
}

// read returns a record and demands that it is unchanged at the commit; nil when there is none.
func read[T any](tx *Tx, t *table[T], id string) *T {
	v := peek(tx, t, id)
	if v == nil {
		return nil
	}
	if r := tx.row(t.tag, id); r.cond != condAbsent {
		r.cond, r.rev = condRevision, t.rows[id].rev
	}
	return v
}

// create writes a new record and demands that there is none yet.
func create[T any, P record[T]](tx *Tx, t *table[T], id string, v P) {
	r := tx.row(t.tag, id)
	if r.cond == condNone && r.write == writeNone {
		r.cond = condAbsent
	}
	r.write, r.value, r.data = writePut, (*T)(v), v
}

// update replaces a record that was read.
func update[T any, P record[T]](tx *Tx, t *table[T], id string, v P) {
	r := tx.row(t.tag, id)
	r.write, r.value, r.data = writePut, (*T)(v), v
}

// drop removes a record. It is a condition only if it was read.
func drop[T any](tx *Tx, t *table[T], id string) {
	r := tx.row(t.tag, id)
	if r.cond == condAbsent { // made in this transaction
		delete(tx.rows, string(rowKey(t.tag, id)))
		return
	}
	r.write, r.value, r.data = writeDelete, nil, nil
}

// count adds to a counter.
func (tx *Tx) count(name string, delta int64) { tx.counter(name).delta += delta }

// limit demands that a counter, with this transaction's adds, is at most n.
func (tx *Tx) limit(name string, n int) { tx.counter(name).limit = int64(n) }

func (tx *Tx) counter(name string) *txCounter {
	c := tx.counters[name]
	if c == nil {
		c = &txCounter{limit: -1}
		tx.counters[name] = c
	}
	return c
}

// use notes that a resource has n users more, and demands nothing: whoever calls it has the resource as a condition.
func (tx *Tx) use(id string, n int64) { tx.count(usersOf(id), n) }

// unused demands that a resource has no user left, and removes the count: the resource goes.
func (tx *Tx) unused(id string) {
	tx.limit(usersOf(id), 0)
	tx.counter(usersOf(id)).gone = true
}

// forget removes a counter whose owner goes.
func (tx *Tx) forget(name string) { tx.counter(name).gone = true }

// Flush puts the network's conditions and rows into the batch. Call it once, last.
func (tx *Tx) Flush() {
	for _, key := range slices.Sorted(maps.Keys(tx.rows)) {
		r, k := tx.rows[key], []byte(key)
		switch r.cond {
		case condExists:
			tx.b.IfExists(k)
		case condRevision:
			tx.b.IfRevision(k, r.rev)
		case condAbsent:
			tx.b.IfAbsent(k)
		}
		switch r.write {
		case writePut:
			tx.b.Put(k, schema.Encode(r.data))
		case writeDelete:
			tx.b.Delete(k)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tx.counters)) {
		c, k := tx.counters[name], rowKey(tagCounter, name)
		if c.gone {
			if c.limit >= 0 {
				tx.b.IfCounterAtMost(k, c.limit-c.delta) // what the adds would bring it to
			}
			tx.b.Delete(k)
			continue
		}
		tx.b.Add(k, c.delta)
		if c.limit >= 0 {
			tx.b.IfCounterAtMost(k, c.limit)
		}
	}
	tx.flushTags()
}

// What quotas count, per account or per VPC.
const (
	quotaVPCs       = "vpcs"
	quotaSubnets    = "subnets"
	quotaGroups     = "groups"
	quotaInterfaces = "interfaces"
	quotaElasticIPs = "addresses"
	quotaGateways   = "gateways"
	quotaTables     = "tables"
	quotaACLs       = "acls"
	quotaDHCP       = "dhcp"
)

// quota counts one more of what an owner has, if it may have it. have is what the memory says, for a good message; the
// counter decides when others race.
func (tx *Tx) quota(owner, what string, have, most int, r errs.Reason, msg string) error {
	name := quotaOf(owner, what)
	if c := tx.counters[name]; c != nil {
		have += int(c.delta)
	}
	if have >= most {
		return exceeded(r, "%s", msg).On(owner)
	}
	tx.count(name, 1)
	tx.limit(name, most)
	return nil
}
