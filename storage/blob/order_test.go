package blob_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
)

// hookFS calls a function before and after each sync of a file whose path contains part.
type hookFS struct {
	crashFS
	part          string
	before, after *atomic.Pointer[func()]
}

func newHookFS(part string) hookFS {
	return hookFS{crashFS{vfs.NewCrashableMem()}, part, new(atomic.Pointer[func()]), new(atomic.Pointer[func()])}
}

func (f hookFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if err == nil && strings.Contains(name, f.part) {
		file = hookFile{file, f}
	}
	return file, err
}

func (f hookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.crashFS.Create(name, c)
	return f.wrap(name, file, err)
}

func (f hookFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.crashFS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

func (f hookFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.crashFS.OpenReadWrite(name, c, o...)
	return f.wrap(name, file, err)
}

type hookFile struct {
	vfs.File
	fs hookFS
}

func (f hookFile) around(sync func() error) error {
	if h := f.fs.before.Swap(nil); h != nil {
		(*h)()
	}
	err := sync()
	if h := f.fs.after.Swap(nil); h != nil {
		(*h)()
	}
	return err
}

func (f hookFile) Sync() error     { return f.around(f.File.Sync) }
func (f hookFile) SyncData() error { return f.around(f.File.SyncData) }

// TestDeleteWhileCopied: a blob is deleted when the compactor has copied it but not yet switched the index, and then the power
// goes. The copy is whole and on disk, but must not bring the blob back.
func TestDeleteWhileCopied(t *testing.T) {
	fs := newHookFS("segments")
	o := options(fs)
	r := open(t, o)
	dead, gone, kept := ref(1, 500_000), ref(1, 100_000), ref(1, 100_000)
	r.put(dead, gone, kept)
	must(t, r.Delete(t.Context(), dead))
	var crashed *vfs.MemFS
	after := func() { crashed = fs.CrashClone(vfs.CrashCloneCfg{}) }
	var before func()
	syncs := 0
	before = func() {
		// The first sync is that of the new segment's header, the second that of the copies.
		if syncs++; syncs == 1 {
			fs.before.Store(&before)
			return
		}
		must(t, r.Delete(t.Context(), gone))
		fs.after.Store(&after)
	}
	fs.before.Store(&before)
	st, err := r.Compact(t.Context(), blob.CompactOptions{})
	if err != nil || st.Moved != 1 || st.Segments != 1 || crashed == nil {
		t.Fatalf("%+v, %v", st, err)
	}
	r.absent(dead, gone)
	r.check(kept)
	o.FS = crashFS{crashed}
	c := open(t, o)
	c.absent(dead, gone)
	c.check(kept)
	if n := len(c.list()); n != 1 {
		t.Errorf("%d listed", n)
	}
}

// TestSecondDeleteWaits: whoever is told that a blob is deleted may rely on it, also when it was another's deletion that is
// not durable yet.
func TestSecondDeleteWaits(t *testing.T) {
	fs := newHookFS(".log")
	r := open(t, options(fs))
	b := ref(1, 1000)
	r.put(b)
	blocked, release := make(chan struct{}), make(chan struct{})
	before := func() { close(blocked); <-release }
	fs.before.Store(&before)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- r.Delete(t.Context(), b) }()
	<-blocked
	go func() { second <- r.Delete(t.Context(), b) }()
	select {
	case <-second:
		t.Error("the second deletion was confirmed before the first was durable")
	case <-time.After(50 * time.Millisecond):
		defer func() { must(t, <-second) }()
	}
	close(release)
	must(t, <-first)
}
