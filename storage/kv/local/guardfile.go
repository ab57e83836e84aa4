package local

import (
	"io"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFile is a file that Pebble writes.
type guardFile struct {
	vfs.File
	g    *guard
	kind fileKind
	name string
}

// Write writes all of p or reports a failure.
func (f *guardFile) Write(p []byte) (int, error) {
	if err := f.g.failure(); err != nil {
		return f.report(len(p), err)
	}
	if f.kind == otherFile {
		n, err := f.File.Write(p)
		if err != nil {
			f.g.pause(retryPause)
		}
		return n, err
	}
	done := 0
	err := f.g.untilSpace(f.name, func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	if err != nil {
		return f.report(len(p), f.g.fail("write", f.name, err))
	}
	return len(p), nil
}

func (f *guardFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *guardFile) SyncData() error { return f.sync(f.File.SyncData) }

// SyncTo only starts writing back, but its error is as final as that of a sync.
func (f *guardFile) SyncTo(length int64) (full bool, err error) {
	err = f.sync(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// sync never tries twice: after a failed sync the kernel may have dropped the pages, and the second one
// would succeed over the hole.
func (f *guardFile) sync(call func() error) error {
	if err := f.g.failure(); err != nil {
		_, err = f.report(0, err)
		return err
	}
	err := call()
	if err == nil {
		return nil
	}
	if f.kind == otherFile {
		f.g.pause(retryPause)
		return err
	}
	_, err = f.report(0, f.g.fail("sync", f.name, err))
	return err
}

func (f *guardFile) Close() error {
	err := f.File.Close()
	if err != nil && f.kind == logFile {
		_, err = f.report(0, f.g.fail("close", f.name, err))
	}
	return err
}

// report is what Pebble hears of a failure: nothing if the file is the log.
func (f *guardFile) report(n int, err error) (int, error) {
	if f.kind == logFile {
		return n, nil
	}
	return 0, err
}

// nullFile takes the place of a log that cannot be created any more.
type nullFile struct{}

func (nullFile) Close() error                            { return nil }
func (nullFile) Read([]byte) (int, error)                { return 0, io.EOF }
func (nullFile) ReadAt([]byte, int64) (int, error)       { return 0, io.EOF }
func (nullFile) Write(p []byte) (int, error)             { return len(p), nil }
func (nullFile) WriteAt(p []byte, _ int64) (int, error)  { return len(p), nil }
func (nullFile) Preallocate(int64, int64) error          { return nil }
func (nullFile) Stat() (vfs.FileInfo, error)             { return nullInfo{}, nil }
func (nullFile) Sync() error                             { return nil }
func (nullFile) SyncTo(int64) (fullSync bool, err error) { return true, nil }
func (nullFile) SyncData() error                         { return nil }
func (nullFile) Prefetch(int64, int64) error             { return nil }
func (nullFile) Fd() uintptr                             { return vfs.InvalidFd }

type nullInfo struct{}

func (nullInfo) Name() string           { return "null.log" }
func (nullInfo) Size() int64            { return 0 }
func (nullInfo) Mode() fs.FileMode      { return 0o600 }
func (nullInfo) ModTime() time.Time     { return time.Time{} }
func (nullInfo) IsDir() bool            { return false }
func (nullInfo) Sys() any               { return nil }
func (nullInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
