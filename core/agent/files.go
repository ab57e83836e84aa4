package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// half ends the name of a file that is not whole yet, also of one that is made on the way to it.
const half = ".new"

// dropHalves removes the files of a folder that are not whole.
func dropHalves(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), half) {
			err = errors.Join(err, removeFile(filepath.Join(dir, e.Name())))
		}
	}
	return err
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
