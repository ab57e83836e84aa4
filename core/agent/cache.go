package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/singleflight"

	"github.com/aureole-cloud/aureole/core/compute"
)

// errImage: the bytes of an image are not there, or are not what they were when the image was made.
var errImage = errors.New("agent: unusable image")

// cache keeps the files of images on the host, each fetched once and checked by its hash, by which it is named. Disks of
// instances lie on top of them, so a file stays as long as a disk needs it.
type cache struct {
	dir     string
	objects Objects
	flight  singleflight.Group
}

func newCache(dir string, objects Objects) *cache { return &cache{dir: dir, objects: objects} }

// file returns the path of a blob's file, fetching it if need be.
func (c *cache) file(ctx context.Context, b compute.Blob) (string, error) {
	if len(b.SHA256) != 2*sha256.Size || strings.Trim(b.SHA256, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%w: %s has no hash", errImage, b.Key)
	}
	path := filepath.Join(c.dir, b.SHA256)
	_, err, _ := c.flight.Do(b.SHA256, func() (any, error) {
		if exists(path) {
			return nil, nil
		}
		return nil, c.fetch(ctx, b, path)
	})
	return path, err
}

// has tells whether the files of all blobs are there; those without a key need none.
func (c *cache) has(blobs ...compute.Blob) bool {
	for _, b := range blobs {
		if b.Key != "" && !exists(filepath.Join(c.dir, b.SHA256)) {
			return false
		}
	}
	return true
}

func (c *cache) fetch(ctx context.Context, b compute.Blob, path string) (err error) {
	body, size, err := c.objects.Get(ctx, b.Key)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", b.Key, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if size != b.Size {
		return fmt.Errorf("%w: %s has %d bytes instead of %d", errImage, b.Key, size, b.Size)
	}
	fetched := path + half
	f, err := os.OpenFile(fetched, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), body)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("fetch %s: %w", b.Key, err), removeFile(fetched))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.SHA256 {
		return errors.Join(fmt.Errorf("%w: %s has the hash %s instead of %s", errImage, b.Key, got, b.SHA256), removeFile(fetched))
	}
	return moveDurably(fetched, path)
}

// dropHalves removes what a crash left half fetched. Nothing may be fetched meanwhile.
func (c *cache) dropHalves() error { return dropHalves(c.dir) }

// prune removes files that are not in needed.
func (c *cache) prune(needed map[string]bool) (removed []string, err error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), half)
		if needed[name] {
			continue
		}
		// Nobody fetches the file at this moment, and whoever comes next fetches it anew.
		_, ferr, _ := c.flight.Do(name, func() (any, error) { return nil, removeFile(filepath.Join(c.dir, e.Name())) })
		err = errors.Join(err, ferr)
		removed = append(removed, e.Name())
	}
	return removed, err
}
