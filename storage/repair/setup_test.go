package repair_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is a store and disks in memory, and a manager and a repairer over them.
type machine struct {
	t     testing.TB
	ctx   context.Context
	store kv.Store
	cfg   repair.ManagerConfig
	rcfg  repair.Config

	mu    sync.Mutex
	disks map[string]vfs.FS // by path; nil is a disk that is pulled out
	sick  map[string]bool   // disks that cannot write segment files
	root  string            // where disks are folders of the real file system; "" keeps them in memory

	m    *repair.Manager
	rep  *repair.Repairer
	src  *source
	live *liveness
}

func newMachine(t testing.TB, devices, replicas int) *machine {
	t.Helper()
	return newMachineAt(t, "", devices, replicas)
}

func newMachineAt(t testing.TB, root string, devices, replicas int) *machine {
	t.Helper()
	ctx := context.Background()
	kc := local.Default("kv")
	kc.FS, kc.Shards, kc.ReserveBytes = vfs.NewMem(), 2, 0
	store, err := local.Open(kc)
	must(t, err)
	mc := &machine{t: t, root: root, ctx: ctx, store: store, disks: make(map[string]vfs.FS), sick: make(map[string]bool), src: &source{}, live: &liveness{}}
	mc.cfg = repair.ManagerConfig{
		Store: store, Pool: blobs.DefaultConfig(),
		Ring:       ring.Config{Power: 5, Replicas: replicas, Overload: 0.1, Window: time.Hour, Salt: 1},
		OpenDevice: mc.openDevice,
		Seed:       func() uint64 { return 42 },
	}
	for i := range devices {
		mc.cfg.Devices = append(mc.cfg.Devices, mc.newDisk(fmt.Sprint("disk", i)))
	}
	mc.rcfg = repair.DefaultConfig()
	mc.rcfg.ReplicateRate, mc.rcfg.AuditRate, mc.rcfg.CompactRate, mc.rcfg.CompactMinDead = 0, 0, 0, 1
	mc.rcfg.CollectInterval = 10 * time.Millisecond
	mc.start()
	t.Cleanup(func() {
		mc.stop()
		must(t, store.Close())
	})
	return mc
}

func (mc *machine) newDisk(path string) ring.Device {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	if mc.disks[path] = vfs.FS(vfs.NewMem()); mc.root != "" {
		mc.disks[path] = vfs.Default
	}
	return ring.Device{Name: path, Hint: path, Node: "n", Zone: "z", Weight: 1}
}

// dir is the folder of a disk's device on its file system.
func (mc *machine) dir(path string) string { return filepath.Join(mc.root, path) }

func (mc *machine) openDevice(ctx context.Context, d ring.Device) (*blob.Device, error) {
	mc.mu.Lock()
	fs := mc.disks[d.Hint]
	mc.mu.Unlock()
	if fs == nil {
		return nil, fmt.Errorf("no disk at %q", d.Hint)
	}
	return blob.Open(ctx, blob.Options{
		FS: errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error { return mc.fault(d.Hint, op) })), Dir: mc.dir(d.Hint), Device: d.ID, Reserve: -1, SegmentSize: 1 << 20, SmallLimit: 64 << 10, Preallocate: 256 << 10,
	})
}

func (mc *machine) fault(path string, op errorfs.Op) error {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	if mc.sick[path] && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "segments") {
		return syscall.EIO
	}
	return nil
}

func (mc *machine) setSick(path string, sick bool) {
	mc.mu.Lock()
	defer mc.mu.Unlock()
	mc.sick[path] = sick
}

func (mc *machine) start() {
	mc.t.Helper()
	var err error
	mc.m, err = repair.OpenManager(mc.ctx, mc.cfg)
	must(mc.t, err)
	mc.rep, err = repair.New(mc.rcfg, mc.m.Pool(), mc.src, mc.live)
	must(mc.t, err)
	mc.m.Attach(mc.rep)
}

func (mc *machine) stop() {
	mc.t.Helper()
	mc.rep.Stop()
	must(mc.t, mc.m.Close())
}

func body(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

func (mc *machine) put(data []byte) (blobref.Ref, error) {
	pool := mc.m.Pool()
	part := pool.PartitionOf(data[:min(len(data), 16)])
	w, err := pool.Create(mc.ctx, part, int64(len(data)), blobref.Owner("owner of it"))
	if err != nil {
		return blobref.Ref{}, err
	}
	if _, err := w.Write(data); err != nil {
		w.Abort()
		return w.Ref(), err
	}
	return w.Ref(), w.Commit(mc.ctx)
}

func (mc *machine) mustPut(data []byte) blobref.Ref {
	mc.t.Helper()
	ref, err := mc.put(data)
	must(mc.t, err)
	return ref
}

func (mc *machine) get(ref blobref.Ref) ([]byte, error) {
	r, err := mc.m.Pool().Open(mc.ctx, ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = r.WriteRange(mc.ctx, &b, 0, r.Size())
	return b.Bytes(), err
}

// copies verifies every copy and lists the devices of the good ones.
func (mc *machine) copies(ref blobref.Ref) (ids []blobref.DeviceID) {
	for _, id := range mc.m.Pool().Attached() {
		dev, release, ok := mc.m.Pool().Acquire(id)
		if !ok {
			continue
		}
		if dev.Verify(mc.ctx, ref, nil) == nil {
			in, err := dev.Stat(mc.ctx, ref)
			if err != nil || string(in.Owner) != "owner of it" {
				mc.t.Errorf("copy on device %d: owner %q, %v", id, in.Owner, err)
			}
			ids = append(ids, id)
		}
		release()
	}
	return ids
}

func sorted(ids []blobref.DeviceID) []blobref.DeviceID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// checkPlaced checks that every blob reads right and lies on its primaries and nowhere else.
func (mc *machine) checkPlaced(want map[blobref.Ref][]byte) {
	mc.t.Helper()
	rg := mc.m.Ring()
	for ref, data := range want {
		if got, err := mc.get(ref); err != nil || !bytes.Equal(got, data) {
			mc.t.Errorf("blob %s: %d bytes of %d, %v", ref.ID, len(got), len(data), err)
			continue
		}
		if have, want := mc.copies(ref), sorted(rg.Devices(ref.Partition)); !slices.Equal(have, want) {
			mc.t.Errorf("blob %s in partition %d: good copies on %v, want %v", ref.ID, ref.Partition, have, want)
		}
	}
}

// settle runs passes until every blob is in its place and the ring needs no more steps.
func (mc *machine) settle() {
	mc.t.Helper()
	mc.quiet()
	for range 50 {
		v := mc.m.Ring().Version()
		res, err := mc.rep.ReplicateOnce(mc.ctx)
		must(mc.t, err)
		if res.Clean() && mc.m.Ring().Version() == v {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	mc.t.Fatalf("does not settle: %+v", mc.m.Ring().Report())
}

func (mc *machine) change(f func(*ring.Builder) error) {
	mc.t.Helper()
	_, err := mc.m.Change(mc.ctx, f)
	must(mc.t, err)
}

func (mc *machine) fill(n int) map[blobref.Ref][]byte {
	mc.t.Helper()
	want := make(map[blobref.Ref][]byte)
	for i := range n {
		data := body(uint64(i), 100+i*1777%200_000)
		want[mc.mustPut(data)] = data
	}
	mc.quiet()
	return want
}

// quiet waits for the copies that are still under way after their blobs were acknowledged.
func (mc *machine) quiet() {
	mc.t.Helper()
	for range 2000 {
		n := 0
		for _, u := range mc.m.Pool().Usage() {
			n += u.Writing
		}
		if n == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	mc.t.Fatal("writers do not end")
}

// segments opens the segment files of a disk, one after the other.
func (mc *machine) segments(id blobref.DeviceID, f func(path string, file vfs.File)) {
	mc.t.Helper()
	d, _ := mc.m.Ring().Device(id)
	fs := mc.disks[d.Hint]
	names, err := fs.List(filepath.Join(mc.dir(d.Hint), "segments"))
	must(mc.t, err)
	slices.Sort(names)
	for _, name := range names {
		path := filepath.Join(mc.dir(d.Hint), "segments", name)
		file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		must(mc.t, err)
		f(path, file)
		must(mc.t, file.Close())
	}
}

// source is a domain that has deletions.
type source struct {
	mu      sync.Mutex
	entries []repair.Entry
	err     error
}

func (s *source) add(refs ...blobref.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, repair.Entry{Key: refs[0].ID[:], Refs: refs})
}

func (s *source) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

func (s *source) Due(ctx context.Context, now time.Time, max int) ([]repair.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries[:min(max, len(s.entries))]), s.err
}

func (s *source) Done(ctx context.Context, done []repair.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = slices.DeleteFunc(s.entries, func(e repair.Entry) bool {
		return slices.ContainsFunc(done, func(d repair.Entry) bool { return bytes.Equal(d.Key, e.Key) })
	})
	return nil
}

// liveness is a domain that knows its blobs.
type liveness struct {
	mu   sync.Mutex
	dead map[blobref.ID]bool
	err  error
	seen []string
}

func (l *liveness) Live(ctx context.Context, owner blobref.Owner, ref blobref.Ref) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, string(owner))
	if l.err != nil {
		return false, l.err
	}
	return !l.dead[ref.ID], nil
}
