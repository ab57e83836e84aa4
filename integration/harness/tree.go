package harness

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Bytes returns n bytes that do not compress and are the same for the same seed.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// GoSource returns the Go distribution's source tree, which is on every machine that can build this project.
func GoSource(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src")
}

// CopyTree copies the regular files of src below dst, keeping their names.
func CopyTree(t testing.TB, dst, src string) {
	t.Helper()
	if err := os.CopyFS(dst, os.DirFS(src)); err != nil {
		t.Fatalf("copy %s: %v", src, err)
	}
}

// TreeSums returns the SHA-256 of every regular file below dir by its slash-separated name.
func TreeSums(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		sums[filepath.ToSlash(name)] = [32]byte(h.Sum(nil))
		return nil
	})
	if err != nil {
		t.Fatalf("read tree: %v", err)
	}
	return sums
}

// SameTrees fails the test unless both folders hold the same files with the same bytes.
func SameTrees(t testing.TB, want, got string) {
	t.Helper()
	a, b := TreeSums(t, want), TreeSums(t, got)
	var diff bytes.Buffer
	for name, sum := range a {
		switch other, ok := b[name]; {
		case !ok:
			fmt.Fprintf(&diff, "missing: %s\n", name)
		case other != sum:
			fmt.Fprintf(&diff, "differs: %s\n", name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			fmt.Fprintf(&diff, "extra: %s\n", name)
		}
	}
	if diff.Len() > 0 {
		t.Fatalf("trees differ (%d files wanted, %d found):\n%s", len(a), len(b), clip(diff.String()))
	}
}
