package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// The classes of failure. Callers test them with errors.Is.
var (
	// ErrReference: the image refers to another file.
	ErrReference = errors.New("image: refers to another file")
	// ErrFormat: the image is damaged, encrypted, or of a kind that is not read.
	ErrFormat = errors.New("image: unusable format")
	// ErrTooLarge: the disk would be larger than the limit.
	ErrTooLarge = errors.New("image: too large")
)

// MaxVirtualSize is the largest disk: that of the largest volume of EC2.
const MaxVirtualSize = 64 << 40

// Format of a file.
type Format string

// The formats that are read. Machines run from the first two.
const (
	Raw   Format = "raw"
	QCOW2 Format = "qcow2"
	VMDK  Format = "vmdk"
	VHD   Format = "vpc" // as the emulator calls it
	VHDX  Format = "vhdx"
)

// Info tells what a file is.
type Info struct {
	Format Format
	// VirtualSize is the size of the disk in bytes, as the guest sees it.
	VirtualSize int64
	// Backing is the file that an overlay was made upon; files with one are refused by Inspect, and told by InspectOwn.
	Backing string
}

// Inspect reads the header of a file that may come from anywhere.
func Inspect(path string) (Info, error) {
	info, err := inspect(path)
	if err == nil && info.Backing != "" {
		err = fmt.Errorf("%w: its backing file is %q", ErrReference, info.Backing)
	}
	if err != nil {
		return Info{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	return info, nil
}

// InspectOwn reads the header of a file that CreateOverlay made.
func InspectOwn(path string) (Info, error) {
	info, err := inspect(path)
	if err != nil {
		return Info{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	return info, nil
}

func inspect(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	if !st.Mode().IsRegular() {
		return Info{}, fmt.Errorf("%w: not a file", ErrFormat)
	}
	return Read(f, st.Size())
}

// Read reads the header of an image of size bytes. It looks at a few blocks only, wherever the format has them.
func Read(r io.ReaderAt, size int64) (Info, error) {
	head, err := readUpTo(r, 0, 1<<16, size)
	if err != nil {
		return Info{}, err
	}
	var info Info
	switch {
	case bytes.HasPrefix(head, []byte("QFI\xfb")):
		info, err = readQCOW2(r, head, size)
	case bytes.HasPrefix(head, []byte("KDMV")):
		info, err = readVMDK(r, head, size)
	case bytes.HasPrefix(head, []byte("COWD")), bytes.HasPrefix(bytes.TrimSpace(head), []byte("# Disk DescriptorFile")):
		err = fmt.Errorf("%w: a VMDK in several files; export it as one (monolithicSparse or streamOptimized)", ErrReference)
	case bytes.HasPrefix(head, []byte("vhdxfile")):
		info, err = readVHDX(r, size)
	case bytes.HasPrefix(head, []byte("conectix")):
		info, err = readVHD(r, head, size)
	default:
		info, err = readRaw(r, head, size)
	}
	switch {
	case err != nil:
		return Info{}, err
	case info.VirtualSize <= 0:
		return Info{}, fmt.Errorf("%w: an empty disk", ErrFormat)
	case info.VirtualSize > MaxVirtualSize:
		return Info{}, fmt.Errorf("%w: a disk of %d bytes, at most %d", ErrTooLarge, info.VirtualSize, int64(MaxVirtualSize))
	}
	return info, nil
}

func readUpTo(r io.ReaderAt, offset, n, size int64) ([]byte, error) {
	if offset < 0 || offset >= size {
		return nil, nil
	}
	b := make([]byte, min(n, size-offset))
	got, err := r.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:got], nil
}

// readRaw takes what has no header for a raw disk, unless it is known to be something else.
func readRaw(r io.ReaderAt, head []byte, size int64) (Info, error) {
	for _, known := range []struct {
		at         int
		magic, say string
	}{
		{0, "\x1f\x8b", "gzip; unpack it first"},
		{0, "\xfd7zXZ\x00", "xz; unpack it first"},
		{0, "\x28\xb5\x2f\xfd", "zstd; unpack it first"},
		{0, "BZh", "bzip2; unpack it first"},
		{0, "PK\x03\x04", "zip; unpack it first"},
		{257, "ustar", "tar (an OVA?); unpack it and give the disk in it"},
		{0, "<<< ", "VDI; convert it with qemu-img"},
		{0, "QED\x00", "QED; convert it with qemu-img"},
		{0, "<!DOCTYPE", "a web page, not a disk"},
		{0, "<html", "a web page, not a disk"},
	} {
		if len(head) >= known.at+len(known.magic) && string(head[known.at:known.at+len(known.magic)]) == known.magic {
			return Info{}, fmt.Errorf("%w: %s", ErrFormat, known.say)
		}
	}
	// A fixed VHD is a raw disk with a footer.
	foot, err := readUpTo(r, size-512, 512, size)
	if err != nil {
		return Info{}, err
	}
	if bytes.HasPrefix(foot, []byte("conectix")) {
		return readVHD(r, foot, size)
	}
	if size%512 != 0 {
		return Info{}, fmt.Errorf("%w: no image known, and no raw disk, for its size %d is no multiple of 512", ErrFormat, size)
	}
	return Info{Format: Raw, VirtualSize: size}, nil
}

func readQCOW2(r io.ReaderAt, head []byte, size int64) (Info, error) {
	if len(head) < 72 {
		return Info{}, fmt.Errorf("%w: a qcow2 image cut off in its header", ErrFormat)
	}
	be := binary.BigEndian
	version := be.Uint32(head[4:])
	backingAt, backingLen := be.Uint64(head[8:]), be.Uint32(head[16:])
	clusterBits, virtual, crypt := be.Uint32(head[20:]), be.Uint64(head[24:]), be.Uint32(head[32:])
	switch {
	case version != 2 && version != 3:
		return Info{}, fmt.Errorf("%w: qcow2 of version %d", ErrFormat, version)
	case clusterBits < 9 || clusterBits > 21:
		return Info{}, fmt.Errorf("%w: qcow2 with clusters of 2^%d bytes", ErrFormat, clusterBits)
	case crypt != 0:
		return Info{}, fmt.Errorf("%w: an encrypted qcow2 image", ErrFormat)
	case virtual > 1<<62:
		return Info{}, fmt.Errorf("%w: a disk of %d bytes", ErrTooLarge, virtual)
	}
	if version == 3 {
		if len(head) < 104 {
			return Info{}, fmt.Errorf("%w: a qcow2 image cut off in its header", ErrFormat)
		}
		const dirty, corrupt, external, compression, extended = 1, 2, 4, 8, 16
		switch incompatible := be.Uint64(head[72:]); {
		case incompatible&external != 0:
			return Info{}, fmt.Errorf("%w: its data is in another file", ErrReference)
		case incompatible&corrupt != 0:
			return Info{}, fmt.Errorf("%w: the qcow2 image is marked as corrupt", ErrFormat)
		case incompatible&^(dirty|corrupt|external|compression|extended) != 0:
			return Info{}, fmt.Errorf("%w: qcow2 with unknown features %#x", ErrFormat, incompatible)
		}
	}
	info := Info{Format: QCOW2, VirtualSize: int64(virtual)}
	if backingAt != 0 {
		if backingLen == 0 || backingLen > 1023 || backingAt > uint64(size) {
			return Info{}, fmt.Errorf("%w: the qcow2 header names a backing file that it does not hold", ErrFormat)
		}
		name, err := readUpTo(r, int64(backingAt), int64(backingLen), size)
		if err != nil {
			return Info{}, err
		}
		info.Backing = string(name)
		if len(name) == 0 {
			return Info{}, fmt.Errorf("%w: the qcow2 header names a backing file that it does not hold", ErrFormat)
		}
	}
	return info, nil
}

func readVMDK(r io.ReaderAt, head []byte, size int64) (Info, error) {
	if len(head) < 79 {
		return Info{}, fmt.Errorf("%w: a VMDK image cut off in its header", ErrFormat)
	}
	le := binary.LittleEndian
	version := le.Uint32(head[4:])
	capacity, descriptorAt, descriptorLen := le.Uint64(head[12:]), le.Uint64(head[28:]), le.Uint64(head[36:])
	switch {
	case version < 1 || version > 3:
		return Info{}, fmt.Errorf("%w: VMDK of version %d", ErrFormat, version)
	case capacity > 1<<53:
		return Info{}, fmt.Errorf("%w: a disk of %d sectors", ErrTooLarge, capacity)
	case descriptorAt == 0 || descriptorLen == 0 || descriptorLen > 128 || descriptorAt > uint64(size)/512:
		return Info{}, fmt.Errorf("%w: a VMDK image without its description; it is a part of another one", ErrReference)
	}
	text, err := readUpTo(r, int64(descriptorAt)*512, int64(descriptorLen)*512, size)
	if err != nil {
		return Info{}, err
	}
	// The emulator looks for the parent anywhere in the text, so this does too.
	lower := strings.ToLower(string(text))
	if strings.Contains(lower, "parentfilenamehint") {
		return Info{}, fmt.Errorf("%w: the VMDK image has a parent", ErrReference)
	}
	extents := 0
	for line := range strings.Lines(strings.TrimRight(lower, "\x00")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "rw", "rdonly", "noaccess":
			extents++
			if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != "sparse" {
				return Info{}, fmt.Errorf("%w: the VMDK image has an extent of another kind than sparse", ErrReference)
			}
		}
		if kind, ok := strings.CutPrefix(strings.ReplaceAll(strings.TrimSpace(line), " ", ""), "createtype="); ok {
			if kind = strings.Trim(kind, `"`); kind != "monolithicsparse" && kind != "streamoptimized" {
				return Info{}, fmt.Errorf("%w: a VMDK of type %s; export it as monolithicSparse or streamOptimized", ErrReference, strconv.Quote(kind))
			}
		}
	}
	if extents > 1 {
		return Info{}, fmt.Errorf("%w: the VMDK image has %d extents", ErrReference, extents)
	}
	return Info{Format: VMDK, VirtualSize: int64(capacity) * 512}, nil
}

// readVHD reads a footer: the first and last 512 bytes of a dynamic image, the last of a fixed one.
func readVHD(r io.ReaderAt, foot []byte, size int64) (Info, error) {
	if len(foot) < 512 {
		return Info{}, fmt.Errorf("%w: a VHD image cut off in its footer", ErrFormat)
	}
	const fixed, dynamic, differencing = 2, 3, 4
	virtual := binary.BigEndian.Uint64(foot[48:])
	switch kind := binary.BigEndian.Uint32(foot[60:]); {
	case kind == differencing:
		return Info{}, fmt.Errorf("%w: a VHD image that is the difference to another one", ErrReference)
	case kind != fixed && kind != dynamic:
		return Info{}, fmt.Errorf("%w: VHD of type %d", ErrFormat, kind)
	case virtual > 1<<62:
		return Info{}, fmt.Errorf("%w: a disk of %d bytes", ErrTooLarge, virtual)
	}
	return Info{Format: VHD, VirtualSize: int64(virtual)}, nil
}
