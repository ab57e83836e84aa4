package local

import (
	"math"
	"sync"
	"sync/atomic"
)

// gate counts what is under way, so that Close can wait for it. Entering costs one atomic add.
type gate struct {
	state atomic.Int64 // the count; math.MinInt64 is added when the gate shuts
	once  sync.Once
	idle  chan struct{} // closed when the gate is shut and the count has come to 0
}

func (g *gate) init() { g.idle = make(chan struct{}) }

// enter is false when the gate is shut.
func (g *gate) enter() bool {
	if g.state.Add(1) < 0 {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.state.Add(-1) == math.MinInt64 {
		g.once.Do(func() { close(g.idle) })
	}
}

// shut closes the gate; false if it was shut before.
func (g *gate) shut() bool {
	for {
		n := g.state.Load()
		if n < 0 {
			return false
		}
		if g.state.CompareAndSwap(n, n+math.MinInt64) {
			break
		}
	}
	if g.state.Load() == math.MinInt64 {
		g.once.Do(func() { close(g.idle) })
	}
	return true
}

func (g *gate) count() int64 {
	n := g.state.Load()
	if n < 0 {
		n -= math.MinInt64
	}
	return n
}
