package blobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
)

var sizes = []int{0, 1, 64 << 10, 300_000, 1 << 20, 1<<20 + 1, 5_000_000}

func TestWriteAndRead(t *testing.T) {
	for _, tc := range []struct{ devices, replicas int }{{1, 1}, {1, 3}, {2, 2}, {3, 3}, {5, 3}, {4, 1}} {
		t.Run(fmt.Sprintf("%d devices %d replicas", tc.devices, tc.replicas), func(t *testing.T) {
			s := newSetup(t, tc.devices, tc.replicas)
			for i, size := range sizes {
				data := body(uint64(i), size)
				part := s.pool.PartitionOf([]byte("acct"), []byte{byte(i)})
				ref := s.mustPut(part, data)
				if ref.Size != int64(size) || ref.Partition != part {
					t.Fatalf("ref %+v", ref)
				}
				s.eventually("all primaries have it", func() bool {
					p := slices.Clone(s.primaries(part))
					slices.Sort(p)
					return slices.Equal(p, s.holders(ref))
				})
				s.check(ref, data)
				r, err := s.pool.Open(context.Background(), ref)
				must(t, err)
				if size > 10 {
					var b bytes.Buffer
					if n, err := r.WriteRange(context.Background(), &b, 7, int64(size)-9); err != nil || n != int64(size)-9 || !bytes.Equal(b.Bytes(), data[7:size-2]) {
						t.Errorf("range: %d, %v", n, err)
					}
					got := make([]byte, 5)
					if _, err := r.ReadAt(got, int64(size)-6); err != nil || !bytes.Equal(got, data[size-6:size-1]) {
						t.Errorf("ReadAt: %v", err)
					}
				}
				if _, err := r.WriteRange(context.Background(), io.Discard, 1, int64(size)); !errors.Is(err, blobs.ErrSize) {
					t.Errorf("range beyond the end: %v", err)
				}
				must(t, r.Close())
				must(t, s.pool.Delete(context.Background(), ref))
				if _, err := s.get(ref); !errors.Is(err, blobs.ErrNotFound) {
					t.Errorf("after delete: %v", err)
				}
			}
			if d := s.damages(); len(d) != 0 {
				t.Errorf("damage reported: %v", d)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	s := newSetup(t, 3, 3)
	ctx := context.Background()
	if _, err := s.pool.Create(ctx, 0, blobs.MaxBlob+1, nil); !errors.Is(err, blobs.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := s.pool.Create(ctx, 1<<20, 1, nil); !errors.Is(err, blobs.ErrUnavailable) {
		t.Errorf("no such partition: %v", err)
	}
	for _, size := range []int64{10, 2 << 20} {
		w, err := s.pool.Create(ctx, 0, size, nil)
		must(t, err)
		if _, err := w.Write(make([]byte, size+1)); !errors.Is(err, blobs.ErrSize) {
			t.Errorf("too many bytes: %v", err)
		}
		if err := w.Commit(ctx); !errors.Is(err, blobs.ErrSize) {
			t.Errorf("too few bytes: %v", err)
		}
		if err := w.Commit(ctx); !errors.Is(err, blobs.ErrClosed) {
			t.Errorf("second commit: %v", err)
		}
		s.eventually("writers end", func() bool { return s.pool.Writing(1) == 0 })
		if h := s.holders(w.Ref()); len(h) != 0 {
			t.Errorf("refused blob lies on %v", h)
		}
	}
	must(t, s.pool.Close())
	if _, err := s.pool.Create(ctx, 0, 1, nil); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	s := newSetup(t, 3, 3)
	for _, size := range []int64{1000, 4 << 20} {
		w, err := s.pool.Create(context.Background(), 0, size, nil)
		must(t, err)
		_, err = w.Write(make([]byte, size-1))
		must(t, err)
		w.Abort()
		w.Abort()
		s.eventually("writers end", func() bool { return s.pool.Writing(1)+s.pool.Writing(2)+s.pool.Writing(3) == 0 })
		if h := s.holders(w.Ref()); len(h) != 0 {
			t.Errorf("aborted blob lies on %v", h)
		}
	}
}

func TestCancelledCommit(t *testing.T) {
	s := newSetup(t, 3, 3)
	w, err := s.pool.Create(context.Background(), 0, 4<<20, nil)
	must(t, err)
	_, err = w.Write(make([]byte, 4<<20))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Commit(ctx); err == nil {
		return // the majority was faster: the blob exists
	} else if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	s.eventually("what was durable is removed", func() bool {
		return len(s.holders(w.Ref())) == 0 && s.pool.Writing(1)+s.pool.Writing(2)+s.pool.Writing(3) == 0
	})
}

// A device that fails while a blob is written drops out; two of three are enough, one is not.
func TestDeviceFailsDuringWrite(t *testing.T) {
	for _, size := range []int{1000, 600_000, 8 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := newSetup(t, 3, 3)
			data := body(1, size)
			w, err := s.pool.Create(context.Background(), 0, int64(size), nil)
			must(t, err)
			_, err = w.Write(data[:size/2])
			must(t, err)
			s.disks[2].failWrites(syscall.EIO)
			_, err = w.Write(data[size/2:])
			must(t, err)
			must(t, w.Commit(context.Background()))
			s.check(w.Ref(), data)
			s.eventually("the third copy is reported", func() bool {
				for _, d := range s.damages() {
					if d.Device == 2 && d.Ref == w.Ref() && d.Err != nil {
						return true
					}
				}
				return false
			})
			if h := s.holders(w.Ref()); slices.Contains(h, 2) {
				t.Errorf("held by %v", h)
			}
			u := s.pool.Usage()[1]
			if u.Health == blobs.Healthy || u.IOErrors == 0 {
				t.Errorf("usage of the broken device: %+v", u)
			}

			// One of three left: no majority.
			s.disks[3].failWrites(syscall.EIO)
			ref, err := s.put(0, data)
			if !errors.Is(err, blobs.ErrUnavailable) {
				t.Fatalf("write to one of three: %v", err)
			}
			s.eventually("the lone copy is removed", func() bool { return len(s.holders(ref)) == 0 })
			s.check(w.Ref(), data)
		})
	}
}

func TestHandoffStandsIn(t *testing.T) {
	s := newSetup(t, 5, 3)
	part := blobref.Partition(3)
	down := s.primaries(part)[1]
	s.pool.MarkFailed(down)
	data := body(1, 100_000)
	ref := s.mustPut(part, data)
	s.eventually("three copies", func() bool { return len(s.holders(ref)) == 3 })
	if h := s.holders(ref); slices.Contains(h, down) {
		t.Errorf("failed device was written to: %v", h)
	}
	if d := s.damages(); len(d) != 1 || d[0].Device != down || !errors.Is(d[0].Err, blobs.ErrHandoff) {
		t.Errorf("damage %v", d)
	}
	// Only the handoff has a copy: it is found.
	for _, id := range s.primaries(part) {
		must(t, s.disks[id].dev.Delete(context.Background(), ref))
	}
	s.check(ref, data)
	must(t, s.pool.Delete(context.Background(), ref))
	if h := s.holders(ref); len(h) != 0 {
		t.Errorf("after delete on %v", h)
	}
	s.pool.MarkHealthy(down)
	ref = s.mustPut(part, data)
	s.eventually("back on all primaries", func() bool { return slices.Contains(s.holders(ref), down) })
}

func TestFullDeviceIsReplacedByHandoff(t *testing.T) {
	s := newSetup(t, 4, 3)
	part := blobref.Partition(0)
	full := s.primaries(part)[0]
	s.disks[full].failWrites(syscall.ENOSPC)
	data := body(1, 2<<20)
	for range 3 {
		ref := s.mustPut(part, data)
		s.check(ref, data)
	}
	for _, d := range s.disks {
		d.failWrites(syscall.ENOSPC)
	}
	if _, err := s.put(part, data); !errors.Is(err, blobs.ErrNoSpace) && !errors.Is(err, blobs.ErrUnavailable) {
		t.Errorf("all full: %v", err)
	}
}

// corrupt flips a byte of the body in the device's segment file.
func (s *setup) corrupt(id blobref.DeviceID, ref blobref.Ref, at int64) {
	s.t.Helper()
	d := s.disks[id]
	in, err := d.dev.Stat(context.Background(), ref)
	must(s.t, err)
	f, err := d.mem.OpenReadWrite(fmt.Sprintf("dev%d/segments/%08d.seg", id, in.Segment), vfs.WriteCategoryUnspecified)
	must(s.t, err)
	defer f.Close()
	off := in.Offset + at + in.Length - ref.Size
	if at < 100 {
		off = in.Offset + in.Length/2
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, off)
	must(s.t, err)
	b[0] ^= 0x40
	_, err = f.WriteAt(b, off)
	must(s.t, err)
}

func TestReadGoesOnWithTheNextCopy(t *testing.T) {
	s := newSetup(t, 3, 3)
	data := body(9, 3<<20)
	ref := s.mustPut(5, data)
	s.eventually("three copies", func() bool { return len(s.holders(ref)) == 3 })
	ps := s.primaries(5)
	s.corrupt(ps[0], ref, 1<<20)
	s.corrupt(ps[1], ref, 2<<20)
	s.check(ref, data)
	bad := make(map[blobref.DeviceID]bool)
	for _, d := range s.damages() {
		var ce *blob.CorruptError
		if errors.As(d.Err, &ce) {
			bad[d.Device] = true
		}
	}
	if !bad[ps[0]] || bad[ps[2]] {
		t.Errorf("damage reported for %v", bad)
	}
	s.corrupt(ps[2], ref, 1<<20+100_000)
	got, err := s.get(ref)
	if err == nil && !bytes.Equal(got, data) {
		t.Fatal("damaged data was served")
	}
	if err != nil && !errors.Is(err, blobs.ErrCorrupt) {
		t.Errorf("no good copy: %v", err)
	}
	if !bytes.HasPrefix(data, got) {
		t.Error("what was served before the error is wrong")
	}
}

func TestLoneDamagedCopyIsAnError(t *testing.T) {
	s := newSetup(t, 1, 1)
	data := body(9, 1<<20)
	ref := s.mustPut(5, data)
	s.corrupt(1, ref, 1<<19)
	got, err := s.get(ref)
	if !errors.Is(err, blobs.ErrCorrupt) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if !bytes.HasPrefix(data, got) {
		t.Error("damaged data was served")
	}
}

func TestReadErrorsOfOneDevice(t *testing.T) {
	s := newSetup(t, 3, 3)
	data := body(4, 500_000)
	ref := s.mustPut(1, data)
	s.eventually("three copies", func() bool { return len(s.holders(ref)) == 3 })
	s.disks[s.primaries(1)[0]].failReads(syscall.EIO)
	s.check(ref, data)
	for _, d := range s.disks {
		d.failReads(syscall.EIO)
	}
	if _, err := s.get(ref); !errors.Is(err, blobs.ErrUnavailable) && !errors.Is(err, blobs.ErrCorrupt) {
		t.Errorf("all fail: %v", err)
	}
}

var errClient = errors.New("client hung up")

type hangUp struct{ after int }

func (h *hangUp) Write(b []byte) (int, error) {
	if h.after -= len(b); h.after < 0 {
		return 0, errClient
	}
	return len(b), nil
}

func TestErrorOfTheReceiverIsNoDamage(t *testing.T) {
	s := newSetup(t, 3, 3)
	ref := s.mustPut(1, body(4, 1<<20))
	s.eventually("three copies", func() bool { return len(s.holders(ref)) == 3 })
	r, err := s.pool.Open(context.Background(), ref)
	must(t, err)
	defer r.Close()
	n, err := r.WriteRange(context.Background(), &hangUp{after: 300_000}, 0, r.Size())
	if !errors.Is(err, errClient) || n > 300_000 {
		t.Errorf("%d, %v", n, err)
	}
	if d := s.damages(); len(d) != 0 {
		t.Errorf("damage %v", d)
	}
}

func TestMissingDeviceIsUnavailableNotAbsent(t *testing.T) {
	s := newSetup(t, 3, 1)
	data := body(4, 1000)
	ref := s.mustPut(1, data)
	home := s.primaries(1)[0]
	_, err := s.pool.RemoveDevice(context.Background(), home)
	must(t, err)
	if _, err := s.get(ref); !errors.Is(err, blobs.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	var left *blobs.DeleteError
	if err := s.pool.Delete(context.Background(), ref); !errors.As(err, &left) || len(left.Refs) != 1 || left.Refs[0] != ref {
		t.Errorf("delete: %v", err)
	}
	must(t, s.pool.AddDevice(s.disks[home].dev))
	s.check(ref, data)
	must(t, s.pool.Delete(context.Background(), ref))
}

func TestRemoveDeviceWaitsForReaders(t *testing.T) {
	s := newSetup(t, 2, 1)
	ref := s.mustPut(1, body(4, 1000))
	home := s.primaries(1)[0]
	r, err := s.pool.Open(context.Background(), ref)
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.pool.RemoveDevice(ctx, home); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("removed while in use: %v", err)
	}
	must(t, r.Close())
}

func TestPins(t *testing.T) {
	s := newSetup(t, 1, 1)
	a, b := s.mustPut(1, []byte("a")), s.mustPut(1, []byte("b"))
	s.pool.Pin(a, b)
	s.pool.Pin(a)
	s.pool.Unpin(a, b)
	if !s.pool.Pinned(a) || s.pool.Pinned(b) {
		t.Error("pins do not count")
	}
	s.pool.Unpin(a)
	if s.pool.Pinned(a) {
		t.Error("pin stays")
	}
}

// A device that hangs holds up neither the write nor the answer.
func TestStalledDevice(t *testing.T) {
	s := newSetupStall(t, 3, 3, 500*time.Millisecond)
	hang := make(chan struct{})
	data := body(3, 16<<20)
	w, err := s.pool.Create(context.Background(), 0, int64(len(data)), nil)
	must(t, err)
	s.disks[2].stall.Store(&hang)
	for rest := data; len(rest) > 0; rest = rest[1<<20:] {
		_, err := w.Write(rest[:1<<20])
		must(t, err)
	}
	must(t, w.Commit(context.Background()))
	s.check(w.Ref(), data)
	close(hang)
	s.eventually("the stalled copy ends", func() bool { return s.pool.Writing(2) == 0 })
	if h := s.holders(w.Ref()); slices.Contains(h, 2) {
		t.Errorf("incomplete copy on the stalled device: %v", h)
	}
}

// With one copy the pool adds nothing to a write: no goroutine, no allocation, no buffer.
func TestOneCopyHasNoOverhead(t *testing.T) {
	s := newSetup(t, 1, 1)
	piece := make([]byte, 64<<10)
	before := runtime.NumGoroutine()
	w, err := s.pool.Create(context.Background(), 0, 64<<20, nil)
	must(t, err)
	defer w.Abort()
	allocs := testing.AllocsPerRun(50, func() {
		_, err := w.Write(piece)
		must(t, err)
	})
	// The memory file system allocates as it grows; the device writes 1 MiB at a time or so.
	if allocs >= 1 {
		t.Errorf("%v allocations for a write of 64 KiB", allocs)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines more", n-before)
	}
}

// A device that cannot delete holds up only the blobs it has.
func TestDeleteOnABrokenDevice(t *testing.T) {
	s := newSetup(t, 3, 1)
	var refs []blobref.Ref
	for i := range 30 {
		refs = append(refs, s.mustPut(blobref.Partition(i), body(uint64(i), 500)))
	}
	must(t, s.disks[2].dev.Close())
	err := s.pool.Delete(context.Background(), refs...)
	var left *blobs.DeleteError
	if !errors.As(err, &left) || len(left.Refs) == 0 {
		t.Fatalf("%v", err)
	}
	for _, ref := range refs {
		if pending := slices.Contains(left.Refs, ref); !pending && slices.Contains(s.primaries(ref.Partition), 2) {
			t.Errorf("blob on the broken device counts as deleted")
		}
	}
}
