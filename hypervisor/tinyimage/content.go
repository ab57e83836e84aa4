package tinyimage

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Modules that the machine needs before and after it has its root disk, in any order; what they depend on comes with them.
var (
	bootModules = []string{"virtio_pci", "virtio_blk"}
	rootModules = []string{"virtio_net", "virtio_rng", "virtio_balloon", "button", "evdev", "macvlan", "veth"}
)

// kernel finds the kernel and the folder of its modules.
func (b *build) kernel() (image, modules string, err error) {
	found, err := filepath.Glob(filepath.Join(b.unpacked, "boot", "vmlinuz-*"))
	if err != nil {
		return "", "", err
	}
	if len(found) != 1 {
		return "", "", fmt.Errorf("found %d kernels in the packages, want 1", len(found))
	}
	release := strings.TrimPrefix(filepath.Base(found[0]), "vmlinuz-")
	for _, lib := range []string{"lib", "usr/lib"} {
		modules = filepath.Join(b.unpacked, lib, "modules", release)
		if _, err := os.Stat(modules); err == nil {
			return found[0], modules, nil
		}
	}
	return "", "", fmt.Errorf("the kernel %s has no modules", release)
}

// initrd is the content of the initial file system.
func (b *build) initrd(ctx context.Context, modules string) (*tree, error) {
	t := newTree()
	for _, d := range []string{"dev", "proc", "sys", "newroot", "tmp"} {
		t.dir(d, 0o755)
	}
	if err := b.busybox(t); err != nil {
		return nil, err
	}
	if err := addGuest(t, "init", "init", 0o755); err != nil {
		return nil, err
	}
	m, err := b.modules(ctx, modules)
	if err != nil {
		return nil, err
	}
	// All at once: loading one later costs as much, and the machine without a root disk wants them too.
	return t, m.install(t, "modules", append(slices.Clone(bootModules), rootModules...))
}

// root is the content of the root disk.
func (b *build) root(ctx context.Context, modules string) (*tree, error) {
	t := newTree()
	for _, d := range []string{"dev", "proc", "sys", "run", "mnt", "var/log", "var/lib/aureole", "etc/dropbear"} {
		t.dir(d, 0o755)
	}
	t.dir("tmp", fs.ModeSticky|0o777)
	t.dir("root", 0o700)
	t.dir("home/ec2-user", 0o755)
	t.link("var/run", "../run")
	t.link("sbin", "bin")
	t.link("usr/bin", "../bin")
	t.link("usr/sbin", "../bin")
	t.link("etc/resolv.conf", "../run/resolv.conf")
	t.link("etc/mtab", "../proc/mounts")
	if err := b.busybox(t); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name, from string
		perm       fs.FileMode
	}{
		{"etc/inittab", "inittab", 0o644},
		{"etc/issue", "issue", 0o644},
		{"etc/init.d/rcS", "rcS", 0o755},
		{"etc/init.d/rcK", "rcK", 0o755},
		{"etc/init.d/network", "network", 0o755},
		{"etc/init.d/instance", "instance", 0o755},
		{"etc/disks", "disks", 0o755},
		{"etc/udhcpc", "udhcpc", 0o755},
		{"bin/imds", "imds", 0o755},
	} {
		if err := addGuest(t, f.name, f.from, f.perm); err != nil {
			return nil, err
		}
	}
	text := func(name string, perm fs.FileMode, body string) { t.add(name, perm, []byte(body)) }
	text("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nec2-user:x:1000:1000:EC2 user:/home/ec2-user:/bin/sh\n")
	// No password at the console, where whoever holds the machine is; none by ssh, which takes keys only.
	text("etc/shadow", 0o600, "root::19000:0:99999:7:::\nec2-user:*:19000:0:99999:7:::\n")
	text("etc/group", 0o644, "root:x:0:\ntty:x:5:\nec2-user:x:1000:\n")
	text("etc/shells", 0o644, "/bin/sh\n")
	text("etc/hostname", 0o644, "tiny\n")
	text("etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n")
	// What is not named here, a static program would load a library for, and crash.
	text("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\nnetworks: files\nethers: files\n")
	text("etc/services", 0o644, "ssh 22/tcp\ndomain 53/udp\nhttp 80/tcp\nhttps 443/tcp\n")
	text("etc/profile", 0o644, "export PATH=/bin\n")
	text("etc/os-release", 0o644, "ID=aureole-tiny\nNAME=\"Aureole tiny image\"\nPRETTY_NAME=\"Aureole tiny image\"\n")
	text("etc/acpi/PWRF/00000080", 0o755, "#!/bin/sh\nexec /bin/poweroff\n")
	for name, from := range map[string]string{
		"bin/dropbear": "usr/sbin/dropbear", "bin/dropbearkey": "usr/bin/dropbearkey", "bin/dbclient": "usr/bin/dbclient",
		"bin/resize2fs": "sbin/resize2fs", "bin/mkfs.ext4": "sbin/mke2fs",
	} {
		if err := b.program(t, name, from); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func addGuest(t *tree, name, from string, perm fs.FileMode) error {
	body, err := guest.ReadFile("guest/" + from)
	if err != nil {
		return err
	}
	t.add(name, perm, body)
	return nil
}

// find looks a file of the packages up, wherever the release has it: with /usr merged or not.
func (b *build) find(name string) (string, error) {
	for _, try := range []string{name, "usr/" + name, strings.TrimPrefix(name, "usr/")} {
		p := filepath.Join(b.unpacked, try)
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("no package has %s", name)
}

// busybox puts the program in, and links for all it can do but what packages do better.
func (b *build) busybox(t *tree) error {
	p, err := b.find("bin/busybox")
	if err != nil {
		return err
	}
	if err := t.copy("bin/busybox", p, 0o755); err != nil {
		return err
	}
	for _, applet := range applets {
		t.link("bin/"+applet, "busybox")
	}
	return nil
}

// applets of busybox that the machine has by name.
var applets = strings.Fields(`[ acpid arch arp arping ash awk base64 basename blockdev cat chgrp chmod chown chroot clear cmp
	cp cut date dd df diff dirname dmesg du echo env expr false fdisk find findfs free fsfreeze fstrim getty grep groups gunzip
	gzip halt head hexdump hostname httpd id ifconfig init insmod ip kill killall less ln logger login ls lsmod md5sum mkdir
	mkfifo mknod mktemp modprobe more mount mv nc netstat nologin nproc nsenter nslookup od pidof ping ping6 poweroff printf ps
	pwd readlink realpath reboot reset rm rmdir rmmod route sed seq setsid sh sha256sum shuf sleep sort stat stty su switch_root
	sync sysctl tail tar tee telnet test timeout top touch tr traceroute true truncate udhcpc uevent umount uname uniq unshare uptime
	usleep vi watch wc wget which who whoami xargs xxd yes zcat`)

// program puts a program in, with the libraries it is linked to.
func (b *build) program(t *tree, name, from string) error {
	p, err := b.find(from)
	if err != nil {
		return err
	}
	if err := t.copy(name, p, 0o755); err != nil {
		return err
	}
	return b.libraries(t, p)
}

func (b *build) libraries(t *tree, program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	defer f.Close()
	needs, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	for _, p := range f.Progs { // the loader that the program names
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader := make([]byte, p.Filesz)
		if _, err := p.ReadAt(loader, 0); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		name := strings.Trim(string(loader), "/\x00")
		if _, ok := t.files[name]; !ok {
			lib, err := b.library(filepath.Base(name))
			if err != nil {
				return err
			}
			if err := t.copy(name, lib, 0o755); err != nil {
				return err
			}
		}
	}
	for _, need := range needs {
		if _, ok := t.files["lib/"+need]; ok || strings.HasPrefix(need, "ld-linux") {
			continue
		}
		lib, err := b.library(need)
		if err != nil {
			return err
		}
		if err := t.copy("lib/"+need, lib, 0o755); err != nil {
			return err
		}
		if err := b.libraries(t, lib); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) library(name string) (string, error) {
	for _, dir := range []string{"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "lib", "usr/lib"} {
		p := filepath.Join(b.unpacked, dir, name)
		// Links of the packages are absolute or relative; only the latter can be followed here.
		if _, err := os.Stat(p); err == nil {
			return p, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("no package has the library %s", name)
}
