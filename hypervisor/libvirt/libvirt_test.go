package libvirt_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/hypertest"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
	"github.com/aureole-cloud/aureole/hypervisor/tinyimage"
)

// Tests of drivers need libvirtd, qemu and root; "make setup" sees to the former.

func open(t *testing.T, uri, owner string) hypervisor.Driver {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d, err := libvirt.Open(ctx, libvirt.Config{URI: uri, Owner: owner, Log: log})
	if err != nil {
		t.Fatalf("%v\nThe tests need libvirtd: run \"make setup\" as root.", err)
	}
	return d
}

// tiny builds the image once, beside the clients that other tests use.
var tiny = sync.OnceValues(func() (*tinyimage.Image, error) {
	dir := os.Getenv("AUREOLE_TEST_CACHE")
	if dir == "" {
		dir = "../../.cache" // that of setup.sh
	}
	return tinyimage.Build(context.Background(), tinyimage.Config{Dir: filepath.Join(dir, "tinyimage")})
})

func spec(name, dir string) *hypervisor.Spec {
	return &hypervisor.Spec{
		Name: name, UUID: hypervisor.UUIDFor("ec2", name), VCPUs: 1, Memory: 96 << 20,
		Identity:   hypervisor.Identity{Manufacturer: "Amazon EC2", Product: "t3.nano", Asset: name},
		ConsoleLog: filepath.Join(dir, "console.log"),
	}
}

func newDisk(t *testing.T, dir, serial string, size int64) *hypervisor.Disk {
	t.Helper()
	path := filepath.Join(dir, serial)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return &hypervisor.Disk{Serial: serial, Path: path, Format: hypervisor.Raw}
}

func TestDriverQEMU(t *testing.T) {
	t.Parallel()
	s := hypertest.Suite{
		Open: func(t *testing.T, owner string) hypervisor.Driver { return open(t, libvirt.QEMU, owner) },
		Spec: func(t *testing.T, name, dir string) *hypervisor.Spec {
			img, err := tiny()
			if err != nil {
				t.Fatal(err)
			}
			s := spec(name, dir)
			// In a place that the emulator's user reaches, whatever the cache's is.
			s.Boot.Cmdline = img.Cmdline
			for to, from := range map[*string]string{&s.Boot.Kernel: img.Kernel, &s.Boot.Initrd: img.Initrd} {
				b, err := os.ReadFile(from)
				if err != nil {
					t.Fatal(err)
				}
				*to = filepath.Join(dir, filepath.Base(from))
				if err := os.WriteFile(*to, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			return s
		},
		Ready: "ready without a root disk", Guests: true, Patience: 2 * time.Minute, Disk: newDisk,
		Kill: func(t *testing.T, name string) {
			pid, err := os.ReadFile("/run/libvirt/qemu/" + name + ".pid")
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
		NIC: func(t *testing.T) *hypervisor.NIC {
			tap := fmt.Sprintf("ht%08x", rand.Uint32())
			if out, err := exec.Command("ip", "tuntap", "add", tap, "mode", "tap", "vnet_hdr").CombinedOutput(); err != nil {
				t.Fatalf("ip tuntap add: %v: %s", err, bytes.TrimSpace(out))
			}
			t.Cleanup(func() { exec.Command("ip", "link", "del", tap).Run() })
			return &hypervisor.NIC{Tap: tap, MAC: "02:00:00:ab:cd:ef", MTU: 1450}
		},
	}
	s.Run(t)
}

func TestDriverTest(t *testing.T) {
	t.Parallel()
	s := hypertest.Suite{
		Open: func(t *testing.T, owner string) hypervisor.Driver { return open(t, libvirt.Test, owner) },
		Spec: func(t *testing.T, name, dir string) *hypervisor.Spec { return spec(name, dir) },
		Disk: newDisk,
	}
	s.Run(t)
}
