package image_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/hypervisor/image"
)

func qemuImg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %v: %v: %s", args, err, out)
	}
}

func write(t *testing.T, path string, body []byte) string {
	t.Helper()
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// source is a raw disk of 8 MiB with something in it.
func source(t *testing.T, dir string) (string, []byte) {
	body := make([]byte, 8<<20)
	copy(body[1<<20:], bytes.Repeat([]byte("aureole"), 10000))
	return write(t, filepath.Join(dir, "source.raw"), body), body
}

// TestFormats reads and converts what qemu-img makes of each format.
func TestFormats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	raw, body := source(t, dir)
	for _, tc := range []struct {
		name   string
		format image.Format
		args   []string
	}{
		{"raw", image.Raw, []string{"-O", "raw"}},
		{"qcow2", image.QCOW2, []string{"-O", "qcow2"}},
		{"qcow2 v2", image.QCOW2, []string{"-O", "qcow2", "-o", "compat=0.10"}},
		{"qcow2 compressed", image.QCOW2, []string{"-O", "qcow2", "-c"}},
		{"vmdk", image.VMDK, []string{"-O", "vmdk"}},
		{"vmdk stream", image.VMDK, []string{"-O", "vmdk", "-o", "subformat=streamOptimized"}},
		{"vhd", image.VHD, []string{"-O", "vpc", "-o", "force_size=on"}},
		{"vhd fixed", image.VHD, []string{"-O", "vpc", "-o", "subformat=fixed,force_size=on"}},
		{"vhdx", image.VHDX, []string{"-O", "vhdx"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from := filepath.Join(dir, "from")
			qemuImg(t, slices.Concat([]string{"convert", "-f", "raw"}, tc.args, []string{raw, from})...)
			info, err := image.Inspect(from)
			if err != nil {
				t.Fatal(err)
			}
			if want := (image.Info{Format: tc.format, VirtualSize: 8 << 20}); info != want {
				t.Fatalf("inspect: %+v, want %+v", info, want)
			}
			to := filepath.Join(dir, "to")
			info, err = image.Convert(t.Context(), from, to)
			if err != nil {
				t.Fatal(err)
			}
			if want := (image.Info{Format: image.QCOW2, VirtualSize: 8 << 20}); info != want {
				t.Fatalf("convert: %+v, want %+v", info, want)
			}
			back := filepath.Join(dir, "back")
			qemuImg(t, "convert", "-f", "qcow2", "-O", "raw", to, back)
			if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, body) {
				t.Fatalf("the content changed (%v)", err)
			}
		})
	}
}

// TestHostile offers images that want to read other files of the host, or its memory.
func TestHostile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	secret, _ := source(t, dir)
	qemuImg(t, "create", "-f", "qcow2", "-F", "raw", "-b", secret, path("backing.qcow2"))
	qemuImg(t, "create", "-f", "qcow2", "-o", "data_file="+path("data.raw"), path("external.qcow2"), "1M")
	qemuImg(t, "create", "-f", "qcow2", path("good.qcow2"), "1M")
	qemuImg(t, "create", "-f", "vmdk", path("parent.vmdk"), "1M")
	qemuImg(t, "create", "-f", "vmdk", "-b", path("parent.vmdk"), "-F", "vmdk", path("child.vmdk"))
	qemuImg(t, "create", "-f", "vmdk", "-o", "subformat=monolithicFlat", path("flat.vmdk"), "1M")
	qemuImg(t, "create", "-f", "vpc", path("dynamic.vhd"), "1M")
	good, err := os.ReadFile(path("good.qcow2"))
	if err != nil {
		t.Fatal(err)
	}
	vhd, err := os.ReadFile(path("dynamic.vhd"))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(of []byte, at int, b ...byte) []byte {
		out := slices.Clone(of)
		copy(out[at:], b)
		return out
	}
	descriptor := "# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 2048 FLAT \"/etc/shadow\" 0\n"
	write(t, path("descriptor.vmdk"), []byte(descriptor))
	write(t, path("corrupt.qcow2"), changed(good, 79, 2))
	write(t, path("features.qcow2"), changed(good, 76, 1))
	write(t, path("encrypted.qcow2"), changed(good, 35, 2))
	write(t, path("version.qcow2"), changed(good, 7, 9))
	write(t, path("huge.qcow2"), changed(good, 24, 0, 0x7f, 0xff))
	write(t, path("cut.qcow2"), good[:60])
	write(t, path("clusters.qcow2"), changed(good, 20, 0, 0, 0, 63))
	write(t, path("lost.qcow2"), changed(good, 8, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 9))
	write(t, path("diff.vhd"), changed(vhd, 63, 4))
	write(t, path("odd.raw"), make([]byte, 1000))
	write(t, path("empty.raw"), nil)
	write(t, path("disk.raw.gz"), []byte("\x1f\x8b\x08 and so on"))
	write(t, path("page.html"), []byte("<!DOCTYPE html><title>Not found</title>"))
	if err := os.Mkdir(path("folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"backing.qcow2": image.ErrReference, "external.qcow2": image.ErrReference, "child.vmdk": image.ErrReference,
		"flat.vmdk": image.ErrReference, "descriptor.vmdk": image.ErrReference, "diff.vhd": image.ErrReference,
		"corrupt.qcow2": image.ErrFormat, "features.qcow2": image.ErrFormat, "encrypted.qcow2": image.ErrFormat, "version.qcow2": image.ErrFormat,
		"cut.qcow2": image.ErrFormat, "clusters.qcow2": image.ErrFormat, "lost.qcow2": image.ErrFormat, "odd.raw": image.ErrFormat,
		"empty.raw": image.ErrFormat, "disk.raw.gz": image.ErrFormat, "page.html": image.ErrFormat, "folder": image.ErrFormat,
		"huge.qcow2": image.ErrTooLarge, "none": fs.ErrNotExist,
	} {
		if info, err := image.Inspect(path(name)); !errors.Is(err, want) {
			t.Errorf("inspect %s: %+v, error %v, want %v", name, info, err, want)
		}
		if _, err := image.Convert(t.Context(), path(name), path("out")); !errors.Is(err, want) {
			t.Errorf("convert %s: error %v, want %v", name, err, want)
		}
	}
	if _, err := os.Stat(path("out")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused image was converted: %v", err)
	}
	left, err := filepath.Glob(path(".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	base, _ := source(t, dir)
	over := filepath.Join(dir, "overlay")
	if err := image.CreateOverlay(ctx, over, base, image.Raw, 32<<20); err != nil {
		t.Fatal(err)
	}
	info, err := image.InspectOwn(over)
	if want := (image.Info{Format: image.QCOW2, VirtualSize: 32 << 20, Backing: base}); err != nil || info != want {
		t.Fatalf("%+v, %v, want %+v", info, err, want)
	}
	if _, err := image.Inspect(over); !errors.Is(err, image.ErrReference) {
		t.Errorf("inspect of an overlay: error %v, want %v", err, image.ErrReference)
	}
	// What was written survives a second call.
	if out, err := exec.Command("qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 20M 4k", over).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before, _ := os.ReadFile(over)
	if err := image.CreateOverlay(ctx, over, base, image.Raw, 32<<20); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(over); !bytes.Equal(before, after) {
		t.Error("a second call changed the overlay")
	}
	if err := image.Grow(ctx, over, image.QCOW2, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := image.Grow(ctx, over, image.QCOW2, 64<<20); err != nil {
		t.Fatal(err)
	}
	if info, err := image.InspectOwn(over); err != nil || info.VirtualSize != 64<<20 || info.Backing != base {
		t.Fatalf("grown: %+v, %v", info, err)
	}
	if err := image.Grow(ctx, over, image.QCOW2, 32<<20); err == nil {
		t.Error("shrunk")
	}
	if err := image.CreateOverlay(ctx, over, over, image.QCOW2, 0); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another overlay of the name: error %v, want %v", err, fs.ErrExist)
	}
	if err := image.CreateOverlay(ctx, over+"2", over, image.QCOW2, 0); !errors.Is(err, image.ErrReference) {
		t.Errorf("an overlay of an overlay: error %v, want %v", err, image.ErrReference)
	}
	if err := image.CreateOverlay(ctx, over+"3", base, image.Raw, 1<<20); err == nil {
		t.Error("an overlay smaller than its base")
	}
	if err := image.CreateOverlay(ctx, over+"4", base, image.QCOW2, 0); err == nil {
		t.Error("a raw base taken for qcow2")
	}
	// A guest that writes a header of its own into its raw disk gains nothing.
	evil := filepath.Join(dir, "evil.raw")
	qemuImg(t, "create", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", evil, "1M")
	if err := image.CreateOverlay(ctx, over+"5", evil, image.Raw, 0); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x51 0 1", over+"5").CombinedOutput(); err != nil || strings.Contains(string(out), "failed") {
		t.Errorf("the overlay does not begin with the raw disk's Q: %v: %s", err, out)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	for _, f := range []image.Format{image.Raw, image.QCOW2} {
		p := filepath.Join(dir, string(f))
		for range 2 {
			if err := image.Create(ctx, p, f, 16<<20); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := image.Inspect(p); err != nil || info.Format != f || info.VirtualSize != 16<<20 {
			t.Errorf("%s: %+v, %v", f, info, err)
		}
		if err := image.Create(ctx, p, f, 32<<20); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s of another size: error %v, want %v", f, err, fs.ErrExist)
		}
		if err := image.Grow(ctx, p, f, 32<<20); err != nil {
			t.Error(err)
		}
	}
	if err := image.Create(ctx, filepath.Join(dir, "x"), image.VMDK, 1<<20); !errors.Is(err, image.ErrFormat) {
		t.Errorf("error %v, want %v", err, image.ErrFormat)
	}
	if err := image.Create(ctx, filepath.Join(dir, "x"), image.Raw, 1<<60); !errors.Is(err, image.ErrTooLarge) {
		t.Errorf("error %v, want %v", err, image.ErrTooLarge)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := image.Create(cancelled, filepath.Join(dir, "y"), image.QCOW2, 1<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "*")); len(list) != 2 {
		t.Errorf("left over: %v", list)
	}
}

// FuzzRead holds the readers of headers to their bounds. What they accept has a size within the limit.
func FuzzRead(f *testing.F) {
	qcow2 := make([]byte, 128)
	copy(qcow2, "QFI\xfb")
	binary.BigEndian.PutUint32(qcow2[4:], 3)
	binary.BigEndian.PutUint32(qcow2[20:], 16)
	binary.BigEndian.PutUint64(qcow2[24:], 1<<20)
	f.Add(qcow2)
	vmdk := make([]byte, 2048)
	copy(vmdk, "KDMV\x01")
	vmdk[12], vmdk[28], vmdk[36] = 64, 1, 1
	copy(vmdk[512:], "# Disk DescriptorFile\ncreateType=\"monolithicSparse\"\nRW 64 SPARSE \"x\"\n")
	f.Add(vmdk)
	vhd := make([]byte, 1024)
	copy(vhd[512:], "conectix")
	vhd[512+55], vhd[512+63] = 1, 2
	f.Add(vhd)
	vhdx := make([]byte, 200<<10)
	copy(vhdx, "vhdxfile")
	copy(vhdx[192<<10:], "regi")
	f.Add(vhdx)
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := image.Read(bytes.NewReader(body), int64(len(body)))
		if err == nil && (info.VirtualSize <= 0 || info.VirtualSize > image.MaxVirtualSize || info.Format == "") {
			t.Errorf("%+v", info)
		}
	})
}
