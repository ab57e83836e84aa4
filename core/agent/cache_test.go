package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aureole-cloud/aureole/core/compute"
)

type fakeObjects struct {
	body string
	gets atomic.Int32
}

func (f *fakeObjects) Get(context.Context, string) (io.ReadCloser, int64, error) {
	f.gets.Add(1)
	return io.NopCloser(strings.NewReader(f.body)), int64(len(f.body)), nil
}

// An image is fetched once, however many ask; one that is not what it was is refused and not kept; what nobody needs goes.
func TestCache(t *testing.T) {
	sum := sha256.Sum256([]byte("image"))
	blob := compute.Blob{Key: "k", Size: 5, SHA256: hex.EncodeToString(sum[:])}
	objects := &fakeObjects{body: "imagE"}
	c := newCache(t.TempDir(), objects)
	if _, err := c.file(t.Context(), blob); !errors.Is(err, errImage) {
		t.Errorf("a changed image: %v", err)
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 0 {
		t.Errorf("a changed image leaves %v", left)
	}
	if _, err := c.file(t.Context(), compute.Blob{Key: "k", SHA256: "../../etc/passwd"}); !errors.Is(err, errImage) {
		t.Errorf("a bad name: %v", err)
	}
	objects.body = "image"
	objects.gets.Store(0)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			path, err := c.file(t.Context(), blob)
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(path); string(data) != "image" {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
	work.Wait()
	if n := objects.gets.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if err := os.WriteFile(filepath.Join(c.dir, blob.SHA256+half), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.dropHalves(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 1 || left[0].Name() != blob.SHA256 {
		t.Errorf("after what a crash left was removed: %v, %v", left, err)
	}
	if removed, err := c.prune(map[string]bool{blob.SHA256: true}); err != nil || len(removed) != 0 {
		t.Errorf("pruned %v: %v", removed, err)
	}
	if removed, err := c.prune(nil); err != nil || len(removed) != 1 {
		t.Errorf("pruned %v: %v", removed, err)
	}
}
