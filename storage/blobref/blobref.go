// Package blobref names a blob: the vocabulary that the device store (blob), the view over devices
// (blobs), placement (ring) and the records of the domain share. It knows nothing of any of them.
package blobref

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// ID names a blob for ever: 16 random bytes, never reused.
type ID [16]byte

// NewID makes a random ID.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: crypto/rand crashes the program instead
	return id
}

// String is the ID in hex.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads the hex form.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("blobref: id %q: want %d hex digits", s, 2*len(id))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, fmt.Errorf("blobref: id %q: %w", s, err)
	}
	return id, nil
}

// Partition is a slot of the ring, 0 to 2^P-1.
type Partition uint32

// DeviceID numbers a device of the ring, from 1, never reused.
type DeviceID uint16

// Ref is what a record keeps to find a blob again: the ring maps Partition to devices, and each
// device's own index maps ID to a place.
type Ref struct {
	ID        ID
	Partition Partition
	Size      int64 // bytes of the body
}

// MaxOwnerLen bounds Owner.
const MaxOwnerLen = 1400

// Owner is an opaque note written in the blob's header: which record refers to it. The collector hands it back
// to the domain to ask whether a blob is still referred to. At most MaxOwnerLen bytes.
type Owner []byte
