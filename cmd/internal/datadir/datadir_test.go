package datadir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustOpen(t *testing.T, path string, l layout) *Dir {
	t.Helper()
	d, err := open(path, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenTwiceIsRefusedAndReleasedByClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data")
	d := mustOpen(t, path, current())
	if !d.Fresh() || d.ID() == "" {
		t.Errorf("fresh folder: Fresh=%v ID=%q", d.Fresh(), d.ID())
	}
	if _, err := Open(path); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second open: %v, want ErrInUse naming the folder", err)
	}
	d.Close()
	e := mustOpen(t, path, current())
	if e.Fresh() || e.ID() != d.ID() {
		t.Errorf("third open: Fresh=%v, identity changed: %v", e.Fresh(), e.ID() != d.ID())
	}
}

func TestSecretsAreMadeOnceAndPrivate(t *testing.T) {
	d := mustOpen(t, t.TempDir(), current())
	key, err := d.NodeKey()
	if err != nil || len(key) != 32 {
		t.Fatalf("NodeKey = %d bytes, %v", len(key), err)
	}
	again, err := d.NodeKey()
	if err != nil || !bytes.Equal(key, again) {
		t.Error("the node key changed")
	}
	token, err := d.AdminToken()
	if err != nil {
		t.Fatal(err)
	}
	if read, err := ReadAdminToken(d.Path()); err != nil || read != token {
		t.Errorf("ReadAdminToken = %v, %v", read == token, err)
	}
	for _, name := range []string{"node.key", "admin.token", "aureole.json", "LOCK"} {
		fi, err := os.Stat(filepath.Join(d.Path(), name))
		if err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, fi.Mode(), err)
		}
	}
}

// A new key beside a store full of secrets sealed by the old one would make them unreadable for ever.
func TestLostNodeKeyIsNotReplaced(t *testing.T) {
	d := mustOpen(t, t.TempDir(), current())
	if err := os.MkdirAll(d.Store(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Store(), "CURRENT"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.NodeKey(); err == nil || !strings.Contains(err.Error(), "node.key") {
		t.Errorf("NodeKey with a store and no key: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.Path(), "node.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new key was written")
	}
}

func TestDamagedSecret(t *testing.T) {
	d := mustOpen(t, t.TempDir(), current())
	if err := os.WriteFile(filepath.Join(d.Path(), "node.key"), []byte("abcd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.NodeKey(); err == nil {
		t.Error("a short key was accepted")
	}
}

func TestForeignFolderStaysUntouched(t *testing.T) {
	for name, content := range map[string]string{"holiday.jpg": "x", "aureole.json": "{", "aureole.json ": "x"} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrForeign) {
			t.Errorf("%q: %v, want ErrForeign", name, err)
		}
		if entries, _ := os.ReadDir(path); len(entries) != 1 {
			t.Errorf("%q: the folder was changed: %v", name, entries)
		}
	}
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, layout{schema: 7})
	d.Close()
	before, _ := os.ReadFile(filepath.Join(path, "aureole.json"))
	_, err := Open(path)
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "7") {
		t.Fatalf("err = %v, want ErrNewerSchema with the number", err)
	}
	after, _ := os.ReadFile(filepath.Join(path, "aureole.json"))
	if !bytes.Equal(before, after) {
		t.Error("the manifest was changed")
	}
}

func TestMigrationRunsEachStepOnceInOrder(t *testing.T) {
	path := t.TempDir()
	mustOpen(t, path, layout{schema: 1}).Close()
	var ran []int
	fail := errors.New("power cut")
	at := 0
	l := layout{schema: 4}
	for from := 1; from < 4; from++ {
		l.steps = append(l.steps, step{from, fmt.Sprintf("step %d", from), func(string) error {
			ran = append(ran, from)
			if from == at {
				return fail
			}
			return nil
		}})
	}
	at = 2
	if _, err := open(path, l); !errors.Is(err, fail) || !strings.Contains(err.Error(), "step 2") {
		t.Fatalf("failing step: %v", err)
	}
	// What was done stays done; the step that failed runs again.
	at = 0
	mustOpen(t, path, l).Close()
	if got := fmt.Sprint(ran); got != "[1 2 2 3]" {
		t.Errorf("steps ran %s, want [1 2 2 3]", got)
	}
	mustOpen(t, path, l).Close()
	if len(ran) != 4 {
		t.Error("a migrated folder was migrated again")
	}
}

func TestMigrationWithoutAWay(t *testing.T) {
	path := t.TempDir()
	mustOpen(t, path, layout{schema: 1}).Close()
	if _, err := open(path, layout{schema: 3, steps: []step{{2, "late", nil}}}); err == nil {
		t.Error("a gap in the steps was passed over")
	}
}

func TestServerFile(t *testing.T) {
	d := mustOpen(t, t.TempDir(), current())
	if _, err := ReadServer(d.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no server: %v", err)
	}
	want := Server{PID: 1, Endpoint: "http://127.0.0.1:9000", Region: "r"}
	if err := d.WriteServer(want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadServer(d.Path()); err != nil || got != want {
		t.Errorf("ReadServer = %+v, %v", got, err)
	}
	if err := errors.Join(d.RemoveServer(), d.RemoveServer()); err != nil {
		t.Errorf("remove twice: %v", err)
	}
}

func TestClaimDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	mine := Device{Region: "r1", ID: 2}
	if err := ClaimDevice(path, mine, false); !errors.Is(err, ErrDeviceMissing) {
		t.Errorf("absent folder: %v", err)
	}
	if err := ClaimDevice(path, mine, true); err != nil {
		t.Fatal(err)
	}
	if err := ClaimDevice(path, mine, false); err != nil {
		t.Errorf("again: %v", err)
	}
	for _, other := range []Device{{Region: "r2", ID: 2}, {Region: "r1", ID: 3}} {
		if err := ClaimDevice(path, other, true); !errors.Is(err, ErrForeign) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	// A disk that is not mounted leaves an empty mount point.
	empty := t.TempDir()
	if err := ClaimDevice(empty, mine, false); !errors.Is(err, ErrDeviceMissing) {
		t.Errorf("empty folder: %v", err)
	}
	// Somebody else's blobs are not taken over.
	if err := os.Mkdir(DeviceDir(empty), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ClaimDevice(empty, mine, true); !errors.Is(err, ErrForeign) {
		t.Errorf("folder with blobs: %v", err)
	}
}

func TestStartedIsRemembered(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, current())
	if d.Started() {
		t.Error("a fresh folder was started")
	}
	if err := d.SetStarted(); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if !mustOpen(t, path, current()).Started() {
		t.Error("forgotten")
	}
}
