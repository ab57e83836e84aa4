package blob_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// flip changes one bit of a file.
func flip(t testing.TB, fs vfs.FS, name string, off int64, bit uint) {
	t.Helper()
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var p [1]byte
	if _, err := f.ReadAt(p[:], off); err != nil {
		t.Fatal(err)
	}
	p[0] ^= 1 << bit
	if _, err := f.WriteAt(p[:], off); err != nil {
		t.Fatal(err)
	}
}

func segmentFile(n uint32) string { return fmt.Sprintf("dev/segments/%08d.seg", n) }

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBitFlips flips bits in every part of a region. Verify must see each; reads must see those in what they read, and before
// that hand out only what is right.
func TestBitFlips(t *testing.T) {
	fs := vfs.NewMem()
	r := open(t, options(fs))
	const size = 150_000 // three blocks
	b := ref(1, size)
	r.put(ref(1, 100_000), b, ref(1, 100_000))
	i, err := r.Stat(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	head := i.Offset + 60 + int64(len(i.Owner))
	const stride = 65536 + 4
	type part struct {
		name     string
		from, to int64
		offset   int64 // that must be reported
		read     bool  // a read must notice
	}
	parts := []part{
		{"header", i.Offset, i.Offset + 60, 0, false},
		{"owner", i.Offset + 60, head, 0, false},
		{"block 0", head, head + 65536, 0, true},
		{"checksum 0", head + 65536, head + stride, 0, true},
		{"block 1", head + stride, head + stride + 65536, 65536, true},
		{"checksum 1", head + 2*stride - 4, head + 2*stride, 65536, true},
		{"block 2", head + 2*stride, head + size + 8, 131072, true},
		{"checksum 2", head + size + 8, head + size + 12, 131072, true},
		{"trailer", head + size + 12, head + size + 12 + 48, size, false},
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for _, p := range parts {
		for k := range 60 {
			off, bit := p.from+rng.Int64N(p.to-p.from), uint(rng.IntN(8))
			if k == 0 {
				off = p.from
			} else if k == 1 {
				off = p.to - 1
			}
			flip(t, fs, segmentFile(i.Segment), off, bit)
			var ce *blob.CorruptError
			if err := r.Verify(t.Context(), b, nil); !errors.As(err, &ce) || ce.Ref != b || ce.Device != 7 || ce.Offset != p.offset {
				t.Fatalf("%s byte %d bit %d: verify says %v", p.name, off-p.from, bit, err)
			}
			err := get(t.Context(), r.Device, b)
			if p.read && (!errors.As(err, &ce) || ce.Offset != p.offset) || !p.read && err != nil {
				t.Fatalf("%s byte %d bit %d: read says %v", p.name, off-p.from, bit, err)
			}
			if _, err := r.Stat(t.Context(), b); (p.name == "header" || p.name == "owner") != errors.As(err, &ce) {
				t.Fatalf("%s: stat says %v", p.name, err)
			}
			flip(t, fs, segmentFile(i.Segment), off, bit)
		}
	}
	if r.Usage().Corrupt == 0 {
		t.Error("damage is not counted")
	}
	r.check(b)
	// A caller goes on with another copy where this one stopped.
	flip(t, fs, segmentFile(i.Segment), head+stride+7, 1)
	rd, err := r.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for _, off := range []int64{0, 10, 65000} {
		var ce *blob.CorruptError
		n, err := rd.WriteRange(t.Context(), io.Discard, off, 100_000)
		if !errors.As(err, &ce) || off+n != 65536 {
			t.Errorf("range from %d: delivered %d, %v", off, n, err)
		}
	}
	if n, err := rd.WriteRange(t.Context(), io.Discard, 131072, 100); n != 100 || err != nil {
		t.Errorf("a range beside the damage: %d, %v", n, err)
	}
}

// TestSwappedBlocks: right bytes in the wrong place do not verify.
func TestSwappedBlocks(t *testing.T) {
	fs := vfs.NewMem()
	r := open(t, options(fs))
	a, b := ref(1, 200_000), ref(1, 200_000)
	r.put(a, b)
	ia, _ := r.Stat(t.Context(), a)
	ib, _ := r.Stat(t.Context(), b)
	p := readFile(t, fs, segmentFile(ia.Segment))
	const stride = 65536 + 4
	block := func(i blob.Info, k int64) []byte {
		off := i.Offset + 60 + int64(len(i.Owner)) + k*stride
		return p[off : off+stride]
	}
	x := slices.Clone(block(ia, 0))
	copy(block(ia, 0), block(ia, 1)) // another block of the same blob
	copy(block(ib, 0), x)            // the same block of another blob
	writeFile(t, fs, segmentFile(ia.Segment), p)
	r.reopen()
	for _, c := range []blobref.Ref{a, b} {
		var ce *blob.CorruptError
		if err := get(t.Context(), r.Device, c); !errors.As(err, &ce) {
			t.Errorf("swapped blocks: %v", err)
		}
	}
}

// TestLostSegments removes and cuts off segment files, while the device runs and before it starts.
func TestLostSegments(t *testing.T) {
	for _, how := range []string{"removed", "empty", "cut"} {
		t.Run(how, func(t *testing.T) {
			fs := vfs.NewMem()
			o := options(fs)
			o.SegmentSize = 256 << 10
			r := open(t, o)
			var refs []blobref.Ref
			for i := range 20 {
				refs = append(refs, ref(blobref.Partition(i), 60_000))
			}
			r.put(refs...)
			hit := map[blobref.ID]bool{}
			first, _ := r.Stat(t.Context(), refs[0])
			for _, b := range refs {
				if i, _ := r.Stat(t.Context(), b); i.Segment == first.Segment {
					hit[b.ID] = true
				}
			}
			name := segmentFile(first.Segment)
			r.reopen() // forgets open handles
			switch how {
			case "removed":
				if err := fs.Remove(name); err != nil {
					t.Fatal(err)
				}
			case "empty":
				writeFile(t, fs, name, nil)
			case "cut":
				writeFile(t, fs, name, readFile(t, fs, name)[:4096+5000])
			}
			for range 2 {
				for _, b := range refs {
					var ce *blob.CorruptError
					err, verr := get(t.Context(), r.Device, b), r.Verify(t.Context(), b, nil)
					if hit[b.ID] != errors.As(err, &ce) || hit[b.ID] != errors.As(verr, &ce) || !hit[b.ID] && (err != nil || verr != nil) {
						t.Fatalf("hit %v: read %v, verify %v", hit[b.ID], err, verr)
					}
				}
				if u := r.Usage(); u.Blobs != int64(len(refs)) {
					t.Errorf("usage %+v", u)
				}
				if len(r.list()) != len(refs) {
					t.Error("lost blobs must stay listed until they are set aside")
				}
				r.reopen()
			}
			if u := r.Usage(); (u.Missing == 1) != (how == "removed") {
				t.Errorf("usage %+v", u)
			}
			// Repair: set aside, write anew, compact what is left of the file.
			for _, b := range refs {
				if hit[b.ID] {
					if err := r.Quarantine(t.Context(), b); err != nil {
						t.Fatal(err)
					}
					r.absent(b)
					r.put(b)
				}
			}
			if q, err := r.Quarantined(t.Context()); err != nil || len(q) != len(hit) {
				t.Fatalf("%d set aside, %v", len(q), err)
			}
			for range 2 {
				r.check(refs...)
				if _, err := r.Compact(t.Context(), blob.CompactOptions{}); err != nil {
					t.Fatal(err)
				}
				if u := r.Usage(); u.Missing != 0 || u.Blobs != int64(len(refs)) {
					t.Errorf("usage %+v", u)
				}
				if q, err := r.Quarantined(t.Context()); err != nil || len(q) != 0 {
					t.Errorf("%d set aside after compaction, %v", len(q), err)
				}
				r.reopen()
			}
		})
	}
}

// TestIndexLost: the index is made again from the segments, whatever became of it.
func TestIndexLost(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	r := open(t, o)
	var refs []blobref.Ref
	for i := range 60 {
		refs = append(refs, ref(blobref.Partition(i%4), []int64{0, 3000, 70_000, 200_000}[i%4]))
	}
	r.put(refs...)
	infos := map[blobref.ID]blob.Info{}
	for _, b := range refs {
		infos[b.ID], _ = r.Stat(t.Context(), b)
	}
	same := func() {
		t.Helper()
		r.check(refs...)
		for _, b := range refs {
			i, err := r.Stat(t.Context(), b)
			w := infos[b.ID]
			if err != nil || i.Ref != w.Ref || i.Segment != w.Segment || i.Offset != w.Offset || !i.Created.Equal(w.Created) || string(i.Owner) != string(w.Owner) {
				t.Fatalf("%+v, want %+v, %v", i, w, err)
			}
		}
		if n := len(r.list()); n != len(refs) || r.Usage().Blobs != int64(n) {
			t.Fatalf("%d listed, usage %+v", n, r.Usage())
		}
	}
	damage := map[string]func(){
		"removed": func() { must(t, fs.RemoveAll("dev/index")) },
		"emptied": func() {
			must(t, fs.RemoveAll("dev/index"))
			must(t, fs.MkdirAll("dev/index", 0o700))
		},
		"marked": func() { writeFile(t, fs, "dev/index.rebuild", nil) },
	}
	for _, kind := range []string{"MANIFEST", ".sst", ".log", "OPTIONS", "marker.manifest", "marker.format-version"} {
		each := func(f func(name string)) {
			names, err := fs.List("dev/index")
			must(t, err)
			for _, n := range names {
				if strings.Contains(n, kind) {
					f("dev/index/" + n)
				}
			}
		}
		damage["no "+kind] = func() { each(func(n string) { must(t, fs.Remove(n)) }) }
		damage["empty "+kind] = func() { each(func(n string) { writeFile(t, fs, n, nil) }) }
		damage["noise in "+kind] = func() {
			each(func(n string) {
				p := readFile(t, fs, n)
				for i := range p {
					p[i] ^= byte(0x55 + i)
				}
				writeFile(t, fs, n, p)
			})
		}
	}
	for _, name := range slices.Sorted(keys(damage)) {
		// Closing and opening again flushes the index to tables.
		must(t, r.Close())
		damage[name]()
		d, err := blob.Open(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			must(t, fs.RemoveAll("dev/index"))
			if d, err = blob.Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		r.Device = d
		t.Log(name)
		// Damage inside a table may be met only later: then calls fail, never lie, and the next start makes the index again.
		if err := probe(t, r, refs); err != nil {
			if !errors.Is(r.Usage().Failed, blob.ErrFailed) {
				t.Errorf("%s: %v, but the device does not say that it failed", name, err)
			}
			r.reopen()
		}
		same()
		b := ref(1, 1000)
		r.put(b)
		infos[b.ID], _ = r.Stat(t.Context(), b)
		refs = append(refs, b)
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// probe reads everything and returns the first error; a wrong answer fails the test.
func probe(t *testing.T, r *rig, refs []blobref.Ref) error {
	t.Helper()
	for _, b := range refs {
		if err := get(t.Context(), r.Device, b); err != nil {
			if errors.Is(err, blob.ErrNotFound) {
				t.Errorf("a damaged index denies a blob: %v", err)
			}
			return err
		}
	}
	return r.Each(t.Context(), 0, 0, func(blob.Info) error { return nil })
}

// TestIndexRebuildKeepsDamageVisible: when the index is made again, a damaged blob must not vanish silently.
func TestIndexRebuildKeepsDamageVisible(t *testing.T) {
	fs := vfs.NewMem()
	r := open(t, options(fs))
	a, b, c := ref(1, 100_000), ref(1, 100_000), ref(1, 100_000)
	r.put(a, b, c)
	ib, _ := r.Stat(t.Context(), b)
	flip(t, fs, segmentFile(ib.Segment), ib.Offset+5000, 3)
	must(t, r.Close())
	must(t, fs.RemoveAll("dev/index"))
	d, err := blob.Open(t.Context(), r.o)
	must(t, err)
	r.Device = d
	r.check(a, c)
	var ce *blob.CorruptError
	if err := get(t.Context(), r.Device, b); !errors.As(err, &ce) {
		t.Errorf("damaged blob after the index was made again: %v", err)
	}
	// A lost header costs its own blob only; what lies behind it is found.
	flip(t, fs, segmentFile(ib.Segment), ib.Offset+20, 3)
	must(t, r.Close())
	must(t, fs.RemoveAll("dev/index"))
	// And the segment's own header.
	flip(t, fs, segmentFile(ib.Segment), 9, 3)
	if r.Device, err = blob.Open(t.Context(), r.o); err != nil {
		t.Fatal(err)
	}
	r.check(a, c)
	r.absent(b)
}

// TestForgedRegion: the body of a blob that looks like a region is not taken for one when the search for headers runs over it.
func TestForgedRegion(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs)
	r := open(t, o)
	victim := ref(1, 3000)
	r.put(victim)
	iv, _ := r.Stat(t.Context(), victim)
	region := readFile(t, fs, segmentFile(iv.Segment))[iv.Offset : iv.Offset+iv.Length]

	// A device of the same id, whose segments the forger could know: another nonce, else the same.
	evil := vfs.NewMem()
	e := open(t, func() blob.Options { o := options(evil); return o }())
	forged := ref(1, 60_000)
	w, err := e.Create(t.Context(), forged, nil)
	must(t, err)
	// The blocks start at 60 bytes into a page: put the region where the next page starts.
	p := make([]byte, forged.Size)
	copy(p[4096-60:], region)
	_, err = w.Write(p)
	must(t, err)
	must(t, w.Commit(t.Context()))
	i, _ := e.Stat(t.Context(), forged)
	must(t, e.Close())
	flip(t, evil, segmentFile(i.Segment), i.Offset+20, 1) // the search begins
	must(t, evil.RemoveAll("dev/index"))
	e2 := open(t, options(evil))
	if l := e2.list(); len(l) != 0 {
		t.Errorf("a body was taken for a blob: %+v", l)
	}
}

// TestTornTail: a region whose trailer reached the disk and whose blocks did not is no blob, now or later.
func TestTornTail(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := options(crashFS{fs})
	r := open(t, o)
	a, b, c := ref(1, 100_000), ref(1, 150_000), ref(1, 1000)
	r.put(a, c)
	must(t, r.Sync())
	old := fs.CrashClone(vfs.CrashCloneCfg{})
	r.put(b)
	i, _ := r.Stat(t.Context(), b)
	must(t, r.Close())
	torn := fs.CrashClone(vfs.CrashCloneCfg{})
	must(t, torn.RemoveAll("dev/index"))
	copyTree(t, old, torn, "dev/index")
	flip(t, torn, segmentFile(i.Segment), i.Offset+70_000, 0)
	o.FS = torn
	r = open(t, o)
	r.check(a, c)
	r.absent(b)
	must(t, r.Close())
	must(t, torn.RemoveAll("dev/index"))
	r = open(t, o)
	r.check(a, c)
	r.absent(b)
	r.put(b)
	r.check(b)
}

// TestForeignSegment: a segment file of another device, or under another number, is left alone.
func TestForeignSegment(t *testing.T) {
	fs, other := vfs.NewMem(), vfs.NewMem()
	oo := options(other)
	oo.Device = 8
	x := open(t, oo)
	foreign := ref(1, 100)
	x.put(foreign)
	must(t, x.Close())
	r := open(t, options(fs))
	own := ref(1, 100)
	r.put(own)
	i, _ := r.Stat(t.Context(), own)
	must(t, r.Close())
	writeFile(t, fs, segmentFile(41), readFile(t, other, segmentFile(1)))
	writeFile(t, fs, segmentFile(42), readFile(t, fs, segmentFile(i.Segment)))
	writeFile(t, fs, "dev/segments/lost+found", nil)
	must(t, fs.RemoveAll("dev/index"))
	r = open(t, r.o)
	r.check(own)
	r.absent(foreign)
	if n := len(r.list()); n != 1 {
		t.Errorf("%d listed", n)
	}
	big := ref(1, 200_000)
	r.put(big)
	if i, _ := r.Stat(t.Context(), big); i.Segment <= 42 {
		t.Errorf("new segment %d reuses a number", i.Segment)
	}
}
