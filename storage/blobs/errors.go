package blobs

import (
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The classes of failure. Callers test them with errors.Is.
var (
	// ErrNotFound: no device holds the blob, and all that might were asked.
	ErrNotFound = errors.New("blobs: not found")
	// ErrCorrupt: there are copies, but none of them is good.
	ErrCorrupt = errors.New("blobs: no good copy left")
	// ErrUnavailable: too few devices answer to write a majority, or to know that a blob does not exist.
	ErrUnavailable = errors.New("blobs: too few devices available")
	// ErrNoSpace: the devices are full; reads and deletes go on.
	ErrNoSpace = errors.New("blobs: no space left")
	// ErrTooLarge: the blob exceeds MaxBlob; cut it into pieces.
	ErrTooLarge = errors.New("blobs: blob too large")
	// ErrSize: more or fewer bytes were written than announced.
	ErrSize = errors.New("blobs: size differs from the announced one")
	// ErrClosed: the pool, reader or writer was closed.
	ErrClosed = errors.New("blobs: closed")
	// ErrHandoff is the damage reported for a primary that was passed over when a blob was written.
	ErrHandoff = errors.New("blobs: written to a handoff")
)

// DeleteError reports the blobs that may still have a copy on a device that is down. Delete them again later.
type DeleteError struct {
	Refs []blobref.Ref
	Err  error // why, for one of them
}

func (e *DeleteError) Error() string {
	return fmt.Sprintf("blobs: %d blobs not fully deleted: %v", len(e.Refs), e.Err)
}

func (e *DeleteError) Unwrap() error { return e.Err }
