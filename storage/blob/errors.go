package blob

import (
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The classes of failure. Callers test them with errors.Is, damage with errors.As on *CorruptError.
var (
	// ErrNotFound: the device holds no such blob.
	ErrNotFound = errors.New("blob: not found")
	// ErrExists: the device already holds that blob, committed.
	ErrExists = errors.New("blob: exists")
	// ErrBusy: another writer is writing that blob right now.
	ErrBusy = errors.New("blob: being written")
	// ErrNoSpace: the file system is full or its reserve is reached. Reads and deletes go on.
	ErrNoSpace = errors.New("blob: no space left on device")
	// ErrTooLarge: the blob does not fit into one segment; cut it into pieces.
	ErrTooLarge = errors.New("blob: larger than a segment")
	// ErrSize: more or fewer bytes were written than the reference says.
	ErrSize = errors.New("blob: size differs from the reference")
	// ErrFailed: an earlier write or sync failed, so the device takes no more writes until it is opened again.
	ErrFailed = errors.New("blob: device failed")
	// ErrClosed: the device, reader or writer was closed.
	ErrClosed = errors.New("blob: closed")
	// ErrLocked: another process, or this one, has the folder open.
	ErrLocked = errors.New("blob: device folder is locked")
	// ErrNewerFormat: the folder was written by a newer version.
	ErrNewerFormat = errors.New("blob: device folder has a newer format")
	// ErrWrongDevice: the folder belongs to another device.
	ErrWrongDevice = errors.New("blob: device folder belongs to another device")
)

// CorruptError reports a damaged copy: what was asked for exists by the index, but its bytes do not verify, are cut off, or
// their segment file is gone. Nothing damaged was handed out.
type CorruptError struct {
	Ref    blobref.Ref
	Device blobref.DeviceID
	Offset int64 // of the first byte of the body that cannot be had; 0 when the header is damaged, Ref.Size when the trailer is
	Reason string
	Err    error // what the file system said, if anything
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("blob: corrupt: %s on device %d at %d: %s", e.Ref.ID, e.Device, e.Offset, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }
