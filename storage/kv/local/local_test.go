package local_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

func open(t *testing.T, cfg local.Config) *local.Store {
	t.Helper()
	st, err := local.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func put(t *testing.T, st kv.Store, key, value string) {
	t.Helper()
	if err := tryPut(context.Background(), st, key, value); err != nil {
		t.Fatal(err)
	}
}

func tryPut(ctx context.Context, st kv.Store, key, value string) error {
	var b kv.Batch
	b.Put([]byte(key), []byte(value))
	_, err := st.Commit(ctx, 0, &b)
	return err
}

func want(t *testing.T, st kv.Store, key, value string) {
	t.Helper()
	v, err := st.Get(context.Background(), 0, []byte(key))
	if err != nil || string(v.Data) != value {
		t.Fatalf("%s is %q, %v, want %q", key, v.Data, err, value)
	}
}

func TestLocked(t *testing.T) {
	mem := testConfig(vfs.NewMem())
	disk := testConfig(nil)
	disk.Dir = filepath.Join(t.TempDir(), "deep", "kv")
	for _, cfg := range []local.Config{mem, disk} {
		st, err := local.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(cfg); !errors.Is(err, local.ErrLocked) {
			t.Errorf("second open: %v, want ErrLocked", err)
		}
		put(t, st, "a", "still works")
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		want(t, open(t, cfg), "a", "still works")
	}
}

func TestUnwritableFolder(t *testing.T) {
	cfg := testConfig(nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Dir = filepath.Join(file, "kv")
	var pe *fs.PathError
	if _, err := local.Open(cfg); !errors.As(err, &pe) || errors.Is(err, local.ErrLocked) {
		t.Errorf("got %v, want a path error", err)
	}
}

func TestNewerFormat(t *testing.T) {
	fsys := vfs.NewMem()
	cfg := testConfig(fsys)
	st, err := local.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	setFormat := func(json string) {
		db, err := pebble.Open(cfg.Dir, &pebble.Options{FS: fsys, FormatMajorVersion: pebble.FormatNewest})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Set([]byte("\xff\xff\x00format"), []byte(json), pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	setFormat(`{"version":99,"shards":4}`)
	if _, err := local.Open(cfg); !errors.Is(err, local.ErrNewerFormat) {
		t.Errorf("newer format: %v", err)
	}
	setFormat(`{"version":1,"shards":5}`)
	if _, err := local.Open(cfg); !errors.Is(err, local.ErrShardMismatch) {
		t.Errorf("other number of shards: %v", err)
	}
	cfg.Shards = 0
	if st, err = local.Open(cfg); err != nil || st.Shards() != 5 {
		t.Fatalf("open with the shards that are there: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	names, err := fsys.List(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "marker.format-version.") {
			newer := name[:strings.LastIndex(name, ".")] + ".999"
			if err := fsys.Rename(fsys.PathJoin(cfg.Dir, name), fsys.PathJoin(cfg.Dir, newer)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := local.Open(cfg); !errors.Is(err, local.ErrNewerFormat) {
		t.Errorf("newer Pebble: %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	for name, change := range map[string]func(*local.Config){
		"no dir":     func(c *local.Config) { c.Dir = "" },
		"shards":     func(c *local.Config) { c.Shards = 1 << 20 },
		"cache":      func(c *local.Config) { c.CacheBytes = 0 },
		"memtable":   func(c *local.Config) { c.MemTableBytes = 1 },
		"interval":   func(c *local.Config) { c.SpaceInterval = 0 },
		"watch":      func(c *local.Config) { c.WatchBatches = 0 },
		"close time": func(c *local.Config) { c.CloseTimeout = 0 },
	} {
		cfg := testConfig(vfs.NewMem())
		change(&cfg)
		if st, err := local.Open(cfg); err == nil {
			_ = st.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	cfg := testConfig(vfs.NewMem())
	cfg.Shards = 0
	if _, err := local.Open(cfg); err == nil {
		t.Error("a new store with 0 shards was made")
	}
}

// TestReserve lets the free space fall below the reserve and rise again.
func TestReserve(t *testing.T) {
	fsys := vfs.NewMem()
	space := func(free uint64) { fsys.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 40}) }
	space(10 << 20)
	cfg := testConfig(fsys)
	cfg.ReserveBytes = 8 << 20
	cfg.SpaceInterval = time.Millisecond
	st := open(t, cfg)
	ctx := context.Background()
	put(t, st, "a", "1")
	space(7 << 20)
	eventually(t, "puts are refused", func() bool { return errors.Is(tryPut(ctx, st, "b", "1"), kv.ErrNoSpace) })
	want(t, st, "a", "1")
	commit := func(build func(*kv.Batch)) error {
		var b kv.Batch
		build(&b)
		_, err := st.Commit(ctx, 0, &b)
		return err
	}
	if err := commit(func(b *kv.Batch) { b.Delete([]byte("a")); b.Put([]byte("gc/a"), []byte("collect")) }); err != nil {
		t.Errorf("a delete with a small put: %v", err)
	}
	if err := commit(func(b *kv.Batch) { b.DeleteRange([]byte("x"), []byte("y")); b.Add([]byte("n"), -1) }); err != nil {
		t.Errorf("a range delete: %v", err)
	}
	if err := commit(func(b *kv.Batch) { b.Delete([]byte("a")); b.Put([]byte("big"), make([]byte, 1<<20)) }); !errors.Is(err, kv.ErrNoSpace) {
		t.Errorf("a delete with a large put: %v", err)
	}
	if u := st.Usage(); u.Refused == 0 || u.FreeBytes != 7<<20 {
		t.Errorf("usage %+v", u)
	}
	space(8<<20 + 1) // not yet: a little above the reserve is at the brink
	time.Sleep(10 * time.Millisecond)
	if err := tryPut(ctx, st, "b", "1"); !errors.Is(err, kv.ErrNoSpace) {
		t.Errorf("just above the reserve: %v", err)
	}
	space(20 << 20)
	eventually(t, "puts go on", func() bool { return tryPut(ctx, st, "b", "1") == nil })
	if st.Err() != nil {
		t.Errorf("lack of space is a failure: %v", st.Err())
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	fsys := vfs.NewMem()
	cfg := testConfig(fsys)
	st := open(t, cfg)
	put(t, st, "a", "1")
	if err := st.Checkpoint("copy"); err != nil {
		t.Fatal(err)
	}
	put(t, st, "a", "2")
	if err := st.Checkpoint("copy"); err == nil {
		t.Error("a checkpoint was written over another")
	}
	cfg.Dir = "copy"
	copied := open(t, cfg)
	want(t, copied, "a", "1")
	put(t, copied, "b", "only here")
	want(t, st, "a", "2")
	if _, err := st.Get(context.Background(), 0, []byte("b")); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("the store has what was put into its copy: %v", err)
	}
}

// stubborn is a file system in which no table can be made while broken is set.
type stubborn struct {
	vfs.FS
	broken atomic.Bool
}

func (s *stubborn) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if s.broken.Load() && strings.HasSuffix(name, ".sst") {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.EIO}
	}
	return s.FS.Create(name, c)
}

// TestPressure: when flushes cannot end, commits wait without filling the memory, heed their context, and
// go on once flushes do. Close does not hang.
func TestPressure(t *testing.T) {
	fsys := &stubborn{FS: vfs.NewMem()}
	cfg := testConfig(fsys)
	st := open(t, cfg)
	fsys.broken.Store(true)
	value := strings.Repeat("v", 16<<10)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	n := 0
	for ; st.Usage().Stalls == 0; n++ {
		if err := tryPut(ctx, st, "k", value); err != nil {
			t.Fatal(err)
		}
		if n*len(value) > 16*int(cfg.MemTableBytes) {
			t.Fatalf("%d commits, and none has to wait", n)
		}
	}
	short, cancelShort := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelShort()
	if err := tryPut(short, st, "k", value); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("commit under pressure: %v", err)
	}
	want(t, st, "k", value)
	fsys.broken.Store(false)
	put(t, st, "k", "after")
	want(t, st, "k", "after")

	fsys.broken.Store(true)
	stalls := st.Usage().Stalls
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for {
			if err := tryPut(context.Background(), st, "k", value); err != nil {
				if !errors.Is(err, kv.ErrClosed) {
					t.Errorf("commit while the store closes: %v", err)
				}
				return
			}
		}
	})
	eventually(t, "commits wait again", func() bool { return st.Usage().Stalls > stalls })
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseWithOpenView: Close must not pull the files from under a view.
func TestCloseWithOpenView(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	cfg.CloseTimeout = 20 * time.Millisecond
	st, err := local.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	put(t, st, "a", "1")
	v, err := st.View(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err == nil {
		t.Fatal("closed under an open view")
	}
	if got, err := v.Get([]byte("a")); err != nil || string(got.Data) != "1" {
		t.Errorf("the view reads %q, %v", got.Data, err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if err := st.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	want(t, open(t, cfg), "a", "1")
}

// unsyncedCopy copies a store as a killed process leaves it: every file is there, but what the logs and
// manifests hold is only in the kernel's memory.
func unsyncedCopy(t *testing.T, from vfs.FS, dir string) *vfs.MemFS {
	t.Helper()
	to := vfs.NewCrashableMem()
	if err := to.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := from.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "LOCK" {
			continue
		}
		path := from.PathJoin(dir, name)
		in, err := from.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		if _, err := data.ReadFrom(in); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		out, err := to.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		sync := !strings.HasSuffix(name, ".log")
		if _, err := out.Write(data.Bytes()); err != nil {
			t.Fatal(err)
		}
		if sync {
			if err := out.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		_ = out.Close()
	}
	for d := dir; ; d = to.PathDir(d) {
		f, err := to.OpenDir(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if d == to.PathDir(d) {
			return to
		}
	}
}

// TestOpenSettles: a process is killed, the next one shows what the log holds, then the power fails. What was
// shown must still be there.
func TestOpenSettles(t *testing.T) {
	first := vfs.NewMem()
	st := open(t, testConfig(first))
	put(t, st, "a", "1")
	disk := unsyncedCopy(t, first, testConfig(nil).Dir)

	second, err := local.Open(testConfig(disk))
	if err != nil {
		t.Fatal(err)
	}
	want(t, second, "a", "1")
	cut := disk.CrashClone(vfs.CrashCloneCfg{})
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, testConfig(cut)), "a", "1")
}

// TestOpenSettlesBeforeReading: the power may also fail while the second process opens. Its first sync of
// what it found must come before it changes anything.
func TestOpenSettlesBeforeReading(t *testing.T) {
	first := vfs.NewMem()
	st := open(t, testConfig(first))
	put(t, st, "a", "1")
	disk := unsyncedCopy(t, first, testConfig(nil).Dir)
	var cut *vfs.MemFS
	watch := &onCreate{FS: disk, first: func() { cut = disk.CrashClone(vfs.CrashCloneCfg{}) }}
	second, err := local.Open(testConfig(watch))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if cut == nil {
		t.Fatal("opening made no file")
	}
	want(t, open(t, testConfig(cut)), "a", "1")
}

type onCreate struct {
	vfs.FS
	first func()
	once  sync.Once
}

func (o *onCreate) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, "LOCK") {
		o.once.Do(o.first)
	}
	return o.FS.Create(name, c)
}

// TestLogLevels: Pebble's chatter is for debugging only.
func TestLogLevels(t *testing.T) {
	var out lockedBuffer
	cfg := testConfig(vfs.NewMem())
	cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
	st := open(t, cfg)
	for range 100 {
		put(t, st, "k", strings.Repeat("v", 16<<10))
	}
	if s := out.String(); s != "" && !strings.Contains(s, "commits wait") {
		t.Errorf("at info level the store wrote:\n%s", s)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
