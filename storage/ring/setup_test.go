package ring_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

var (
	epoch = time.Unix(1_700_000_000, 0)
	seeds = flag.Uint64("seeds", 25, "how many random histories the property tests run")
)

// cluster describes a random cluster for the property tests.
type cluster struct {
	zones, nodes, devices int // nodes per zone, devices per node
	weights               []float64
}

func build(t testing.TB, c ring.Config, devs []ring.Device, seed uint64) *ring.Ring {
	t.Helper()
	b, err := ring.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devs {
		if _, err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	r, plan, err := b.Build(epoch, seed)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Pending != 0 || len(plan.Moves) != 0 {
		t.Errorf("fresh ring: pending %d, moves %d: want none", plan.Pending, len(plan.Moves))
	}
	checkRing(t, r)
	return r
}

func (c cluster) list() []ring.Device {
	var devs []ring.Device
	for z := range c.zones {
		for n := range c.nodes {
			for d := range c.devices {
				devs = append(devs, ring.Device{
					Zone: fmt.Sprint("z", z), Node: fmt.Sprintf("z%dn%d", z, n), Name: fmt.Sprint("d", d),
					Weight: c.weights[len(devs)%len(c.weights)],
				})
			}
		}
	}
	return devs
}

func equalDevices(n int) []ring.Device { return cluster{1, 1, n, []float64{1}}.list() }

// checkRing checks what must hold for every ring, after every step.
func checkRing(t testing.TB, r *ring.Ring) {
	t.Helper()
	takes := 0
	for _, d := range r.All() {
		if d.State == ring.Active && d.Weight > 0 {
			takes++
		}
	}
	if want := min(r.Replicas(), takes); r.Width() != want {
		t.Fatalf("width %d: want %d", r.Width(), want)
	}
	for p := range r.Partitions() {
		ids := r.Devices(blobref.Partition(p))
		if len(ids) != r.Width() {
			t.Fatalf("partition %d has %d replicas: want %d", p, len(ids), r.Width())
		}
		for i, id := range ids {
			d, ok := r.Device(id)
			if !ok {
				t.Fatalf("partition %d on device %d, which is not in the ring", p, id)
			}
			if d.State == ring.Failed {
				t.Fatalf("partition %d on failed device %d", p, id)
			}
			if slices.Contains(ids[:i], id) {
				t.Fatalf("partition %d twice on device %d", p, id)
			}
		}
	}
}

// checkStep checks one step from r to next.
func checkStep(t testing.TB, r, next *ring.Ring, plan *ring.Plan) {
	t.Helper()
	checkRing(t, next)
	if next.Version() != r.Version()+1 {
		t.Fatalf("version %d after %d", next.Version(), r.Version())
	}
	moves := make(map[blobref.Partition][]ring.Move)
	for _, m := range plan.Moves {
		moves[m.Partition] = append(moves[m.Partition], m)
	}
	for p := range r.Partitions() {
		p := blobref.Partition(p)
		was, is := r.Devices(p), next.Devices(p)
		free, live, kept := 0, 0, 0
		for _, id := range was {
			d, ok := next.Device(id)
			gone := !ok || d.State == ring.Failed
			if !gone {
				live++
			}
			if slices.Contains(is, id) {
				kept++
			} else if !gone {
				free++
			}
		}
		if len(was) <= len(is) && free > 1 {
			t.Fatalf("partition %d: %v -> %v moves %d replicas in one step", p, was, is, free)
		}
		if live > 1 && kept == 0 {
			t.Fatalf("partition %d: %v -> %v loses all its holders", p, was, is)
		}
		want := 0
		for _, id := range was {
			if !slices.Contains(is, id) {
				want++
			}
		}
		want = max(want, len(is)-kept)
		if len(moves[p]) != want {
			t.Fatalf("partition %d: %v -> %v: plan has %d moves, want %d", p, was, is, len(moves[p]), want)
		}
	}
}

// converge takes steps until nothing is pending and returns the ring and all moves.
func converge(t testing.TB, b *ring.Builder, r *ring.Ring, seed uint64) (*ring.Ring, int) {
	t.Helper()
	total := 0
	for step := range 12 {
		b.Settle()
		next, plan, err := b.Build(epoch, seed+uint64(step))
		if err != nil {
			t.Fatal(err)
		}
		checkStep(t, r, next, plan)
		total += len(plan.Moves)
		if len(plan.Moves) == 0 {
			return next, total
		}
		r, b = next, next.Edit()
	}
	t.Fatalf("still moving after many steps: %+v", r.Report())
	return nil, 0
}

// checkSettled checks balance and dispersion of a ring that has come to rest. For a fresh ring both are exact.
func checkSettled(t testing.TB, r *ring.Ring, fresh bool) {
	t.Helper()
	rep := r.Report()
	if rep.Dispersion != 0 {
		t.Errorf("dispersion %.3f %%: want 0", rep.Dispersion)
	}
	for _, d := range rep.Devices {
		limit := max(2, float64(d.Target)/100)
		if fresh {
			limit = 0
		}
		if off := math.Abs(float64(d.Replicas - d.Target)); off > limit {
			t.Errorf("device %d holds %d replicas: target %d, limit %.0f", d.Device.ID, d.Replicas, d.Target, limit)
		}
	}
}
