package blob_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// nth makes the nth write-like operation on paths that contain part fail, and with sticky all after it.
type nth struct {
	part   string
	n      int64
	sticky bool
	err    error

	seen  atomic.Int64
	fired atomic.Bool
	off   atomic.Bool
}

func (i *nth) String() string { return "nth" }

func (i *nth) MaybeError(op errorfs.Op) error {
	if i.off.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose || !strings.Contains(op.Path, i.part) {
		return nil
	}
	if k := i.seen.Add(1); k == i.n || i.sticky && k > i.n {
		i.fired.Store(true)
		return i.err
	}
	return nil
}

// ownProcess is set for tests that run in a process of their own, without a look for goroutines left behind.
const ownProcess = "BLOB_TEST_OWN_PROCESS"

// script does a little of everything and returns what was acknowledged. It goes on after failures.
func script(t *testing.T, d *blob.Device) (kept []blobref.Ref, failures []error) {
	ctx := t.Context()
	note := func(err error) bool {
		if err != nil {
			failures = append(failures, err)
		}
		return err == nil
	}
	for i := range 24 {
		b := ref(1, []int64{100, 9_000, 40_000}[i%3])
		err := put(ctx, d, b, 40_000)
		if note(err) {
			kept = append(kept, b)
		} else if !errors.Is(err, blob.ErrNoSpace) && !errors.Is(err, blob.ErrFailed) {
			t.Errorf("put: %v", err)
		}
		if i%5 == 4 && len(kept) > 0 {
			// A deletion that failed may or may not have happened: forget the blob either way.
			_ = note(d.Delete(ctx, kept[0]))
			kept = kept[1:]
		}
		if i%8 == 7 {
			_, err := d.Compact(ctx, blob.CompactOptions{MinDead: 0.01})
			note(err)
		}
	}
	return kept, failures
}

// TestFaults lets every single write-like operation on segments and folder fail in turn: nothing that was acknowledged may be lost, whatever
// else happens, and a device that cannot know what is on disk says so.
func TestFaults(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		for _, sticky := range []bool{false, true} {
			fired, step := 0, int64(1)
			if testing.Short() || raceEnabled {
				step = 7
			}
			for n := int64(1); ; n += step {
				mem := vfs.NewMem()
				inj := &nth{part: "segments", n: n, sticky: sticky, err: errno}
				o := options(errorfs.Wrap(mem, inj))
				o.SegmentSize, o.SmallLimit, o.Preallocate = 64<<10, 8<<10, 16<<10
				d, err := blob.Open(t.Context(), o)
				if err != nil {
					if !inj.fired.Load() {
						t.Fatal(err)
					}
					continue // refused to open: nothing was promised
				}
				kept, failures := script(t, d)
				for _, err := range failures {
					if !errors.Is(err, errno) && !errors.Is(err, blob.ErrFailed) {
						t.Errorf("op %d: %v", n, err)
					}
				}
				if !inj.fired.Load() {
					if len(failures) > 0 {
						t.Fatalf("failures without a fault: %v", failures)
					}
					_ = d.Close()
					break
				}
				fired++
				for _, b := range kept { // reads go on
					if err := get(t.Context(), d, b); err != nil {
						t.Errorf("op %d: read after the fault: %v", n, err)
					}
				}
				if err := d.Usage().Failed; err != nil {
					if _, err := d.Create(t.Context(), ref(1, 1), nil); !errors.Is(err, blob.ErrFailed) {
						t.Errorf("op %d: a failed device takes writes: %v", n, err)
					}
				}
				inj.off.Store(true)
				_ = d.Close()
				o.FS = mem
				r := open(t, o)
				r.check(kept...)
				for _, b := range r.list() {
					if err := r.Verify(t.Context(), b, nil); err != nil {
						t.Errorf("op %d: listed: %v", n, err)
					}
				}
				if n%4 == 0 {
					script(t, r.Device)
				}
				_ = r.Close()
			}
			t.Logf("%v sticky=%v: %d faults", errno, sticky, fired)
			if fired < int(50/step) {
				t.Errorf("only %d faults", fired)
			}
		}
	}
}

// TestSyncFaultFails: after a failed sync nothing can be known about what the disk holds.
func TestSyncFault(t *testing.T) {
	mem := vfs.NewMem()
	var bad atomic.Bool
	o := options(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if bad.Load() && op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, "segments") {
			return syscall.EIO
		}
		return nil
	})))
	r := open(t, o)
	a, b := ref(1, 1000), ref(1, 1000)
	r.put(a)
	bad.Store(true)
	if err := put(t.Context(), r.Device, b, 100); !errors.Is(err, blob.ErrFailed) {
		t.Fatalf("commit with a failed sync: %v", err)
	}
	bad.Store(false)
	r.absent(b)
	for _, err := range []error{
		put(t.Context(), r.Device, ref(1, 1), 1), r.Delete(t.Context(), a), r.Quarantine(t.Context(), a), r.Sync(), r.Usage().Failed,
	} {
		if !errors.Is(err, blob.ErrFailed) {
			t.Errorf("write on a failed device: %v", err)
		}
	}
	r.check(a)
	r.reopen()
	r.check(a)
	r.put(ref(1, 1))
}

// TestIndexFault breaks the log of the index. The engine below would end the process; the device must only fail.
// An engine that panicked leaves goroutines behind, so this runs in a process of its own.
func TestIndexFault(t *testing.T) {
	if os.Getenv(ownProcess) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestIndexFault$", "-test.v")
		c.Env = append(os.Environ(), ownProcess+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	for n := int64(1); ; n++ {
		mem := vfs.NewMem()
		inj := &nth{part: ".log", n: 1 << 60, sticky: true, err: syscall.EIO}
		o := options(errorfs.Wrap(mem, inj))
		r := open(t, o)
		a := ref(1, 1000)
		r.put(a)
		inj.seen.Store(inj.n - n)
		kept, failures := script(t, r.Device)
		if !inj.fired.Load() {
			if n < 5 {
				t.Errorf("only %d faults", n)
			}
			break
		}
		if len(failures) > 0 != errors.Is(r.Usage().Failed, blob.ErrFailed) {
			t.Fatalf("%d: failed state %v, calls failed %v", n, r.Usage().Failed, failures)
		}
		r.check(a)
		r.check(kept...)
		inj.off.Store(true)
		if err := r.Close(); err != nil {
			t.Logf("%d: close: %v", n, err)
		}
		o.FS = mem
		r = open(t, o)
		r.check(a)
		r.check(kept...)
		_ = r.Close()
	}
}

// lossyFS drops syncs of segments while told to: what a process sees before it is killed.
type lossyFS struct {
	crashFS
	drop *atomic.Bool
}

func (f lossyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.crashFS.OpenReadWrite(name, c, o...)
	return lossyFile{file, f.drop}, err
}

func (f lossyFS) Lock(string) (io.Closer, error) { return nopLock{}, nil }

type nopLock struct{}

func (nopLock) Close() error { return nil }

type lossyFile struct {
	vfs.File
	drop *atomic.Bool
}

func (f lossyFile) SyncData() error {
	if f.drop.Load() {
		return nil
	}
	return f.File.SyncData()
}

// TestKillThenPowerCut: what a killed process had written but not synced is found by the next start, which must not trust it to the index
// before it is on disk.
func TestKillThenPowerCut(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var drop atomic.Bool
	o := options(lossyFS{crashFS{mem}, &drop})
	killed := open(t, o) // never closed before the crash
	a, b := ref(1, 1000), ref(1, 150_000)
	killed.put(a)
	drop.Store(true)
	killed.put(b) // as if the kill came just before the sync, had the index been written after it
	early := mem.CrashClone(vfs.CrashCloneCfg{})
	drop.Store(false)

	// Without the index of the killed process: its entry for b was not synced either.
	if err := mem.RemoveAll("dev/index"); err != nil {
		t.Fatal(err)
	}
	copyTree(t, early, mem, "dev/index")
	next := open(t, o)
	next.check(a)
	found := len(next.list())
	if found != 2 {
		t.Fatalf("%d blobs found after the kill, want 2", found)
	}
	if err := next.Sync(); err != nil {
		t.Fatal(err)
	}
	o.FS = crashFS{mem.CrashClone(vfs.CrashCloneCfg{})}
	last := open(t, o)
	last.check(a, b)
}

// copyTree copies the files of one folder.
func copyTree(t *testing.T, from, to vfs.FS, dir string) {
	t.Helper()
	names, err := from.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := vfs.CopyAcrossFS(from, from.PathJoin(dir, n), to, to.PathJoin(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGroupSync: writers that wait together share a sync.
func TestGroupSync(t *testing.T) {
	slow := slowFS{vfs.NewMem()}
	r := open(t, options(slow))
	before := r.Usage().Syncs
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if err := put(t.Context(), r.Device, ref(1, 100), 100); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := r.Usage().Syncs - before; n > 16 {
		t.Errorf("64 writers took %d syncs", n)
	}
}

type slowFS struct{ vfs.FS }

func (f slowFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return slowFile{file}, err
}

type slowFile struct{ vfs.File }

func (f slowFile) SyncData() error { time.Sleep(3 * time.Millisecond); return f.File.SyncData() }
