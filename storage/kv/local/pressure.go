package local

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// The limits beyond which commits wait. Pebble has its own, but a commit that it stalls holds its commit
// lock, hears of no context, and would wait for ever once the store has failed and flushes cannot end.
// So Pebble's are set out of reach.
const (
	maxMemTables = 4  // full memtables, the one in use included
	maxSublevels = 24 // of level 0: what each read must look into
	neverStall   = 16 // times these for Pebble's own limits
)

const pressurePoll = 20 * time.Millisecond // while commits wait; events mostly come first

// pressure holds commits back while flushes or compactions lag behind.
type pressure struct {
	changed chan struct{} // of capacity 1: something happened that may raise or lower the pressure
	wait    atomic.Pointer[chan struct{}]
}

func (p *pressure) init() { p.changed = make(chan struct{}, 1) }

// poke asks for a new measurement. It never blocks: Pebble calls it with its locks held.
func (p *pressure) poke() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// relieve blocks while the pressure is too high. After an error nothing was changed.
func (st *Store) relieve(ctx context.Context) error {
	for {
		wait := st.pressure.wait.Load()
		if wait == nil {
			return nil
		}
		select {
		case <-*wait:
		case <-ctx.Done():
			return ctx.Err()
		case <-st.guard.failed:
			return st.Err()
		case <-st.closed:
			return kv.ErrClosed
		}
	}
}

// watchPressure measures after each change until the store closes.
func (st *Store) watchPressure() {
	defer st.tasks.Done()
	for {
		var poll <-chan time.Time
		if st.pressure.wait.Load() != nil {
			poll = time.After(pressurePoll)
		}
		select {
		case <-st.closed:
			return
		case <-st.pressure.changed:
		case <-poll:
		}
		st.measurePressure()
	}
}

func (st *Store) measurePressure() {
	m := st.db.Metrics()
	high := m.MemTable.Size >= maxMemTables*st.cfg.MemTableBytes || m.Levels[0].Sublevels >= maxSublevels
	wait := st.pressure.wait.Load()
	switch {
	case high && wait == nil:
		c := make(chan struct{})
		st.pressure.wait.Store(&c)
		st.stalls.Add(1)
		st.log.Warn("commits wait for flushes and compactions",
			"memtables", m.MemTable.Count, "sublevels", m.Levels[0].Sublevels)
	case !high && wait != nil:
		st.pressure.wait.Store(nil)
		close(*wait)
		st.log.Info("commits go on")
	}
}
