package ring_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestFreshRingOnRandomClusters(t *testing.T) {
	for seed := range 3 * *seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		c := cluster{1 + rng.IntN(5), 1 + rng.IntN(4), 1 + rng.IntN(6), nil}
		for range 7 {
			c.weights = append(c.weights, 0.2+rng.Float64()*4)
		}
		cfg := ring.Config{Power: 6 + rng.IntN(6), Replicas: 1 + rng.IntN(5), Overload: rng.Float64() * 2}
		r := build(t, cfg, c.list(), seed)
		checkSettled(t, r, true)
		if t.Failed() {
			t.Fatalf("seed %d: %+v %+v", seed, c, cfg)
		}
	}
}

func TestBalanceWithinOnePercentAtFullSize(t *testing.T) {
	for seed := range 1 + *seeds/25 {
		rng := rand.New(rand.NewPCG(seed, 2))
		c := cluster{4 + rng.IntN(3), 2 + rng.IntN(2), 2 + rng.IntN(4), nil}
		for range 5 {
			c.weights = append(c.weights, 1+rng.Float64()*2)
		}
		r := build(t, ring.Config{Power: 16, Replicas: 3}, c.list(), seed)
		if rep := r.Report(); rep.Balance > 1 || rep.Dispersion != 0 {
			t.Errorf("seed %d: balance %.2f %%, dispersion %.2f %%", seed, rep.Balance, rep.Dispersion)
		}
		// And after devices came and went.
		for change := range 3 {
			b := r.Edit()
			if change == 1 {
				must(t, b.Remove(r.All()[rng.IntN(len(r.All()))].ID))
			} else {
				add(t, b, ring.Device{Zone: "z0", Node: fmt.Sprint("new", change), Weight: 2})
			}
			r, _ = converge(t, b, r, seed)
			if rep := r.Report(); rep.Balance > 1 || rep.Dispersion != 0 {
				t.Errorf("seed %d change %d: balance %.2f %%, dispersion %.2f %%", seed, change, rep.Balance, rep.Dispersion)
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, b *ring.Builder, d ring.Device) blobref.DeviceID {
	t.Helper()
	id, err := b.Add(d)
	must(t, err)
	return id
}

func TestReplicasLieApart(t *testing.T) {
	for _, tc := range []struct {
		name                  string
		zones, nodes, devices int
		replicas              int
		wantZones, wantNodes  int
	}{
		{"three zones", 3, 2, 2, 3, 3, 3},
		{"two zones", 2, 2, 2, 3, 2, 3},
		{"one zone, three nodes", 1, 3, 2, 3, 1, 3},
		{"one zone, two nodes", 1, 2, 3, 3, 1, 2},
		{"one node", 1, 1, 5, 3, 1, 1},
		{"more zones than replicas", 7, 1, 1, 3, 3, 3},
		{"more replicas than devices", 2, 1, 1, 3, 2, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster{tc.zones, tc.nodes, tc.devices, []float64{1}}
			r := build(t, ring.Config{Power: 10, Replicas: tc.replicas}, c.list(), 1)
			if rep := r.Report(); rep.Zones != tc.wantZones || rep.Nodes != tc.wantNodes || rep.Misplaced != 0 {
				t.Errorf("zones %d, nodes %d, misplaced %d: want %d, %d, 0", rep.Zones, rep.Nodes, rep.Misplaced, tc.wantZones, tc.wantNodes)
			}
		})
	}
}

func TestOverloadTradesBalanceForDispersion(t *testing.T) {
	// Zone b is too small for a full replica of everything: by weight it would hold 0.6 replicas.
	devs := []ring.Device{
		{Zone: "a", Node: "a1", Weight: 4}, {Zone: "a", Node: "a2", Weight: 4},
		{Zone: "b", Node: "b1", Weight: 2}, {Zone: "c", Node: "c1", Weight: 4},
	}
	spread := func(overload float64) (inThree int, balance float64) {
		r := build(t, ring.Config{Power: 12, Replicas: 3, Overload: overload}, devs, 1)
		for p := range r.Partitions() {
			zones := make(map[string]bool)
			for _, id := range r.Devices(blobref.Partition(p)) {
				d, _ := r.Device(id)
				zones[d.Zone] = true
			}
			if len(zones) == 3 {
				inThree++
			}
		}
		return inThree, r.Report().Balance
	}
	none, b0 := spread(0)
	some, b1 := spread(0.2)
	full, b2 := spread(2)
	if b0 > 0.1 || b1 < 15 || b1 > 21 || b2 < 60 {
		t.Errorf("balance %.1f, %.1f, %.1f: want 0, about 20, about 67", b0, b1, b2)
	}
	if full != 4096 || none >= some || some >= full {
		t.Errorf("partitions in three zones: %d, %d, %d: want rising to 4096", none, some, full)
	}
}

func TestMinimalMovement(t *testing.T) {
	for _, power := range []int{12, 16} {
		for _, n := range []int{4, 12, 30} {
			if power == 16 && n != 12 {
				continue // the small ring shows it as well
			}
			r := build(t, ring.Config{Power: power, Replicas: 3}, equalDevices(n), 7)
			total := r.Partitions() * 3

			b := r.Edit()
			id := add(t, b, ring.Device{Zone: "z0", Node: "z0n0", Weight: 1})
			bigger, moved := converge(t, b, r, 8)
			if bound := total / (n + 1); float64(moved) > float64(bound)*1.01+2 {
				t.Errorf("2^%d, %d devices: add moves %d replicas: at least %d needed", power, n, moved, bound)
			}
			checkSettled(t, bigger, false)

			b = bigger.Edit()
			must(t, b.Drain(id))
			drained, moved := converge(t, b, bigger, 9)
			if bound := total / (n + 1); float64(moved) > float64(bound)*1.02+2 {
				t.Errorf("2^%d, %d devices: drain moves %d replicas: at least %d needed", power, n, moved, bound)
			}
			if rep := drained.Report(); rep.Devices[n].Replicas != 0 {
				t.Errorf("drained device holds %d replicas", rep.Devices[n].Replicas)
			}
			checkSettled(t, drained, false)

			b = drained.Edit()
			must(t, b.Remove(id))
			if _, moved := converge(t, b, drained, 10); moved != 0 {
				t.Errorf("removing an empty device moves %d replicas", moved)
			}
		}
	}
}

// change applies a random change; it returns a description for the log.
func change(t testing.TB, b *ring.Builder, rng *rand.Rand) string {
	devs := b.Devices()
	pick := devs[rng.IntN(len(devs))]
	active := 0
	for _, d := range devs {
		if d.State == ring.Active && d.Weight > 0 {
			active++
		}
	}
	switch op := rng.IntN(8); {
	case op < 2 || active < 3:
		d := ring.Device{Zone: fmt.Sprint("z", rng.IntN(4)), Weight: 0.5 + rng.Float64()*3}
		d.Node = fmt.Sprint(d.Zone, "n", rng.IntN(3))
		return fmt.Sprint("add ", add(t, b, d))
	case op == 2:
		must(t, b.Remove(pick.ID))
		return fmt.Sprint("remove ", pick.ID)
	case op == 3:
		must(t, b.Fail(pick.ID))
		return fmt.Sprint("fail ", pick.ID)
	case op == 4:
		must(t, b.Drain(pick.ID))
		return fmt.Sprint("drain ", pick.ID)
	case op == 5:
		must(t, b.Activate(pick.ID))
		return fmt.Sprint("activate ", pick.ID)
	case op == 6:
		n := 1 + rng.IntN(4)
		must(t, b.SetReplicas(n))
		return fmt.Sprint("replicas ", n)
	default:
		w := 0.5 + rng.Float64()*3
		must(t, b.SetWeight(pick.ID, w))
		return fmt.Sprintf("weight %d %.2f", pick.ID, w)
	}
}

func TestRandomChanges(t *testing.T) {
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(seed, 3))
		c := cluster{1 + rng.IntN(4), 1 + rng.IntN(3), 1 + rng.IntN(3), []float64{1, 2, 1.5}}
		r := build(t, ring.Config{Power: 9, Replicas: 3, Overload: 0.3, Window: time.Hour}, c.list(), seed)
		now := epoch
		var log []string
		for range 25 {
			b := r.Edit()
			log = append(log, change(t, b, rng))
			now = now.Add(time.Duration(rng.IntN(90)) * time.Minute)
			next, plan, err := b.Build(now, rng.Uint64())
			if errors.Is(err, ring.ErrNoPlace) {
				continue
			}
			must(t, err)
			checkStep(t, r, next, plan)
			enc := next.Append(nil)
			dec, err := ring.Decode(enc)
			must(t, err)
			if !bytes.Equal(dec.Append(nil), enc) {
				t.Fatal("encoding does not survive a round trip")
			}
			r = dec
			if t.Failed() {
				t.Fatalf("seed %d: %v", seed, log)
			}
		}
		r, _ = converge(t, r.Edit(), r, seed)
		checkSettled(t, r, false)
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, log)
		}
	}
}

func TestWindowHoldsPartitionsStill(t *testing.T) {
	r := build(t, ring.Config{Power: 10, Replicas: 3, Window: time.Hour}, equalDevices(6), 1)
	b := r.Edit()
	add(t, b, ring.Device{Zone: "z0", Node: "z0n0", Weight: 6})
	r2, plan, err := b.Build(epoch, 1)
	must(t, err)
	if len(plan.Moves) == 0 {
		t.Fatal("nothing moved")
	}
	moved := make(map[blobref.Partition]bool)
	for _, m := range plan.Moves {
		moved[m.Partition] = true
	}
	b = r2.Edit()
	must(t, b.Drain(1))
	r3, plan3, err := b.Build(epoch.Add(59*time.Minute), 2)
	must(t, err)
	for _, m := range plan3.Moves {
		if moved[m.Partition] {
			t.Fatalf("partition %d moved again within the window", m.Partition)
		}
	}
	if plan3.Pending == 0 {
		t.Error("plan does not say that the drain is unfinished")
	}
	// A failed device is replaced whatever the window says.
	b = r3.Edit()
	must(t, b.Fail(2))
	r4, _, err := b.Build(epoch.Add(59*time.Minute), 3)
	must(t, err)
	checkRing(t, r4)
	// After the window the drain goes on.
	r5, _, err := r4.Edit().Build(epoch.Add(3*time.Hour), 4)
	must(t, err)
	if n := r5.Report().Devices[0].Replicas; n != 0 {
		t.Errorf("drained device still holds %d replicas", n)
	}
}

func TestSameSeedSameRing(t *testing.T) {
	run := func() []byte {
		r := build(t, ring.Config{Power: 10, Replicas: 3}, cluster{3, 2, 2, []float64{1, 3}}.list(), 42)
		b := r.Edit()
		add(t, b, ring.Device{Zone: "z9", Node: "n", Weight: 2})
		must(t, b.Fail(3))
		r, _, err := b.Build(epoch, 43)
		must(t, err)
		return r.Append(nil)
	}
	if !bytes.Equal(run(), run()) {
		t.Error("same input, different rings")
	}
}

func TestHandoffsSpreadAndAvoidPrimaries(t *testing.T) {
	r := build(t, ring.Config{Power: 8, Replicas: 2}, cluster{3, 2, 2, []float64{1}}.list(), 1)
	first := make(map[blobref.DeviceID]int)
	for p := range r.Partitions() {
		p := blobref.Partition(p)
		seen := slices.Clone(r.Devices(p))
		zones := make(map[string]bool)
		for _, id := range seen {
			d, _ := r.Device(id)
			zones[d.Zone] = true
		}
		i := 0
		for id := range r.Handoffs(p) {
			d, _ := r.Device(id)
			if i == 0 {
				first[id]++
				if zones[d.Zone] {
					t.Fatalf("partition %d: first handoff %d lies in a zone of the primaries", p, id)
				}
			}
			if slices.Contains(seen, id) {
				t.Fatalf("partition %d: handoff %d comes twice or is a primary", p, id)
			}
			seen = append(seen, id)
			i++
		}
		if len(seen) != 12 {
			t.Fatalf("partition %d: %d devices in all: want 12", p, len(seen))
		}
	}
	if len(first) != 12 {
		t.Errorf("first handoffs use %d devices of 12", len(first))
	}
}

func TestPartitionOf(t *testing.T) {
	r := build(t, ring.Config{Power: 12, Replicas: 1, Salt: 99}, equalDevices(1), 1)
	if r.PartitionOf([]byte("ab"), []byte("c")) == r.PartitionOf([]byte("a"), []byte("bc")) {
		t.Error("borders between parts do not count")
	}
	counts := make([]int, r.Partitions())
	for i := range 1 << 18 {
		key := fmt.Sprint("key-", i)
		p := r.PartitionOf([]byte("acct"), []byte(key))
		if q := r.PartitionOfStrings("acct", key); q != p {
			t.Fatalf("bytes say %d, strings say %d", p, q)
		}
		counts[p]++
	}
	for p, n := range counts {
		if n < 20 || n > 120 { // 64 expected, 8 the deviation
			t.Fatalf("partition %d got %d keys of 64 expected", p, n)
		}
	}
	// The hash is part of the format: existing data depends on it.
	if got := r.PartitionOf([]byte("account"), []byte("bucket"), []byte("key")); got != goldenPartition {
		t.Errorf("golden partition is %d: want %d", got, goldenPartition)
	}
	if n := testing.AllocsPerRun(100, func() { r.PartitionOf([]byte("acct"), []byte("key")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const goldenPartition = 3350

func TestEncodingSize(t *testing.T) {
	for _, n := range []int{3, 300} {
		r := build(t, ring.Config{Power: 16, Replicas: 3, Window: time.Hour}, equalDevices(n), 1)
		for i := range 4 {
			b := r.Edit()
			must(t, b.SetWeight(r.All()[i%n].ID, 1.5+float64(i)))
			var err error
			r, _, err = b.Build(epoch.Add(time.Duration(i)*time.Minute), 1)
			must(t, err)
		}
		enc := r.Append(nil)
		t.Logf("%d devices: %d bytes", n, len(enc))
		if len(enc) >= 400_000 {
			t.Errorf("%d devices: %d bytes", n, len(enc))
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []ring.Config{
		{Power: -1, Replicas: 1}, {Power: 21, Replicas: 1}, {Power: 4}, {Power: 4, Replicas: 17},
		{Power: 4, Replicas: 1, Overload: -1}, {Power: 4, Replicas: 1, Overload: math.NaN()}, {Power: 4, Replicas: 1, Window: -1},
	} {
		if _, err := ring.New(c); !errors.Is(err, ring.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	b, err := ring.New(ring.DefaultConfig())
	must(t, err)
	if _, _, err := b.Build(epoch, 1); !errors.Is(err, ring.ErrNoPlace) {
		t.Errorf("no devices: %v", err)
	}
	if _, err := b.Add(ring.Device{Weight: math.Inf(1)}); !errors.Is(err, ring.ErrInvalid) {
		t.Errorf("infinite weight: %v", err)
	}
	if err := b.Drain(7); !errors.Is(err, ring.ErrNoDevice) {
		t.Errorf("drain of nothing: %v", err)
	}
	id := add(t, b, ring.Device{Weight: 1})
	must(t, b.Drain(id))
	if _, _, err := b.Build(epoch, 1); !errors.Is(err, ring.ErrNoPlace) {
		t.Errorf("only device drained: %v", err)
	}
}
