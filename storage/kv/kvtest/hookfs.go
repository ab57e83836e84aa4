package kvtest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fsOp is an operation of a file system that hookFS reports.
type fsOp uint8

const (
	fsMake  fsOp = iota // create a file, or take over an old one under a new name
	fsWrite             // write to a file
	fsSync              // sync a file or a folder
	fsClose             // close a file
)

// hookFS calls before ahead of each operation that changes something; an error of it takes the operation's
// place. Unlike Pebble's errorfs it also sees the files that come from ReuseForWrite, that is, recycled logs.
type hookFS struct {
	vfs.FS
	before func(op fsOp, path string) error
}

func (h hookFS) make(path string, call func() (vfs.File, error)) (vfs.File, error) {
	if err := h.before(fsMake, path); err != nil {
		return nil, err
	}
	f, err := call()
	if err != nil {
		return nil, err
	}
	return hookFile{f, path, h.before}, nil
}

func (h hookFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.make(name, func() (vfs.File, error) { return h.FS.Create(name, c) })
}

func (h hookFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return h.make(newname, func() (vfs.File, error) { return h.FS.ReuseForWrite(oldname, newname, c) })
}

func (h hookFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return h.make(name, func() (vfs.File, error) { return h.FS.OpenReadWrite(name, c, o...) })
}

func (h hookFS) OpenDir(name string) (vfs.File, error) {
	f, err := h.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return hookFile{f, name, h.before}, nil
}

func (h hookFS) Unwrap() vfs.FS { return h.FS }

type hookFile struct {
	vfs.File
	path   string
	before func(op fsOp, path string) error
}

func (f hookFile) Write(p []byte) (int, error) {
	if err := f.before(fsWrite, f.path); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f hookFile) Sync() error {
	if err := f.before(fsSync, f.path); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f hookFile) SyncData() error {
	if err := f.before(fsSync, f.path); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f hookFile) SyncTo(length int64) (bool, error) {
	if err := f.before(fsSync, f.path); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}

func (f hookFile) Close() error {
	err := f.before(fsClose, f.path)
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}

func isLog(path string) bool      { return strings.HasSuffix(path, ".log") }
func isManifest(path string) bool { return strings.Contains(path, "MANIFEST") }
func isTable(path string) bool    { return strings.HasSuffix(path, ".sst") }
func isFolder(path string) bool {
	return !strings.Contains(path[strings.LastIndex(path, "/")+1:], ".") && !isManifest(path)
}
func isAny(string) bool { return true }

// slowSyncs delays the syncs of logs, so that there is a time in which commits are visible to the engine
// and not yet durable. Without it a reader could hardly catch the engine showing too much.
func slowSyncs(inner vfs.FS, seed uint64, longest time.Duration) vfs.FS {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 77))
	return hookFS{inner, func(op fsOp, path string) error {
		if op == fsSync && isLog(path) {
			mu.Lock()
			d := time.Duration(rng.Int64N(int64(longest)))
			mu.Unlock()
			time.Sleep(d)
		}
		return nil
	}}
}
