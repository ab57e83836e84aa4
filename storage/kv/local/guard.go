package local

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard is the file system that Pebble gets. Pebble answers a failed write of its log with a panic and one
// of its manifest with Fatalf, both of which would end the process; and a full disk is such a failure. The
// guard stands in between:
//
//   - A full device under the log or the manifest: wait and write again. Nothing was lost, for a write that
//     is refused leaves nothing in doubt.
//   - Any other failure of the log or the manifest, and whatever makes Pebble call Fatalf: the guard fails, for
//     good. From then on no file of the folder is created, changed, renamed or removed, so that the next open
//     finds what the device had at that moment. Log writes pretend to succeed, which keeps Pebble's commit
//     pipeline from panicking; the engine asks failure() before it believes a sync, so nobody is told of it.
//   - A failure of a table: Pebble repeats the flush or compaction, after a pause that the guard adds.
type guard struct {
	vfs.FS
	dir     string
	log     *slog.Logger
	cause   atomic.Pointer[error]
	failed  chan struct{} // closed with cause set
	waiting atomic.Int32  // writers of the log or manifest that wait for space
	stop    chan struct{} // closed by release
	once    sync.Once
}

const (
	spacePause = 100 * time.Millisecond // between two tries to write on a full device
	retryPause = 250 * time.Millisecond // before Pebble learns that a table failed
)

func newGuard(inner vfs.FS, dir string, log *slog.Logger) *guard {
	dir = inner.PathDir(inner.PathJoin(dir, "x")) // as Pebble's names will have it
	return &guard{FS: inner, dir: dir, log: log, failed: make(chan struct{}), stop: make(chan struct{})}
}

// failure is the error that made the guard fail, nil if it did not.
func (g *guard) failure() error {
	if p := g.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// fail makes the guard fail; the first cause counts.
func (g *guard) fail(op, name string, err error) error {
	cause := fmt.Errorf("%s %s: %w", op, name, err)
	if g.cause.CompareAndSwap(nil, &cause) {
		g.log.Error("store failed, no further commits are accepted", "op", op, "file", name, "err", err)
		close(g.failed)
	}
	return err
}

// release ends all waiting and pausing: the store is being closed.
func (g *guard) release() { g.once.Do(func() { close(g.stop) }) }

// pause sleeps; false if the guard was released.
func (g *guard) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.stop:
		return false
	}
}

// untilSpace repeats try while the device is full, until the guard is released.
func (g *guard) untilSpace(name string, try func() error) error {
	err := try()
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	g.log.Error("device is full, the store waits for space", "file", name)
	for errors.Is(err, syscall.ENOSPC) && g.failure() == nil && g.pause(spacePause) {
		err = try()
	}
	if err == nil {
		g.log.Info("device has space again", "file", name)
	}
	return err
}

// fileKind says what a failure of a file means.
type fileKind uint8

const (
	otherFile    fileKind = iota // a table or something temporary: Pebble copes
	logFile                      // a failure would make Pebble panic
	manifestFile                 // a failure would make Pebble call Fatalf
)

func kindOf(base string) fileKind {
	switch {
	case strings.HasSuffix(base, ".log"):
		return logFile
	case strings.HasPrefix(base, "MANIFEST-"), strings.HasPrefix(base, "marker."):
		return manifestFile
	}
	return otherFile
}

// kind of the file called name; files elsewhere (a checkpoint) are never the store's own.
func (g *guard) kind(name string) fileKind {
	if g.PathDir(name) != g.dir {
		return otherFile
	}
	return kindOf(g.PathBase(name))
}

// make runs a call that yields a writable file.
func (g *guard) make(op, name string, call func() (vfs.File, error)) (vfs.File, error) {
	kind := g.kind(name)
	if err := g.failure(); err != nil {
		return g.unmade(kind, err)
	}
	var f vfs.File
	try := func() (err error) { f, err = call(); return err }
	var err error
	if kind == otherFile {
		err = try()
	} else if err = g.untilSpace(name, try); err != nil {
		g.fail(op, name, err)
	}
	if err != nil {
		return g.unmade(kind, err)
	}
	return &guardFile{File: f, g: g, kind: kind, name: g.PathBase(name)}, nil
}

// unmade is what Pebble gets instead of a file that could not be made.
func (g *guard) unmade(kind fileKind, err error) (vfs.File, error) {
	if kind == logFile {
		return nullFile{}, nil
	}
	g.pause(retryPause)
	return nil, err
}

func (g *guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.make("create", name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

func (g *guard) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.make("reuse", newname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, c) })
}

func (g *guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return g.make("open", name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, o...) })
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	kind := otherFile
	if g.PathDir(g.PathJoin(name, "x")) == g.dir {
		kind = logFile // its sync makes a new log durable, and Pebble panics if that fails
	}
	return &guardFile{File: f, g: g, kind: kind, name: g.PathBase(name)}, nil
}

// Remove does nothing after a failure: an unsynced manifest may still need the file.
func (g *guard) Remove(name string) error {
	if g.failure() != nil {
		return nil
	}
	return g.FS.Remove(name)
}

func (g *guard) RemoveAll(name string) error {
	if g.failure() != nil {
		return nil
	}
	return g.FS.RemoveAll(name)
}

func (g *guard) Rename(oldname, newname string) error {
	if err := g.failure(); err != nil {
		return err
	}
	return g.FS.Rename(oldname, newname)
}

func (g *guard) Link(oldname, newname string) error {
	if err := g.failure(); err != nil {
		return err
	}
	return g.FS.Link(oldname, newname)
}

func (g *guard) Unwrap() vfs.FS { return g.FS }
