package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrDeviceMissing: the folder of a device that was in use is absent or empty: a disk that is not mounted looks like that.
// It must not be mistaken for a new device, which would forget what the old one holds.
var ErrDeviceMissing = errors.New("the device's folder is missing or empty; is its disk mounted?")

// deviceFile names a data folder's device; it lies beside blobs/.
const deviceFile = "aureole-device.json"

// Device tells whose device a data folder holds.
type Device struct {
	Region string `json:"region"` // the ID of the first data folder it belongs to
	ID     uint16 `json:"device"`
}

// ReadDevice reads it; fs.ErrNotExist when the folder holds no device.
func ReadDevice(path string) (Device, error) {
	var d Device
	data, err := os.ReadFile(filepath.Join(path, deviceFile))
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(data, &d); err != nil || d.ID == 0 || d.Region == "" {
		return d, fmt.Errorf("%s: %w: %s is damaged", path, ErrForeign, deviceFile)
	}
	return d, nil
}

// ClaimDevice makes sure that the data folder at path holds the device want. Only with mayCreate an empty folder becomes
// that device; otherwise it is ErrDeviceMissing.
func ClaimDevice(path string, want Device, mayCreate bool) error {
	have, err := ReadDevice(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case have.Region != want.Region:
		return fmt.Errorf("%s: %w: its device belongs to another server's data", path, ErrForeign)
	case have.ID != want.ID:
		return fmt.Errorf("%s: %w: it holds device %d, not %d", path, ErrForeign, have.ID, want.ID)
	default:
		return nil
	}
	if !mayCreate {
		return fmt.Errorf("%s: %w", path, ErrDeviceMissing)
	}
	if err := PrepareDevice(path); err != nil {
		return err
	}
	data, err := json.Marshal(want)
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(path, deviceFile), append(data, '\n'), 0o600)
}

// PrepareDevice makes sure that the data folder at path can hold a device, before anybody counts on it: it exists, can be
// written, and holds either a device or nothing of one.
func PrepareDevice(path string) error {
	if _, err := ReadDevice(path); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	if _, err := os.Stat(DeviceDir(path)); err == nil {
		return fmt.Errorf("%s: %w: it has a blobs folder but no %s", path, ErrForeign, deviceFile)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	probe, err := os.CreateTemp(path, ".aureole-probe-*")
	if err != nil {
		return fmt.Errorf("device: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// UnclaimDevice takes back ClaimDevice on a folder in which no device was made after all.
func UnclaimDevice(path string) error { return os.Remove(filepath.Join(path, deviceFile)) }

// Started reports whether a start of a server on this folder ever succeeded: from then on its devices must be there.
func (d *Dir) Started() bool { return d.manifest.Started }

// SetStarted notes that a start succeeded.
func (d *Dir) SetStarted() error {
	if d.manifest.Started {
		return nil
	}
	d.manifest.Started = true
	return d.writeManifest()
}
