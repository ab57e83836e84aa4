// Package accesslog collects the records of requests to buckets that log their requests, and delivers them in batches as
// objects, as Amazon's server access logging does.
//
// It guarantees that Add never waits, that memory is bounded, that records of one destination are delivered in the order
// in which they were added, and that Close delivers what is left. As at Amazon, delivery is best effort: what a crash
// catches in memory, or a destination refuses, is lost, and refusals are logged.
//
// It knows no HTTP; how a record looks is its caller's business.
package accesslog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
)

// Config is what a Log is made of.
type Config struct {
	Deliver  func(ctx context.Context, to *object.Logging, key string, records []byte) error
	Interval time.Duration // between deliveries; 0 is a minute
	Batch    int           // bytes from which on a batch is delivered at once; 0 is 1 MiB
	Memory   int           // bytes of all records that wait; what comes beyond is dropped; 0 is 16 MiB
	Logger   *slog.Logger
}

// Log collects and delivers.
type Log struct {
	cfg  Config
	full chan struct{} // a batch is full
	stop context.CancelFunc
	done sync.WaitGroup

	mu struct {
		sync.Mutex
		batches map[destination]*batch
		bytes   int
		dropped int
		closed  bool
	}
}

// destination is where a batch goes.
type destination struct {
	source, target, prefix string
	keys                   object.LogKeys
	day                    string // of the requests, when keys go by it
}

type batch struct {
	to      *object.Logging
	day     time.Time
	records []byte
}

// New makes a Log and starts its worker.
func New(cfg Config) *Log {
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	if cfg.Batch == 0 {
		cfg.Batch = 1 << 20
	}
	if cfg.Memory == 0 {
		cfg.Memory = 16 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, full: make(chan struct{}, 1)}
	l.mu.batches = map[destination]*batch{}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.run(ctx) })
	return l
}

// Add takes a record, with its line end, of a request at a time.
func (l *Log) Add(to *object.Logging, at time.Time, record []byte) {
	d := destination{source: to.Source.Bucket, target: to.Target, prefix: to.Prefix, keys: to.Keys}
	if to.Keys == object.LogKeysByEvent {
		d.day = at.UTC().Format(time.DateOnly)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed || l.mu.bytes+len(record) > l.cfg.Memory {
		l.mu.dropped++
		return
	}
	b := l.mu.batches[d]
	if b == nil {
		b = &batch{day: at}
		l.mu.batches[d] = b
	}
	b.to = to
	b.records = append(b.records, record...)
	l.mu.bytes += len(record)
	if len(b.records) >= l.cfg.Batch {
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
}

func (l *Log) run(ctx context.Context) {
	t := time.NewTicker(l.cfg.Interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			l.deliver(ctx, 0)
		case <-l.full:
			l.deliver(ctx, l.cfg.Batch)
		}
	}
}

// Flush delivers everything that waits.
func (l *Log) Flush(ctx context.Context) { l.deliver(ctx, 0) }

// Close stops the worker and delivers what is left until ctx ends.
func (l *Log) Close(ctx context.Context) {
	l.stop()
	l.done.Wait()
	l.mu.Lock()
	l.mu.closed = true
	l.mu.Unlock()
	l.deliver(ctx, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.bytes > 0 {
		l.cfg.Logger.Warn("access log records were lost, there was no time to deliver them", "bytes", l.mu.bytes)
	}
}

// deliver delivers the batches of at least so many bytes. What the end of ctx keeps it from delivering stays.
func (l *Log) deliver(ctx context.Context, least int) {
	l.mu.Lock()
	due := map[destination]*batch{}
	for d, b := range l.mu.batches {
		if len(b.records) >= least {
			due[d] = b
			delete(l.mu.batches, d)
		}
	}
	dropped := l.mu.dropped
	l.mu.dropped = 0
	l.mu.Unlock()
	if dropped > 0 {
		l.cfg.Logger.Warn("access log records were dropped, there were too many", "records", dropped)
	}
	for d, b := range due {
		err := l.cfg.Deliver(ctx, b.to, b.key(time.Now()), b.records)
		if err != nil && ctx.Err() != nil {
			l.putBack(d, b)
			continue
		}
		if err != nil {
			l.cfg.Logger.Warn("delivering an access log", "source", b.to.Source.Bucket, "target", b.to.Target, "bytes", len(b.records), "err", err)
		}
		l.mu.Lock()
		l.mu.bytes -= len(b.records)
		l.mu.Unlock()
	}
}

// putBack puts a batch in front of what came for its destination since.
func (l *Log) putBack(d destination, b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if later := l.mu.batches[d]; later != nil {
		b.records, b.to = append(b.records, later.records...), later.to
	}
	l.mu.batches[d] = b
}

// key names the object that a batch becomes.
func (b *batch) key(now time.Time) string {
	var unique [8]byte
	_, _ = rand.Read(unique[:]) // never fails
	now = now.UTC()
	prefix := b.to.Prefix
	if b.to.Keys == object.LogKeysByEvent || b.to.Keys == object.LogKeysByDelivery {
		day := now
		if b.to.Keys == object.LogKeysByEvent {
			day = b.day.UTC()
		}
		prefix += b.to.Source.Owner.AccountID + "/" + b.to.Source.Region + "/" + b.to.Source.Bucket + "/" + day.Format("2006/01/02") + "/"
		if b.to.Keys == object.LogKeysByEvent {
			now = day.Truncate(24 * time.Hour)
		}
	}
	return prefix + now.Format("2006-01-02-15-04-05-") + strings.ToUpper(hex.EncodeToString(unique[:]))
}
