package blob

import (
	"sync"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// entry is a written region on its way into the index.
type entry struct {
	part  blobref.Partition
	id    blobref.ID
	place place

	// A move takes effect only if the blob still lies where it was copied from.
	move   bool
	from   place
	source *segment // of from; nil when its record is gone

	err  error
	wake chan bool // true: you lead the next round; false: done
}

// group lets one sync of a segment serve every writer that waits for it. The first to come leads: it takes all that wait,
// syncs, puts them into the index in one batch, wakes them, and hands the lead to one who came meanwhile.
type group struct {
	mu      sync.Mutex
	waiting []*entry
	spare   []*entry // the emptied slice of an earlier round
	leading bool
}

// commit makes the written regions of s durable and visible. Each entry's err says how it went.
func (d *Device) commit(s *segment, entries ...*entry) {
	g := &s.grow.group
	g.mu.Lock()
	g.waiting = append(g.waiting, entries...)
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()

	// Only the last entry is waited for by its channel: entries of one call stay together in one round.
	last := entries[len(entries)-1]
	if !lead {
		lead = <-last.wake
		if !lead {
			return
		}
	}
	d.leadRound(s, g, last)
}

// leadRound commits all that wait, its own entries among them, and passes the lead on.
func (d *Device) leadRound(s *segment, g *group, own *entry) {
	g.mu.Lock()
	round := g.waiting
	g.waiting, g.spare = g.spare[:0], nil
	g.mu.Unlock()

	err := d.failed()
	if err == nil {
		if serr := s.grow.file.SyncData(); serr != nil {
			err = d.fail("sync segment", serr)
		}
	}
	if err == nil {
		d.syncs.Add(1)
		err = d.index.commit(s, round)
	}
	if err != nil {
		for _, e := range round {
			e.err = err
		}
	}
	offs := make([]int64, 0, len(round))
	for _, e := range round {
		offs = append(offs, e.place.off)
	}
	if err != nil {
		s.grow.settle(offs...)
	}
	for i, e := range round {
		if e.wake != nil && e != own {
			e.wake <- false
		}
		round[i] = nil
	}

	g.mu.Lock()
	g.spare = round[:0]
	var next *entry
	for _, e := range g.waiting {
		if e.wake != nil {
			next = e
			break
		}
	}
	g.leading = next != nil
	g.mu.Unlock()
	if next != nil {
		next.wake <- true
	} else {
		d.sealIfDone(s)
	}
}
