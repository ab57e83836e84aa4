package repair

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// ringKey is the key of the ring in the control shard.
const ringKey = "ring.current"

// The reasons a change is refused.
var (
	// ErrNotEmpty: the device still holds blobs. Drain it first, or force the removal.
	ErrNotEmpty = errors.New("repair: device is not empty")
	// ErrClosed: the manager was closed.
	ErrClosed = errors.New("repair: closed")
)

// ManagerConfig is what a manager needs.
type ManagerConfig struct {
	Store kv.Store
	Pool  blobs.Config

	// Of a ring that is made because there is none yet.
	Ring    ring.Config
	Devices []ring.Device

	// OpenDevice opens, or makes, the device that lies at d.Hint; its ID is d.ID. Nil as device means that d is not of this
	// machine. An error leaves the device down and does not stop the others.
	OpenDevice func(ctx context.Context, d ring.Device) (*blob.Device, error)

	Seed   func() uint64 // nil is crypto/rand
	Logger *slog.Logger  // nil discards
}

// Manager owns the ring of the store, the pool that follows it, and the devices of this machine. All methods are safe for
// concurrent use.
type Manager struct {
	cfg    ManagerConfig
	log    *slog.Logger
	pool   *blobs.Pool
	life   context.Context // ends with Close
	cancel context.CancelFunc
	done   sync.WaitGroup

	changing sync.Mutex // one change of the devices at a time on this machine

	mu struct {
		sync.Mutex
		ring     *ring.Ring
		rested   uint64 // version from which on no further step is of use
		repairer *Repairer
		closed   bool
	}
}

// OpenManager loads the ring or makes the first one, opens the devices of this machine and follows the ring.
func OpenManager(ctx context.Context, cfg ManagerConfig) (*Manager, error) {
	if cfg.Store == nil || cfg.OpenDevice == nil {
		return nil, errors.New("repair: manager: store and OpenDevice are needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Seed == nil {
		cfg.Seed = randomSeed
	}
	m := &Manager{cfg: cfg, log: cfg.Logger}
	rg, err := m.loadOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	m.mu.ring = rg
	devs := make(map[blobref.DeviceID]*blob.Device)
	for _, d := range rg.All() {
		dev, err := cfg.OpenDevice(ctx, d)
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
			return nil, errors.Join(err, closeAll(devs))
		case err != nil:
			m.log.Error("device cannot be opened and is down", "device", d.ID, "path", d.Hint, "err", err)
		case dev != nil:
			devs[d.ID] = dev
		}
	}
	if cfg.Pool.Logger == nil {
		cfg.Pool.Logger = cfg.Logger
	}
	if m.pool, err = blobs.New(cfg.Pool, rg, devs); err != nil {
		return nil, errors.Join(err, closeAll(devs))
	}
	m.markStates(nil, rg)
	w, err := m.watch(ctx)
	if err != nil {
		return nil, errors.Join(err, closeAll(devs))
	}
	m.life, m.cancel = context.WithCancel(context.Background())
	m.done.Go(func() { m.follow(w) })
	return m, nil
}

func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

func closeAll(devs map[blobref.DeviceID]*blob.Device) error {
	var errs []error
	for _, d := range devs {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// Pool is the pool that follows the ring.
func (m *Manager) Pool() *blobs.Pool { return m.pool }

// Ring is the ring in use.
func (m *Manager) Ring() *ring.Ring {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.ring
}

// Attach makes a repairer follow the ring: changes wake it, and when it has brought everything to its place the manager
// takes the next step that the ring still needs.
func (m *Manager) Attach(r *Repairer) {
	m.mu.Lock()
	m.mu.repairer = r
	m.mu.Unlock()
	r.onSettled(m.settled)
	if r.cfg.FailAfter > 0 {
		r.onTick(m.failBroken(r.cfg.FailAfter))
	}
}

// Close stops following the ring and closes the devices. Writers, readers and the repairer must have ended.
func (m *Manager) Close() error {
	m.mu.Lock()
	closed := m.mu.closed
	m.mu.closed = true
	m.mu.Unlock()
	if closed {
		return nil
	}
	m.cancel()
	m.done.Wait()
	m.changing.Lock()
	defer m.changing.Unlock()
	errs := []error{m.pool.Close()}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, id := range m.pool.Attached() {
		dev, err := m.pool.RemoveDevice(ctx, id)
		if err == nil {
			err = dev.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// loadOrCreate reads the ring, or commits the first one.
func (m *Manager) loadOrCreate(ctx context.Context) (*ring.Ring, error) {
	for {
		rg, _, err := m.load(ctx)
		if err == nil || !errors.Is(err, kv.ErrNotFound) {
			return rg, err
		}
		b, err := ring.New(m.cfg.Ring)
		if err != nil {
			return nil, fmt.Errorf("repair: first ring: %w", err)
		}
		for _, d := range m.cfg.Devices {
			if _, err := b.Add(d); err != nil {
				return nil, fmt.Errorf("repair: first ring: %w", err)
			}
		}
		rg, _, err = b.Build(time.Now(), m.cfg.Seed())
		if err != nil {
			return nil, fmt.Errorf("repair: first ring: %w", err)
		}
		if err := m.commit(ctx, rg, 0); err != nil && !errors.Is(err, kv.ErrConditionFailed) {
			return nil, err
		}
	}
}

// load reads the ring and the commit that wrote it.
func (m *Manager) load(ctx context.Context) (*ring.Ring, kv.Index, error) {
	v, err := m.cfg.Store.Get(ctx, kv.Control, []byte(ringKey))
	if err != nil {
		return nil, 0, fmt.Errorf("repair: read the ring: %w", err)
	}
	rg, err := ring.Decode(v.Data)
	if err != nil {
		return nil, 0, fmt.Errorf("repair: read the ring: %w", err)
	}
	return rg, v.Revision, nil
}

// commit writes the ring if it was last written by commit rev. ErrConditionFailed: somebody else was faster.
func (m *Manager) commit(ctx context.Context, rg *ring.Ring, rev kv.Index) error {
	b := new(kv.Batch)
	b.IfRevision([]byte(ringKey), rev)
	b.Put([]byte(ringKey), rg.Append(nil))
	_, err := m.cfg.Store.Commit(ctx, kv.Control, b)
	if err != nil {
		return fmt.Errorf("repair: write the ring: %w", err)
	}
	return nil
}

// Plan shows what a change would do, and does nothing.
func (m *Manager) Plan(ctx context.Context, change func(*ring.Builder) error) (*ring.Ring, *ring.Plan, error) {
	rg, _, err := m.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	b := rg.Edit()
	if err := change(b); err != nil {
		return nil, nil, err
	}
	return b.Build(time.Now(), m.cfg.Seed())
}

// Change makes the next ring and puts it to use. change may be called more than once, each time with the ring as it is
// then, and must do the same each time. After kv.ErrUnknownOutcome look at the ring before you try again.
func (m *Manager) Change(ctx context.Context, change func(*ring.Builder) error) (*ring.Plan, error) {
	return m.changeIf(ctx, change, func(*ring.Plan) error { return nil })
}

// changeIf is Change if the plan finds approval.
func (m *Manager) changeIf(ctx context.Context, change func(*ring.Builder) error, approve func(*ring.Plan) error) (*ring.Plan, error) {
	for {
		if m.life.Err() != nil {
			return nil, ErrClosed
		}
		rg, rev, err := m.load(ctx)
		if err != nil {
			return nil, err
		}
		b := rg.Edit()
		if err := change(b); err != nil {
			return nil, err
		}
		next, plan, err := b.Build(time.Now(), m.cfg.Seed())
		if err != nil {
			return nil, err
		}
		if err := approve(plan); err != nil {
			return nil, err
		}
		err = m.commit(ctx, next, rev)
		if errors.Is(err, kv.ErrConditionFailed) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m.adopt(next)
		m.log.Info("ring changed", "version", next.Version(), "moves", len(plan.Moves), "pending", plan.Pending)
		return plan, nil
	}
}

// adopt puts a ring to use, unless a younger one is in use already.
func (m *Manager) adopt(rg *ring.Ring) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rg.Version() <= m.mu.ring.Version() {
		return
	}
	old := m.mu.ring
	m.mu.ring = rg
	m.pool.SetRing(rg)
	m.markStates(old, rg)
	if m.mu.repairer != nil {
		m.mu.repairer.Wake()
	}
}

// markStates tells the pool which devices the ring now calls failed, and which no longer.
func (m *Manager) markStates(old, rg *ring.Ring) {
	for _, d := range rg.All() {
		was := ring.Active
		if old != nil {
			od, _ := old.Device(d.ID)
			was = od.State
		}
		switch {
		case d.State == ring.Failed:
			m.pool.MarkFailed(d.ID)
		case was == ring.Failed:
			m.pool.MarkHealthy(d.ID)
		}
	}
}

// follow puts rings to use that were committed elsewhere.
func (m *Manager) follow(w kv.Watcher) {
	defer func() { w.Close() }()
	for {
		e, err := w.Next(m.life)
		if errors.Is(err, kv.ErrCompacted) {
			var next kv.Watcher
			if next, err = m.watch(m.life); err == nil {
				w.Close()
				w = next
				continue
			}
		}
		if err != nil {
			if m.life.Err() == nil && !errors.Is(err, kv.ErrClosed) {
				m.log.Error("the ring is no longer followed", "err", err)
			}
			return
		}
		for _, put := range e.Puts {
			if string(put.Key) != ringKey {
				continue
			}
			rg, err := ring.Decode(put.Value)
			if err != nil {
				m.log.Error("a ring that cannot be read was committed", "err", err)
				continue
			}
			m.adopt(rg)
		}
	}
}

// watch starts a watch and catches up with what came before it.
func (m *Manager) watch(ctx context.Context) (kv.Watcher, error) {
	for {
		v, err := m.cfg.Store.View(ctx, kv.Control)
		if err != nil {
			return nil, fmt.Errorf("repair: watch the ring: %w", err)
		}
		index := v.Index()
		_ = v.Close()
		w, err := m.cfg.Store.Watch(ctx, kv.Control, index)
		if errors.Is(err, kv.ErrCompacted) { // commits came in between, and they are no longer held
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("repair: watch the ring: %w", err)
		}
		rg, _, err := m.load(ctx)
		if err != nil {
			w.Close()
			return nil, err
		}
		m.adopt(rg)
		return w, nil
	}
}
