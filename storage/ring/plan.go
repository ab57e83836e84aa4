package ring

import (
	"math"
	"slices"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Move is one replica that changes its device. From is 0 for a replica that is new, To is 0 for one that is dropped.
type Move struct {
	Partition blobref.Partition
	From, To  blobref.DeviceID
}

// Plan is what a step changes.
type Plan struct {
	Moves   []Move
	Pending int // replicas that are not yet where they belong after this step; further steps are needed
}

// newPlan compares two rings; prev may be nil.
func newPlan(prev, next *Ring) *Plan {
	plan := &Plan{}
	if prev == nil {
		return plan
	}
	for p := range next.Partitions() {
		p := blobref.Partition(p)
		was, is := prev.Devices(p), next.Devices(p)
		j := 0
		added := func() blobref.DeviceID {
			for ; j < len(is); j++ {
				if !slices.Contains(was, is[j]) {
					j++
					return is[j-1]
				}
			}
			return 0
		}
		for _, d := range was {
			if !slices.Contains(is, d) {
				plan.Moves = append(plan.Moves, Move{p, d, added()})
			}
		}
		for to := added(); to != 0; to = added() {
			plan.Moves = append(plan.Moves, Move{p, 0, to})
		}
	}
	return plan
}

// Flow is the number of replicas that one device gives to another.
type Flow struct {
	From, To blobref.DeviceID
	Replicas int
}

// Flows sums the moves up by pair of devices, in order of the pairs.
func (p *Plan) Flows() []Flow {
	n := make(map[[2]blobref.DeviceID]int)
	for _, m := range p.Moves {
		n[[2]blobref.DeviceID{m.From, m.To}]++
	}
	fs := make([]Flow, 0, len(n))
	for k, c := range n {
		fs = append(fs, Flow{k[0], k[1], c})
	}
	slices.SortFunc(fs, func(a, b Flow) int {
		if a.From != b.From {
			return int(a.From) - int(b.From)
		}
		return int(a.To) - int(b.To)
	})
	return fs
}

// DeviceReport is how one device stands.
type DeviceReport struct {
	Device   Device
	Replicas int     // partitions it holds a replica of
	Share    float64 // replicas that its weight alone asks for
	Target   int     // replicas the next step aims at
	Off      float64 // (Replicas-Share)/Share in percent; 0 when the share is 0
}

// Report is how a ring stands.
type Report struct {
	Devices []DeviceReport
	// Balance is the largest deviation of a device from its weight's share, in percent. Dispersion beyond
	// what weights allow costs balance: see Ring.Overload.
	Balance float64
	// Dispersion is the percentage of partitions whose replicas stand closer together than they must.
	Dispersion float64
	// Zones and Nodes tell in how many different ones the replicas of a partition lie, at least.
	Zones, Nodes int
	// Misplaced counts replicas off their target.
	Misplaced int
}

// Report measures the ring.
func (r *Ring) Report() Report {
	b := r.Edit()
	l := newLayout(r.Partitions(), r.replicas, b.devices, r.overload, nil, b.counts())
	l.load(r, make([]uint32, r.Partitions()))
	rep := Report{Zones: r.replicas, Nodes: r.replicas}
	for i, d := range r.devices {
		dr := DeviceReport{Device: d, Replicas: l.leaf[i].current, Target: l.leaf[i].target}
		dr.Share = l.leaf[i].weighted * float64(l.parts)
		if dr.Share > 0 {
			dr.Off = 100 * (float64(dr.Replicas) - dr.Share) / dr.Share
			rep.Balance = max(rep.Balance, math.Abs(dr.Off))
		}
		rep.Devices = append(rep.Devices, dr)
	}
	crowded := 0
	for p := range l.parts {
		row := l.row(p)
		l.look(row)
		if l.penalty() > 0 {
			crowded++
		}
		rep.Zones = min(rep.Zones, positive(l.inZone))
		rep.Nodes = min(rep.Nodes, positive(l.inNode))
		l.unlook(row)
	}
	rep.Dispersion = 100 * float64(crowded) / float64(l.parts)
	rep.Misplaced = l.pending()
	return rep
}

func positive(ns []int) (k int) {
	for _, n := range ns {
		if n > 0 {
			k++
		}
	}
	return k
}
