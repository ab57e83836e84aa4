package hypervisor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/hypervisor"
)

func good() hypervisor.Spec {
	return hypervisor.Spec{
		Name: "i-0123456789abcdef0", UUID: hypervisor.UUIDFor("ec2", "i-0123456789abcdef0"), VCPUs: 1, Memory: 128 << 20,
		Identity: hypervisor.Identity{Manufacturer: "Amazon EC2", Product: "t3.nano", Asset: "i-0123456789abcdef0"},
		Disks: []hypervisor.Disk{
			{Serial: "vol0123456789abcdef0", Path: "/data/root", Format: hypervisor.QCOW2, Backing: &hypervisor.Backing{Path: "/data/base", Format: hypervisor.Raw}},
			{Serial: "vol0123456789abcdef1", NBD: &hypervisor.NBD{Socket: "/run/nbd.sock", Export: "vol"}, Format: hypervisor.Raw},
		},
		NICs:       []hypervisor.NIC{{Tap: "aut123", MAC: "02:00:00:00:00:01", MTU: 1450}},
		ConsoleLog: "/data/console.log",
	}
}

func TestValidate(t *testing.T) {
	s := good()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*hypervisor.Spec){
		"no name":               func(s *hypervisor.Spec) { s.Name = "" },
		"name with a slash":     func(s *hypervisor.Spec) { s.Name = "../x" },
		"name for XML":          func(s *hypervisor.Spec) { s.Name = "a<b>" },
		"long name":             func(s *hypervisor.Spec) { s.Name = strings.Repeat("a", 64) },
		"uuid":                  func(s *hypervisor.Spec) { s.UUID = "EC2" },
		"no processor":          func(s *hypervisor.Spec) { s.VCPUs = 0 },
		"too many processors":   func(s *hypervisor.Spec) { s.VCPUs = 513 },
		"odd memory":            func(s *hypervisor.Spec) { s.Memory++ },
		"little memory":         func(s *hypervisor.Spec) { s.Memory = 1 << 20 },
		"identity":              func(s *hypervisor.Spec) { s.Identity.Product = "a\nb" },
		"console log":           func(s *hypervisor.Spec) { s.ConsoleLog = "console.log" },
		"initrd without kernel": func(s *hypervisor.Spec) { s.Boot.Initrd = "/initrd" },
		"kernel by UEFI":        func(s *hypervisor.Spec) { s.Boot = hypervisor.Boot{Kernel: "/vmlinuz", UEFI: true} },
		"relative kernel":       func(s *hypervisor.Spec) { s.Boot.Kernel = "vmlinuz" },
		"command line":          func(s *hypervisor.Spec) { s.Boot = hypervisor.Boot{Kernel: "/k", Cmdline: "a\x00b"} },
		"serial":                func(s *hypervisor.Spec) { s.Disks[0].Serial = "vol-0123456789abcdef01" },
		"same serial":           func(s *hypervisor.Spec) { s.Disks[1].Serial = s.Disks[0].Serial },
		"unclean path":          func(s *hypervisor.Spec) { s.Disks[0].Path = "/data/../etc/shadow" },
		"format":                func(s *hypervisor.Spec) { s.Disks[0].Format = "vmdk" },
		"raw with backing":      func(s *hypervisor.Spec) { s.Disks[0].Format = hypervisor.Raw },
		"backing itself":        func(s *hypervisor.Spec) { s.Disks[0].Backing.Path = s.Disks[0].Path },
		"backing format":        func(s *hypervisor.Spec) { s.Disks[0].Backing.Format = "" },
		"writable base":         func(s *hypervisor.Spec) { s.Disks[0].Base = true },
		"NBD and a path":        func(s *hypervisor.Spec) { s.Disks[1].Path = "/x" },
		"NBD nowhere":           func(s *hypervisor.Spec) { s.Disks[1].NBD.Socket = "" },
		"NBD twice":             func(s *hypervisor.Spec) { s.Disks[1].NBD.Host = "h" },
		"NBD as qcow2":          func(s *hypervisor.Spec) { s.Disks[1].Format = hypervisor.QCOW2 },
		"tap":                   func(s *hypervisor.Spec) { s.NICs[0].Tap = "a-name-too-long-for-linux" },
		"multicast MAC":         func(s *hypervisor.Spec) { s.NICs[0].MAC = "01:00:00:00:00:01" },
		"MTU":                   func(s *hypervisor.Spec) { s.NICs[0].MTU = 100 },
		"same MAC":              func(s *hypervisor.Spec) { s.NICs = append(s.NICs, s.NICs[0]) },
		"too many disks":        func(s *hypervisor.Spec) { s.Disks = make([]hypervisor.Disk, 27) },
	} {
		s := good()
		breakIt(&s)
		if err := s.Validate(); !errors.Is(err, hypervisor.ErrInvalid) {
			t.Errorf("%s: error %v, want %v", name, err, hypervisor.ErrInvalid)
		}
	}
}

func TestUUIDFor(t *testing.T) {
	a := hypervisor.UUIDFor("ec2", "i-1")
	if a != hypervisor.UUIDFor("ec2", "i-1") || a == hypervisor.UUIDFor("ec2", "i-2") || !strings.HasPrefix(a, "ec2") || len(a) != 36 {
		t.Errorf("UUID %q", a)
	}
}

func TestTailConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	check := func(max int, want string) {
		t.Helper()
		if got, err := hypervisor.TailConsole(path, max); err != nil || string(got) != want {
			t.Errorf("tail of %d: %q, %v, want %q", max, got, err, want)
		}
	}
	check(10, "")
	for name, text := range map[string]string{"": "456789", ".0": "0123", ".1": "older"} {
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check(3, "789")
	check(8, "23456789")
	check(100, "0123456789")
	if err := hypervisor.RemoveConsole(path); err != nil {
		t.Fatal(err)
	}
	check(100, "")
	if err := hypervisor.RemoveConsole(path); err != nil {
		t.Error(err)
	}
}
