package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
)

// Repairer does the background work on the blobs of a pool. All methods are safe for concurrent use.
type Repairer struct {
	cfg      Config
	log      *slog.Logger
	repeats  repeats // lines about single blobs
	pool     *blobs.Pool
	source   Source
	liveness Liveness
	counters Counters

	replicateLimit, auditLimit, orphanLimit, compactLimit *limiter

	locks  [256]sync.Mutex // of partitions
	passes struct{ replicate, audit, collect, orphan, compact sync.Mutex }

	damage    chan blobs.Damage
	wake      chan struct{} // asks for a replicator pass
	auditWake chan struct{}

	hopeless struct { // damage that could not be mended a short time ago
		sync.Mutex
		until map[hopelessKey]time.Time
	}

	mu struct {
		sync.Mutex
		cancel  context.CancelFunc
		done    sync.WaitGroup
		settled []func(version uint64) // called after a clean pass
		ticks   []func(ctx context.Context, now time.Time)
	}
}

type hopelessKey struct {
	id     blobref.ID
	device blobref.DeviceID
}

// New makes a repairer for a pool and becomes the receiver of its damage reports. Without a source nothing is collected, without
// liveness no orphan is looked for.
func New(cfg Config, pool *blobs.Pool, source Source, liveness Liveness) (*Repairer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Repairer{
		cfg: cfg, log: cfg.Logger, repeats: repeats{log: cfg.Logger}, pool: pool, source: source, liveness: liveness,
		replicateLimit: newLimiter(cfg.ReplicateRate), auditLimit: newLimiter(cfg.AuditRate),
		orphanLimit: newLimiter(int64(cfg.OrphanRate)), compactLimit: newLimiter(cfg.CompactRate),
		damage: make(chan blobs.Damage, 1024), wake: make(chan struct{}, 1), auditWake: make(chan struct{}, 1),
	}
	r.hopeless.until = make(map[hopelessKey]time.Time)
	pool.OnDamage(r.report)
	return r, nil
}

// Counters are the figures for metrics.
func (r *Repairer) Counters() *Counters { return &r.counters }

// report takes a damage report without ever blocking.
func (r *Repairer) report(d blobs.Damage) {
	r.counters.DamageReports.Add(1)
	select {
	case r.damage <- d:
	default:
		r.counters.DamageDropped.Add(1)
		r.Wake()
	}
}

// Wake asks for a replicator pass soon.
func (r *Repairer) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// WakeAudit asks for a full audit soon.
func (r *Repairer) WakeAudit() {
	select {
	case r.auditWake <- struct{}{}:
	default:
	}
}

// onSettled adds a function that is called after a pass that left nothing to do for a ring.
func (r *Repairer) onSettled(f func(version uint64)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.settled = append(r.mu.settled, f)
}

// onTick adds a function that is called now and then, often enough for FailAfter, while the workers run. Add before Start.
func (r *Repairer) onTick(f func(ctx context.Context, now time.Time)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.ticks = append(r.mu.ticks, f)
}

// Start starts the workers. It does nothing when they run.
func (r *Repairer) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.mu.cancel = cancel
	worker := func(name string, interval time.Duration, wake <-chan struct{}, f func(context.Context) error) {
		if interval > 0 {
			r.mu.done.Go(func() { r.loop(ctx, name, interval, wake, f) })
		}
	}
	r.mu.done.Go(func() { r.mend(ctx) })
	if r.cfg.ReplicateInterval > 0 {
		r.mu.done.Go(func() { r.replicate(ctx) })
	}
	worker("audit", r.cfg.AuditInterval, r.auditWake, func(ctx context.Context) error {
		_, err := r.AuditOnce(ctx)
		return err
	})
	if r.source != nil {
		worker("collect", r.cfg.CollectInterval, nil, r.collectOrRest())
	}
	if r.liveness != nil {
		worker("orphans", r.cfg.OrphanInterval, nil, func(ctx context.Context) error {
			_, err := r.CollectOrphansOnce(ctx, time.Now())
			return err
		})
	}
	worker("compact", r.cfg.CompactInterval, nil, func(ctx context.Context) error { return r.CompactOnce(ctx) })
	for _, f := range r.mu.ticks {
		worker("health", min(max(r.cfg.FailAfter/20, 10*time.Millisecond), 30*time.Second), nil, func(ctx context.Context) error {
			f(ctx, time.Now())
			return nil
		})
	}
	r.Wake()
	r.auditIfHurt()
}

// auditIfHurt asks for an audit at once when segment files are gone: every blob in them is known to be bad.
func (r *Repairer) auditIfHurt() {
	for _, u := range r.pool.Usage() {
		if u.Blob.Missing > 0 {
			r.log.Error("segment files are missing", "device", u.Device.ID, "files", u.Blob.Missing)
			r.WakeAudit()
		}
	}
}

// Stop ends the workers and waits for them. What they were doing is taken up by the next start.
func (r *Repairer) Stop() {
	r.mu.Lock()
	cancel := r.mu.cancel
	r.mu.cancel = nil
	r.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	r.mu.done.Wait()
}

// loop runs f soon after the start, then after every interval, and whenever it is woken.
func (r *Repairer) loop(ctx context.Context, name string, interval time.Duration, wake <-chan struct{}, f func(context.Context) error) {
	const first = 10 * time.Minute // a server that is restarted daily must get to the rare work too
	t := time.NewTimer(min(interval, first))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-t.C:
		}
		if err := f(ctx); err != nil && ctx.Err() == nil {
			r.counters.Errors.Add(1)
			r.log.Error("repair round failed", "worker", name, "err", err)
		}
		t.Reset(interval)
	}
}

// replicate runs replicator passes: soon after the start, after every interval, whenever it is woken, and again after a
// growing pause while a pass leaves something to do, so that a change of the ring comes to its end by itself.
func (r *Repairer) replicate(ctx context.Context) {
	const soonest = 250 * time.Millisecond
	pause := soonest
	again := time.NewTimer(r.cfg.ReplicateInterval)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			pause = soonest
		case <-again.C:
		}
		res, err := r.ReplicateOnce(ctx)
		if err != nil && ctx.Err() == nil {
			r.counters.Errors.Add(1)
			r.log.Error("repair round failed", "worker", "replicate", "err", err)
		}
		if err == nil && res.Clean() && r.pool.Ring().Version() == res.Version {
			pause = soonest
			again.Reset(r.cfg.ReplicateInterval)
			continue
		}
		again.Reset(min(pause, r.cfg.ReplicateInterval))
		pause *= 2
	}
}

// mend works off damage reports.
func (r *Repairer) mend(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-r.damage:
			if _, err := r.heal(ctx, d); err != nil && ctx.Err() == nil && !errors.Is(err, ErrUnrepairable) {
				r.counters.Errors.Add(1)
				r.repeats.about(ctx, slog.LevelError, "repair of a damaged blob failed", d.Device, "blob", d.Ref.ID, "err", err)
			}
		}
	}
}

// lock locks the partition for work on its blobs and returns the unlock.
func (r *Repairer) lock(p blobref.Partition) func() {
	m := &r.locks[int(p)%len(r.locks)]
	m.Lock()
	return m.Unlock
}

// giveUp remembers that the copy cannot be mended now, so that each read of it does not start the work again.
func (r *Repairer) giveUp(k hopelessKey) {
	const most, pause = 4096, 5 * time.Minute
	r.hopeless.Lock()
	defer r.hopeless.Unlock()
	if len(r.hopeless.until) >= most {
		clear(r.hopeless.until)
	}
	r.hopeless.until[k] = time.Now().Add(pause)
}

func (r *Repairer) givenUp(k hopelessKey) bool {
	r.hopeless.Lock()
	defer r.hopeless.Unlock()
	return time.Now().Before(r.hopeless.until[k])
}

// Empty reports whether a device holds no blobs and none is being written to it: it can be removed without
// losing anything. It errs on the side of false.
func Empty(pool *blobs.Pool, id blobref.DeviceID) (bool, error) {
	dev, release, ok := pool.Acquire(id)
	if !ok {
		return false, fmt.Errorf("repair: device %d: %w", id, blobs.ErrUnavailable)
	}
	defer release()
	// Writers first: one that ends in between is counted as a blob then.
	return pool.Writing(id) == 0 && dev.Usage().Blobs == 0, nil
}
