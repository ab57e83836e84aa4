package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// toolMemory bounds what qemu-img may allocate: a hostile image can ask for any amount.
const toolMemory = 2 << 30

// Convert makes a qcow2 image without references of an image of any format, and tells what it made. A file at to is replaced.
func Convert(ctx context.Context, from, to string) (Info, error) {
	info, err := Inspect(from)
	if err != nil {
		return Info{}, err
	}
	err = atomically(to, func(tmp string) error {
		// Named formats on both sides: nothing is probed.
		return qemuImg(ctx, "convert", "-f", string(info.Format), "-O", string(QCOW2), fileName(from), fileName(tmp))
	})
	if err != nil {
		return Info{}, fmt.Errorf("convert %s: %w", from, err)
	}
	return Inspect(to)
}

// CreateOverlay makes a qcow2 file of the given size whose unwritten parts are those of base. The size is not below that of
// base; 0 takes base's. If path is an overlay of base already it is left as it is, whatever its size.
func CreateOverlay(ctx context.Context, path, base string, format Format, size int64) error {
	if format != Raw && format != QCOW2 {
		return fmt.Errorf("create overlay %s: %w: no overlays of %s", path, ErrFormat, format)
	}
	have, err := InspectOwn(path)
	switch {
	case err == nil && have.Format == QCOW2 && have.Backing == base:
		return nil
	case err == nil:
		return fmt.Errorf("create overlay %s: %w: there is another file of that name", path, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("create overlay: %w", err)
	}
	below, err := sizeOf(base, format)
	if err != nil {
		return fmt.Errorf("create overlay %s: %w", path, err)
	}
	switch {
	case size == 0:
		size = below
	case size < below:
		return fmt.Errorf("create overlay %s: a disk of %d bytes can't hold its base of %d", path, size, below)
	case size > MaxVirtualSize:
		return fmt.Errorf("create overlay %s: %w: %d bytes", path, ErrTooLarge, size)
	}
	err = atomically(path, func(tmp string) error {
		return qemuImg(ctx, "create", "-q", "-f", string(QCOW2), "-F", string(format), "-b", base, "-u", tmp, strconv.FormatInt(size, 10))
	})
	if err != nil {
		return fmt.Errorf("create overlay %s: %w", path, err)
	}
	return nil
}

// Create makes an empty disk. A file that is there is left as it is if it has that format and size, and an error else.
func Create(ctx context.Context, path string, format Format, size int64) error {
	if size <= 0 || size > MaxVirtualSize || size%512 != 0 {
		return fmt.Errorf("create %s: %w: a disk of %d bytes", path, ErrTooLarge, size)
	}
	switch have, err := sizeOf(path, format); {
	case err == nil && have == size:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("create %s: %w: there is another file of that name", path, fs.ErrExist)
	}
	err := atomically(path, func(tmp string) error {
		switch format {
		case Raw:
			return os.Truncate(tmp, size)
		case QCOW2:
			return qemuImg(ctx, "create", "-q", "-f", string(QCOW2), tmp, strconv.FormatInt(size, 10))
		}
		return fmt.Errorf("%w: no new disks of %s", ErrFormat, format)
	})
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// Grow makes a disk that no machine uses larger. A disk of that size is left as it is; a larger one is an error, for
// shrinking loses data.
func Grow(ctx context.Context, path string, format Format, size int64) error {
	have, err := sizeOwn(path, format)
	switch {
	case err != nil:
		return fmt.Errorf("grow: %w", err)
	case have == size:
		return nil
	case have > size:
		return fmt.Errorf("grow %s: it has %d bytes, more than %d", path, have, size)
	case size > MaxVirtualSize:
		return fmt.Errorf("grow %s: %w: %d bytes", path, ErrTooLarge, size)
	}
	if format == Raw {
		err = os.Truncate(path, size)
	} else {
		err = qemuImg(ctx, "resize", "-q", "-f", string(format), fileName(path), strconv.FormatInt(size, 10))
	}
	if err == nil {
		err = syncFile(path)
	}
	if err != nil {
		return fmt.Errorf("grow %s: %w", path, err)
	}
	return nil
}

// sizeOf is the size of a disk of a known format without a backing file. The content of a raw one is the guest's: it may look
// like anything, so it is not looked at.
func sizeOf(path string, format Format) (int64, error) {
	size, backing, err := sizeAndBacking(path, format)
	if err == nil && backing != "" {
		err = fmt.Errorf("%s: %w: its backing file is %q", path, ErrReference, backing)
	}
	return size, err
}

// sizeOwn is sizeOf for a file that may be an overlay.
func sizeOwn(path string, format Format) (int64, error) {
	size, _, err := sizeAndBacking(path, format)
	return size, err
}

func sizeAndBacking(path string, format Format) (int64, string, error) {
	if format == Raw {
		st, err := os.Stat(path)
		if err != nil {
			return 0, "", err
		}
		return st.Size(), "", nil
	}
	info, err := InspectOwn(path)
	if err == nil && info.Format != format {
		err = fmt.Errorf("%s: %w: it is %s, not %s", path, ErrFormat, info.Format, format)
	}
	return info.VirtualSize, info.Backing, err
}

// fileName keeps qemu-img from reading a protocol into a name with a colon.
func fileName(path string) string { return "file:" + path }

// atomically has a file made under another name in the same folder, syncs it, gives it its name and syncs the folder.
func atomically(path string, make func(tmp string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*-"+filepath.Base(path))
	if err != nil {
		return err
	}
	tmp := f.Name()
	defer os.Remove(tmp)
	if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := make(tmp); err != nil {
		return err
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// qemuImg runs the tool within bounds.
func qemuImg(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "prlimit", append([]string{"--as=" + strconv.Itoa(toolMemory), "--core=0", "--", "qemu-img"}, args...)...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		said := strings.TrimSpace(out.String())
		if strings.Contains(said, "No space left on device") {
			err = fmt.Errorf("%w: %w", syscall.ENOSPC, err)
		}
		if len(said) > 500 {
			said = said[:500] + "…"
		}
		return fmt.Errorf("qemu-img %s: %w: %s", args[0], err, said)
	}
	return nil
}
