package repair_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

var (
	chaosRuns  = flag.Int("chaos.runs", 3, "how many random histories of device changes")
	chaosSteps = flag.Int("chaos.steps", 8, "changes in each")
)

// traffic writes, reads and deletes until it is stopped, and remembers what was acknowledged.
type traffic struct {
	mc     *machine
	stop   atomic.Bool
	wg     sync.WaitGroup
	writes atomic.Int64
	failed atomic.Int64
	reads  atomic.Int64

	mu   sync.Mutex
	want map[blobref.Ref][]byte
	refs []blobref.Ref // of want, and of some that are gone
}

func (tr *traffic) start(seed uint64) {
	for i := range uint64(3) {
		tr.wg.Go(func() { tr.write(rand.New(rand.NewPCG(seed, i))) })
		tr.wg.Go(func() { tr.read(rand.New(rand.NewPCG(seed, 100+i))) })
	}
	tr.wg.Go(func() { tr.remove(rand.New(rand.NewPCG(seed, 200))) })
}

func (tr *traffic) end() {
	tr.stop.Store(true)
	tr.wg.Wait()
}

func (tr *traffic) write(rng *rand.Rand) {
	for !tr.stop.Load() {
		data := body(rng.Uint64(), 20+rng.IntN(100_000))
		ref, err := tr.mc.put(data)
		if err != nil {
			// Two changes at once can leave too few devices for a moment; what must not happen is a wrong acknowledgement.
			if !errors.Is(err, blobs.ErrUnavailable) {
				tr.mc.t.Errorf("write: %v", err)
			}
			tr.failed.Add(1)
			continue
		}
		tr.writes.Add(1)
		tr.mu.Lock()
		tr.want[ref] = data
		tr.refs = append(tr.refs, ref)
		tr.mu.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

// pick takes a random blob; with remove it is no longer wanted.
func (tr *traffic) pick(rng *rand.Rand, remove bool) (blobref.Ref, []byte) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.refs) == 0 {
		return blobref.Ref{}, nil
	}
	ref := tr.refs[rng.IntN(len(tr.refs))]
	data := tr.want[ref]
	if remove {
		delete(tr.want, ref)
	}
	return ref, data
}

func (tr *traffic) read(rng *rand.Rand) {
	for !tr.stop.Load() {
		ref, data := tr.pick(rng, false)
		if data == nil {
			continue
		}
		got, err := tr.mc.get(ref)
		tr.reads.Add(1)
		if err == nil && bytes.Equal(got, data) {
			continue
		}
		tr.mu.Lock()
		_, still := tr.want[ref]
		tr.mu.Unlock()
		if err == nil || still {
			tr.mc.t.Errorf("read of %s: %d bytes of %d, %v", ref.ID, len(got), len(data), err)
			return
		}
	}
}

func (tr *traffic) remove(rng *rand.Rand) {
	for !tr.stop.Load() {
		if ref, data := tr.pick(rng, true); data != nil {
			tr.mc.src.add(ref)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// passClean waits for a replicator pass that found everything in place.
func (mc *machine) passClean(what string) {
	mc.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		res, err := mc.rep.ReplicateOnce(mc.ctx)
		must(mc.t, err)
		if res.Clean() {
			return
		}
		if time.Now().After(deadline) {
			mc.t.Fatalf("%s: never in place: %+v", what, res)
		}
	}
}

// step makes one random change and waits until it has taken effect.
func (mc *machine) step(rng *rand.Rand, n int) string {
	var active []ring.Device
	for _, d := range mc.m.Ring().All() {
		if d.State == ring.Active {
			active = append(active, d)
		}
	}
	pick := active[rng.IntN(len(active))]
	op := rng.IntN(5)
	if mc.m.Ring().Replicas() == 1 {
		op = rng.IntN(3) // there is no second copy to live on
	}
	if len(active) < 4 {
		op = 0
	}
	switch op {
	case 0:
		d := mc.newDisk(fmt.Sprint("new", n))
		d.Weight = 0.5 + rng.Float64()
		d.Node = fmt.Sprint("n", rng.IntN(2))
		id, _, err := mc.m.AddDevice(mc.ctx, d)
		must(mc.t, err)
		return fmt.Sprint("add ", id)
	case 1:
		mc.change(func(b *ring.Builder) error { return b.SetWeight(pick.ID, 0.5+rng.Float64()) })
		return fmt.Sprint("weight ", pick.ID)
	case 2:
		mc.change(func(b *ring.Builder) error { return b.Drain(pick.ID) })
		deadline := time.Now().Add(30 * time.Second)
		for {
			_, err := mc.m.RemoveDevice(mc.ctx, pick.ID, false)
			if err == nil {
				return fmt.Sprint("drain and remove ", pick.ID)
			}
			if !errors.Is(err, repair.ErrNotEmpty) || time.Now().After(deadline) {
				mc.t.Fatalf("device %d: %v", pick.ID, err)
			}
			_, err = mc.rep.ReplicateOnce(mc.ctx)
			must(mc.t, err)
		}
	case 3:
		// The device dies with all it has. Before that, every blob must have more than this copy.
		mc.passClean("before a failure")
		mc.pull(pick)
		mc.change(func(b *ring.Builder) error { return b.Fail(pick.ID) })
		mc.passClean("rebuild")
		_, err := mc.m.RemoveDevice(mc.ctx, pick.ID, false)
		must(mc.t, err)
		return fmt.Sprint("fail and remove ", pick.ID)
	default:
		// A device that is gone for a while misses writes and deletions.
		fs := mc.disks[pick.Hint]
		mc.pull(pick)
		time.Sleep(50 * time.Millisecond)
		mc.mu.Lock()
		mc.disks[pick.Hint] = fs
		mc.mu.Unlock()
		must(mc.t, mc.m.Reopen(mc.ctx, pick.ID))
		mc.passClean("after a reopen")
		return fmt.Sprint("away and back ", pick.ID)
	}
}

// pull takes a disk out of the machine.
func (mc *machine) pull(d ring.Device) {
	mc.t.Helper()
	dev, err := mc.m.Pool().RemoveDevice(mc.ctx, d.ID)
	must(mc.t, err)
	must(mc.t, dev.Close())
	mc.mu.Lock()
	mc.disks[d.Hint] = nil
	mc.mu.Unlock()
}

func TestRandomChangesUnderTraffic(t *testing.T) {
	for seed := range uint64(*chaosRuns) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			mc := newMachine(t, 4+rng.IntN(2), []int{3, 1, 2}[seed%3])
			mc.rep.Start()
			tr := &traffic{mc: mc, want: make(map[blobref.Ref][]byte)}
			tr.start(seed)
			for n := range *chaosSteps {
				t.Logf("version %d: %s", mc.m.Ring().Version(), mc.step(rng, n))
				if t.Failed() {
					break
				}
				time.Sleep(30 * time.Millisecond)
			}
			tr.end()
			mc.rep.Stop()
			_, err := mc.rep.CollectOnce(mc.ctx, time.Now())
			must(t, err)
			mc.settle()
			mc.checkPlaced(tr.want)
			// What was deleted while a device was away may be back as an orphan, but nothing else is left.
			mc.live.dead = make(map[blobref.ID]bool)
			for _, ref := range tr.refs {
				mc.live.dead[ref.ID] = tr.want[ref] == nil
			}
			_, err = mc.rep.CollectOrphansOnce(mc.ctx, time.Now().Add(48*time.Hour))
			must(t, err)
			for _, u := range mc.m.Pool().Usage() {
				t.Logf("device %d: %d blobs", u.Device.ID, u.Blob.Blobs)
			}
			copies := int64(0)
			for _, u := range mc.m.Pool().Usage() {
				copies += u.Blob.Blobs
			}
			if want := int64(len(tr.want) * mc.m.Ring().Width()); copies != want && tr.failed.Load() == 0 {
				t.Errorf("%d copies of %d blobs: want %d", copies, len(tr.want), want)
			}
			t.Logf("%d writes, %d refused, %d reads, %d blobs left", tr.writes.Load(), tr.failed.Load(), tr.reads.Load(), len(tr.want))
			if tr.failed.Load() > tr.writes.Load()/5 {
				t.Errorf("%d writes refused", tr.failed.Load())
			}
		})
	}
}
