package libvirt

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	lx "libvirt.org/go/libvirtxml"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// markNamespace is that of the element by which the driver knows its own domains.
const markNamespace = "urn:aureole:machine:1"

type mark struct {
	XMLName xml.Name `xml:"urn:aureole:machine:1 machine"`
	Owner   string   `xml:"owner,attr"`
}

func parseMark(text string) string {
	var m struct {
		Owner string `xml:"owner,attr"`
	}
	if xml.Unmarshal([]byte(text), &m) != nil {
		return ""
	}
	return m.Owner
}

// Aliases name devices in events and to the emulator. Those of one's own choice must begin with "ua-".
const (
	diskAlias = "ua-disk-"
	nicAlias  = "ua-nic-"
)

func aliasOfNIC(mac string) string {
	return nicAlias + strings.ReplaceAll(strings.ToLower(mac), ":", "-")
}

func macOfAlias(alias string) string {
	return strings.ReplaceAll(strings.TrimPrefix(alias, nicAlias), "-", ":")
}

// domainXML renders a machine. The test driver gets the same description under its own type.
func (d *Driver) domainXML(s *hypervisor.Spec) (string, error) {
	marked, err := xml.Marshal(mark{Owner: d.cfg.Owner})
	if err != nil {
		return "", err
	}
	mib := uint(s.Memory >> 20)
	x := lx.Domain{
		Type:          d.host.virtType,
		Name:          s.Name,
		UUID:          s.UUID,
		Metadata:      &lx.DomainMetadata{XML: string(marked)},
		Memory:        &lx.DomainMemory{Value: mib, Unit: "MiB"},
		CurrentMemory: &lx.DomainCurrentMemory{Value: mib, Unit: "MiB"},
		VCPU:          &lx.DomainVCPU{Value: uint(s.VCPUs)},
		OS:            d.osXML(s),
		SysInfo:       []lx.DomainSysInfo{{SMBIOS: smbios(s)}},
		Features:      &lx.DomainFeatureList{ACPI: &lx.DomainFeature{}, APIC: &lx.DomainFeatureAPIC{}},
		Clock:         &lx.DomainClock{Offset: "utc"},
		OnPoweroff:    "destroy",
		OnReboot:      "restart",
		OnCrash:       "destroy",
		Devices:       d.devicesXML(s),
	}
	switch d.host.accel {
	case hypervisor.AccelKVM:
		x.CPU = &lx.DomainCPU{Mode: "host-passthrough", Check: "none"}
		// Ticks that the host missed are caught up by the real-time clock, and dropped by the old timer.
		x.Clock.Timer = []lx.DomainTimer{{Name: "rtc", TickPolicy: "catchup"}, {Name: "pit", TickPolicy: "delay"}, {Name: "hpet", Present: "no"}}
	case hypervisor.AccelTCG:
		x.CPU = &lx.DomainCPU{Mode: "maximum", Check: "none"}
		x.Features.TCG = &lx.DomainFeatureTCG{TBCache: &lx.DomainFeatureTCGTBCache{Unit: "MiB", Size: uint(d.cfg.TranslationCache)}}
	}
	return x.Marshal()
}

func (d *Driver) osXML(s *hypervisor.Spec) *lx.DomainOS {
	os := &lx.DomainOS{Type: &lx.DomainOSType{Arch: d.host.arch, Machine: d.host.machine, Type: "hvm"}}
	if d.test {
		return os
	}
	os.SMBios = &lx.DomainSMBios{Mode: "sysinfo"}
	switch {
	case s.Boot.Kernel != "":
		os.Kernel, os.Initrd, os.Cmdline = s.Boot.Kernel, s.Boot.Initrd, s.Boot.Cmdline
	case len(s.Disks) > 0:
		os.BootDevices = []lx.DomainBootDevice{{Dev: "hd"}}
	}
	if s.Boot.UEFI {
		os.Firmware = "efi"
	}
	return os
}

// smbios is what cloud-init looks at: a UUID that begins with ec2, here and as the domain's own, makes an EC2 instance.
func smbios(s *hypervisor.Spec) *lx.DomainSysInfoSMBIOS {
	serial := s.Identity.Serial
	if serial == "" {
		serial = s.UUID
	}
	entries := func(pairs ...string) (list []lx.DomainSysInfoEntry) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				list = append(list, lx.DomainSysInfoEntry{Name: pairs[i], Value: pairs[i+1]})
			}
		}
		return list
	}
	i := &s.Identity
	sm := &lx.DomainSysInfoSMBIOS{System: &lx.DomainSysInfoSystem{
		Entry: entries("manufacturer", i.Manufacturer, "product", i.Product, "serial", serial, "uuid", s.UUID),
	}}
	if v := entries("vendor", i.Manufacturer); v != nil {
		sm.BIOS = &lx.DomainSysInfoBIOS{Entry: v}
	}
	if c := entries("manufacturer", i.Manufacturer, "asset", i.Asset); c != nil {
		sm.Chassis = &lx.DomainSysInfoChassis{Entry: c}
	}
	return sm
}

func (d *Driver) devicesXML(s *hypervisor.Spec) *lx.DomainDeviceList {
	dev := &lx.DomainDeviceList{}
	for i := range s.Disks {
		dev.Disks = append(dev.Disks, diskXML(&s.Disks[i], targetName(i)))
	}
	for i := range s.NICs {
		dev.Interfaces = append(dev.Interfaces, nicXML(&s.NICs[i], d.test))
	}
	if d.test {
		return dev
	}
	if s.ConsoleLog != "" {
		port := uint(0)
		dev.Serials = []lx.DomainSerial{{
			Source: &lx.DomainChardevSource{Pty: &lx.DomainChardevSourcePty{}},
			Target: &lx.DomainSerialTarget{Port: &port},
			Log:    &lx.DomainChardevLog{File: s.ConsoleLog, Append: "on"},
		}}
	} else {
		dev.Consoles = []lx.DomainConsole{{Source: &lx.DomainChardevSource{Pty: &lx.DomainChardevSourcePty{}}}}
	}
	dev.RNGs = []lx.DomainRNG{{
		Model:   "virtio",
		Backend: &lx.DomainRNGBackend{Random: &lx.DomainRNGBackendRandom{Device: "/dev/urandom"}},
	}}
	dev.MemBalloon = &lx.DomainMemBalloon{Model: "virtio", FreePageReporting: "on"}
	dev.Controllers = []lx.DomainController{{Type: "usb", Model: "none"}}
	// Devices are plugged into ports of their own on PCI Express: those of the machine, and spare ones.
	used := len(s.Disks) + len(s.NICs) + 2
	for i := range used + d.cfg.SparePorts {
		index := uint(i + 1)
		dev.Controllers = append(dev.Controllers, lx.DomainController{Type: "pci", Index: &index, Model: "pcie-root-port"})
	}
	if s.Display {
		dev.Videos = []lx.DomainVideo{{Model: lx.DomainVideoModel{Type: "vga", VRam: 16384, Heads: 1, Primary: "yes"}}}
	} else {
		dev.Videos = []lx.DomainVideo{{Model: lx.DomainVideoModel{Type: "none"}}}
	}
	return dev
}

func targetName(i int) string { return "vd" + string(rune('a'+i)) }

func diskXML(d *hypervisor.Disk, target string) lx.DomainDisk {
	x := lx.DomainDisk{
		Device: "disk",
		Driver: &lx.DomainDiskDriver{Name: "qemu", Type: string(d.Format), Discard: "unmap"},
		Target: &lx.DomainDiskTarget{Dev: target, Bus: "virtio"},
		Serial: d.Serial,
		Alias:  &lx.DomainAlias{Name: diskAlias + d.Serial},
	}
	if d.ReadOnly {
		x.ReadOnly = &lx.DomainDiskReadOnly{}
	}
	if d.Limits != (hypervisor.Limits{}) {
		x.IOTune = &lx.DomainDiskIOTune{TotalIopsSec: d.Limits.IOPS, TotalBytesSec: d.Limits.Bytes}
	}
	if n := d.NBD; n != nil {
		host := lx.DomainDiskSourceHost{Transport: "unix", Socket: n.Socket}
		if n.Socket == "" {
			host = lx.DomainDiskSourceHost{Name: n.Host, Port: strconv.Itoa(n.Port)}
		}
		x.Source = &lx.DomainDiskSource{Network: &lx.DomainDiskSourceNetwork{
			Protocol: "nbd", Name: n.Export, Hosts: []lx.DomainDiskSourceHost{host},
		}}
		// The export has its own cache and durability; a lost server pauses the machine instead of failing its writes.
		x.Driver.Cache, x.Driver.ErrorPolicy, x.Driver.RErrorPolicy = "none", "stop", "stop"
		return x
	}
	file := &lx.DomainDiskSourceFile{File: d.Path}
	if d.Base {
		file.SecLabel = untouched()
	}
	x.Source = &lx.DomainDiskSource{File: file}
	// A full disk of the host pauses the machine, so that nothing is lost; a broken one is the guest's to know.
	x.Driver.ErrorPolicy = "enospace"
	x.BackingStore = &lx.DomainDiskBackingStore{} // ends the chain: the daemon must not look into the file for more
	if b := d.Backing; b != nil {
		x.BackingStore = &lx.DomainDiskBackingStore{
			Format:       &lx.DomainDiskFormat{Type: string(b.Format)},
			Source:       &lx.DomainDiskSource{File: &lx.DomainDiskSourceFile{File: b.Path, SecLabel: untouched()}},
			BackingStore: &lx.DomainDiskBackingStore{},
		}
	}
	return x
}

// untouched keeps the daemon from giving a shared file to the emulator's user.
func untouched() []lx.DomainDeviceSecLabel {
	return []lx.DomainDeviceSecLabel{{Model: "dac", Relabel: "no"}}
}

func nicXML(n *hypervisor.NIC, test bool) lx.DomainInterface {
	x := lx.DomainInterface{
		MAC:    &lx.DomainInterfaceMAC{Address: strings.ToLower(n.MAC)},
		Source: &lx.DomainInterfaceSource{Ethernet: &lx.DomainInterfaceSourceEthernet{}},
		Target: &lx.DomainInterfaceTarget{Dev: n.Tap, Managed: "no"},
		Model:  &lx.DomainInterfaceModel{Type: "virtio"},
		ROM:    &lx.DomainROM{Enabled: "no"},
		Alias:  &lx.DomainAlias{Name: aliasOfNIC(n.MAC)},
	}
	if n.MTU > 0 {
		x.MTU = &lx.DomainInterfaceMTU{Size: uint(n.MTU)}
	}
	if test {
		x.ROM = nil
	}
	return x
}

// sameSource says whether the disk of a domain has the content that the description names.
func sameSource(x *lx.DomainDisk, d *hypervisor.Disk) bool {
	if x.Source == nil {
		return false
	}
	if n := d.NBD; n != nil {
		w := x.Source.Network
		if w == nil || w.Protocol != "nbd" || w.Name != n.Export || len(w.Hosts) != 1 {
			return false
		}
		h := w.Hosts[0]
		return h.Socket == n.Socket && (n.Socket != "" || h.Name == n.Host && h.Port == strconv.Itoa(n.Port))
	}
	return x.Source.File != nil && x.Source.File.File == d.Path
}

// freeTarget picks the first device name that none of the descriptions uses.
func freeTarget(domains ...*lx.Domain) (string, error) {
	used := map[string]bool{}
	for _, x := range domains {
		if x == nil || x.Devices == nil {
			continue
		}
		for i := range x.Devices.Disks {
			if t := x.Devices.Disks[i].Target; t != nil {
				used[t.Dev] = true
			}
		}
	}
	for i := range hypervisor.MaxDisks {
		if name := targetName(i); !used[name] {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: the machine has %d disks already", hypervisor.ErrInvalid, hypervisor.MaxDisks)
}
