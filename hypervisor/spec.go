package hypervisor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
)

// Limits of one machine, checked by [Spec.Validate].
const (
	MaxVCPUs   = 512
	MinMemory  = 32 << 20
	MaxMemory  = 24 << 40
	MaxDisks   = 26
	MaxNICs    = 15
	MaxCmdline = 2048
	// MaxSerial is what the identity page of a virtio disk holds.
	MaxSerial = 20
)

// Spec describes a machine. It is data: the same Spec defines the same machine on any host whose files and taps have
// these names.
type Spec struct {
	// Name is the machine's id: unique on the host, 1 to 63 of [A-Za-z0-9._-].
	Name string
	// UUID is what the guest reads from its firmware. [UUIDFor] derives one from the name.
	UUID string
	// VCPUs is the number of virtual processors.
	VCPUs int
	// Memory is in bytes, a multiple of 1 MiB.
	Memory int64
	// Identity is what the firmware tells of the hardware.
	Identity Identity
	// Display gives the machine a VGA display, for guests that want one and for Screenshot.
	Display bool
	// Boot says how the machine comes up; the zero value boots the first disk by BIOS.
	Boot Boot
	// Disks in the order the guest finds them: the first is the root disk.
	Disks []Disk
	// NICs in the order the guest finds them.
	NICs []NIC
	// ConsoleLog is the file that all output of the serial console is appended to; absolute, empty for none. Its folder exists.
	ConsoleLog string
}

// Identity is the SMBIOS system and chassis information.
type Identity struct {
	Manufacturer string // "Amazon EC2"
	Product      string // the instance type
	Serial       string // empty: the UUID
	Asset        string // the chassis asset tag: the instance id
}

// Boot describes how a machine comes up.
type Boot struct {
	// Kernel, when set, is booted directly, without firmware or boot loader, with Initrd and Cmdline. The paths are absolute.
	Kernel  string
	Initrd  string
	Cmdline string
	// UEFI boots by UEFI firmware instead of BIOS. It needs the host's OVMF.
	UEFI bool
}

// Format is the format of a disk's file.
type Format string

// The formats a machine can run from. Others are converted first (package image).
const (
	Raw   Format = "raw"
	QCOW2 Format = "qcow2"
)

// Disk is a virtio block device. Its content is in a file or behind an NBD server.
type Disk struct {
	// Serial identifies the disk within the machine and to the guest (/dev/disk/by-id/virtio-SERIAL): 1 to 20 of [A-Za-z0-9_-].
	Serial string
	// Path is the absolute path of a file, unless NBD is set.
	Path string
	// NBD is an export to use instead of a file.
	NBD *NBD
	// Format of the content; an NBD export is raw.
	Format Format
	// Backing is the file that a QCOW2 file is an overlay of. It is shared: its owner and label on the host are left alone,
	// so the emulator's user must be able to read it. It must have no backing file itself. The driver looks for no other.
	Backing *Backing
	// ReadOnly refuses writes of the guest.
	ReadOnly bool
	// Base marks a file that several machines share: it is read-only, and its owner and label on the host are left alone.
	Base bool
	// Limits on throughput; zero fields are unlimited.
	Limits Limits
}

// Backing is the file below an overlay.
type Backing struct {
	Path   string // absolute
	Format Format
}

// NBD is an export of an NBD server. When the server goes away the machine is paused (ReasonIOError), not failed, so
// that nothing is lost when it returns; the agent resumes it.
type NBD struct {
	// Socket is the absolute path of a UNIX socket; empty: Host and Port.
	Socket string
	Host   string
	Port   int
	Export string
}

// Limits bounds a disk's throughput.
type Limits struct {
	IOPS  uint64 // operations per second
	Bytes uint64 // bytes per second
}

// NIC is a virtio network interface on a tap device that exists in the host's (the daemon's) network namespace while the
// machine is started, and may be moved to another one afterwards.
type NIC struct {
	// Tap is the name of the device, at most 15 characters.
	Tap string
	// MAC is the guest's address, and the interface's identity in the machine.
	MAC string
	// MTU is told to the guest; 0: not.
	MTU int
}

var (
	validName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	validSerial = regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)
	validTap    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
	validUUID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// UUIDFor derives a UUID from a name: always the same one, with the given leading hexadecimal digits. A guest takes
// itself for an EC2 instance when its UUID starts with "ec2".
func UUIDFor(prefix, name string) string {
	sum := sha256.Sum256([]byte("machine uuid\x00" + name))
	h := (prefix + hex.EncodeToString(sum[:]))[:32]
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// Validate says what is wrong with a description, without looking at the host.
func (s *Spec) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if !validName.MatchString(s.Name) {
		bad("name %q: 1 to 63 letters, digits, dots, dashes or underscores", s.Name)
	}
	if !validUUID.MatchString(s.UUID) {
		bad("uuid %q: not a lower-case UUID", s.UUID)
	}
	if s.VCPUs < 1 || s.VCPUs > MaxVCPUs {
		bad("vcpus %d: 1 to %d", s.VCPUs, MaxVCPUs)
	}
	if s.Memory < MinMemory || s.Memory > MaxMemory || s.Memory%(1<<20) != 0 {
		bad("memory %d: a multiple of 1 MiB from 32 MiB to 24 TiB", s.Memory)
	}
	for _, f := range []string{s.Identity.Manufacturer, s.Identity.Product, s.Identity.Serial, s.Identity.Asset} {
		if len(f) > 128 || !printable(f) {
			bad("identity %q: at most 128 printable ASCII characters", f)
		}
	}
	if s.ConsoleLog != "" && !cleanPath(s.ConsoleLog) {
		bad("console log %q: not a clean absolute path", s.ConsoleLog)
	}
	if err := s.Boot.validate(); err != nil {
		errs = append(errs, err)
	}
	if len(s.Disks) > MaxDisks {
		bad("%d disks: at most %d", len(s.Disks), MaxDisks)
	}
	serials := map[string]bool{}
	for i := range s.Disks {
		d := &s.Disks[i]
		if err := d.Validate(); err != nil {
			bad("disk %d: %w", i, err)
		}
		if serials[d.Serial] {
			bad("disk %d: serial %q is taken", i, d.Serial)
		}
		serials[d.Serial] = true
	}
	if len(s.NICs) > MaxNICs {
		bad("%d interfaces: at most %d", len(s.NICs), MaxNICs)
	}
	macs := map[string]bool{}
	for i := range s.NICs {
		n := &s.NICs[i]
		if err := n.Validate(); err != nil {
			bad("interface %d: %w", i, err)
		}
		if m := strings.ToLower(n.MAC); macs[m] {
			bad("interface %d: MAC %s is taken", i, m)
		} else {
			macs[m] = true
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: machine %q: %w", ErrInvalid, s.Name, err)
	}
	return nil
}

func (b *Boot) validate() error {
	switch {
	case b.Kernel == "" && (b.Initrd != "" || b.Cmdline != ""):
		return errors.New("boot: an initrd or a command line needs a kernel")
	case b.Kernel != "" && b.UEFI:
		return errors.New("boot: a kernel is booted without UEFI")
	case b.Kernel != "" && !cleanPath(b.Kernel), b.Initrd != "" && !cleanPath(b.Initrd):
		return errors.New("boot: kernel and initrd need clean absolute paths")
	case len(b.Cmdline) > MaxCmdline || !printable(b.Cmdline):
		return fmt.Errorf("boot: the command line has at most %d printable ASCII characters", MaxCmdline)
	}
	return nil
}

// Validate says what is wrong with the description of a disk.
func (d *Disk) Validate() error {
	if !validSerial.MatchString(d.Serial) {
		return fmt.Errorf("serial %q: 1 to %d letters, digits, dashes or underscores", d.Serial, MaxSerial)
	}
	if n := d.NBD; n != nil {
		switch {
		case d.Path != "":
			return errors.New("has both a path and an NBD export")
		case d.Format != Raw:
			return fmt.Errorf("format %q: an NBD export is raw", d.Format)
		case n.Socket != "" && (n.Host != "" || n.Port != 0 || !cleanPath(n.Socket)):
			return errors.New("NBD needs a clean absolute socket path, or a host and a port")
		case n.Socket == "" && (n.Host == "" || !printable(n.Host) || n.Port < 1 || n.Port > 65535):
			return errors.New("NBD needs a socket, or a host and a port")
		case len(n.Export) > 4096 || !printable(n.Export):
			return errors.New("NBD export name: at most 4096 printable ASCII characters")
		}
		return nil
	}
	if d.Format != Raw && d.Format != QCOW2 {
		return fmt.Errorf("format %q: raw or qcow2", d.Format)
	}
	if !cleanPath(d.Path) {
		return fmt.Errorf("path %q: not a clean absolute path", d.Path)
	}
	if d.Base && !d.ReadOnly {
		return errors.New("a shared base is read-only")
	}
	if b := d.Backing; b != nil {
		switch {
		case d.Format != QCOW2:
			return fmt.Errorf("format %q: only a qcow2 file has a backing file", d.Format)
		case b.Format != Raw && b.Format != QCOW2:
			return fmt.Errorf("backing format %q: raw or qcow2", b.Format)
		case !cleanPath(b.Path) || b.Path == d.Path:
			return fmt.Errorf("backing path %q: not a clean absolute path of another file", b.Path)
		}
	}
	return nil
}

// Validate says what is wrong with the description of an interface.
func (n *NIC) Validate() error {
	if !validTap.MatchString(n.Tap) {
		return fmt.Errorf("tap %q: 1 to 15 letters, digits, dots, dashes or underscores", n.Tap)
	}
	hw, err := net.ParseMAC(n.MAC)
	if err != nil || len(hw) != 6 || hw[0]&1 != 0 {
		return fmt.Errorf("MAC %q: not an Ethernet unicast address", n.MAC)
	}
	if n.MTU != 0 && (n.MTU < 576 || n.MTU > 65535) {
		return fmt.Errorf("MTU %d: 576 to 65535", n.MTU)
	}
	return nil
}

// cleanPath refuses what libvirt, qemu-img or XML could read as something else than the path of one file.
func cleanPath(p string) bool {
	return filepath.IsAbs(p) && filepath.Clean(p) == p && len(p) < 4096 && printable(p)
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
