package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The decoders read what a disk gives them: they must not panic, must not accept what they would not write, and must be the
// inverse of the encoders.

func FuzzDecodeHeader(f *testing.F) {
	var p [headerSize + 8]byte
	h := header{kind: kindBlob, nonce: 5, id: blobref.ID{1, 2}, partition: 9, size: 70_000, created: 12, owner: blobref.Owner("an owner")}
	h.encode(p[:])
	f.Add(p[:])
	f.Add(p[:headerSize])
	p[36] = 1
	f.Add(p[:])
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > headerSize && p[36] == 1 { // let the fuzzer behind the magic number and the checksum
			p = bytes.Clone(p)
			binary.LittleEndian.PutUint32(p, regionMagic)
			n := min(int(binary.LittleEndian.Uint16(p[6:])), len(p)-headerSize)
			binary.LittleEndian.PutUint32(p[56:], crc32.Update(checksum(p[:56]), castagnoli, p[headerSize:headerSize+n]))
		}
		h, err := decodeHeader(p)
		if err != nil {
			return
		}
		q := make([]byte, h.len())
		h.encode(q)
		p = bytes.Clone(p[:h.len()])
		for _, b := range [][]byte{p, q} { // what is reserved is not kept, and changes the checksum
			clear(b[36:40])
			clear(b[56:60])
		}
		if !bytes.Equal(q, p) || h.region() < h.len()+h.size || h.region()%pageSize != 0 {
			t.Errorf("%x became %x", p, q)
		}
	})
}

func FuzzDecodeTrailer(f *testing.F) {
	var p [trailerSize]byte
	trailer{nonce: 5, id: blobref.ID{1, 2}, size: 70_000, sum: 77}.encode(p[:])
	f.Add(p[:])
	f.Fuzz(func(t *testing.T, p []byte) {
		tr, err := decodeTrailer(p)
		if err != nil {
			return
		}
		var q [trailerSize]byte
		tr.encode(q[:])
		if !bytes.Equal(q[:], p[:trailerSize]) {
			t.Errorf("%x became %x", p, q)
		}
	})
}

func FuzzDecodeSegmentHeader(f *testing.F) {
	var p [segmentHeaderSize]byte
	segmentHeader{class: large, device: 3, number: 4, nonce: 5, created: 6}.encode(p[:])
	f.Add(p[:])
	f.Fuzz(func(t *testing.T, p []byte) {
		h, err := decodeSegmentHeader(p)
		if err == nil && h.class >= classes {
			t.Errorf("class %d", h.class)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	pl := place{segment: 1, off: pageSize, size: 100, ownerLen: 5, created: 77}
	f.Add(pl.append(nil))
	f.Add(quarantined{part: 1, id: blobref.ID{7}, place: pl}.append(nil))
	f.Add(segmentRecord{state: stateSealed, class: large, nonce: 9, watermark: 8192, end: 8192, live: 4096, blobs: 1}.append(nil))
	f.Add(pageKey(keyTomb, 3, 8192))
	k := blobKey(3, blobref.ID{4})
	f.Add(k[:])
	f.Fuzz(func(t *testing.T, p []byte) {
		if v, err := decodePlace(p); err == nil && (!bytes.Equal(v.append(nil), p) || v.region() <= 0 || v.body() <= 0) {
			t.Errorf("place %x became %x", p, v.append(nil))
		}
		if v, err := decodeQuarantined(p); err == nil && !bytes.Equal(v.append(nil), p) {
			t.Errorf("quarantined %x became %x", p, v.append(nil))
		}
		if v, err := decodeSegmentRecord(p); err == nil && !bytes.Equal(v.append(nil), p) {
			t.Errorf("segment record %x became %x", p, v.append(nil))
		}
		if n, off, err := decodePageKey(keyTomb, p); err == nil && !bytes.Equal(pageKey(keyTomb, n, off), p) {
			t.Errorf("page key %x", p)
		}
		if part, id, err := decodeBlobKey(p); err == nil {
			if k := blobKey(part, id); !bytes.Equal(k[:], p) {
				t.Errorf("blob key %x", p)
			}
		}
	})
}

func FuzzDecodeDevice(f *testing.F) {
	f.Add([]byte(`{"format": 1, "device": 7, "created": "2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"format": 2}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		if j, err := decodeDevice(p); err == nil && (j.Device == 0 || j.Format != folderFormat) {
			t.Errorf("%s accepted as %+v", p, j)
		} else if err != nil && !errors.Is(err, errFormat) && !errors.Is(err, ErrNewerFormat) {
			t.Errorf("%s: %v", p, err)
		}
	})
}

func garbageSegments() [][]byte {
	seg := make([]byte, 3*pageSize)
	segmentHeader{device: 1, number: 1, nonce: 5}.encode(seg)
	h := header{kind: kindBlob, nonce: 5, id: blobref.ID{1}, size: 0}
	h.encode(seg[pageSize:])
	trailer{nonce: 5, id: h.id}.encode(seg[pageSize+headerSize:])
	huge := bytes.Clone(seg)
	h.size = maxBody
	h.encode(huge[2*pageSize:])
	return [][]byte{seg, huge, seg[:pageSize+headerSize+3], seg[:100], nil, huge[pageSize:], bytes.Repeat([]byte{0xff}, 3*pageSize)}
}

// FuzzScan walks the regions of arbitrary bytes.
func FuzzScan(f *testing.F) {
	for _, p := range garbageSegments() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		file := vfs.NewMemFile(p)
		s := scanner{file: file, nonce: 5, buf: make([]byte, 4*pageSize)}
		buf := make([]byte, fourBlocks)
		prev := int64(0)
		err := s.each(t.Context(), pageSize, func(off int64, h *header) error {
			if off < prev || off%pageSize != 0 {
				t.Errorf("region at %d after %d", off, prev)
			}
			prev = off + h.region()
			fl, err := check(file, off, h, buf, true, nil)
			if fl == nil && off+regionLen(len(h.owner), h.size) > int64(len(p)) {
				t.Errorf("a region behind the end verifies")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestOpenGarbage opens devices over segment files that are none.
func TestOpenGarbage(t *testing.T) {
	for i, p := range garbageSegments() {
		fs := vfs.NewMem()
		if err := fs.MkdirAll("d/segments", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := writeSynced(fs, "d/segments/00000001.seg", bytes.Clone(p)); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.Context(), Options{FS: fs, Dir: "d", Device: 1, Reserve: -1, SegmentSize: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = d.Each(t.Context(), 0, 0, func(i Info) error { n++; return d.Verify(t.Context(), i.Ref, nil) })
		if want := map[bool]int{true: 1}[i < 2]; err != nil || n != want {
			t.Errorf("%d: %d blobs, want %d, %v", i, n, want, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSegmentNames(t *testing.T) {
	for name, want := range map[string]uint32{
		"00000001.seg": 1, "4294967295.seg": math.MaxUint32, "123456789.seg": 123456789,
		"00000000.seg": 0, "1.seg": 0, "00000001": 0, "4294967296.seg": 0, "0000000x.seg": 0, "+0000001.seg": 0, ".seg": 0,
	} {
		if n, ok := parseSegmentName(name); n != want || ok != (want != 0) {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
}

// TestHandles: no more files are open than allowed, while no more are in use, and each is closed once.
func TestHandles(t *testing.T) {
	open, closed := 0, 0
	c := newHandles(3, func(n uint32) (vfs.File, error) {
		if n == 99 {
			return nil, errors.New("no such file")
		}
		open++
		return countingFile{vfs.NewMemFile(nil), &closed}, nil
	})
	get := func(n uint32) *handle {
		h, err := c.acquire(n)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for n := range uint32(10) {
		c.put(get(n))
	}
	if open != 10 || closed != 7 {
		t.Fatalf("%d opened, %d closed", open, closed)
	}
	c.put(get(9)) // cached
	if open != 10 {
		t.Fatal("opened again")
	}
	var held []*handle
	for n := range uint32(6) {
		held = append(held, get(100+n))
	}
	if open-closed != 6 { // more than allowed, but all in use
		t.Fatalf("%d open", open-closed)
	}
	again := get(100)
	c.remove(100)
	c.put(again)
	if held[0].file.(countingFile).done() {
		t.Fatal("closed in use")
	}
	for _, h := range held {
		c.put(h)
	}
	if open-closed != 3 {
		t.Fatalf("%d open", open-closed)
	}
	if _, err := c.acquire(99); err == nil {
		t.Fatal("no error")
	}
	last := get(105)
	c.close()
	if _, err := c.acquire(1); !errors.Is(err, ErrClosed) {
		t.Fatalf("%v", err)
	}
	c.put(last)
	if open != closed {
		t.Fatalf("%d left open", open-closed)
	}
}

type countingFile struct {
	vfs.File
	closed *int
}

func (f countingFile) Close() error { *f.closed++; return f.File.Close() }
func (f countingFile) done() bool   { _, err := f.File.Stat(); return err != nil }
