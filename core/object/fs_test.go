package object_test

import (
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// subFS is a folder of another file system.
type subFS struct {
	vfs.FS
	dir string
}

func (f subFS) in(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

func (f subFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.FS.Create(f.in(name), c)
}
func (f subFS) Link(a, b string) error { return f.FS.Link(f.in(a), f.in(b)) }
func (f subFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	return f.FS.Open(f.in(name), o...)
}
func (f subFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.FS.OpenReadWrite(f.in(name), c, o...)
}
func (f subFS) OpenDir(name string) (vfs.File, error) { return f.FS.OpenDir(f.in(name)) }
func (f subFS) Remove(name string) error              { return f.FS.Remove(f.in(name)) }
func (f subFS) RemoveAll(name string) error           { return f.FS.RemoveAll(f.in(name)) }
func (f subFS) Rename(a, b string) error              { return f.FS.Rename(f.in(a), f.in(b)) }
func (f subFS) ReuseForWrite(a, b string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.FS.ReuseForWrite(f.in(a), f.in(b), c)
}
func (f subFS) MkdirAll(dir string, p os.FileMode) error        { return f.FS.MkdirAll(f.in(dir), p) }
func (f subFS) Lock(name string) (io.Closer, error)             { return f.FS.Lock(f.in(name)) }
func (f subFS) List(dir string) ([]string, error)               { return f.FS.List(f.in(dir)) }
func (f subFS) Stat(name string) (vfs.FileInfo, error)          { return f.FS.Stat(f.in(name)) }
func (f subFS) GetDiskUsage(path string) (vfs.DiskUsage, error) { return f.FS.GetDiskUsage(f.in(path)) }
