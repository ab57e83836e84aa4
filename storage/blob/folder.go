package blob

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The folder of a device:
//
//	LOCK                   held while open
//	device.json            who it is
//	segments/NNNNNNNN.seg  the blobs
//	index/                 where they lie; derived
//	index.damaged/         the last index that had to be set aside
const (
	deviceFile   = "device.json"
	folderFormat = 1
	segmentExt   = ".seg"
)

// deviceJSON is the content of device.json.
type deviceJSON struct {
	Format  int              `json:"format"`
	Device  blobref.DeviceID `json:"device"`
	Created time.Time        `json:"created"`
}

func decodeDevice(p []byte) (deviceJSON, error) {
	var j deviceJSON
	// The format comes first: the rest of a newer one may mean anything.
	var f struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(p, &f); err != nil {
		return j, fmt.Errorf("%w: %s: %w", errFormat, deviceFile, err)
	}
	if f.Format > folderFormat {
		return j, fmt.Errorf("%w: format %d, this program knows %d", ErrNewerFormat, f.Format, folderFormat)
	}
	if err := json.Unmarshal(p, &j); err != nil {
		return j, fmt.Errorf("%w: %s: %w", errFormat, deviceFile, err)
	}
	if j.Format < 1 || j.Device == 0 {
		return j, fmt.Errorf("%w: %s: format %d, device %d", errFormat, deviceFile, j.Format, j.Device)
	}
	return j, nil
}

// lockFolder takes the folder for this process.
func lockFolder(fsys vfs.FS, name string) (io.Closer, error) {
	l, err := fsys.Lock(name)
	var pe *fs.PathError
	switch {
	case err == nil:
		return l, nil
	case errors.As(err, &pe): // the lock file itself could not be opened
		return nil, fmt.Errorf("lock folder: %w", err)
	default:
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
}

// claimFolder checks that the folder is the device's, or makes it so when it is new.
func claimFolder(fsys vfs.FS, dir string, id blobref.DeviceID) error {
	name := fsys.PathJoin(dir, deviceFile)
	p, err := readSmallFile(fsys, name)
	switch {
	case oserror.IsNotExist(err):
		return makeFolder(fsys, dir, id)
	case err != nil:
		return fmt.Errorf("read %s: %w", deviceFile, err)
	}
	j, err := decodeDevice(p)
	if err != nil {
		return err
	}
	if j.Device != id {
		return fmt.Errorf("%w: it is device %d", ErrWrongDevice, j.Device)
	}
	// A crash may have come between device.json and the folder of segments: never, by the order below. Somebody may have
	// removed it, though; then the device is empty and says so by its missing segments.
	return mkdirSynced(fsys, dir, "segments")
}

// makeFolder writes device.json last, so that a folder that has one is complete.
func makeFolder(fsys vfs.FS, dir string, id blobref.DeviceID) error {
	if err := mkdirSynced(fsys, dir, "segments"); err != nil {
		return err
	}
	p, err := json.MarshalIndent(deviceJSON{Format: folderFormat, Device: id, Created: time.Now().UTC().Truncate(time.Second)}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", deviceFile, err)
	}
	tmp := fsys.PathJoin(dir, deviceFile+".tmp")
	if err := writeSynced(fsys, tmp, append(p, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", deviceFile, err)
	}
	if err := fsys.Rename(tmp, fsys.PathJoin(dir, deviceFile)); err != nil {
		return fmt.Errorf("rename %s: %w", deviceFile, err)
	}
	if err := syncFolder(fsys, dir); err != nil {
		return err
	}
	return syncFolder(fsys, fsys.PathDir(dir)) // the entry of the device's folder itself
}

func mkdirSynced(fsys vfs.FS, dir, name string) error {
	if err := fsys.MkdirAll(fsys.PathJoin(dir, name), 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", name, err)
	}
	return syncFolder(fsys, dir)
}

func syncFolder(fsys vfs.FS, dir string) error {
	f, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return fmt.Errorf("sync folder: %w", err)
	}
	return f.Close()
}

func writeSynced(fsys vfs.FS, name string, p []byte) error {
	f, err := fsys.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(p); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// readSmallFile reads a file of at most 64 KiB.
func readSmallFile(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

func segmentName(n uint32) string { return fmt.Sprintf("%08d%s", n, segmentExt) }

// parseSegmentName reads the number of a segment file; false for any other file.
func parseSegmentName(name string) (uint32, bool) {
	base, ok := strings.CutSuffix(name, segmentExt)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(base, 10, 32)
	if err != nil || n == 0 || segmentName(uint32(n)) != name {
		return 0, false
	}
	return uint32(n), true
}
