package tinyimage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// wanted are the packages whose files the image is made of, and those whose tools make it.
var wanted = []string{"linux-image-cloud-amd64", "busybox-static", "dropbear-bin", "e2fsprogs", "syslinux", "syslinux-common", "mtools", "dosfstools"}

// fetch downloads the packages, with the libraries they need, and unpacks them.
func (b *build) fetch(ctx context.Context) error {
	names, err := b.closure(ctx)
	if err != nil {
		return err
	}
	debs := filepath.Join(b.work, "debs")
	b.unpacked = filepath.Join(b.work, "unpacked")
	if err := errors.Join(os.Mkdir(debs, 0o755), os.Mkdir(b.unpacked, 0o755)); err != nil {
		return err
	}
	b.log.Info("downloading Debian packages for the tiny image", "packages", len(names))
	if _, err := run(ctx, debs, "apt-get", append([]string{"download", "-qq"}, names...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := run(ctx, b.work, "dpkg-deb", "-x", f, b.unpacked); err != nil {
			return err
		}
	}
	return os.RemoveAll(debs)
}

// closure adds to the wanted packages the kernel that the meta package stands for, and libraries.
func (b *build) closure(ctx context.Context) ([]string, error) {
	out, err := run(ctx, b.work, "apt-cache", append([]string{"depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
		"--no-breaks", "--no-replaces", "--no-enhances"}, wanted...)...)
	if err != nil {
		return nil, fmt.Errorf("%w; run apt-get update", err)
	}
	names := slices.Clone(wanted)
	kernel := false
	for line := range strings.Lines(out) {
		name := strings.TrimSpace(line)
		if strings.ContainsAny(name, " <:|") || slices.Contains(names, name) {
			continue
		}
		if image := strings.HasPrefix(name, "linux-image-"); image || strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib") {
			kernel = kernel || image
			names = append(names, name)
		}
	}
	if !kernel {
		return nil, errors.New("apt knows no package linux-image-cloud-amd64; run apt-get update")
	}
	return names, nil
}

// run runs a program and returns what it wrote; when it fails, its last words are in the error.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	return runWith(ctx, dir, nil, name, args...)
}

func runWith(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), append(env, "LC_ALL=C")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		said := strings.TrimSpace(errs.String())
		if said == "" {
			said = strings.TrimSpace(out.String())
		}
		if len(said) > 500 {
			said = "…" + said[len(said)-500:]
		}
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, said)
	}
	return out.String(), nil
}
