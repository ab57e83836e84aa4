package repair_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestDrainAndRemove(t *testing.T) {
	mc := newMachine(t, 4, 3)
	want := mc.fill(30)
	if _, err := mc.m.RemoveDevice(mc.ctx, 2, false); !errors.Is(err, repair.ErrNotEmpty) {
		t.Fatalf("active device: %v", err)
	}
	mc.change(func(b *ring.Builder) error { return b.Drain(2) })
	if _, err := mc.m.RemoveDevice(mc.ctx, 2, false); !errors.Is(err, repair.ErrNotEmpty) {
		t.Fatalf("full device: %v", err)
	}
	mc.settle()
	if empty, err := repair.Empty(mc.m.Pool(), 2); err != nil || !empty {
		t.Fatalf("empty %v, %v", empty, err)
	}
	_, err := mc.m.RemoveDevice(mc.ctx, 2, false)
	must(t, err)
	mc.settle()
	mc.checkPlaced(want)
	if _, ok := mc.m.Ring().Device(2); ok || len(mc.m.Pool().Attached()) != 3 {
		t.Error("device is still there")
	}
}

func TestAddDevice(t *testing.T) {
	mc := newMachine(t, 1, 3)
	want := mc.fill(30)
	for i, path := range []string{"b", "c", "d"} {
		id, _, err := mc.m.AddDevice(mc.ctx, mc.newDisk(path))
		must(t, err)
		if id != blobref.DeviceID(i+2) {
			t.Errorf("id %d", id)
		}
		mc.settle()
		mc.checkPlaced(want)
		if w := mc.m.Ring().Width(); w != min(3, i+2) {
			t.Errorf("%d devices: width %d", i+2, w)
		}
	}
	// A disk that cannot be opened leaves no trace.
	if _, _, err := mc.m.AddDevice(mc.ctx, ring.Device{Hint: "nowhere", Weight: 1}); err == nil {
		t.Error("added a disk that is not there")
	}
	if n := len(mc.m.Ring().All()); n != 4 {
		t.Errorf("%d devices", n)
	}
}

func TestFailedDeviceIsRebuilt(t *testing.T) {
	mc := newMachine(t, 4, 3)
	want := mc.fill(30)
	mc.settle()
	dev, err := mc.m.Pool().RemoveDevice(mc.ctx, 3) // pulled out
	must(t, err)
	must(t, dev.Close())
	data := body(99, 5000)
	want[mc.mustPut(data)] = data // the others go on
	mc.change(func(b *ring.Builder) error { return b.Fail(3) })
	mc.settle()
	mc.checkPlaced(want)
	_, err = mc.m.RemoveDevice(mc.ctx, 3, false)
	must(t, err)
	mc.settle()
	mc.checkPlaced(want)
}

func TestBrokenDeviceIsMarkedFailed(t *testing.T) {
	mc := newMachine(t, 4, 3)
	mc.stop()
	mc.rcfg.FailAfter = 10 * time.Millisecond
	mc.start()
	want := mc.fill(20)
	mc.settle()
	dev, err := mc.m.Pool().RemoveDevice(mc.ctx, 1)
	must(t, err)
	must(t, dev.Close())
	mc.rep.Start()
	deadline := time.Now().Add(60 * time.Second)
	for {
		if d, _ := mc.m.Ring().Device(1); d.State == ring.Failed {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not marked failed")
		}
		time.Sleep(10 * time.Millisecond)
	}
	mc.rep.Stop()
	mc.settle()
	mc.checkPlaced(want)
}

func TestRestartWithADiskMissing(t *testing.T) {
	mc := newMachine(t, 3, 3)
	want := mc.fill(20)
	mc.settle()
	mc.stop()
	disk := mc.disks["disk1"]
	mc.disks["disk1"] = nil
	mc.start()
	for ref := range want {
		if _, err := mc.get(ref); err != nil {
			t.Fatal(err)
		}
	}
	data := body(77, 70_000)
	want[mc.mustPut(data)] = data
	mc.disks["disk1"] = disk
	must(t, mc.m.Reopen(mc.ctx, 2))
	mc.settle()
	mc.checkPlaced(want)
}

// The disk that a drained device is to move to cannot write: nothing is given up.
func TestDrainToASickDisk(t *testing.T) {
	mc := newMachine(t, 2, 1)
	want := mc.fill(30)
	mc.setSick("disk1", true)
	mc.change(func(b *ring.Builder) error { return b.Drain(1) })
	before := mc.m.Pool().Usage()[0].Blob.Blobs
	for range 3 {
		res, err := mc.rep.ReplicateOnce(mc.ctx)
		must(t, err)
		if res.Clean() || res.Left < before {
			t.Errorf("%+v: %d blobs are still to move", res, before)
		}
	}
	if n := mc.m.Pool().Usage()[0].Blob.Blobs; n != before {
		t.Errorf("%d blobs of %d left on the drained device", n, before)
	}
	if _, err := mc.m.RemoveDevice(mc.ctx, 1, false); !errors.Is(err, repair.ErrNotEmpty) {
		t.Errorf("removed: %v", err)
	}
	for ref, data := range want {
		if got, err := mc.get(ref); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%v", err)
		}
	}
	mc.setSick("disk1", false)
	must(t, mc.m.Reopen(mc.ctx, 2))
	mc.settle()
	mc.checkPlaced(want)
	_, err := mc.m.RemoveDevice(mc.ctx, 1, false)
	must(t, err)
	mc.checkPlaced(want)
}

func TestReplicasCanBeRaisedAndLowered(t *testing.T) {
	mc := newMachine(t, 4, 1)
	want := mc.fill(30)
	for _, n := range []int{3, 2, 4, 1} {
		mc.change(func(b *ring.Builder) error { return b.SetReplicas(n) })
		mc.settle()
		mc.checkPlaced(want)
	}
}

// The control shard belongs to others too: the commit of the ring may lie far back.
func TestRestartAfterOtherCommits(t *testing.T) {
	mc := newMachine(t, 2, 2)
	want := mc.fill(5)
	mc.stop()
	for i := range 10 {
		b := new(kv.Batch)
		b.Put([]byte{'x', byte(i)}, nil)
		_, err := mc.store.Commit(mc.ctx, kv.Control, b)
		must(t, err)
	}
	mc.start()
	mc.settle()
	mc.checkPlaced(want)
}

// A device that is being read from is removed at once and closed later.
func TestRemoveWhileReading(t *testing.T) {
	mc := newMachine(t, 3, 2)
	data := body(1, 50_000)
	ref := mc.mustPut(data)
	mc.settle()
	r, err := mc.m.Pool().Open(mc.ctx, ref)
	must(t, err)
	id := r.Device()
	mc.change(func(b *ring.Builder) error { return b.Drain(id) })
	mc.settle()
	ctx, cancel := context.WithTimeout(mc.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := mc.m.RemoveDevice(ctx, id, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	got := make([]byte, len(data))
	if _, err := r.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read went wrong: %v", err)
	}
	must(t, r.Close())
	mc.checkPlaced(map[blobref.Ref][]byte{ref: data})
}

// Two managers on one store, as two admin commands at once: no change is lost, both follow.
func TestConcurrentChanges(t *testing.T) {
	mc := newMachine(t, 3, 2)
	cfg := mc.cfg
	cfg.OpenDevice = func(context.Context, ring.Device) (*blob.Device, error) { return nil, nil }
	second, err := repair.OpenManager(mc.ctx, cfg)
	must(t, err)
	defer second.Close()
	var wg sync.WaitGroup
	const each = 10
	for _, m := range []*repair.Manager{mc.m, second} {
		wg.Go(func() {
			for range each {
				_, err := m.Change(mc.ctx, func(b *ring.Builder) error {
					_, err := b.Add(ring.Device{Weight: 0, Hint: "elsewhere"})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	deadline := time.Now().Add(60 * time.Second)
	for mc.m.Ring().Version() != second.Ring().Version() && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for _, m := range []*repair.Manager{mc.m, second} {
		if r := m.Ring(); len(r.All()) != 3+2*each || r.Version() != 1+2*each || m.Pool().Ring() != r {
			t.Errorf("version %d, %d devices", r.Version(), len(r.All()))
		}
	}
}

func TestPlanChangesNothing(t *testing.T) {
	mc := newMachine(t, 3, 3)
	next, plan, err := mc.m.Plan(mc.ctx, func(b *ring.Builder) error {
		_, err := b.Add(ring.Device{Weight: 1})
		return err
	})
	must(t, err)
	if len(plan.Moves) == 0 || next.Version() != 2 || mc.m.Ring().Version() != 1 {
		t.Errorf("%d moves, version %d after %d", len(plan.Moves), next.Version(), mc.m.Ring().Version())
	}
	mc.stop()
	mc.start()
	if v := mc.m.Ring().Version(); v != 1 {
		t.Errorf("version %d", v)
	}
}

func TestCancelledPass(t *testing.T) {
	mc := newMachine(t, 3, 3)
	mc.fill(3)
	ctx, cancel := context.WithCancel(mc.ctx)
	cancel()
	if _, err := mc.rep.ReplicateOnce(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := mc.rep.AuditOnce(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	mc.settle()
	must(t, mc.m.Close())
	if _, err := mc.m.Change(mc.ctx, func(b *ring.Builder) error { return nil }); !errors.Is(err, repair.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := repair.Empty(mc.m.Pool(), 9); !errors.Is(err, blobs.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
