package repair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// AddDevice brings a new device of this machine into the ring. It first gets an ID and no data, then it is opened, and only
// then takes its share: a crash in between leaves a device of weight 0, which can be removed or given its weight.
func (m *Manager) AddDevice(ctx context.Context, d ring.Device) (blobref.DeviceID, *ring.Plan, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	weight := d.Weight
	d.Weight = 0
	if _, err := m.Change(ctx, func(b *ring.Builder) error {
		id, err := b.Add(d)
		d.ID = id
		return err
	}); err != nil {
		return 0, nil, err
	}
	dev, err := m.cfg.OpenDevice(ctx, d)
	if err == nil && dev == nil {
		err = errors.New("it is not of this machine")
	}
	if err == nil {
		err = m.pool.AddDevice(dev)
	}
	if err != nil {
		_, undo := m.Change(context.WithoutCancel(ctx), func(b *ring.Builder) error { return b.Remove(d.ID) })
		return 0, nil, errors.Join(fmt.Errorf("repair: device %d at %q: %w", d.ID, d.Hint, err), undo)
	}
	plan, err := m.Change(ctx, func(b *ring.Builder) error { return b.SetWeight(d.ID, weight) })
	return d.ID, plan, err
}

// RemoveDevice takes a device out of the ring, detaches and closes it. Its folder stays. Unless forced, or the ring calls it failed,
// it must be draining or without weight, and empty: ErrNotEmpty. When ctx ends after the ring has changed, the device is removed all the same.
func (m *Manager) RemoveDevice(ctx context.Context, id blobref.DeviceID, force bool) (*ring.Plan, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	d, ok := m.Ring().Device(id)
	if !ok {
		return nil, fmt.Errorf("repair: remove: %w: %d", ring.ErrNoDevice, id)
	}
	plan, err := m.Change(ctx, func(b *ring.Builder) error {
		if !force && d.State != ring.Failed {
			if err := m.removable(d); err != nil {
				return err
			}
		}
		return b.Remove(id)
	})
	if err != nil {
		return nil, err
	}
	// Readers may be at work on it for long: it is closed when the last has ended, whether we wait for that or not.
	closed := make(chan error, 1)
	m.done.Go(func() {
		dev, err := m.pool.RemoveDevice(m.life, id)
		if err == nil {
			err = dev.Close()
		}
		closed <- err
	})
	select {
	case err := <-closed:
		if errors.Is(err, blobs.ErrNotFound) { // it was down
			err = nil
		}
		return plan, err
	case <-ctx.Done():
		return plan, ctx.Err()
	}
}

func (m *Manager) removable(d ring.Device) error {
	rg := m.Ring()
	for p := range rg.Partitions() {
		if rg.IsPrimary(blobref.Partition(p), d.ID) {
			return fmt.Errorf("%w: device %d: the ring still places partitions on it", ErrNotEmpty, d.ID)
		}
	}
	empty, err := Empty(m.pool, d.ID)
	if err != nil {
		return fmt.Errorf("%w: device %d is down: mark it failed first: %w", ErrNotEmpty, d.ID, err)
	}
	if !empty {
		return fmt.Errorf("%w: device %d", ErrNotEmpty, d.ID)
	}
	return nil
}

// Reopen opens a device of the ring that is down, after it was plugged in again.
func (m *Manager) Reopen(ctx context.Context, id blobref.DeviceID) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	d, ok := m.Ring().Device(id)
	if !ok {
		return fmt.Errorf("repair: reopen: %w: %d", ring.ErrNoDevice, id)
	}
	old, err := m.pool.RemoveDevice(ctx, id)
	if err == nil {
		err = old.Close()
	}
	if err != nil && !errors.Is(err, blobs.ErrNotFound) {
		m.log.Warn("device did not close well before it was opened again", "device", id, "err", err)
	}
	dev, err := m.cfg.OpenDevice(ctx, d)
	if err == nil && dev == nil {
		err = errors.New("it is not of this machine")
	}
	if err == nil {
		err = m.pool.AddDevice(dev)
	}
	if err != nil {
		return fmt.Errorf("repair: reopen device %d at %q: %w", id, d.Hint, err)
	}
	if d.State == ring.Failed {
		m.pool.MarkFailed(id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.repairer != nil {
		m.mu.repairer.Wake()
		m.mu.repairer.auditIfHurt()
	}
	return nil
}

// settled is told that every blob lies where ring version wants it, so the window need not be waited for: the ring
// takes its next step, if it needs one.
func (m *Manager) settled(version uint64) {
	m.mu.Lock()
	rg := m.mu.ring
	idle := rg.Version() != version || m.mu.rested == version || m.mu.closed
	m.mu.Unlock()
	if idle || rg.Report().Misplaced == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errRest := errors.New("nothing to move")
	_, err := m.changeIf(ctx, func(b *ring.Builder) error { b.Settle(); return nil }, func(p *ring.Plan) error {
		if len(p.Moves) == 0 {
			return errRest
		}
		return nil
	})
	switch {
	case errors.Is(err, errRest):
		m.mu.Lock()
		m.mu.rested = version
		m.mu.Unlock()
	case err != nil:
		m.log.Error("the ring could not take its next step", "err", err)
	}
}

// failBroken returns a function that marks devices failed in the ring that have been broken or down for longer than
// after, if the others can take over.
func (m *Manager) failBroken(after time.Duration) func(ctx context.Context, now time.Time) {
	since := make(map[blobref.DeviceID]time.Time)
	return func(ctx context.Context, now time.Time) {
		rg := m.Ring()
		active := 0
		var overdue []blobref.DeviceID
		for _, u := range m.pool.Usage() {
			d, ok := rg.Device(u.Device.ID)
			if !ok || d.State == ring.Failed {
				delete(since, u.Device.ID)
				continue
			}
			if u.Attached && u.Health != blobs.Broken {
				delete(since, d.ID)
				if d.State == ring.Active && d.Weight > 0 {
					active++
				}
				continue
			}
			if since[d.ID].IsZero() {
				since[d.ID] = now
			}
			if now.Sub(since[d.ID]) >= after {
				overdue = append(overdue, d.ID)
			}
		}
		// With one replica nothing can be rebuilt, and the device may come back with the only copy.
		if len(overdue) == 0 || rg.Replicas() < 2 || active < rg.Quorum() {
			return
		}
		for _, id := range overdue {
			m.log.Error("device has been broken for too long and is marked failed", "device", id, "for", now.Sub(since[id]))
			if _, err := m.Change(ctx, func(b *ring.Builder) error { return b.Fail(id) }); err != nil {
				m.log.Error("device could not be marked failed", "device", id, "err", err)
			}
		}
	}
}
