package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Where a VHDX has its tables, and the names of those that are read, as GUIDs in their mixed order of bytes.
const (
	vhdxRegions    = 192 << 10
	vhdxMaxEntries = 2047
)

var (
	vhdxMetadataRegion = []byte{0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e}
	vhdxFileParameters = []byte{0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b}
	vhdxDiskSize       = []byte{0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8}
)

// readVHDX finds the size of the disk and whether it has a parent: region table, then metadata table, then the values.
func readVHDX(r io.ReaderAt, size int64) (Info, error) {
	broken := fmt.Errorf("%w: a damaged VHDX image", ErrFormat)
	le := binary.LittleEndian
	regions, err := readUpTo(r, vhdxRegions, 64<<10, size)
	if err != nil {
		return Info{}, err
	}
	if len(regions) < 16 || string(regions[:4]) != "regi" {
		return Info{}, broken
	}
	metadata := int64(-1)
	for i := range min(int(le.Uint32(regions[8:])), vhdxMaxEntries) {
		if at := 16 + 32*i; at+32 <= len(regions) && bytes.Equal(regions[at:at+16], vhdxMetadataRegion) {
			metadata = int64(le.Uint64(regions[at+16:]))
		}
	}
	table, err := readUpTo(r, metadata, 64<<10, size)
	if err != nil {
		return Info{}, err
	}
	if len(table) < 32 || string(table[:8]) != "metadata" {
		return Info{}, broken
	}
	value := func(id []byte, n int64) ([]byte, error) {
		for i := range min(int(le.Uint16(table[10:])), vhdxMaxEntries) {
			if at := 32 + 32*i; at+32 <= len(table) && bytes.Equal(table[at:at+16], id) {
				b, err := readUpTo(r, metadata+int64(le.Uint32(table[at+16:])), n, size)
				if err == nil && int64(len(b)) < n {
					err = broken
				}
				return b, err
			}
		}
		return nil, broken
	}
	parameters, err := value(vhdxFileParameters, 8)
	if err != nil {
		return Info{}, err
	}
	const hasParent = 2
	if le.Uint32(parameters[4:])&hasParent != 0 {
		return Info{}, fmt.Errorf("%w: the VHDX image has a parent", ErrReference)
	}
	length, err := value(vhdxDiskSize, 8)
	if err != nil {
		return Info{}, err
	}
	virtual := le.Uint64(length)
	if virtual > 1<<62 {
		return Info{}, fmt.Errorf("%w: a disk of %d bytes", ErrTooLarge, virtual)
	}
	return Info{Format: VHDX, VirtualSize: int64(virtual)}, nil
}
