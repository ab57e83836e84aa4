package object

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// instance names one version of one object, or one upload, or one part, for ever: 8 bytes of unix nanoseconds, then 8
// random ones. Instances of one key order by age, because a new one is always made later than the one it supersedes.
type instance [16]byte

// newInstance makes an instance not older than now and younger than after.
func newInstance(now time.Time, after instance) instance {
	var id instance
	t := uint64(now.UnixNano())
	if last := binary.BigEndian.Uint64(after[:8]); t <= last {
		t = last + 1
	}
	binary.BigEndian.PutUint64(id[:8], t)
	rand.Read(id[8:]) // never fails: crypto/rand crashes the program instead
	return id
}

func (id instance) isZero() bool { return id == instance{} }

func (id instance) time() time.Time { return time.Unix(0, int64(binary.BigEndian.Uint64(id[:8]))) }

// String is the outer form: a version id or an upload id.
func (id instance) String() string { return hex.EncodeToString(id[:]) }

// parseInstance reads the outer form.
func parseInstance(s string) (instance, bool) {
	var id instance
	if len(s) != 2*len(id) {
		return id, false
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, false
	}
	// One spelling only: an id in capitals is another id, and nobody's.
	return id, id.String() == s && !id.isZero()
}

// descending is id with all bits turned, so that younger ones sort first.
func (id instance) descending() (d instance) {
	for i, b := range id {
		d[i] = ^b
	}
	return d
}

func (id instance) before(other instance) bool { return bytes.Compare(id[:], other[:]) < 0 }

// nullVersion is the outer form of the version that a bucket without versioning writes.
const nullVersion = "null"
