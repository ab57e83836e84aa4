package blob

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Options configures a device.
type Options struct {
	FS     vfs.FS           // where the folder lies; nil is the operating system's
	Dir    string           // the folder of the device; made when absent
	Device blobref.DeviceID // stamped on a new folder, must match an old one

	SegmentSize int64 // most bytes of one segment file; 0 is DefaultSegmentSize
	SmallLimit  int64 // a blob up to this size is gathered in memory and written at once; 0 is DefaultSmallLimit
	Preallocate int64 // step in which segment files take space; 0 is DefaultPreallocate
	Reserve     int64 // bytes of the file system kept free; 0 is DefaultReserve, negative none
	OpenFiles   int   // most segment files kept open for reading; 0 is DefaultOpenFiles
	IndexCache  int64 // bytes of the index's block cache; 0 is DefaultIndexCache

	Logger *slog.Logger // nil discards
}

// Defaults of Options.
const (
	DefaultSegmentSize = 512 << 20
	DefaultSmallLimit  = 256 << 10
	DefaultPreallocate = 16 << 20
	DefaultReserve     = 256 << 20
	DefaultOpenFiles   = 128
	DefaultIndexCache  = 8 << 20
)

// withDefaults fills what was left zero.
func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.SmallLimit == 0 {
		o.SmallLimit = min(DefaultSmallLimit, o.SegmentSize/4)
	}
	if o.Preallocate == 0 {
		o.Preallocate = min(DefaultPreallocate, o.SegmentSize)
	}
	if o.Reserve == 0 {
		o.Reserve = DefaultReserve
	}
	if o.OpenFiles == 0 {
		o.OpenFiles = DefaultOpenFiles
	}
	if o.IndexCache == 0 {
		o.IndexCache = DefaultIndexCache
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports options that cannot work.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Dir == "":
		return errors.New("blob: options: no folder")
	case o.Device == 0:
		return errors.New("blob: options: device ids start at 1")
	case o.SegmentSize < minSegmentSize || o.SegmentSize > maxSegmentSize:
		return fmt.Errorf("blob: options: segment size %d is outside %d to %d", o.SegmentSize, int64(minSegmentSize), int64(maxSegmentSize))
	case o.SmallLimit < 0 || o.SmallLimit > maxSmallLimit:
		return fmt.Errorf("blob: options: small limit %d is outside 0 to %d", o.SmallLimit, maxSmallLimit)
	case o.Preallocate < 0, o.OpenFiles < 1, o.IndexCache < 0:
		return errors.New("blob: options: negative preallocation, open files or index cache")
	}
	return nil
}
