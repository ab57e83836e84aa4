package libvirt

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	lv "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// host is what the driver found out about the host when it was opened.
type host struct {
	arch     string // of libvirt
	machine  string
	virtType string // of domains
	accel    hypervisor.Accel
	version  string
	user     string // that of the emulator, "" if it is that of the daemon
	vcpus    int
	memory   int64
}

// probe asks the daemon what it can run.
func (d *Driver) probe(ctx context.Context) (host, error) {
	var h host
	var text string
	err := d.call(ctx, "probe libvirt", "", func(l *lv.Libvirt) error {
		var err error
		if text, err = l.ConnectGetCapabilities(); err != nil {
			return err
		}
		_, kib, cpus, _, _, _, _, _, err := l.NodeGetInfo()
		if err != nil {
			return err
		}
		h.vcpus, h.memory = int(cpus), int64(kib)<<10
		own, err := l.ConnectGetLibVersion()
		if err != nil {
			return err
		}
		h.version = "libvirt " + version(own)
		if emulator, err := l.ConnectGetVersion(); err == nil && !d.test {
			h.version = "qemu " + version(emulator) + ", " + h.version
		}
		return nil
	})
	if err != nil {
		return h, err
	}
	var caps libvirtxml.Caps
	if err := caps.Unmarshal(text); err != nil {
		return h, fmt.Errorf("probe libvirt: read its capabilities: %w", err)
	}
	h.arch = caps.Host.CPU.Arch
	if d.test {
		h.virtType, h.accel, h.arch = "test", hypervisor.AccelNone, "i686"
		return h, nil
	}
	kvm, tcg := false, false
	for _, g := range caps.Guests {
		if g.Arch.Name != h.arch || g.OSType != "hvm" {
			continue
		}
		for _, t := range g.Arch.Domains {
			kvm = kvm || t.Type == "kvm"
			tcg = tcg || t.Type == "qemu"
		}
	}
	switch h.arch {
	case "x86_64":
		h.machine = "q35"
	case "aarch64":
		h.machine = "virt"
	default:
		return h, fmt.Errorf("%w: no machines of architecture %s", hypervisor.ErrUnsupported, h.arch)
	}
	for _, s := range caps.Host.SecModel {
		if s.Name != "dac" {
			continue
		}
		for _, l := range s.Labels {
			if l.Type == "kvm" || h.user == "" {
				h.user = l.Value
			}
		}
	}
	return h, h.chooseAccel(d.cfg.Accel, kvm && kvmWorks("/proc/cpuinfo"), tcg)
}

// chooseAccel takes what was asked for, or the fastest that works.
func (h *host) chooseAccel(asked hypervisor.Accel, kvm, tcg bool) error {
	switch {
	case asked != hypervisor.AccelTCG && (kvm || asked == hypervisor.AccelKVM):
		h.accel, h.virtType = hypervisor.AccelKVM, "kvm"
	case tcg:
		h.accel, h.virtType = hypervisor.AccelTCG, "qemu"
	default:
		return fmt.Errorf("%w: libvirt found no emulator for %s; is qemu-system-x86 installed?", hypervisor.ErrUnavailable, h.arch)
	}
	return nil
}

// kvmWorks looks for the processor's own virtualisation. That /dev/kvm opens and libvirt offers KVM is not enough: in
// some nested environments both do, and guests hang before their first instruction.
func kvmWorks(cpuinfo string) bool {
	if runtime.GOARCH != "amd64" {
		return true
	}
	f, err := os.Open(cpuinfo)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, flags, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == "flags" {
			list := strings.Fields(flags)
			return slices.Contains(list, "vmx") || slices.Contains(list, "svm")
		}
	}
	return false
}

func version(n uint64) string { return fmt.Sprintf("%d.%d.%d", n/1000000, n/1000%1000, n%1000) }

// Capacity tells what the host has.
func (d *Driver) Capacity(ctx context.Context) (hypervisor.Capacity, error) {
	c := hypervisor.Capacity{
		VCPUs: d.host.vcpus, Memory: d.host.memory, MemoryFree: d.host.memory,
		Arch: d.host.arch, Accel: d.host.accel, Version: d.host.version,
	}
	if d.test {
		c.Arch = "x86_64"
		return c, ctx.Err()
	}
	free, err := availableMemory("/proc/meminfo")
	if err != nil {
		return c, fmt.Errorf("capacity: %w", err)
	}
	c.MemoryFree = free
	// Ask something, so that a daemon that is gone is not taken for one that has room.
	return c, d.call(ctx, "capacity", "", func(l *lv.Libvirt) error {
		_, err := l.ConnectGetLibVersion()
		return err
	})
}

// availableMemory is the kernel's own estimate of what can be had without swapping.
func availableMemory(meminfo string) (int64, error) {
	text, err := os.ReadFile(meminfo)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", meminfo, err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("%s: no MemAvailable", meminfo)
}
