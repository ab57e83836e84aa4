package tinyimage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The disk: a boot sector, a small FAT partition with boot loader, kernel and initial file system, and the root partition
// at the end, where it can grow.
const (
	sector    = 512
	bootStart = 1 << 20
	bootSize  = 24 << 20
	rootStart = bootStart + bootSize
	rootSize  = 40 << 20
	diskSize  = rootStart + rootSize
)

// loader is the configuration of the boot loader: no menu, no wait.
const loader = "SERIAL 0 115200\nDEFAULT tiny\nPROMPT 0\nTIMEOUT 0\nLABEL tiny\n LINUX /vmlinuz\n INITRD /initrd\n APPEND root=/dev/vda2 " + Cmdline + "\n"

// disk writes the image.
func (b *build) disk(ctx context.Context, path string, root *tree, kernel, initrd string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(diskSize); err != nil {
		return err
	}
	mbr, err := b.bootSector()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(mbr, 0); err != nil {
		return err
	}
	if err := b.bootPartition(ctx, path, kernel, initrd); err != nil {
		return err
	}
	if err := b.rootPartition(ctx, path, root); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// bootSector is syslinux's program, which starts the active partition, and the table of partitions.
func (b *build) bootSector() ([]byte, error) {
	p, err := b.find("usr/lib/syslinux/mbr/mbr.bin")
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(p)
	if err != nil {
		return nil, err
	}
	if len(code) > 440 {
		return nil, fmt.Errorf("the boot sector's program has %d bytes, want at most 440", len(code))
	}
	mbr := make([]byte, sector)
	copy(mbr, code)
	copy(mbr[440:], "ATNY") // the disk's signature
	partition := func(i int, active, kind byte, start, size uint32) {
		e := mbr[446+16*i:]
		e[0], e[4] = active, kind
		copy(e[1:4], []byte{0xfe, 0xff, 0xff}) // no cylinders: addressed by sector
		copy(e[5:8], []byte{0xfe, 0xff, 0xff})
		binary.LittleEndian.PutUint32(e[8:], start/sector)
		binary.LittleEndian.PutUint32(e[12:], size/sector)
	}
	partition(0, 0x80, 0x0e, bootStart, bootSize)
	partition(1, 0, 0x83, rootStart, rootSize)
	mbr[510], mbr[511] = 0x55, 0xaa
	return mbr, nil
}

// bootPartition makes the FAT file system with mtools and syslinux, of the packages, not of the host.
func (b *build) bootPartition(ctx context.Context, path, kernel, initrd string) error {
	fat := filepath.Join(b.work, "boot.fat")
	f, err := os.Create(fat)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(bootSize), f.Close()); err != nil {
		return err
	}
	conf := filepath.Join(b.work, "syslinux.cfg")
	if err := os.WriteFile(conf, []byte(loader), 0o644); err != nil {
		return err
	}
	mkfs, err := b.find("sbin/mkfs.fat")
	if err != nil {
		return err
	}
	syslinux, err := b.find("usr/bin/syslinux")
	if err != nil {
		return err
	}
	tools := filepath.Join(b.unpacked, "usr/bin")
	env := []string{"PATH=" + tools + ":/usr/sbin:/usr/bin:/sbin:/bin", "MTOOLS_SKIP_CHECK=1"}
	if _, err := runWith(ctx, b.work, env, mkfs, "-F", "16", "-n", "BOOT", "-h", strconv.Itoa(bootStart/sector), fat); err != nil {
		return err
	}
	for _, args := range [][]string{
		{filepath.Join(tools, "mcopy"), "-i", fat, kernel, "::vmlinuz"},
		{filepath.Join(tools, "mcopy"), "-i", fat, initrd, "::initrd"},
		{filepath.Join(tools, "mcopy"), "-i", fat, conf, "::syslinux.cfg"},
		{syslinux, "--install", fat},
	} {
		if _, err := runWith(ctx, b.work, env, args[0], args[1:]...); err != nil {
			return err
		}
	}
	return copyInto(path, bootStart, fat)
}

// rootPartition makes the ext4 file system.
func (b *build) rootPartition(ctx context.Context, path string, root *tree) error {
	files := filepath.Join(b.work, "root")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	if err := root.write(files); err != nil {
		return err
	}
	ext := filepath.Join(b.work, "root.ext4")
	// The lists of inodes are written here, not by the machine in the background of its first minutes; the journal is
	// small, and there is room in the descriptors to grow to a terabyte while mounted.
	if _, err := run(ctx, b.work, "/sbin/mke2fs", "-q", "-t", "ext4", "-L", "root", "-b", "4096", "-J", "size=4", "-N", "4096", "-m", "0",
		"-E", "root_owner=0:0,lazy_itable_init=0,resize=268435456", "-d", files, ext, strconv.Itoa(rootSize/4096)); err != nil {
		return err
	}
	script := filepath.Join(b.work, "owners")
	if err := os.WriteFile(script, []byte(root.owners()), 0o644); err != nil {
		return err
	}
	out, err := run(ctx, b.work, "/sbin/debugfs", "-w", "-f", script, ext)
	if err != nil {
		return err
	}
	if strings.Contains(out, "not found") {
		return fmt.Errorf("debugfs: %s", out)
	}
	return copyInto(path, rootStart, ext)
}

// copyInto writes a file into another one at an offset, and leaves holes where there are only zeros.
func copyInto(path string, offset int64, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer dst.Close()
	buf := make([]byte, 64<<10)
	zero := make([]byte, len(buf))
	for {
		n, err := src.Read(buf)
		if n > 0 && string(buf[:n]) != string(zero[:n]) {
			if _, err := dst.WriteAt(buf[:n], offset); err != nil {
				return err
			}
		}
		offset += int64(n)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return dst.Close()
			}
			return err
		}
	}
}
