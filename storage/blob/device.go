package blob

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	crand "crypto/rand"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

const (
	minSegmentSize = 64 << 10
	maxSegmentSize = 1 << 40
	maxSmallLimit  = 4 * blockSize
)

// Device is one device. All methods are safe for concurrent use.
//
// Lock order: compactMu, life, lane.mu, index.mu, growing.mu; the others are leaves.
type Device struct {
	opts Options
	fs   vfs.FS
	log  *slog.Logger

	lock    io.Closer // of the folder
	dir     vfs.File  // segments/, to sync
	index   *index
	handles *handles
	bufs    buffers
	lanes   [classes]lane

	compactMu sync.Mutex // one compaction at a time

	// life is held for reading by everything that writes, and for writing by Close.
	life struct {
		sync.RWMutex
		closed bool
	}
	segs struct {
		sync.RWMutex
		m    map[uint32]*segment
		next uint32
	}
	writing struct {
		sync.Mutex
		ids map[blobref.ID]struct{}
	}
	failure atomic.Pointer[error] // why no writes are taken any more

	full atomic.Bool // space ran out when it was last looked at

	syncs   atomic.Uint64
	corrupt atomic.Uint64
}

// Open opens the device in o.Dir, makes it when the folder is new, and recovers what a crash left.
func Open(ctx context.Context, o Options) (*Device, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	d := &Device{opts: o, fs: o.FS, log: o.Logger.With("device", uint16(o.Device))}
	for c := range d.lanes {
		d.lanes[c].class = class(c)
	}
	d.segs.m = make(map[uint32]*segment)
	d.segs.next = 1
	d.writing.ids = make(map[blobref.ID]struct{})
	d.handles = newHandles(o.OpenFiles, d.openSegment)

	start := time.Now()
	if err := d.open(ctx); err != nil {
		d.release()
		return nil, fmt.Errorf("blob: open device %d in %s: %w", o.Device, o.Dir, err)
	}
	u := d.Usage()
	d.log.Info("blob device open", "dir", o.Dir, "blobs", u.Blobs, "segments", u.Segments, "missing", u.Missing, "took", time.Since(start))
	return d, nil
}

func (d *Device) open(ctx context.Context) error {
	if err := d.fs.MkdirAll(d.opts.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	var err error
	if d.lock, err = lockFolder(d.fs, d.fs.PathJoin(d.opts.Dir, "LOCK")); err != nil {
		return err
	}
	if err := claimFolder(d.fs, d.opts.Dir, d.opts.Device); err != nil {
		return err
	}
	if d.dir, err = d.fs.OpenDir(d.segmentDir()); err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	return d.restore(ctx)
}

// ID is the device's id.
func (d *Device) ID() blobref.DeviceID { return d.opts.Device }

func (d *Device) segmentDir() string { return d.fs.PathJoin(d.opts.Dir, "segments") }
func (d *Device) indexDir() string   { return d.fs.PathJoin(d.opts.Dir, "index") }
func (d *Device) segmentPath(n uint32) string {
	return d.fs.PathJoin(d.segmentDir(), segmentName(n))
}

func (d *Device) openSegment(n uint32) (vfs.File, error) { return d.fs.Open(d.segmentPath(n)) }

// segment finds a segment by its number; nil when there is none.
func (d *Device) segment(n uint32) *segment {
	d.segs.RLock()
	defer d.segs.RUnlock()
	return d.segs.m[n]
}

// segments lists all segments. segs is a leaf lock: walk the copy to do anything with them.
func (d *Device) segments() []*segment {
	d.segs.RLock()
	defer d.segs.RUnlock()
	return slices.Collect(maps.Values(d.segs.m))
}

// nonce makes the nonce of a new segment: unknown to those whose bytes we store.
func (d *Device) nonce() uint64 {
	var b [8]byte
	if _, err := crand.Read(b[:]); err != nil {
		return rand.Uint64()
	}
	return binary.LittleEndian.Uint64(b[:])
}

// enter is called first by everything that writes; leave ends it.
func (d *Device) enter() error {
	d.life.RLock()
	if d.life.closed {
		d.life.RUnlock()
		return ErrClosed
	}
	return nil
}

func (d *Device) leave() { d.life.RUnlock() }

// failed is nil while the device takes writes.
func (d *Device) failed() error {
	if p := d.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// fail makes the device take no more writes, since what the disk holds cannot be known any more. It returns the error for the
// caller.
func (d *Device) fail(op string, err error) error {
	err = fmt.Errorf("%w: %s: %w", ErrFailed, op, err)
	if d.failure.CompareAndSwap(nil, &err) {
		d.log.Error("blob device takes no more writes", "err", err)
	}
	return err
}

// writeError classifies a failed write: a full disk is the caller's affair, anything else fails the device.
func (d *Device) writeError(op string, err error) error {
	if isNoSpace(err) {
		return fmt.Errorf("%w: %s: %w", ErrNoSpace, op, err)
	}
	return d.fail(op, err)
}

// syncDir makes created and removed segment files durable.
func (d *Device) syncDir() error {
	if err := d.dir.Sync(); err != nil {
		return d.fail("sync folder", err)
	}
	return nil
}

// Sync makes the index durable, so that the next start has nothing to scan. Blobs are durable without it.
func (d *Device) Sync() error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if err := d.failed(); err != nil {
		return err
	}
	return d.index.sync()
}

// Close waits for calls under way, settles the index and releases the folder. Writers fail from now on; readers go on until
// they are closed.
func (d *Device) Close() error {
	d.life.Lock()
	defer d.life.Unlock()
	if d.life.closed {
		return nil
	}
	d.life.closed = true
	var err error
	if d.failed() == nil {
		err = d.index.sync()
	}
	if rerr := d.release(); err == nil {
		err = rerr
	}
	if err != nil {
		return fmt.Errorf("blob: close device %d: %w", d.opts.Device, err)
	}
	return nil
}

// release lets go of everything Open took, also after a part of it.
func (d *Device) release() (first error) {
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	d.handles.close()
	for _, s := range d.segs.m {
		if s.grow != nil && s.grow.takeClose() {
			note(s.grow.file.Close())
		}
	}
	if d.index != nil {
		note(d.index.close())
	}
	if d.dir != nil {
		note(d.dir.Close())
	}
	if d.lock != nil {
		note(d.lock.Close())
	}
	return first
}

// Usage reports figures for metrics.
func (d *Device) Usage() Usage {
	u := Usage{Failed: d.failed(), Syncs: d.syncs.Load(), Corrupt: d.corrupt.Load()}
	for _, s := range d.segments() {
		u.Segments++
		if s.missing {
			u.Missing++
			continue
		}
		end, dead := d.index.space(s)
		u.Disk += end
		u.Dead += dead
	}
	u.Live, u.Blobs = d.index.live.Load(), d.index.blobs.Load()
	if fs, err := d.fs.GetDiskUsage(d.opts.Dir); err == nil {
		u.Free = max(0, int64(fs.AvailBytes)-max(0, d.opts.Reserve))
		u.Total = int64(fs.TotalBytes)
	}
	return u
}
