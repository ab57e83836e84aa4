package libvirt_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/image"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
)

// TestTinyImage boots the tiny image from its own disk, as an instance does: an overlay on a shared base, larger than the
// image. What is written there is there at the next start.
func TestTinyImage(t *testing.T) {
	t.Parallel()
	img, err := tiny()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tinyimage")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	d := open(t, libvirt.QEMU, fmt.Sprintf("test-tiny-%08x", rand.Uint32()))
	defer d.Close()
	if err := d.Prepare(ctx, dir); err != nil {
		t.Fatal(err)
	}
	base, overlay := filepath.Join(dir, "base"), filepath.Join(dir, "overlay")
	if _, err := image.Convert(ctx, img.Disk, base); err != nil {
		t.Fatal(err)
	}
	if err := image.CreateOverlay(ctx, overlay, base, image.QCOW2, 1<<30); err != nil {
		t.Fatal(err)
	}
	s := spec(fmt.Sprintf("tiny-%08x", rand.Uint32()), dir)
	s.VCPUs = 2
	s.Disks = []hypervisor.Disk{{
		Serial: "vol0123456789abcdef0", Path: overlay, Format: hypervisor.QCOW2,
		Backing: &hypervisor.Backing{Path: base, Format: hypervisor.QCOW2},
	}}
	if err := d.Define(ctx, s); err != nil {
		t.Fatal(err)
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.Destroy(clean, s.Name); err != nil {
			t.Error(err)
		}
		if err := d.Undefine(clean, s.Name); err != nil {
			t.Error(err)
		}
	}()
	boot := func() *terminal {
		t.Helper()
		begin := time.Now()
		if err := d.Start(ctx, s.Name); err != nil {
			t.Fatal(err)
		}
		rw, err := d.Console(ctx, s.Name)
		if err != nil {
			t.Fatal(err)
		}
		c := newTerminal(t, rw)
		if err := d.Resume(ctx, s.Name); err != nil {
			t.Fatal(err)
		}
		c.wait("ready without metadata")
		t.Logf("from start to ready, by the disk's own boot loader: %v", time.Since(begin).Round(time.Millisecond))
		c.send("\n")
		c.wait("login: ")
		c.send("root\n")
		c.wait("# ")
		return c
	}
	c := boot()
	c.send("ls -l /dev/disk/by-id/; while [ $(df -m / | awk 'NR==2 {print $2}') -lt 800 ]; do sleep 1; done; echo gr''own\n")
	c.wait("virtio-vol0123456789abcdef0")
	c.wait("grown")
	// The kernel began with one of its processors.
	c.send("echo processors=$(nproc)\n")
	c.wait("processors=2")
	// The balloon takes memory back, and gives it.
	const total = "$(awk '/MemTotal/ {print int($2/1024)}' /proc/meminfo)"
	balloon := func(kib string) {
		t.Helper()
		if out, err := exec.Command("virsh", "-c", libvirt.QEMU, "setmem", s.Name, kib, "--live").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	c.send("had=" + total + "; echo coun''ted\n")
	c.wait("counted")
	balloon("73728")
	c.send("until [ " + total + " -le $((had-20)) ]; do sleep 0.2; done; echo shr''unk\n")
	c.wait("shrunk")
	balloon("98304")
	c.send("until [ " + total + " -ge $had ]; do sleep 0.2; done; echo re''stored\n")
	c.wait("restored")
	c.send("echo kept >/root/file && echo wri''tten\n")
	c.wait("written")
	if err := d.Stop(ctx, s.Name, time.Minute); err != nil {
		t.Fatal(err)
	}
	if m, err := d.Get(ctx, s.Name); err != nil || m.State != hypervisor.StateOff || m.Reason != hypervisor.ReasonGuest {
		t.Fatalf("%+v, %v, want off by the guest", m, err)
	}
	c = boot()
	c.send("echo file=$(cat /root/file)\n")
	c.wait("file=kept")
	stats, err := d.Stats(ctx, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v of CPU, RSS %d MiB", stats.CPUTime.Round(time.Millisecond), stats.MemoryRSS>>20)

	// The base belongs to all: it is neither written nor given away.
	if info, err := os.Stat(base); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the base: %v, %v", info, err)
	}
}

// terminal collects what a console says.
type terminal struct {
	t  *testing.T
	w  io.Writer
	mu sync.Mutex
	b  bytes.Buffer
}

func newTerminal(t *testing.T, rw io.ReadWriteCloser) *terminal {
	c := &terminal{t: t, w: rw}
	t.Cleanup(func() { rw.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := rw.Read(buf)
			c.mu.Lock()
			c.b.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *terminal) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.w, text); err != nil {
		c.t.Fatal(err)
	}
}

// wait passes over the output until text came.
func (c *terminal) wait(text string) {
	c.t.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c.mu.Lock()
		if i := bytes.Index(c.b.Bytes(), []byte(text)); i >= 0 {
			c.b.Next(i + len(text))
			c.mu.Unlock()
			return
		}
		said := c.b.String()
		c.mu.Unlock()
		if time.Now().After(end) {
			c.t.Fatalf("console: no %q in\n%s", text, said)
		}
	}
}
