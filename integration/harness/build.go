package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Root returns the top folder of the repository.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("harness: not inside the module")
	}
	return filepath.Dir(mod), nil
}

// Cache returns the folder that setup.sh fills.
func Cache() (string, error) {
	if dir := os.Getenv("AUREOLE_TEST_CACHE"); dir != "" {
		return dir, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache"), nil
}

// Build returns the path of a binary that was up to date when this process first asked. Several test processes may
// call it at once: a lock on the output keeps one from running a file that another is writing.
func Build() (string, error) {
	if bin := os.Getenv("AUREOLE_TEST_BINARY"); bin != "" {
		return bin, nil
	}
	return buildOnce()
}

// buildOnce remembers its answer: a run tests one state of the code, whatever is edited meanwhile.
var buildOnce = sync.OnceValues(build)

func build() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name, args := "aureole", []string{"build"}
	if os.Getenv("AUREOLE_TEST_RACE") != "" {
		name = "aureole-race"
		args = append(args, "-race")
	}
	bin := filepath.Join(dir, name)

	lock, err := os.OpenFile(bin+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	// Build beside and compare by the tool's own staleness check: go build leaves an up-to-date file untouched, so
	// a running server's text is replaced (by rename, never in place) only when the code changed.
	tmp := bin + ".new"
	cmd := exec.Command("go", append(args, "-o", tmp, "./cmd/aureole")...)
	cmd.Dir = root
	if name == "aureole" {
		// As "make build" makes it, on machines with a C compiler too: with cgo, Pebble keeps its caches in C's memory, which is
		// another program to test, and a slower one to measure.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aureole: %w\n%s", err, out)
	}
	if same(tmp, bin) {
		return bin, nil
	}
	os.Remove(bin)
	if err := os.Link(tmp, bin); err != nil {
		return "", err
	}
	return bin, nil
}

// same tells whether both names are one file: the link made after the last build that changed something.
func same(a, b string) bool {
	fa, errA := os.Stat(a)
	fb, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(fa, fb)
}
