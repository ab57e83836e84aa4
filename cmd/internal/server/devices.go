package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// autoReplicas is what --replicas 0 stands for: a ring of fewer devices makes fewer copies by itself.
const autoReplicas = 3

// openDevices opens the ring and its devices, makes both on the first start, and brings them into line with the
// settings: new --data folders become devices, moved ones are found again.
func (s *Server) openDevices(ctx context.Context) (err error) {
	rc := ring.DefaultConfig()
	rc.Replicas = autoReplicas
	if s.cfg.Replicas > 0 {
		rc.Replicas = s.cfg.Replicas
	}
	var first []ring.Device
	for _, path := range s.cfg.Data {
		// A folder that cannot be used must not get into the ring, where it would stay.
		if err := datadir.PrepareDevice(path); err != nil {
			return fmt.Errorf("data: %w", err)
		}
		first = append(first, s.newDevice(path, "", 0))
	}
	pool := blobs.DefaultConfig()
	pool.Logger = s.log.With("part", "blobs")
	s.manager, err = repair.OpenManager(ctx, repair.ManagerConfig{
		Store: s.store, Pool: pool, Ring: rc, Devices: first, OpenDevice: s.openDevice, Logger: s.log.With("part", "ring"),
	})
	if err != nil {
		return err
	}
	s.onClose("devices", s.manager.Close)
	if err := s.matchFolders(ctx); err != nil {
		return err
	}
	if n := s.cfg.Replicas; n > 0 && n != s.manager.Ring().Replicas() {
		if _, err := s.manager.Change(ctx, func(b *ring.Builder) error { return b.SetReplicas(n) }); err != nil {
			return fmt.Errorf("replicas: %w", err)
		}
	}
	for _, full := range s.fullDevices() {
		s.log.Warn(full)
	}
	return s.checkQuorum()
}

// openDevice opens the device of a data folder. A folder that was in use and is now empty is a disk that is not mounted
// rather than a new device; new are those of a first start, and those without weight, which AddDevice is just adding.
func (s *Server) openDevice(ctx context.Context, d ring.Device) (*blob.Device, error) {
	if d.Node != s.dir.ID() {
		return nil, nil
	}
	mayCreate := !s.dir.Started() || d.Weight == 0
	if err := datadir.ClaimDevice(d.Hint, s.claim(d.ID), mayCreate); err != nil {
		return nil, err
	}
	dir := datadir.DeviceDir(d.Hint)
	_, was := os.Stat(dir)
	dev, err := blob.Open(ctx, blob.Options{Dir: dir, Device: d.ID, Logger: s.log.With("part", "blob")})
	if err != nil && mayCreate && errors.Is(was, fs.ErrNotExist) {
		// Nothing was there and nothing was made: leave the folder free for another try.
		err = errors.Join(err, os.RemoveAll(dir), datadir.UnclaimDevice(d.Hint))
	}
	return dev, err
}

func (s *Server) claim(id blobref.DeviceID) datadir.Device {
	return datadir.Device{Region: s.dir.ID(), ID: uint16(id)}
}

// newDevice describes the device of a data folder of this machine.
func (s *Server) newDevice(path, zone string, weight float64) ring.Device {
	if weight == 0 {
		weight = sizeGiB(path)
	}
	return ring.Device{Node: s.dir.ID(), Zone: zone, Name: filepath.Base(path), Hint: path, Weight: weight}
}

// matchFolders makes every --data folder a device: those that moved get their new path, those that are new are added.
// Devices that were added while the server ran need no --data: the ring knows their folders.
func (s *Server) matchFolders(ctx context.Context) error {
	for _, path := range s.cfg.Data {
		if s.deviceAt(path) != nil {
			continue
		}
		have, err := datadir.ReadDevice(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			id, _, err := s.manager.AddDevice(ctx, s.newDevice(path, "", 0))
			if err != nil {
				return fmt.Errorf("data: %w", err)
			}
			s.log.Info("new device", "device", id, "path", path)
			continue
		case err != nil:
			return err
		}
		id := blobref.DeviceID(have.ID)
		if _, ok := s.manager.Ring().Device(id); !ok || have.Region != s.dir.ID() {
			return fmt.Errorf("data: %s: %w: it holds a device that this server does not have", path, datadir.ErrForeign)
		}
		s.log.Info("device moved", "device", id, "path", path)
		if _, err := s.manager.Change(ctx, func(b *ring.Builder) error { return b.SetHint(id, path) }); err != nil {
			return fmt.Errorf("data: %s: %w", path, err)
		}
		if err := s.manager.Reopen(ctx, id); err != nil {
			return fmt.Errorf("data: %s: %w", path, err)
		}
	}
	return nil
}

func (s *Server) deviceAt(path string) *ring.Device {
	for _, d := range s.manager.Ring().All() {
		if d.Node == s.dir.ID() && d.Hint == path {
			return &d
		}
	}
	return nil
}

// checkQuorum refuses to start when writes could not be made durable: with devices missing an operator looks first. With a
// quorum the server starts degraded, and what stays away is marked failed by and by.
func (s *Server) checkQuorum() error {
	if up, need := s.devicesUp(); up < need {
		return fmt.Errorf("only %d of %d devices could be opened and %d are needed; the log names the others", up, len(s.manager.Ring().All()), need)
	}
	return nil
}

// devicesUp counts the devices that take writes, and how many a write needs.
func (s *Server) devicesUp() (up, need int) {
	for _, u := range s.manager.Pool().Usage() {
		if u.Attached && u.Health != blobs.Broken && u.Device.State != ring.Failed {
			up++
		}
	}
	return up, s.manager.Ring().Quorum()
}

// fullDevices says of each device that takes no more bodies for lack of space that it does so.
func (s *Server) fullDevices() []string {
	var full []string
	for _, u := range s.manager.Pool().Usage() {
		if u.Attached && u.Blob.Total > 0 && u.Blob.Free == 0 {
			full = append(full, fmt.Sprintf("device %d at %s is full: free space there, or add a device; %d MiB are kept back",
				u.Device.ID, u.Device.Hint, blob.DefaultReserve>>20))
		}
	}
	return full
}

// sizeGiB is the size of the file system that path is on or will be on; 1 when it cannot be told.
func sizeGiB(path string) float64 {
	for {
		var st unix.Statfs_t
		if err := unix.Statfs(path, &st); err == nil {
			return max(float64(st.Blocks)*float64(st.Bsize)/(1<<30), 0.001) // the least that the ring takes
		}
		parent := filepath.Dir(path)
		if parent == path {
			return 1
		}
		path = parent
	}
}
