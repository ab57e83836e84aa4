package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aureole-cloud/aureole/hypervisor"
)

func (a *Agent) makeDir(id string) error {
	if err := checkName(id); err != nil {
		return err
	}
	if err := os.MkdirAll(a.dir(id), 0o711); err != nil {
		return fmt.Errorf("folder of an instance: %w", err)
	}
	return nil
}

func (a *Agent) diskPath(id, volume string) string { return filepath.Join(a.dir(id), volume+".qcow2") }

// removeFiles removes the folder of an instance.
func (a *Agent) removeFiles(id string) error {
	if err := checkName(id); err != nil {
		return err
	}
	if err := hypervisor.RemoveConsole(a.consolePath(id)); err != nil {
		return err
	}
	return os.RemoveAll(a.dir(id))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// moveDurably gives a whole file its name, such that a power cut leaves it whole or not there.
func moveDurably(from, to string) error {
	if err := syncPath(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncPath(filepath.Dir(to))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
