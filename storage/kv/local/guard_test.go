package local

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func content(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFailedGuardChangesNothing: after a failure the folder must stay as it is, for an unsynced manifest may
// be found after all, and then needs every file that it names.
func TestFailedGuardChangesNothing(t *testing.T) {
	disk := vfs.NewMem()
	if err := disk.MkdirAll("d", 0o700); err != nil {
		t.Fatal(err)
	}
	g := newGuard(disk, "./d/", slog.New(slog.DiscardHandler))
	g.release() // no pauses
	files := map[string]vfs.File{}
	for _, name := range []string{"d/1.log", "d/2.sst", "d/MANIFEST-3"} {
		f, err := g.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("before")); err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	if g.failure() != nil {
		t.Fatal("failed without a cause")
	}
	cause := errors.New("cause")
	_ = g.fail("test", "store", cause)
	_ = g.fail("test", "store", errors.New("a later one"))
	if err := g.failure(); !errors.Is(err, cause) {
		t.Errorf("cause is %v", err)
	}

	// The log pretends, everything else tells.
	if n, err := files["d/1.log"].Write([]byte("after")); n != 5 || err != nil {
		t.Errorf("log write: %d, %v", n, err)
	}
	if err := files["d/1.log"].SyncData(); err != nil {
		t.Errorf("log sync: %v", err)
	}
	for _, name := range []string{"d/2.sst", "d/MANIFEST-3"} {
		if _, err := files[name].Write([]byte("after")); !errors.Is(err, cause) {
			t.Errorf("%s: write: %v", name, err)
		}
		if err := files[name].Sync(); !errors.Is(err, cause) {
			t.Errorf("%s: sync: %v", name, err)
		}
	}
	for name, f := range files {
		if err := f.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		if err := g.Remove(name); err != nil {
			t.Errorf("%s: remove: %v", name, err)
		}
	}
	if err := g.RemoveAll("d"); err != nil {
		t.Errorf("remove all: %v", err)
	}
	for _, make := range []func(string) (vfs.File, error){
		func(n string) (vfs.File, error) { return g.Create(n, vfs.WriteCategoryUnspecified) },
		func(n string) (vfs.File, error) { return g.ReuseForWrite("d/1.log", n, vfs.WriteCategoryUnspecified) },
		func(n string) (vfs.File, error) { return g.OpenReadWrite(n, vfs.WriteCategoryUnspecified) },
	} {
		f, err := make("d/9.log")
		if err != nil {
			t.Fatalf("a new log: %v", err)
		}
		if _, err := f.Write([]byte("after")); err != nil {
			t.Error(err)
		}
		if _, err := f.Stat(); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, err := make("d/9.sst"); !errors.Is(err, cause) {
			t.Errorf("a new table: %v", err)
		}
	}
	if err := g.Rename("d/1.log", "d/8.log"); !errors.Is(err, cause) {
		t.Errorf("rename: %v", err)
	}
	if err := g.Link("d/1.log", "d/8.log"); !errors.Is(err, cause) {
		t.Errorf("link: %v", err)
	}
	names, err := disk.List("d")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if want := []string{"1.log", "2.sst", "MANIFEST-3"}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, want %q", names, want)
	}
	for name := range files {
		if got := content(t, disk, name); got != "before" {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

// scripted is a file that fails as told, and writes only a part of what it is given first.
type scripted struct {
	vfs.File
	writes []error
	syncs  []error
	synced int
}

func (s *scripted) Write(p []byte) (int, error) {
	if len(s.writes) > 0 {
		err := s.writes[0]
		s.writes = s.writes[1:]
		if err != nil {
			n, _ := s.File.Write(p[:len(p)/2])
			return n, err
		}
	}
	return s.File.Write(p)
}

func (s *scripted) SyncData() error {
	s.synced++
	if len(s.syncs) > 0 {
		err := s.syncs[0]
		s.syncs = s.syncs[1:]
		return err
	}
	return nil
}

type scriptedFS struct {
	*vfs.MemFS
	file *scripted
}

func (s scriptedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.MemFS.Create(name, c)
	s.file.File = f
	return s.file, err
}

// TestFullLogIsWrittenOn: a log write that a full device cut short goes on where it stopped.
func TestFullLogIsWrittenOn(t *testing.T) {
	disk := scriptedFS{vfs.NewMem(), &scripted{writes: []error{syscall.ENOSPC, syscall.ENOSPC}}}
	g := newGuard(disk, "", slog.New(slog.DiscardHandler))
	defer g.release()
	f, err := g.Create("1.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("0123456789")); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if got := content(t, disk.MemFS, "1.log"); got != "0123456789" {
		t.Errorf("the log holds %q", got)
	}
	if err := g.failure(); err != nil {
		t.Errorf("a full device is a failure: %v", err)
	}
}

// TestFailedSyncIsNotRepeated: the second sync of a file would succeed, over pages that the first one lost.
func TestFailedSyncIsNotRepeated(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		disk := scriptedFS{vfs.NewMem(), &scripted{syncs: []error{cause}}}
		g := newGuard(disk, "", slog.New(slog.DiscardHandler))
		f, err := g.Create("1.log", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := f.SyncData(); err != nil {
				t.Errorf("the log told Pebble: %v", err)
			}
		}
		if !errors.Is(g.failure(), cause) || disk.file.synced != 1 {
			t.Errorf("failure %v after %d syncs, want %v after 1", g.failure(), disk.file.synced, cause)
		}
		g.release()
	}
}
