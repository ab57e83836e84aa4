// Package datadir keeps the layout of the first data folder: what lies where, which process may use it
// and which schema it has.
//
//	DATA/aureole.json   identity and schema number of the folder
//	DATA/LOCK           locked by the process that uses the folder
//	DATA/store/         the transactional store (Pebble)
//	DATA/blobs/         the device of this folder
//	DATA/aureole-device.json  which device that is; every other data folder has only these two
//	DATA/node.key       seals secrets at rest (mode 0600)
//	DATA/credentials    the root account's keys, an AWS shared-credentials file (0600)
//	DATA/admin.token    bearer token of the admin API (0600)
//	DATA/instance-identity.pem  signs identity documents of instances: key and certificate (0600)
//	DATA/tls/           the self-signed certificate and its CA
//	DATA/server.json    where the running server listens
//
// Guarantees: one process at a time (a lock of the kernel, so a killed one leaves none behind); a folder of a newer
// schema is refused untouched; an older one is migrated step by step, each step safe to repeat after a crash; files
// written here are durable and appear whole or not at all.
//
// It does not open the store or the devices.
package datadir

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// The classes of refusal.
var (
	// ErrInUse: another process holds the folder.
	ErrInUse = errors.New("data folder is in use by another process")
	// ErrNewerSchema: the folder was written by a later version of the program.
	ErrNewerSchema = errors.New("data folder was written by a newer version")
	// ErrForeign: the folder has content, but not of ours.
	ErrForeign = errors.New("not a data folder of aureole")
)

// Manifest is aureole.json.
type Manifest struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"` // of this region, made at the first start
	Created time.Time `json:"created"`
	Started bool      `json:"started"` // a server has come up on it once
}

// Dir is a data folder, locked for this process.
type Dir struct {
	path     string
	lock     *os.File
	manifest Manifest
	fresh    bool
}

// Open locks the folder, makes it when it is absent or empty, and migrates it when it is older. Close it.
func Open(path string) (*Dir, error) { return open(path, current()) }

// open is Open for the given layout, so that tests can have a past and a future.
func open(path string, l layout) (_ *Dir, err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	d := &Dir{path: path}
	// The manifest is looked at before the lock file is made, so that a foreign or newer folder stays untouched.
	if err := d.readManifest(l); err != nil {
		return nil, err
	}
	if d.lock, err = lockFile(filepath.Join(path, "LOCK")); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	// And again under the lock: another process may just have made or migrated it.
	if err := d.readManifest(l); err != nil {
		return nil, err
	}
	if d.fresh {
		d.manifest = Manifest{Schema: l.schema, ID: uuid.NewString(), Created: time.Now().UTC().Truncate(time.Second)}
		if err := d.writeManifest(); err != nil {
			return nil, err
		}
		return d, nil
	}
	if err := d.migrate(l); err != nil {
		return nil, err
	}
	return d, nil
}

// Path is the folder.
func (d *Dir) Path() string { return d.path }

// ID is the identity of the region, made at the first start.
func (d *Dir) ID() string { return d.manifest.ID }

// Fresh reports whether this Open made the folder.
func (d *Dir) Fresh() bool { return d.fresh }

// Store is the folder of the store.
func (d *Dir) Store() string { return filepath.Join(d.path, "store") }

// Machines is the folder of what instances need on this host: disks, consoles, cached images.
func (d *Dir) Machines() string { return filepath.Join(d.path, "machines") }

// TLS is the folder of the self-signed certificate.
func (d *Dir) TLS() string { return TLSDir(d.path) }

// InstanceIdentity is the file with the key and the certificate that sign identity documents of instances.
func (d *Dir) InstanceIdentity() string { return filepath.Join(d.path, "instance-identity.pem") }

// Credentials is the file with the root account's keys.
func (d *Dir) Credentials() string { return CredentialsFile(d.path) }

// CredentialsFile is the file with the root account's keys in the data folder path.
func CredentialsFile(path string) string { return filepath.Join(path, "credentials") }

// TLSDir is the folder of the self-signed certificate in the data folder path.
func TLSDir(path string) string { return filepath.Join(path, "tls") }

// DeviceDir is the folder of the device in a data folder, the first or any other.
func DeviceDir(path string) string { return filepath.Join(path, "blobs") }

// NodeKey is the key that seals secrets, made when there is none.
func (d *Dir) NodeKey() ([]byte, error) {
	key, err := secret(filepath.Join(d.path, "node.key"), d.hasStore())
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(key)
}

// hasStore reports whether sealed secrets may exist: then a missing key must not be replaced by a new one.
func (d *Dir) hasStore() bool {
	_, err := os.Stat(filepath.Join(d.Store(), "CURRENT"))
	if err == nil {
		return true
	}
	entries, err := os.ReadDir(d.Store())
	return err == nil && len(entries) > 0
}

// AdminToken is the bearer token of the admin API, made when there is none.
func (d *Dir) AdminToken() (string, error) {
	return secret(filepath.Join(d.path, "admin.token"), false)
}

// ReadAdminToken reads the token of the data folder path as a command does that is not the server.
func ReadAdminToken(path string) (string, error) {
	return readSecret(filepath.Join(path, "admin.token"))
}

// Close releases the lock.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close() // the kernel drops the lock with the descriptor
	d.lock = nil
	return err
}

func (d *Dir) readManifest(l layout) error {
	data, err := os.ReadFile(filepath.Join(d.path, "aureole.json"))
	if errors.Is(err, fs.ErrNotExist) {
		d.fresh = true
		return d.checkEmpty()
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil || m.Schema < 1 {
		return fmt.Errorf("%s: %w: aureole.json is damaged", d.path, ErrForeign)
	}
	if m.Schema > l.schema {
		return fmt.Errorf("%s: %w: its schema is %d, this program knows up to %d", d.path, ErrNewerSchema, m.Schema, l.schema)
	}
	d.manifest, d.fresh = m, false
	return nil
}

// checkEmpty guards against a mistyped --data: a folder with other content is not taken over. What a first start makes
// before the manifest does not count.
func (d *Dir) checkEmpty() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "LOCK", "lost+found", "aureole.json.tmp":
		default:
			return fmt.Errorf("%s: %w: it holds %q but no aureole.json; give an empty folder", d.path, ErrForeign, e.Name())
		}
	}
	return nil
}

func (d *Dir) writeManifest() error {
	data, err := json.MarshalIndent(d.manifest, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(d.path, "aureole.json"), append(data, '\n'), 0o600)
}

// lockFile takes the lock without waiting.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

// secret reads 32 random bytes in hex from name, or makes them; mustExist refuses to make them.
func secret(name string, mustExist bool) (string, error) {
	s, err := readSecret(name)
	if !errors.Is(err, fs.ErrNotExist) || mustExist {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is missing; without it the secrets in the store cannot be read, restore it from a backup", name)
		}
		return s, err
	}
	var b [32]byte
	rand.Read(b[:])
	s = hex.EncodeToString(b[:])
	return s, WriteFile(name, []byte(s+"\n"), 0o600)
}

func readSecret(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	s := string(data)
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		return "", fmt.Errorf("%s does not hold 32 bytes in hex", name)
	}
	return s, nil
}
