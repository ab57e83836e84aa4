package blob_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

func TestCompact(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	o.SegmentSize = 256 << 10
	r := open(t, o)
	var keep, drop []blobref.Ref
	for i := range 100 {
		b := ref(blobref.Partition(i%3), []int64{9_000, 100_000}[i%2])
		if i%10 < 2 {
			keep = append(keep, b)
		} else {
			drop = append(drop, b)
		}
		r.put(b)
	}
	// Nothing is dead yet: nothing happens.
	if st, err := r.Compact(t.Context(), blob.CompactOptions{}); err != nil || st.Segments != 0 || st.Moved != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	infos := map[blobref.ID]blob.Info{}
	for _, b := range keep {
		infos[b.ID], _ = r.Stat(t.Context(), b)
	}
	reader, err := r.Open(t.Context(), keep[0])
	must(t, err)
	defer reader.Close()
	must(t, r.Delete(t.Context(), drop...))
	before := r.Usage()

	// A bounded run, a limited one that gives up, and then all the rest.
	if st, err := r.Compact(t.Context(), blob.CompactOptions{MaxSegments: 1}); err != nil || st.Segments != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	stop := errors.New("stop")
	if _, err := r.Compact(t.Context(), blob.CompactOptions{Limit: func(context.Context, int) error { return stop }}); !errors.Is(err, stop) {
		t.Fatalf("the limit's error got lost: %v", err)
	}
	r.check(keep...)
	var limited int64
	st, err := r.Compact(t.Context(), blob.CompactOptions{Limit: func(_ context.Context, n int) error { limited += int64(n); return nil }})
	if err != nil || st.Moved == 0 || st.Reclaimed == 0 || len(st.Corrupt) > 0 || limited < st.Copied {
		t.Fatalf("%+v, %d limited, %v", st, limited, err)
	}
	after := r.Usage()
	if after.Disk > before.Disk/2 || after.Live != before.Live || after.Blobs != int64(len(keep)) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	names, err := fs.List("dev/segments")
	must(t, err)
	if len(names) != after.Segments {
		t.Errorf("%d files, %d segments", len(names), after.Segments)
	}
	for range 2 {
		r.check(keep...)
		r.absent(drop...)
		for _, b := range keep {
			if i, err := r.Stat(t.Context(), b); err != nil || !i.Created.Equal(infos[b.ID].Created) || string(i.Owner) != string(infos[b.ID].Owner) {
				t.Errorf("a copy lost its owner or time: %+v, %v", i, err)
			}
			must(t, r.Verify(t.Context(), b, nil))
		}
		if p := make([]byte, 100); true {
			if _, err := reader.ReadAt(p, 1000); err != nil || string(p) != string(body(keep[0].ID, keep[0].Size)[1000:1100]) {
				t.Errorf("a reader lost its blob to the compactor: %v", err)
			}
		}
		// What was compacted is not compacted again.
		if st, err := r.Compact(t.Context(), blob.CompactOptions{}); err != nil || st.Moved > 0 {
			t.Errorf("%+v, %v", st, err)
		}
		r.reopen()
	}
	// Everything deleted: everything returned, the active segments too.
	must(t, r.Delete(t.Context(), keep...))
	_, err = r.Compact(t.Context(), blob.CompactOptions{})
	must(t, err)
	if u := r.Usage(); u.Blobs != 0 || u.Live != 0 || u.Disk > 40<<10 {
		t.Errorf("an empty device holds %+v", u)
	}
}

// TestCompactAborted: what was given up does not hold its segment back.
func TestCompactAborted(t *testing.T) {
	o := options(vfs.NewMem())
	o.SegmentSize = 256 << 10
	r := open(t, o)
	w, err := r.Create(t.Context(), ref(1, 100_000), nil)
	must(t, err)
	refs := []blobref.Ref{ref(1, 100_000), ref(1, 200_000), ref(1, 200_000)}
	r.put(refs...)
	must(t, r.Delete(t.Context(), refs[:2]...))
	st, err := r.Compact(t.Context(), blob.CompactOptions{})
	if err != nil || st.Segments != 1 { // the first one still waits for the writer
		t.Fatalf("%+v, %v", st, err)
	}
	w.Abort()
	st, err = r.Compact(t.Context(), blob.CompactOptions{})
	if err != nil || st.Segments != 1 || r.Usage().Segments != 1 {
		t.Fatalf("%+v, %+v, %v", st, r.Usage(), err)
	}
	r.check(refs[2])
}

// TestCompactDamaged: what does not verify is not copied, is reported, and keeps its segment until it is set aside.
func TestCompactDamaged(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	r := open(t, o)
	good, header, block, gone := ref(1, 70_000), ref(1, 70_000), ref(1, 70_000), ref(1, 500_000)
	r.put(gone, header, good, block)
	ih, _ := r.Stat(t.Context(), header)
	ib, _ := r.Stat(t.Context(), block)
	flip(t, fs, segmentFile(ih.Segment), ih.Offset+30, 2)
	flip(t, fs, segmentFile(ib.Segment), ib.Offset+9000, 2)
	must(t, r.Delete(t.Context(), gone))
	st, err := r.Compact(t.Context(), blob.CompactOptions{})
	if err != nil || st.Moved != 1 || st.Segments != 0 || len(st.Corrupt) != 2 {
		t.Fatalf("%+v, %v", st, err)
	}
	var ce *blob.CorruptError
	for range 2 {
		r.check(good)
		if err := get(t.Context(), r.Device, block); !errors.As(err, &ce) {
			t.Errorf("damaged block: %v", err)
		}
		if err := r.Verify(t.Context(), header, nil); !errors.As(err, &ce) {
			t.Errorf("damaged header: %v", err)
		}
		r.check(header) // its blocks are well
		r.reopen()
	}
	must(t, r.Quarantine(t.Context(), header))
	must(t, r.Quarantine(t.Context(), block))
	if err := r.Quarantine(t.Context(), block); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("set aside twice: %v", err)
	}
	q, err := r.Quarantined(t.Context())
	if err != nil || len(q) != 2 {
		t.Fatalf("%v, %v", q, err)
	}
	for _, i := range q {
		if i.Ref == block && string(i.Owner) != string(owner(block)) {
			t.Errorf("owner of what was set aside: %q", i.Owner)
		}
	}
	r.absent(header, block)
	r.put(header, block)
	st, err = r.Compact(t.Context(), blob.CompactOptions{})
	if err != nil || st.Segments != 1 || len(st.Corrupt) != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	r.check(good, header, block)
	if q, err := r.Quarantined(t.Context()); err != nil || len(q) != 0 {
		t.Errorf("%v, %v", q, err)
	}
}

// TestNoSpace: a full device refuses writes, goes on with reads and deletions, and takes writes again when there is room.
func TestNoSpace(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	o.Reserve = 10 << 20
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 100 << 20, TotalBytes: 200 << 20})
	r := open(t, o)
	a := ref(1, 1000)
	r.put(a)
	if u := r.Usage(); u.Free != 90<<20 || u.Total != 200<<20 {
		t.Errorf("usage %+v", u)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 10 << 20, TotalBytes: 200 << 20})
	var err error
	for range 100 {
		if err = put(t.Context(), r.Device, ref(1, 60_000), 60_000); err != nil {
			break
		}
	}
	if !errors.Is(err, blob.ErrNoSpace) {
		t.Fatalf("a full device says %v", err)
	}
	if _, err := r.Create(t.Context(), ref(1, 60_000), nil); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("create on a full device: %v", err)
	}
	if _, err := r.Create(t.Context(), ref(1, 300_000), nil); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("create on a full device: %v", err)
	}
	r.check(a)
	must(t, r.Delete(t.Context(), a))
	if err := r.Usage().Failed; err != nil {
		t.Errorf("a full device failed: %v", err)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 100 << 20, TotalBytes: 200 << 20})
	r.put(a, ref(1, 300_000))
	r.check(a)
}
