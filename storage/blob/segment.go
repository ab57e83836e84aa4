package blob

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// segment is one segment file. There is one for every file of the device, so it is kept small; what only a segment that still
// grows needs hangs off grow.
type segment struct {
	number uint32

	// Guarded by index.mu: the index's record of this segment. rec.end of a growing segment is brought up to date when the
	// record is written; use endNow for the present one.
	rec segmentRecord
	// Guarded by index.mu: deleted regions behind the watermark, each with a tomb in the index.
	tombs []int64
	// Guarded by index.mu: live bytes that the compactor found damaged last time; while rec.live equals it, another run is idle.
	stuck int64

	missing bool // the file was absent when the device was opened; constant
	grow    *growing
}

// growing is the part of a segment that may get more regions. It stays until the device is closed or the segment sealed.
type growing struct {
	file  vfs.File
	group group

	mu       sync.Mutex
	end      int64              // where the next region goes; moves under lane.mu too
	alloc    int64              // how far space is taken; moves under lane.mu
	inflight map[int64]struct{} // regions neither settled nor given up
	retired  bool               // no more regions: seal it when inflight runs empty
	sealed   bool               // somebody took the job to seal it
}

func newGrowing(f vfs.File, end int64) *growing {
	return &growing{file: f, end: end, alloc: end, inflight: make(map[int64]struct{})}
}

// begin notes a region as under way. lane.mu is held, and the header or the whole region is written.
func (g *growing) begin(off, n int64) {
	g.mu.Lock()
	g.end = off + n
	g.inflight[off] = struct{}{}
	g.mu.Unlock()
}

// settle forgets regions and returns the watermark and end that hold from now on.
func (g *growing) settle(offs ...int64) (watermark, end int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, off := range offs {
		delete(g.inflight, off)
	}
	watermark = g.end
	for off := range g.inflight {
		watermark = min(watermark, off)
	}
	return watermark, g.end
}

// idle reports whether nothing is under way, and its end.
func (g *growing) idle() (bool, int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.inflight) == 0, g.end
}

// takeSeal reports, once, that the segment is retired and idle, so that the caller must seal it.
func (g *growing) takeSeal() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.retired || g.sealed || len(g.inflight) > 0 {
		return false
	}
	g.sealed = true
	return true
}

// takeClose reports, once, that the file is still open and the caller must close it.
func (g *growing) takeClose() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.sealed
	g.sealed = true
	return !was
}

// lane hands out regions of the active segment of one class.
type lane struct {
	class  class
	mu     sync.Mutex
	active *segment
}

// reserve places a region of n bytes (whole pages). It calls write with the segment and the offset before any other
// region can be placed behind it: write must put at least the header there. When write fails nothing was reserved.
func (d *Device) reserve(l *lane, n int64, write func(s *segment, off int64) error) (*segment, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active != nil && l.active.grow.end+n > d.opts.SegmentSize {
		d.retire(l)
	}
	if l.active == nil {
		s, err := d.newSegment(l.class)
		if err != nil {
			return nil, 0, err
		}
		l.active = s
	}
	s := l.active
	off := s.grow.end
	if err := d.allocate(s.grow, off+n); err != nil {
		return nil, 0, err
	}
	if err := write(s, off); err != nil {
		return nil, 0, err
	}
	s.grow.begin(off, n)
	return s, off, nil
}

// retire takes the active segment off the lane. Whoever settles its last region seals it; when none is under way that is us.
// l.mu is held.
func (d *Device) retire(l *lane) {
	s := l.active
	l.active = nil
	s.grow.mu.Lock()
	s.grow.retired = true
	s.grow.mu.Unlock()
	d.sealIfDone(s)
}

// allocate takes space up to end in steps. lane.mu is held.
func (d *Device) allocate(g *growing, end int64) error {
	if end <= g.alloc {
		return nil
	}
	to := end
	if step := d.opts.Preallocate; step > 0 {
		to = min((end+step-1)/step*step, max(d.opts.SegmentSize, end))
	}
	if err := d.checkSpace(to - g.alloc); err != nil {
		return err
	}
	if d.opts.Preallocate > 0 {
		err := g.file.Preallocate(g.alloc, to-g.alloc)
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
			return d.writeError("preallocate", err)
		}
	}
	g.alloc = to
	return nil
}

// checkSpace refuses n more bytes when the reserve would be touched.
func (d *Device) checkSpace(n int64) error {
	u, err := d.fs.GetDiskUsage(d.opts.Dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("blob: disk usage: %w", err)
	}
	full := int64(u.AvailBytes)-n < max(d.opts.Reserve, 0)
	d.full.Store(full)
	if full {
		return fmt.Errorf("%w: %d bytes free, %d kept back", ErrNoSpace, u.AvailBytes, max(d.opts.Reserve, 0))
	}
	return nil
}

func isNoSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// newSegment makes a segment file. File, header and directory entry are durable before the first region goes in.
func (d *Device) newSegment(c class) (*segment, error) {
	d.segs.Lock()
	n := d.segs.next
	d.segs.next++
	d.segs.Unlock()

	s := &segment{number: n, rec: segmentRecord{class: c, nonce: d.nonce(), watermark: pageSize, end: pageSize}}
	name := d.segmentPath(n)
	f, err := d.fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, d.writeError("create segment", err)
	}
	s.grow = newGrowing(f, 0)
	err = func() error {
		if err := d.allocate(s.grow, pageSize); err != nil {
			return err
		}
		page := make([]byte, pageSize)
		segmentHeader{class: c, device: d.opts.Device, number: n, nonce: s.rec.nonce, created: time.Now().UnixNano()}.encode(page)
		if _, err := f.WriteAt(page, 0); err != nil {
			return d.writeError("write segment header", err)
		}
		if err := f.SyncData(); err != nil {
			return d.fail("sync segment header", err)
		}
		if err := d.syncDir(); err != nil {
			return err
		}
		s.grow.end = pageSize
		return d.index.addSegment(s)
	}()
	if err != nil {
		_ = f.Close()
		_ = d.fs.Remove(name) // empty, so that it may also stay: the next start removes it
		return nil, err
	}
	d.segs.Lock()
	d.segs.m[n] = s
	d.segs.Unlock()
	return s, nil
}

// sealIfDone seals a retired segment when the last of its regions is settled: the index notes it as complete, and space taken
// in advance is given back. Nothing that was acknowledged hangs on it; a segment that was not sealed is looked at by the next start.
func (d *Device) sealIfDone(s *segment) {
	if !s.grow.takeSeal() {
		return
	}
	_, end := s.grow.idle()
	err := d.failed()
	if err == nil {
		trim(s.grow.file, end)
		err = d.index.seal(s, end)
	}
	if err != nil {
		d.log.Warn("segment not sealed", "segment", s.number, "err", err)
	}
	if err := s.grow.file.Close(); err != nil {
		d.log.Warn("closing a segment failed", "segment", s.number, "err", err)
	}
}
