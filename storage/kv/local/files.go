package local

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// makeDir creates dir with its parents and syncs the folders in which a name appeared.
func makeDir(fsys vfs.FS, dir string) error {
	var grown []string
	for d := dir; ; {
		_, err := fsys.Stat(d)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		parent := fsys.PathDir(d)
		if parent == d {
			break
		}
		grown = append(grown, parent)
		d = parent
	}
	if err := fsys.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, d := range grown {
		if err := syncPath(fsys.OpenDir, d); err != nil {
			return err
		}
	}
	return nil
}

// settleFiles syncs the logs, the manifests and the folder before Pebble reads them. After a killed process
// they may hold records that the kernel has but the device has not: Pebble would show them at once and
// remove files that only an unsynced manifest calls obsolete, and a power cut could still take them back.
func settleFiles(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if k := kindOf(name); k != logFile && k != manifestFile {
			continue
		}
		open := func(path string) (vfs.File, error) { return fsys.Open(path) }
		if err := syncPath(open, fsys.PathJoin(dir, name)); err != nil {
			return err
		}
	}
	return syncPath(fsys.OpenDir, dir)
}

func syncPath(open func(string) (vfs.File, error), path string) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return f.Close()
}

// checkPebbleFormat refuses a folder that a newer Pebble wrote, with an error that callers can test: the
// version is the last part of the marker's name, "marker.format-version.000012.024".
func checkPebbleFormat(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "marker.format-version.")
		if !ok {
			continue
		}
		_, version, ok := strings.Cut(rest, ".")
		if !ok {
			continue
		}
		if v, err := strconv.ParseUint(version, 10, 64); err == nil && v > uint64(pebble.FormatNewest) {
			return fmt.Errorf("%w: Pebble format %d, this program knows up to %d", ErrNewerFormat, v, pebble.FormatNewest)
		}
	}
	return nil
}
