package repair_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/repair"
)

func refsOf(want map[blobref.Ref][]byte) []blobref.Ref {
	var refs []blobref.Ref
	for ref := range want {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b blobref.Ref) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return refs
}

func TestCollector(t *testing.T) {
	mc := newMachine(t, 3, 3)
	mc.rcfg.CollectBatch = 2 // entries that wait must not hide those behind them
	mc.stop()
	mc.start()
	refs := refsOf(mc.fill(12))
	mc.settle()
	pool := mc.m.Pool()
	pinned := refs[:4]
	pool.Pin(pinned...)
	for i := 0; i < 10; i += 2 {
		mc.src.add(refs[i], refs[i+1])
	}
	res, err := mc.rep.CollectOnce(mc.ctx, time.Now())
	must(t, err)
	if res.Entries != 3 || res.Blobs != 6 || res.Postponed != 2 || mc.src.left() != 2 {
		t.Errorf("%+v, %d left", res, mc.src.left())
	}
	for i, ref := range refs {
		_, err := mc.get(ref)
		if deleted := i >= 4 && i < 10; deleted != errors.Is(err, blobs.ErrNotFound) {
			t.Errorf("blob %d: %v", i, err)
		}
		if n := len(mc.copies(ref)); n != 3 && !(i >= 4 && i < 10 && n == 0) {
			t.Errorf("blob %d has %d copies", i, n)
		}
	}
	pool.Unpin(pinned...)
	_, err = mc.rep.CollectOnce(mc.ctx, time.Now())
	must(t, err)
	if mc.src.left() != 0 {
		t.Errorf("%d entries left", mc.src.left())
	}

	mc.src.add(refs[10])
	mc.src.err = errors.New("store is down")
	if _, err := mc.rep.CollectOnce(mc.ctx, time.Now()); !errors.Is(err, mc.src.err) {
		t.Errorf("%v", err)
	}
	if _, err := mc.get(refs[10]); err != nil {
		t.Errorf("deleted in spite of an error: %v", err)
	}
}

func TestCollectorWaitsForDevicesThatAreDown(t *testing.T) {
	mc := newMachine(t, 3, 3)
	refs := refsOf(mc.fill(1))
	mc.settle()
	dev, err := mc.m.Pool().RemoveDevice(mc.ctx, 2)
	must(t, err)
	mc.src.add(refs...)
	res, err := mc.rep.CollectOnce(mc.ctx, time.Now())
	must(t, err)
	if res.Entries != 0 || mc.src.left() != 1 {
		t.Errorf("%+v", res)
	}
	must(t, mc.m.Pool().AddDevice(dev))
	_, err = mc.rep.CollectOnce(mc.ctx, time.Now())
	must(t, err)
	if mc.src.left() != 0 || len(mc.copies(refs[0])) != 0 {
		t.Errorf("%d entries left, copies on %v", mc.src.left(), mc.copies(refs[0]))
	}
}

func TestOrphans(t *testing.T) {
	mc := newMachine(t, 3, 3)
	refs := refsOf(mc.fill(10))
	mc.settle()
	mc.live.dead = map[blobref.ID]bool{refs[0].ID: true, refs[1].ID: true, refs[2].ID: true}
	mc.m.Pool().Pin(refs[2])

	young, err := mc.rep.CollectOrphansOnce(mc.ctx, time.Now())
	must(t, err)
	if young != (repair.OrphanResult{}) {
		t.Errorf("within the grace period: %+v", young)
	}
	later := time.Now().Add(25 * time.Hour)
	mc.live.err = errors.New("store is down")
	res, err := mc.rep.CollectOrphansOnce(mc.ctx, later)
	must(t, err)
	if res.Removed != 0 || res.Unknown != 9 {
		t.Errorf("owner cannot be asked: %+v", res)
	}
	mc.live.err = nil
	res, err = mc.rep.CollectOrphansOnce(mc.ctx, later)
	must(t, err)
	if res.Removed != 2 || res.Checked != 9 {
		t.Errorf("%+v", res)
	}
	for i, ref := range refs {
		if n := len(mc.copies(ref)); (n == 0) != (i < 2) {
			t.Errorf("blob %d has %d copies", i, n)
		}
	}
	for _, o := range mc.live.seen {
		if o != "owner of it" {
			t.Errorf("owner %q", o)
		}
	}
}

func TestCompactionReturnsSpace(t *testing.T) {
	mc := newMachine(t, 1, 1)
	want := mc.fill(60)
	refs := refsOf(want)
	before := mc.m.Pool().Usage()[0].Blob.Disk
	for _, ref := range refs[:50] {
		mc.src.add(ref)
		delete(want, ref)
	}
	_, err := mc.rep.CollectOnce(mc.ctx, time.Now())
	must(t, err)
	must(t, mc.rep.CompactOnce(mc.ctx))
	after := mc.m.Pool().Usage()[0].Blob.Disk
	if after > before*2/3 || mc.rep.Counters().CompactReclaimed.Load() == 0 {
		t.Errorf("disk %d -> %d, reclaimed %d", before, after, mc.rep.Counters().CompactReclaimed.Load())
	}
	mc.checkPlaced(want)
}
