package blob_test

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// traceFS notes every operation that changes something or makes it durable. Of the index only the syncs of its log show: what
// else it does is the engine's affair.
type traceFS struct {
	vfs.FS
	mu  *sync.Mutex
	out *strings.Builder
}

func (f traceFS) note(name, format string, args ...any) {
	if strings.Contains(name, "/index/") || strings.HasSuffix(name, "/index") {
		if !strings.HasSuffix(name, ".log") || !strings.HasPrefix(format, "sync") {
			return
		}
		name = "dev/index/*.log" // its number and how it is synced do not matter
		format, args = "sync", nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(f.out, "%s: %s\n", fmt.Sprintf(format, args...), name)
}

func (f traceFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.note(name, "create")
	file, err := f.FS.Create(name, c)
	return traceFile{file, f, name}, err
}

func (f traceFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f.note(name, "open-read-write")
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return traceFile{file, f, name}, err
}

func (f traceFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return traceFile{file, f, name}, err
}

func (f traceFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return traceFile{file, f, name}, err
}

func (f traceFS) Remove(name string) error { f.note(name, "remove"); return f.FS.Remove(name) }
func (f traceFS) Rename(old, name string) error {
	f.note(name, "rename from %s", path.Base(old))
	return f.FS.Rename(old, name)
}
func (f traceFS) MkdirAll(name string, p os.FileMode) error {
	f.note(name, "mkdir-all")
	return f.FS.MkdirAll(name, p)
}

type traceFile struct {
	vfs.File
	fs   traceFS
	name string
}

func (f traceFile) Write(p []byte) (int, error) { f.fs.note(f.name, "write"); return f.File.Write(p) }
func (f traceFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.note(f.name, "write-at(%d, %d)", off, len(p))
	return f.File.WriteAt(p, off)
}
func (f traceFile) Preallocate(off, n int64) error {
	f.fs.note(f.name, "preallocate(%d, %d)", off, n)
	return f.File.Preallocate(off, n)
}
func (f traceFile) Sync() error     { f.fs.note(f.name, "sync"); return f.File.Sync() }
func (f traceFile) SyncData() error { f.fs.note(f.name, "sync-data"); return f.File.SyncData() }

// TestTrace shows the order of file operations behind every call, so that it can be reviewed. Run with -rewrite after a change.
func TestTrace(t *testing.T) {
	tr := traceFS{vfs.NewMem(), new(sync.Mutex), new(strings.Builder)}
	o := options(tr)
	o.Preallocate = 256 << 10
	var d *blob.Device
	blobs := map[string]blobref.Ref{}
	datadriven.RunTest(t, "testdata/trace", func(t *testing.T, td *datadriven.TestData) string {
		tr.mu.Lock()
		tr.out.Reset()
		tr.mu.Unlock()
		var err error
		var arg string
		if len(td.CmdArgs) > 0 {
			arg = td.CmdArgs[0].Key
		}
		switch td.Cmd {
		case "open":
			d, err = blob.Open(t.Context(), o)
		case "put":
			var size int64
			td.ScanArgs(t, "size", &size)
			blobs[arg] = ref(1, size)
			err = put(t.Context(), d, blobs[arg], 1<<20)
		case "abort":
			var size int64
			td.ScanArgs(t, "size", &size)
			var w *blob.Writer
			if w, err = d.Create(t.Context(), ref(1, size), nil); err == nil {
				_, err = w.Write(make([]byte, size))
				w.Abort()
			}
		case "get":
			err = get(t.Context(), d, blobs[arg])
		case "delete":
			err = d.Delete(t.Context(), blobs[arg])
		case "quarantine":
			err = d.Quarantine(t.Context(), blobs[arg])
		case "compact":
			_, err = d.Compact(t.Context(), blob.CompactOptions{MinDead: 0.3})
		case "close":
			err = d.Close()
		default:
			td.Fatalf(t, "unknown command")
		}
		if err != nil {
			return err.Error()
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return tr.out.String()
	})
	_ = d.Close()
}
