package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

const (
	minSegmentSize = 64 << 10
	maxSegmentSize = 1 << 40
	maxSmallLimit  = 8 << 20
)

var errNotBuilt = errors.New("blob: not built yet")

// Info describes a committed blob.
type Info struct {
	Ref     blobref.Ref
	Owner   blobref.Owner // from Stat and Quarantined only; Each leaves it nil, since it lies in the segment
	Created time.Time
	Segment uint32
	Offset  int64 // of the region in the segment file
	Length  int64 // of the region, rounded up to whole pages
}

// Device is one device. All methods are safe for concurrent use.
type Device struct{}

// Writer streams one blob. It is used by one goroutine at a time.
type Writer struct{}

// Reader reads one blob. It is safe for concurrent use. It goes on reading when its blob is deleted or moved.
type Reader struct{}

// CompactOptions bounds one run of the compactor.
type CompactOptions struct {
	// MinDead is the dead share of a segment from which on it is rewritten; 0 is 0.5.
	MinDead float64
	// MaxSegments ends the run after so many segments; 0 is no bound.
	MaxSegments int
	// Limit is called before n bytes are read; nil is no limit.
	Limit func(ctx context.Context, n int) error
}

// CompactStats tells what a run did.
type CompactStats struct {
	Segments  int           // segments removed
	Moved     int           // blobs copied
	Copied    int64         // bytes copied
	Reclaimed int64         // bytes of the removed files
	Corrupt   []blobref.Ref // live blobs that could not be copied; their segments stay
}

// Usage of a device, for placement and metrics.
type Usage struct {
	Live        int64 // bytes of committed regions
	Dead        int64 // bytes that compaction can return
	Disk        int64 // bytes of all segment files
	Free, Total int64 // bytes of the file system, 0 when it does not say; Free has the reserve taken off
	Blobs       int64
	Segments    int
	Missing     int   // segments the index knows but the folder lacks
	Failed      error // why the device takes no writes; nil while it does
}

// Open opens the device in o.Dir, makes it when the folder is new, and recovers what a crash left.
func Open(ctx context.Context, o Options) (*Device, error) { return nil, errNotBuilt }

// ID is the device's id.
func (d *Device) ID() blobref.DeviceID { return 0 }

// Create starts writing a blob of ref.Size bytes. ErrExists, ErrBusy, ErrNoSpace, ErrTooLarge, ErrFailed.
func (d *Device) Create(ctx context.Context, ref blobref.Ref, owner blobref.Owner) (*Writer, error) {
	return nil, errNotBuilt
}

// Write adds to the body. ErrSize when it would exceed the size given to Create.
func (w *Writer) Write(p []byte) (int, error) { return 0, errNotBuilt }

// Commit makes the blob durable and visible. ErrSize when bytes are missing. A small blob takes its space only here, so ErrNoSpace may come here too.
func (w *Writer) Commit(ctx context.Context) error { return errNotBuilt }

// Abort gives the blob up. It may be called at any time and any number of times; after Commit it does nothing.
func (w *Writer) Abort() {}

// Open opens a blob for reading. ErrNotFound also when the size differs from ref.Size.
func (d *Device) Open(ctx context.Context, ref blobref.Ref) (*Reader, error) { return nil, errNotBuilt }

// Info describes the blob; Owner is nil.
func (r *Reader) Info() Info { return Info{} }

// Size is the size of the body.
func (r *Reader) Size() int64 { return 0 }

// ReadAt reads verified bytes as io.ReaderAt says.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) { return 0, errNotBuilt }

// WriteRange writes n bytes of the body from off on to w, verified, and returns how many w took, so that the caller
// can go on with another copy at off plus that. *CorruptError on damage; an error of w is returned as it is.
func (r *Reader) WriteRange(ctx context.Context, w io.Writer, off, n int64) (int64, error) {
	return 0, errNotBuilt
}

// Close releases the reader.
func (r *Reader) Close() error { return nil }

// Stat describes a blob, with its owner. ref.Size is not compared.
func (d *Device) Stat(ctx context.Context, ref blobref.Ref) (Info, error) { return Info{}, errNotBuilt }

// Delete removes blobs durably. Absent ones are no error; ref.Size is not compared.
func (d *Device) Delete(ctx context.Context, refs ...blobref.Ref) error { return errNotBuilt }

// Each calls fn for the committed blobs of the partitions from <= p < to in the order of (partition, id); to 0 is no upper bound.
// It holds nothing open while fn runs: blobs made or removed meanwhile may or may not be seen. Owner is nil, since it lies in the segment: ask Stat.
func (d *Device) Each(ctx context.Context, from, to blobref.Partition, fn func(Info) error) error {
	return errNotBuilt
}

// Verify reads all of a blob, header and trailer included. limit, unless nil, is called before n bytes are read.
func (d *Device) Verify(ctx context.Context, ref blobref.Ref, limit func(ctx context.Context, n int) error) error {
	return errNotBuilt
}

// Quarantine sets a corrupt copy aside, durably: it is neither served nor listed any more, and the same blob may be written anew.
// Its bytes stay until the compactor removes their segment. ErrNotFound when there is no such blob.
func (d *Device) Quarantine(ctx context.Context, ref blobref.Ref) error { return errNotBuilt }

// Quarantined lists what was set aside and is still on disk.
func (d *Device) Quarantined(ctx context.Context) ([]Info, error) { return nil, errNotBuilt }

// Compact copies the live regions of mostly dead segments into an active one and removes the files.
func (d *Device) Compact(ctx context.Context, o CompactOptions) (CompactStats, error) {
	return CompactStats{}, errNotBuilt
}

// Usage reports figures for metrics.
func (d *Device) Usage() Usage { return Usage{} }

// Sync makes the index durable, so that the next start has nothing to scan. Blobs are durable without it.
func (d *Device) Sync() error { return errNotBuilt }

// Close waits for commits under way, settles the index and releases the folder. Readers must be closed first.
func (d *Device) Close() error { return nil }
