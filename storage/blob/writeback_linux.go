package blob

import (
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// startWriteback asks the kernel to begin writing a range, so that the sync at the end finds little left. It is a hint. Only the
// flag that starts writing is given: the flags that wait would also take a write error off the file, and the sync after it
// would then succeed over lost pages. That is why vfs.File.SyncTo, which waits, is not used.
func startWriteback(f vfs.File, off, n int64) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		_ = unix.SyncFileRange(int(fd), off, n, unix.SYNC_FILE_RANGE_WRITE)
	}
}

// trim gives back what was preallocated behind size, which is the size the file already has.
func trim(f vfs.File, size int64) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		_ = unix.Ftruncate(int(fd), size)
	}
}
