package object

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// The outbox holds what others are to be told: notifications to send, versions to replicate. Its rows are written in the
// commit of the change they tell of, so that nothing is forgotten, and removed after it was done, so that it is done at
// least once. Rows stand in queues of their own for every bucket and receiver: they are worked off in order, and a
// receiver that does not answer holds up nobody else.

// Queues are named by what they are for and, behind that, by whom.
const (
	queueNotify    = "n" // and the id of a notification target
	queueReplicate = "r" // and the destination
)

const (
	outboxBatch = 64               // rows read and removed at once
	outboxAtOne = 8                // queues worked off at a time
	outboxTick  = time.Second      // between looks at queues that had to wait
	backoffMin  = time.Second      // before the first retry
	backoffMax  = 5 * time.Minute  // between later ones
	outboxAge   = 24 * time.Hour   // after which a notification is given up
	maxTries    = 40               // of the first in a queue: three hours
	publishTime = 30 * time.Second // that one attempt may take
)

// MaxOutbox is how many notifications may wait; what happens then is not told any more until some are gone.
const MaxOutbox = 1_000_000

// queueID names a queue.
type queueID struct {
	shard  kv.Shard
	bucket BucketID
	name   string
}

func (q *queueID) prefix() []byte {
	return keys.AppendString(bucketPrefix(famOutbox, q.bucket), q.name)
}

// outbox works queues off.
type outbox struct {
	wake     chan struct{}
	rows     atomic.Int64 // about how many wait
	dropped  atomic.Int64
	failures atomic.Int64

	mu struct {
		sync.Mutex
		queues map[queueID]*queueState // those that are worked off or have to wait
	}
}

type queueState struct {
	busy     bool
	failures int
	next     time.Time
}

// Background tells what the store does on its own.
type Background struct {
	Waiting   int64 // notifications and replicas in the outbox
	GivenUp   int64 // notifications
	Failures  int64 // attempts to notify or to replicate
	Lifecycle LifecycleResult
}

// Background reports figures for metrics: since the start, except for what waits.
func (s *Service) Background() Background {
	return Background{
		Waiting: s.outbox.rows.Load(), GivenUp: s.outbox.dropped.Load(), Failures: s.outbox.failures.Load(), Lifecycle: s.life.sum(),
	}
}

// errDrop ends the story of a row whose receiver is no more.
var errDrop = errors.New("object: nobody to tell")

// post adds a row to a queue.
func (tx *keyTx) post(queue string, r *outboxRecord) {
	if tx.s.outbox.rows.Load() >= MaxOutbox && queue[:1] == queueNotify {
		tx.s.outbox.dropped.Add(1)
		return
	}
	tx.last = newInstance(tx.now, tx.last)
	q := queueID{bucket: tx.b.ID, name: queue}
	tx.batch.Put(keys.AppendBytesFixed(q.prefix(), tx.last[:]), encodeRecord(r))
	tx.posted++
}

// added notes that rows were committed.
func (o *outbox) added(n int) {
	if n == 0 {
		return
	}
	o.rows.Add(int64(n))
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// runOutbox works queues off until ctx ends, and waits for what it began.
func (s *Service) runOutbox(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	slots := make(chan struct{}, outboxAtOne)
	if err := s.countOutbox(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("counting the outbox", "err", err)
	}
	t := time.NewTicker(outboxTick)
	defer t.Stop()
	for {
		for shard := kv.Control + 1; int(shard) < s.kv.Shards() && ctx.Err() == nil; shard++ {
			due, err := s.dueQueues(ctx, shard)
			if err != nil && ctx.Err() == nil {
				s.log.Warn("looking at the outbox", "shard", shard, "err", err)
			}
			for _, q := range due {
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				working.Go(func() {
					defer func() { <-slots }()
					s.outbox.leave(q, s.drain(ctx, q), s.now())
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.outbox.wake:
		case <-t.C:
		}
	}
}

// countOutbox finds out how much waits from before.
func (s *Service) countOutbox(ctx context.Context) error {
	for shard := kv.Control + 1; int(shard) < s.kv.Shards(); shard++ {
		view, err := s.kv.View(ctx, shard)
		if err != nil {
			return err
		}
		it := view.Scan(kv.ScanOptions{Lower: []byte{famOutbox}, Upper: []byte{famOutbox + 1}})
		n := int64(0)
		for ok := it.First(); ok && ctx.Err() == nil; ok = it.Next() {
			n++
		}
		s.outbox.rows.Add(n)
		if err := errors.Join(it.Close(), view.Close()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// dueQueues lists the queues of a shard that have rows and need not wait, and marks them as worked off.
func (s *Service) dueQueues(ctx context.Context, shard kv.Shard) ([]queueID, error) {
	view, err := s.kv.View(ctx, shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	it := view.Scan(kv.ScanOptions{Lower: []byte{famOutbox}, Upper: []byte{famOutbox + 1}})
	var due []queueID
	for ok := it.First(); ok && ctx.Err() == nil; {
		d := keys.Decode(it.Key())
		d.Byte()
		q := queueID{shard: shard, bucket: BucketID(d.Uint64())}
		q.name = d.String()
		if err := d.Err(); err != nil {
			return due, errors.Join(err, it.Close())
		}
		if s.outbox.enter(q, s.now()) {
			due = append(due, q)
		}
		ok = it.SeekGE(keys.PrefixEnd(q.prefix()))
	}
	return due, it.Close()
}

// enter marks a queue as worked off; false when it is already, or has to wait.
func (o *outbox) enter(q queueID, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	st := o.mu.queues[q]
	if st == nil {
		st = &queueState{}
		o.mu.queues[q] = st
	}
	if st.busy || now.Before(st.next) {
		return false
	}
	st.busy = true
	return true
}

// leave ends the work on a queue; after a failure it waits longer and longer.
func (o *outbox) leave(q queueID, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	st := o.mu.queues[q]
	if err == nil {
		delete(o.mu.queues, q)
		return
	}
	st.busy = false
	st.next = now.Add(min(backoffMin<<min(st.failures, 10), backoffMax))
	st.failures++
}

// forgive forgets the failures of a queue that goes on.
func (o *outbox) forgive(q queueID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if st := o.mu.queues[q]; st != nil {
		st.failures = 0
	}
}

// tries is how often the first row of a queue was tried before.
func (o *outbox) tries(q queueID) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if st := o.mu.queues[q]; st != nil {
		return st.failures
	}
	return 0
}

// giveUp lets a queue go on behind a row that fails again and again: a replica that cannot be made is marked as failed,
// notifications end by their age. cause is why it fails.
func (s *Service) giveUp(ctx context.Context, b *bucket, q queueID, r *outboxRow, cause error) error {
	if q.name[:1] != queueReplicate {
		return cause
	}
	s.log.Warn("giving a replica up", "bucket", b.Name, "key", r.Key, "queue", q.name, "err", cause)
	var id instance
	copy(id[:], r.Instance)
	if err := s.noteReplication(ctx, b, r.Key, id, r.key, ReplicationFailed); err != nil && !errors.Is(err, errDrop) {
		return err
	}
	return nil
}

// drain works a queue off up to its end or the first failure.
func (s *Service) drain(ctx context.Context, q queueID) error {
	b, err := s.bucketByID(ctx, q.shard, q.bucket)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		rows, err := s.outboxRows(ctx, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		var done kv.Batch
		for i, r := range rows {
			if b == nil {
				done.Delete(r.key)
				continue
			}
			if err = s.tell(ctx, b, q, &r); errors.Is(err, errDrop) {
				err = nil
			}
			if err != nil && i == 0 && ctx.Err() == nil && s.outbox.tries(q) >= maxTries {
				err = s.giveUp(ctx, b, q, &r, err)
			}
			if err != nil {
				break
			}
			done.Delete(r.key)
		}
		if len(done.Ops) > 0 {
			if _, cerr := s.kv.Commit(context.WithoutCancel(ctx), q.shard, &done); cerr != nil {
				return errors.Join(err, cerr)
			}
			s.outbox.rows.Add(-int64(len(done.Ops)))
		}
		if err == nil {
			continue
		}
		if ctx.Err() == nil {
			s.outbox.failures.Add(1)
		}
		if len(done.Ops) > 0 { // the receiver takes something: try the rest at once, and from now on as if nothing had failed
			s.outbox.forgive(q)
			continue
		}
		if ctx.Err() == nil {
			s.log.Warn("working off the outbox", "bucket", q.bucket, "queue", q.name, "err", err)
		}
		return err
	}
	return ctx.Err()
}

// outboxRow is a row with its key.
type outboxRow struct {
	key []byte
	outboxRecord
}

func (s *Service) outboxRows(ctx context.Context, q queueID) ([]outboxRow, error) {
	view, err := s.kv.View(ctx, q.shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	prefix := q.prefix()
	it := view.Scan(kv.ScanOptions{Lower: prefix, Upper: keys.PrefixEnd(prefix)})
	var rows []outboxRow
	for ok := it.First(); ok && len(rows) < outboxBatch && err == nil; ok = it.Next() {
		r := outboxRow{key: bytes.Clone(it.Key())}
		if err = decodeRecord(bytes.Clone(it.Value()), &r.outboxRecord); err == nil {
			rows = append(rows, r)
		}
	}
	return rows, errors.Join(err, it.Close())
}

// bucketByID finds a bucket by its id; nil when it is no more.
func (s *Service) bucketByID(ctx context.Context, shard kv.Shard, id BucketID) (*bucket, error) {
	v, err := s.kv.Get(ctx, shard, presenceKey(id))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var p presence
	if err := decodeRecord(v.Data, &p); err != nil {
		return nil, err
	}
	b, err := s.bucket(ctx, p.Name)
	if err != nil || b.ID != id {
		return nil, err
	}
	return b, nil
}

// tell does what a row asks for.
func (s *Service) tell(ctx context.Context, b *bucket, q queueID, r *outboxRow) error {
	switch q.name[:1] {
	case queueNotify:
		return s.notify(ctx, b, q.name[1:], &r.outboxRecord)
	case queueReplicate:
		return s.carry(ctx, b, q.name[1:], r.key, &r.outboxRecord)
	}
	return errDrop
}
