package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

func TestMain(m *testing.M) {
	if os.Getenv(ownProcess) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// rig is a device under test with a memory of what it should hold.
type rig struct {
	t testing.TB
	*blob.Device
	o blob.Options
}

func options(fs vfs.FS) blob.Options {
	return blob.Options{FS: fs, Dir: "dev", Device: 7, SegmentSize: 1 << 20, SmallLimit: 64 << 10, Preallocate: 128 << 10, Reserve: -1, OpenFiles: 4}
}

func open(t testing.TB, o blob.Options) *rig {
	t.Helper()
	d, err := blob.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, Device: d, o: o}
	t.Cleanup(func() { _ = r.Device.Close() })
	return r
}

func (r *rig) reopen() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	d, err := blob.Open(context.Background(), r.o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Device = d
}

// body is the content that belongs to an id: a reader can tell whether it got the right bytes.
func body(id blobref.ID, size int64) []byte {
	c := rand.NewChaCha8([32]byte(append(id[:], id[:]...)))
	p := make([]byte, size)
	c.Read(p)
	return p
}

func ref(part blobref.Partition, size int64) blobref.Ref {
	return blobref.Ref{ID: blobref.NewID(), Partition: part, Size: size}
}

func owner(r blobref.Ref) blobref.Owner { return blobref.Owner("owner of " + r.ID.String()) }

func put(ctx context.Context, d *blob.Device, r blobref.Ref, chunk int) error {
	w, err := d.Create(ctx, r, owner(r))
	if err != nil {
		return err
	}
	defer w.Abort()
	p := body(r.ID, r.Size)
	for len(p) > 0 {
		k := min(chunk, len(p))
		if _, err := w.Write(p[:k]); err != nil {
			return err
		}
		p = p[k:]
	}
	return w.Commit(ctx)
}

func (r *rig) put(refs ...blobref.Ref) {
	r.t.Helper()
	for _, b := range refs {
		if err := put(r.t.Context(), r.Device, b, 10_000); err != nil {
			r.t.Fatalf("put %d bytes: %v", b.Size, err)
		}
	}
}

// get reads a blob and compares it.
func get(ctx context.Context, d *blob.Device, b blobref.Ref) error {
	rd, err := d.Open(ctx, b)
	if err != nil {
		return err
	}
	defer rd.Close()
	var buf bytes.Buffer
	n, err := rd.WriteRange(ctx, &buf, 0, b.Size)
	want := body(b.ID, b.Size)
	if !bytes.Equal(buf.Bytes(), want[:buf.Len()]) || n != int64(buf.Len()) {
		return fmt.Errorf("WRONG BYTES handed out (%d reported, %d written)", n, buf.Len())
	}
	if err == nil && n != b.Size {
		return fmt.Errorf("WRONG LENGTH %d of %d without an error", n, b.Size)
	}
	return err
}

func (r *rig) check(refs ...blobref.Ref) {
	r.t.Helper()
	for _, b := range refs {
		if err := get(r.t.Context(), r.Device, b); err != nil {
			r.t.Fatalf("get %d bytes: %v", b.Size, err)
		}
	}
}

func (r *rig) absent(refs ...blobref.Ref) {
	r.t.Helper()
	for _, b := range refs {
		if err := get(r.t.Context(), r.Device, b); !errors.Is(err, blob.ErrNotFound) {
			r.t.Fatalf("get of an absent blob: %v", err)
		}
	}
}

func (r *rig) list() []blobref.Ref {
	r.t.Helper()
	var refs []blobref.Ref
	if err := r.Each(context.Background(), 0, 0, func(i blob.Info) error { refs = append(refs, i.Ref); return nil }); err != nil {
		r.t.Fatal(err)
	}
	return refs
}

var sizes = []int64{0, 1, 4095, 4096, 65535, 65536, 65537, 131072, 200_000, 262_144, 262_145, 700_001}

func TestWriteRead(t *testing.T) {
	for _, chunk := range []int{1 << 20, 65536, 65540, 4093, 777} {
		for _, fs := range []string{"mem", "disk"} {
			t.Run(fmt.Sprintf("%s/%d", fs, chunk), func(t *testing.T) {
				o := options(vfs.NewMem())
				if fs == "disk" {
					o.FS, o.Dir = nil, t.TempDir()+"/dev"
				}
				r := open(t, o)
				var refs []blobref.Ref
				for i, n := range sizes {
					b := ref(blobref.Partition(i%3), n)
					refs = append(refs, b)
					if err := put(t.Context(), r.Device, b, chunk); err != nil {
						t.Fatalf("%d bytes: %v", n, err)
					}
				}
				for range 2 {
					r.check(refs...)
					for _, b := range refs {
						i, err := r.Stat(t.Context(), b)
						if err != nil || i.Ref != b || !bytes.Equal(i.Owner, owner(b)) || i.Created.IsZero() || i.Length%4096 != 0 {
							t.Fatalf("stat: %+v, %v", i, err)
						}
						if err := r.Verify(t.Context(), b, nil); err != nil {
							t.Fatal(err)
						}
					}
					if got := len(r.list()); got != len(refs) {
						t.Fatalf("%d listed, want %d", got, len(refs))
					}
					r.reopen()
				}
			})
		}
	}
}

func TestRanges(t *testing.T) {
	r := open(t, options(vfs.NewMem()))
	b := ref(1, 700_001)
	r.put(b)
	want := body(b.ID, b.Size)
	rd, err := r.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		off := rng.Int64N(b.Size + 1)
		n := rng.Int64N(b.Size - off + 1)
		var buf bytes.Buffer
		if got, err := rd.WriteRange(t.Context(), &buf, off, n); err != nil || got != n || !bytes.Equal(buf.Bytes(), want[off:off+n]) {
			t.Fatalf("WriteRange(%d, %d) = %d, %v", off, n, got, err)
		}
		p := make([]byte, rng.IntN(200_000))
		k, err := rd.ReadAt(p, off)
		end := min(off+int64(len(p)), b.Size)
		if !bytes.Equal(p[:k], want[off:end]) || (err == io.EOF) != (int64(k) < int64(len(p)) || off == b.Size) {
			t.Fatalf("ReadAt(%d, %d) = %d, %v", len(p), off, k, err)
		}
	}
	if _, err := rd.WriteRange(t.Context(), io.Discard, b.Size+1, 1); err == nil {
		t.Fatal("range behind the end succeeded")
	}
	if _, err := rd.WriteRange(t.Context(), io.Discard, -1, 1); err == nil {
		t.Fatal("negative range succeeded")
	}
	if k, err := rd.ReadAt(make([]byte, 1), b.Size); k != 0 || err != io.EOF {
		t.Fatalf("ReadAt at the end = %d, %v", k, err)
	}
	// The sink's error comes back as it is, with what it took.
	sink := &shortSink{room: 100_000, err: errors.New("sink is full")}
	if n, err := rd.WriteRange(t.Context(), sink, 0, b.Size); n != 100_000 || !errors.Is(err, sink.err) {
		t.Fatalf("WriteRange to a full sink = %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := rd.WriteRange(ctx, io.Discard, 0, b.Size); n != 0 || !errors.Is(err, context.Canceled) {
		t.Fatalf("WriteRange cancelled = %d, %v", n, err)
	}
}

type shortSink struct {
	room int
	err  error
}

func (s *shortSink) Write(p []byte) (int, error) {
	k := min(len(p), s.room)
	s.room -= k
	if k < len(p) {
		return k, s.err
	}
	return k, nil
}

func TestWriterMisuse(t *testing.T) {
	ctx := t.Context()
	r := open(t, options(vfs.NewMem()))
	for _, size := range []int64{100, 300_000} {
		b := ref(1, size)
		w, err := r.Create(ctx, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Create(ctx, b, nil); !errors.Is(err, blob.ErrBusy) {
			t.Fatalf("second writer: %v", err)
		}
		if _, err := w.Write(make([]byte, size-1)); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(ctx); !errors.Is(err, blob.ErrSize) {
			t.Fatalf("commit of too little: %v", err)
		}
		w.Abort()
		w.Abort()
		if _, err := w.Write(nil); !errors.Is(err, blob.ErrClosed) {
			t.Fatalf("write after the end: %v", err)
		}
		r.absent(b)

		if w, err = r.Create(ctx, b, nil); err != nil {
			t.Fatal(err)
		}
		if n, err := w.Write(make([]byte, size+1)); n != 0 || !errors.Is(err, blob.ErrSize) {
			t.Fatalf("write of too much: %d, %v", n, err)
		}
		if err := w.Commit(ctx); !errors.Is(err, blob.ErrSize) {
			t.Fatalf("commit of too much: %v", err)
		}
		r.absent(b)

		cctx, cancel := context.WithCancel(ctx)
		if w, err = r.Create(cctx, b, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := w.Commit(cctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("commit cancelled: %v", err)
		}
		r.absent(b)
		r.put(b)
		if _, err := r.Create(ctx, b, nil); !errors.Is(err, blob.ErrExists) {
			t.Fatalf("create again: %v", err)
		}
		wrong := b
		wrong.Size++
		if _, err := r.Open(ctx, wrong); !errors.Is(err, blob.ErrNotFound) {
			t.Fatalf("open with another size: %v", err)
		}
	}
	if _, err := r.Create(ctx, ref(1, 2<<20), nil); !errors.Is(err, blob.ErrTooLarge) {
		t.Fatalf("larger than a segment: %v", err)
	}
	if _, err := r.Create(ctx, ref(1, -1), nil); err == nil {
		t.Fatal("negative size accepted")
	}
	if _, err := r.Create(ctx, ref(1, 1), make(blobref.Owner, blobref.MaxOwnerLen+1)); err == nil {
		t.Fatal("huge owner accepted")
	}
	long := ref(1, 5)
	if w, err := r.Create(ctx, long, make(blobref.Owner, blobref.MaxOwnerLen)); err != nil {
		t.Fatal(err)
	} else if _, err = w.Write(body(long.ID, 5)); err != nil {
		t.Fatal(err)
	} else if err = w.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	r.check(long)
}

func TestDelete(t *testing.T) {
	r := open(t, options(vfs.NewMem()))
	a, b, c := ref(1, 100), ref(2, 300_000), ref(2, 5000)
	r.put(a, b, c)
	rd, err := r.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if err := r.Delete(t.Context(), a, b, a, ref(9, 9)); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r.absent(a, b)
	r.check(c)
	if _, err := rd.ReadAt(make([]byte, 1000), 5); err != nil {
		t.Fatalf("an open reader lost its blob: %v", err)
	}
	if u := r.Usage(); u.Blobs != 1 || u.Dead < 300_000 || u.Live < 5000 || u.Live > 10_000 {
		t.Fatalf("usage %+v", u)
	}
	r.reopen()
	r.absent(a, b)
	r.check(c)
	r.put(a) // the same id may come again
	r.check(a)
}

func TestEach(t *testing.T) {
	r := open(t, options(vfs.NewMem()))
	want := map[blobref.Partition][]blobref.Ref{}
	for i := range 1300 {
		b := ref(blobref.Partition(i%5), int64(i%50))
		want[b.Partition] = append(want[b.Partition], b)
	}
	var wg sync.WaitGroup
	for _, refs := range want {
		wg.Go(func() {
			for _, b := range refs {
				if err := put(t.Context(), r.Device, b, 100); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, span := range [][2]blobref.Partition{{0, 0}, {1, 3}, {4, 0}, {2, 2}, {5, 0}} {
		var expect []blobref.Ref
		for p := blobref.Partition(0); p < 5; p++ {
			if p >= span[0] && (p < span[1] || span[1] == 0) {
				part := slices.Clone(want[p])
				slices.SortFunc(part, func(a, b blobref.Ref) int { return bytes.Compare(a.ID[:], b.ID[:]) })
				expect = append(expect, part...)
			}
		}
		var got []blobref.Ref
		err := r.Each(t.Context(), span[0], span[1], func(i blob.Info) error {
			got = append(got, i.Ref)
			return nil
		})
		if err != nil || !slices.Equal(got, expect) {
			t.Fatalf("%v: %d listed, want %d, %v", span, len(got), len(expect), err)
		}
	}
	stop := errors.New("stop")
	n := 0
	if err := r.Each(t.Context(), 0, 0, func(blob.Info) error { n++; return stop }); err != stop || n != 1 {
		t.Fatalf("%v after %d", err, n)
	}
}

func TestFolder(t *testing.T) {
	ctx := t.Context()
	for _, fs := range []struct {
		name string
		fs   vfs.FS
		dir  string
	}{{"mem", vfs.NewMem(), "dev"}, {"disk", vfs.Default, t.TempDir()}} {
		t.Run(fs.name, func(t *testing.T) {
			o := options(fs.fs)
			o.Dir = fs.dir
			r := open(t, o)
			if _, err := blob.Open(ctx, o); !errors.Is(err, blob.ErrLocked) {
				t.Fatalf("opened twice: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatalf("second close: %v", err)
			}
			if _, err := r.Create(ctx, ref(1, 1), nil); !errors.Is(err, blob.ErrClosed) {
				t.Fatalf("create on a closed device: %v", err)
			}
			other := o
			other.Device++
			if _, err := blob.Open(ctx, other); !errors.Is(err, blob.ErrWrongDevice) {
				t.Fatalf("another id: %v", err)
			}
			name := o.FS.PathJoin(o.Dir, "device.json")
			writeFile(t, o.FS, name, []byte(`{"format": 99, "device": "whatever"}`))
			if _, err := blob.Open(ctx, o); !errors.Is(err, blob.ErrNewerFormat) {
				t.Fatalf("newer format: %v", err)
			}
			writeFile(t, o.FS, name, []byte(`{`))
			if _, err := blob.Open(ctx, o); err == nil {
				t.Fatal("broken device.json accepted")
			}
		})
	}
	for _, bad := range []func(*blob.Options){
		func(o *blob.Options) { o.Dir = "" }, func(o *blob.Options) { o.Device = 0 }, func(o *blob.Options) { o.SegmentSize = 1 },
		func(o *blob.Options) { o.SmallLimit = 1 << 30 }, func(o *blob.Options) { o.OpenFiles = -1 },
	} {
		o := options(vfs.NewMem())
		bad(&o)
		if _, err := blob.Open(ctx, o); err == nil {
			t.Fatalf("%+v accepted", o)
		}
	}
}

func writeFile(t testing.TB, fs vfs.FS, name string, p []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(p)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestConcurrent mixes everything at once, with segments so small that they roll all the time.
func TestConcurrent(t *testing.T) {
	o := options(vfs.NewMem())
	if os.Getenv("BLOB_TEST_DISK") != "" {
		o.FS, o.Dir = nil, t.TempDir()
	}
	r := open(t, o)
	ctx := t.Context()
	var wg sync.WaitGroup
	kept := make([][]blobref.Ref, 8)
	gone := make([][]blobref.Ref, 8)
	rounds := 60
	if raceEnabled {
		rounds = 25
	}
	for g := range kept {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 5))
			for range rounds {
				b := ref(blobref.Partition(rng.IntN(4)), []int64{10, 5000, 70_000, 150_000}[rng.IntN(4)])
				if rng.IntN(6) == 0 { // give up in the middle
					w, err := r.Create(ctx, b, nil)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = w.Write(body(b.ID, b.Size)[:b.Size/2])
					w.Abort()
					gone[g] = append(gone[g], b)
					continue
				}
				if err := put(ctx, r.Device, b, 1+rng.IntN(100_000)); err != nil {
					t.Error(err)
					return
				}
				if err := get(ctx, r.Device, b); err != nil {
					t.Error(err)
				}
				kept[g] = append(kept[g], b)
				if rng.IntN(2) == 0 {
					k := rng.IntN(len(kept[g]))
					x := kept[g][k]
					kept[g] = slices.Delete(kept[g], k, k+1)
					if err := r.Delete(ctx, x); err != nil {
						t.Error(err)
					}
					gone[g] = append(gone[g], x)
				}
			}
		})
	}
	stop := make(chan struct{})
	var bg sync.WaitGroup
	bg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := r.Compact(ctx, blob.CompactOptions{MinDead: 0.3}); err != nil {
					t.Error(err)
					return
				}
				for _, b := range r.list() {
					if err := r.Verify(ctx, b, nil); err != nil && !errors.Is(err, blob.ErrNotFound) {
						t.Error(err)
					}
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	bg.Wait()
	for range 2 {
		n := 0
		for g := range kept {
			r.check(kept[g]...)
			r.absent(gone[g]...)
			n += len(kept[g])
		}
		if u := r.Usage(); u.Blobs != int64(n) || len(r.list()) != n {
			t.Fatalf("%d listed, usage %+v, want %d", len(r.list()), u, n)
		}
		r.reopen()
	}
}
