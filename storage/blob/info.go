package blob

import (
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Info describes a committed blob.
type Info struct {
	Ref     blobref.Ref
	Owner   blobref.Owner // from Stat and Quarantined only; Each leaves it nil, since it lies in the segment
	Created time.Time
	Segment uint32
	Offset  int64 // of the region in the segment file
	Length  int64 // of the region, rounded up to whole pages
}

// Usage of a device, for placement and metrics.
type Usage struct {
	Live        int64 // bytes of committed regions
	Dead        int64 // bytes that compaction can return
	Disk        int64 // bytes of all segment files
	Free, Total int64 // bytes of the file system, 0 when it does not say; Free has the reserve taken off
	Blobs       int64
	Segments    int
	Missing     int    // segments the index knows but the folder lacks
	Syncs       uint64 // of segments, since the device was opened
	Corrupt     uint64 // damaged copies met since then
	Failed      error  // why the device takes no writes; nil while it does
}
