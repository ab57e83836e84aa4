package local

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/fsm"
)

// shard orders the commits of one shard and knows how far they are durable.
type shard struct {
	id kv.Shard
	st *Store

	mu struct {
		sync.Mutex
		machine *fsm.Machine
	}

	// issued is the highest index that Pebble was or is being given. It is raised before Pebble shows the
	// commit, so whoever reads first and loads it then knows a bound for what he saw.
	issued atomic.Uint64

	durable  progress
	removals removals
	tail     tail
}

func newShard(st *Store, id kv.Shard) (*shard, error) {
	m, err := fsm.NewMachine(st.db, id)
	if err != nil {
		return nil, err
	}
	sh := &shard{id: id, st: st}
	sh.mu.machine = m
	index := uint64(m.Record().Index)
	sh.issued.Store(index)
	sh.durable.index.Store(index) // Open settled what it found
	sh.removals.init()
	sh.tail.init(st.cfg.WatchBatches, st.cfg.WatchBytes)
	return sh, nil
}

// await blocks until index is durable. It returns ctx.Err(), or kv.ErrFailed when index can never be.
func (sh *shard) await(ctx context.Context, index kv.Index) error {
	for !sh.durable.reached(index) {
		moved := sh.durable.watch()
		if sh.durable.reached(index) {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-sh.st.guard.failed:
			return fmt.Errorf("what was read is not durable: %w", sh.st.Err())
		}
	}
	return nil
}

// progress is the durable index of a shard: it only grows, and one can wait for it.
type progress struct {
	index atomic.Uint64
	mu    struct {
		sync.Mutex
		moved chan struct{} // non-nil while somebody waits; closed when index grows
	}
}

// reached tells whether index is durable.
func (p *progress) reached(index kv.Index) bool { return kv.Index(p.index.Load()) >= index }

// advance raises the durable index to at least index.
func (p *progress) advance(index kv.Index) {
	for {
		have := p.index.Load()
		if have >= uint64(index) {
			return
		}
		if p.index.CompareAndSwap(have, uint64(index)) {
			break
		}
	}
	p.mu.Lock()
	if p.mu.moved != nil {
		close(p.mu.moved)
		p.mu.moved = nil
	}
	p.mu.Unlock()
}

// watch returns a channel that closes when the index grows. Ask reached again after the call, before
// waiting: the index may have grown just before it.
func (p *progress) watch() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.moved == nil {
		p.mu.moved = make(chan struct{})
	}
	return p.mu.moved
}
