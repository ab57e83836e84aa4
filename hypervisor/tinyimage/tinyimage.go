// Package tinyimage makes a small machine image on the spot, from packages of the Debian release it runs on: the cloud
// kernel, busybox, dropbear and the ext4 tools. The machine gets its address by DHCP, its name, keys and user data from the
// EC2 metadata service (version 2), answers ssh, heeds the power button, and keeps what is written to its root disk. It
// is what the quick start and the tests boot: 64 MiB on disk, at home in 96 MiB of memory, without any download but that
// of the packages.
//
// # Guarantees
//
//   - Nothing is installed and nothing is mounted: packages are downloaded and unpacked into a folder, and the disk is
//     written as a file. Neither root nor a loop device is needed.
//   - Build is atomic: what it returns is complete. It makes nothing anew while the result of the same sources is there.
//
// # Needs
//
// Debian or a derivative with apt's lists at hand, and dpkg-deb and mke2fs, which every Debian has.
package tinyimage

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// builder is the version of this code; another one makes other images of the same sources.
const builder = "3"

//go:embed guest
var guest embed.FS

// Config says where to build.
type Config struct {
	// Dir takes the image, the packages and what is made on the way. It may be kept for the next time.
	Dir string
	// Log takes the progress.
	Log *slog.Logger
}

// Image is what was built.
type Image struct {
	// Disk is a raw disk that boots by itself, by BIOS.
	Disk string
	// Kernel and Initrd boot the disk without a boot loader, with Cmdline; or without a disk, to nothing but a shell.
	Kernel, Initrd string
	Cmdline        string
	// Version names the content: the same version is the same machine.
	Version string
}

// Cmdline of the kernel: a serial console, no check of the timer, which fails on a busy host under emulation, and one processor
// until the devices are set up. Before 8.2 qemu's translation crashes, now and then, when one processor maps a device while
// another one uses one (its commit 0d58c660689f, "Use async_run_on_cpu in tcg_commit").
const Cmdline = "console=ttyS0 quiet no_timer_check maxcpus=1 panic=10 net.ifnames=0"

// Build makes the image, or finds that of an earlier run.
func Build(ctx context.Context, cfg Config) (*Image, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("tiny image: built for amd64 only, not for %s", runtime.GOARCH)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	version, err := sourceVersion()
	if err != nil {
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	out := filepath.Join(dir, "tiny-"+version)
	img := &Image{
		Disk:    filepath.Join(out, "disk.raw"),
		Kernel:  filepath.Join(out, "vmlinuz"),
		Initrd:  filepath.Join(out, "initrd"),
		Cmdline: Cmdline,
		Version: version,
	}
	if _, err := os.Stat(out); err == nil {
		return img, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	work, err := os.MkdirTemp(dir, "build-*")
	if err != nil {
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	defer os.RemoveAll(work)
	b := &build{dir: dir, work: work, log: cfg.Log}
	if err := b.run(ctx); err != nil {
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	err = os.Rename(filepath.Join(work, "out"), out)
	if _, e := os.Stat(out); err != nil && e != nil { // another process may have been faster
		return nil, fmt.Errorf("tiny image: %w", err)
	}
	return img, nil
}

// sourceVersion is a digest of the guest's files and of the builder.
func sourceVersion() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "builder %s\n%s\n", builder, Cmdline)
	err := fs.WalkDir(guest, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := guest.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", path, len(b))
		h.Write(b)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil))[:12], err
}

// build is one run.
type build struct {
	dir, work string
	log       *slog.Logger
	unpacked  string // the packages' files
}

func (b *build) run(ctx context.Context) error {
	if err := b.fetch(ctx); err != nil {
		return err
	}
	kernel, modules, err := b.kernel()
	if err != nil {
		return err
	}
	initrd, err := b.initrd(ctx, modules)
	if err != nil {
		return err
	}
	root, err := b.root(ctx, modules)
	if err != nil {
		return err
	}
	out := filepath.Join(b.work, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	image, err := os.ReadFile(kernel)
	if err != nil {
		return err
	}
	archive, err := initrd.cpio()
	if err != nil {
		return err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(out, "vmlinuz"), image, 0o644),
		os.WriteFile(filepath.Join(out, "initrd"), archive, 0o644),
	)
	if err != nil {
		return err
	}
	b.log.Info("writing the tiny image")
	return b.disk(ctx, filepath.Join(out, "disk.raw"), root, filepath.Join(out, "vmlinuz"), filepath.Join(out, "initrd"))
}
