package blobs_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a device on a memory file system whose operations can be made to fail.
type disk struct {
	mem     *vfs.MemFS
	dev     *blob.Device
	failing atomic.Pointer[error] // of writes and syncs
	reads   atomic.Pointer[error] // of reads
	stall   atomic.Pointer[chan struct{}]
}

// MaybeError meets segment files only: what becomes of the index engine on a dying disk is the matter of package blob.
func (d *disk) MaybeError(op errorfs.Op) error {
	if !strings.Contains(op.Path, "segments") {
		return nil
	}
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		if err := d.reads.Load(); err != nil {
			return *err
		}
		return nil
	}
	if hang := d.stall.Load(); hang != nil {
		<-*hang
	}
	if err := d.failing.Load(); err != nil {
		return *err
	}
	return nil
}

func (d *disk) String() string { return "(disk)" }

func (d *disk) failWrites(err error) { d.failing.Store(&err) }
func (d *disk) failReads(err error)  { d.reads.Store(&err) }

// setup is a pool over n devices.
type setup struct {
	t     testing.TB
	pool  *blobs.Pool
	disks map[blobref.DeviceID]*disk

	mu     sync.Mutex
	damage []blobs.Damage

	old []blobref.Ref // of benchmarks
}

func newSetup(t testing.TB, n, replicas int) *setup {
	t.Helper()
	return newSetupStall(t, n, replicas, 0)
}

func newSetupStall(t testing.TB, n, replicas int, stall time.Duration) *setup {
	t.Helper()
	s := &setup{t: t, disks: make(map[blobref.DeviceID]*disk)}
	b, err := ring.New(ring.Config{Power: 6, Replicas: replicas, Window: time.Hour})
	must(t, err)
	devs := make(map[blobref.DeviceID]*blob.Device)
	for range n {
		id, err := b.Add(ring.Device{Weight: 1})
		must(t, err)
		d := &disk{mem: vfs.NewMem()}
		d.dev, err = blob.Open(context.Background(), blob.Options{
			FS: errorfs.Wrap(d.mem, d), Dir: fmt.Sprint("dev", id), Device: id, Reserve: -1, SegmentSize: 128 << 20, Preallocate: 1 << 20,
		})
		must(t, err)
		s.disks[id] = d
		devs[id] = d.dev
	}
	r, _, err := b.Build(time.Now(), 1)
	must(t, err)
	cfg := blobs.DefaultConfig()
	if stall > 0 {
		cfg.StallTimeout = stall
	}
	s.pool, err = blobs.New(cfg, r, devs)
	must(t, err)
	s.pool.OnDamage(func(d blobs.Damage) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.damage = append(s.damage, d)
	})
	t.Cleanup(func() {
		must(t, s.pool.Close())
		for _, d := range s.disks {
			d.reads.Store(nil)
			if err := d.dev.Close(); err != nil && d.failing.Load() == nil {
				t.Error(err)
			}
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func body(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// put writes data in chunks of odd sizes.
func (s *setup) put(part blobref.Partition, data []byte) (blobref.Ref, error) {
	s.t.Helper()
	w, err := s.pool.Create(context.Background(), part, int64(len(data)), blobref.Owner("owner"))
	if err != nil {
		return blobref.Ref{}, err
	}
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 70_001)
		if _, err := w.Write(rest[:n]); err != nil {
			w.Abort()
			return w.Ref(), err
		}
		rest = rest[n:]
	}
	return w.Ref(), w.Commit(context.Background())
}

func (s *setup) mustPut(part blobref.Partition, data []byte) blobref.Ref {
	s.t.Helper()
	ref, err := s.put(part, data)
	must(s.t, err)
	return ref
}

func (s *setup) get(ref blobref.Ref) ([]byte, error) {
	r, err := s.pool.Open(context.Background(), ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = r.WriteRange(context.Background(), &b, 0, r.Size())
	return b.Bytes(), err
}

func (s *setup) check(ref blobref.Ref, want []byte) {
	s.t.Helper()
	got, err := s.get(ref)
	if err != nil || !bytes.Equal(got, want) {
		s.t.Fatalf("read of %s: %d bytes of %d, %v", ref.ID, len(got), len(want), err)
	}
}

// holders lists the devices that have a copy, once background work is done.
func (s *setup) holders(ref blobref.Ref) (ids []blobref.DeviceID) {
	for id, d := range s.disks {
		if _, err := d.dev.Stat(context.Background(), ref); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *setup) eventually(what string, f func() bool) {
	s.t.Helper()
	for range 500 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("never: %s", what)
}

func (s *setup) damages() []blobs.Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.damage)
}

func (s *setup) primaries(p blobref.Partition) []blobref.DeviceID {
	return s.pool.Ring().Devices(p)
}
