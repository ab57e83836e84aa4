package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile replaces name by data: after a crash either the old or the new content is there, never a part.
func WriteFile(name string, data []byte, mode fs.FileMode) (err error) {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	// An existing temporary file may have had another mode.
	err = errors.Join(f.Chmod(mode), writeAndSync(f, data), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

func writeAndSync(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Server is server.json: where the running server can be reached, for the commands that talk to it.
type Server struct {
	PID      int    `json:"pid"`
	Endpoint string `json:"endpoint"`           // URL of the API
	Admin    string `json:"admin,omitempty"`    // URL of the admin API
	CABundle string `json:"caBundle,omitempty"` // file of the certificate authority when it is our own
	Region   string `json:"region"`
}

// WriteServer notes where the server listens.
func (d *Dir) WriteServer(s Server) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(d.path, "server.json"), append(data, '\n'), 0o600)
}

// RemoveServer forgets it when the server stops.
func (d *Dir) RemoveServer() error {
	err := os.Remove(filepath.Join(d.path, "server.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ReadServer reads server.json of the data folder path; fs.ErrNotExist when no server is running.
func ReadServer(path string) (Server, error) {
	var s Server
	data, err := os.ReadFile(filepath.Join(path, "server.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: server.json: %w", path, err)
	}
	return s, nil
}
