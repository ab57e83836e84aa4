package libvirt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	lv "github.com/digitalocean/go-libvirt"
	lx "libvirt.org/go/libvirtxml"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// unplugPoll is how often a machine is looked at while its guest has not let go of a device, besides events.
const unplugPoll = 250 * time.Millisecond

// views are the two descriptions of a machine: what its next start takes, and what it is made of now (nil when off).
type views struct {
	next, now *lx.Domain
}

func (d *Driver) views(l *lv.Libvirt, dom lv.Domain) (v views, err error) {
	m, err := machine(l, dom)
	if err != nil {
		return v, err
	}
	if v.next, err = inactive(l, dom); err != nil {
		return v, err
	}
	if m.State.On() && !d.test { // the test driver changes no machine that is on: there, the next start is all there is
		v.now, err = live(l, dom)
	}
	return v, err
}

func findDisk(x *lx.Domain, serial string) *lx.DomainDisk {
	if x == nil || x.Devices == nil {
		return nil
	}
	for i := range x.Devices.Disks {
		if x.Devices.Disks[i].Serial == serial {
			return &x.Devices.Disks[i]
		}
	}
	return nil
}

func findNIC(x *lx.Domain, mac string) *lx.DomainInterface {
	if x == nil || x.Devices == nil {
		return nil
	}
	for i := range x.Devices.Interfaces {
		if m := x.Devices.Interfaces[i].MAC; m != nil && strings.EqualFold(m.Address, mac) {
			return &x.Devices.Interfaces[i]
		}
	}
	return nil
}

// AttachDisk plugs a disk in.
func (d *Driver) AttachDisk(ctx context.Context, name string, disk *hypervisor.Disk) error {
	if err := disk.Validate(); err != nil {
		return fmt.Errorf("attach disk to %s: %w: %w", name, hypervisor.ErrInvalid, err)
	}
	return d.on(ctx, "attach disk to", name, func(l *lv.Libvirt, dom lv.Domain) error {
		v, err := d.views(l, dom)
		if err != nil {
			return err
		}
		var flags lv.DomainDeviceModifyFlags
		target := ""
		for _, side := range []struct {
			x    *lx.Domain
			flag lv.DomainDeviceModifyFlags
		}{{v.next, lv.DomainDeviceModifyConfig}, {v.now, lv.DomainDeviceModifyLive}} {
			if side.x == nil {
				continue
			}
			have := findDisk(side.x, disk.Serial)
			switch {
			case have == nil:
				flags |= side.flag
			case !sameSource(have, disk):
				return fmt.Errorf("%w: the serial %s is another disk's", hypervisor.ErrInvalid, disk.Serial)
			case have.Target != nil:
				target = have.Target.Dev // half-attached by a call that was cut off
			}
		}
		if flags == 0 {
			return nil
		}
		if target == "" {
			if target, err = freeTarget(v.next, v.now); err != nil {
				return err
			}
		}
		x := diskXML(disk, target)
		if d.test {
			v.next.Devices.Disks = append(v.next.Devices.Disks, x)
			return redefine(l, v.next)
		}
		text, err := x.Marshal()
		if err != nil {
			return err
		}
		return l.DomainAttachDeviceFlags(dom, text, uint32(flags))
	})
}

// AttachNIC plugs an interface in.
func (d *Driver) AttachNIC(ctx context.Context, name string, nic *hypervisor.NIC) error {
	if err := nic.Validate(); err != nil {
		return fmt.Errorf("attach interface to %s: %w: %w", name, hypervisor.ErrInvalid, err)
	}
	return d.on(ctx, "attach interface to", name, func(l *lv.Libvirt, dom lv.Domain) error {
		v, err := d.views(l, dom)
		if err != nil {
			return err
		}
		var flags lv.DomainDeviceModifyFlags
		if have := findNIC(v.next, nic.MAC); have == nil {
			flags |= lv.DomainDeviceModifyConfig
		} else if have.Target == nil || have.Target.Dev != nic.Tap {
			return fmt.Errorf("%w: the MAC %s is another interface's", hypervisor.ErrInvalid, nic.MAC)
		}
		if v.now != nil && findNIC(v.now, nic.MAC) == nil {
			flags |= lv.DomainDeviceModifyLive
		}
		if flags == 0 {
			return nil
		}
		x := nicXML(nic, d.test)
		if d.test {
			v.next.Devices.Interfaces = append(v.next.Devices.Interfaces, x)
			return redefine(l, v.next)
		}
		text, err := x.Marshal()
		if err != nil {
			return err
		}
		return l.DomainAttachDeviceFlags(dom, text, uint32(flags))
	})
}

func redefine(l *lv.Libvirt, x *lx.Domain) error {
	text, err := x.Marshal()
	if err != nil {
		return err
	}
	_, err = l.DomainDefineXMLFlags(text, 0)
	return err
}

// DetachDisk unplugs a disk, and returns when the guest let go of it.
func (d *Driver) DetachDisk(ctx context.Context, name, serial string) error {
	return d.detach(ctx, "detach disk from", name, func(v views) (next, now string, err error) {
		if x := findDisk(v.next, serial); x != nil {
			if d.test {
				dropDisk(v.next, serial)
			}
			if next, err = x.Marshal(); err != nil {
				return "", "", err
			}
		}
		if x := findDisk(v.now, serial); x != nil {
			now, err = x.Marshal()
		}
		return next, now, err
	})
}

// DetachNIC unplugs an interface, and returns when the guest let go of it.
func (d *Driver) DetachNIC(ctx context.Context, name, mac string) error {
	return d.detach(ctx, "detach interface from", name, func(v views) (next, now string, err error) {
		if x := findNIC(v.next, mac); x != nil {
			if next, err = x.Marshal(); err != nil {
				return "", "", err
			}
			if d.test {
				dropNIC(v.next, mac)
			}
		}
		if x := findNIC(v.now, mac); x != nil {
			now, err = x.Marshal()
		}
		return next, now, err
	})
}

func dropDisk(x *lx.Domain, serial string) {
	kept := x.Devices.Disks[:0:0]
	for _, disk := range x.Devices.Disks {
		if disk.Serial != serial {
			kept = append(kept, disk)
		}
	}
	x.Devices.Disks = kept
}

func dropNIC(x *lx.Domain, mac string) {
	kept := x.Devices.Interfaces[:0:0]
	for _, nic := range x.Devices.Interfaces {
		if nic.MAC == nil || !strings.EqualFold(nic.MAC.Address, mac) {
			kept = append(kept, nic)
		}
	}
	x.Devices.Interfaces = kept
}

// detach removes a device from both descriptions. find gives its XML in each, empty where it is not.
func (d *Driver) detach(ctx context.Context, op, name string, find func(views) (next, now string, err error)) error {
	asked := time.Time{}
	for {
		gone := false
		err := d.on(ctx, op, name, func(l *lv.Libvirt, dom lv.Domain) error {
			v, err := d.views(l, dom)
			if err != nil {
				return err
			}
			next, now, err := find(v)
			if err != nil {
				return err
			}
			switch {
			case next != "" && d.test:
				if err := redefine(l, v.next); err != nil {
					return err
				}
			case next != "":
				if err := l.DomainDetachDeviceFlags(dom, next, uint32(lv.DomainDeviceModifyConfig)); err != nil {
					return err
				}
			}
			// A guest that is still booting forgets a request, so it is made again now and then; the emulator refuses
			// a second one while the first is pending, which is as good.
			if now != "" && time.Since(asked) > askAgain {
				asked = time.Now()
				err := l.DomainDetachDeviceFlags(dom, now, uint32(lv.DomainDeviceModifyLive))
				if err != nil && !isCode(err, lv.ErrOperationFailed, lv.ErrInternalError, lv.ErrDeviceMissing) {
					return err
				}
			}
			gone = now == ""
			return nil
		})
		switch {
		case errors.Is(err, hypervisor.ErrNotFound):
			return nil
		case err != nil:
			return err
		case gone:
			return nil
		}
		select {
		case <-time.After(unplugPoll):
		case <-ctx.Done():
			return fmt.Errorf("%s %s: the guest does not let go of the device: %w", op, name, ctx.Err())
		}
	}
}

// ResizeDisk tells a running machine that a disk grew.
func (d *Driver) ResizeDisk(ctx context.Context, name, serial string, size int64) error {
	return d.onDisk(ctx, "resize disk of", name, serial, func(l *lv.Libvirt, dom lv.Domain, v views, target string) error {
		if v.now == nil {
			return fmt.Errorf("%w: the machine is off", hypervisor.ErrState)
		}
		return l.DomainBlockResize(dom, target, uint64(size), lv.DomainBlockResizeBytes)
	})
}

// LimitDisk sets the throughput limits of a disk.
func (d *Driver) LimitDisk(ctx context.Context, name, serial string, limits hypervisor.Limits) error {
	return d.onDisk(ctx, "limit disk of", name, serial, func(l *lv.Libvirt, dom lv.Domain, v views, target string) error {
		if d.test {
			disk := findDisk(v.next, serial)
			disk.IOTune = &lx.DomainDiskIOTune{TotalIopsSec: limits.IOPS, TotalBytesSec: limits.Bytes}
			return redefine(l, v.next)
		}
		flags := lv.DomainAffectConfig
		if v.now != nil {
			flags |= lv.DomainAffectLive
		}
		return l.DomainSetBlockIOTune(dom, target, []lv.TypedParam{
			{Field: "total_iops_sec", Value: *lv.NewTypedParamValueUllong(limits.IOPS)},
			{Field: "total_bytes_sec", Value: *lv.NewTypedParamValueUllong(limits.Bytes)},
		}, uint32(flags))
	})
}

func (d *Driver) onDisk(ctx context.Context, op, name, serial string, fn func(*lv.Libvirt, lv.Domain, views, string) error) error {
	return d.on(ctx, op, name, func(l *lv.Libvirt, dom lv.Domain) error {
		v, err := d.views(l, dom)
		if err != nil {
			return err
		}
		disk := findDisk(v.now, serial)
		if disk == nil {
			disk = findDisk(v.next, serial)
		}
		if disk == nil || disk.Target == nil {
			return fmt.Errorf("%w: disk %s", hypervisor.ErrNotFound, serial)
		}
		return fn(l, dom, v, disk.Target.Dev)
	})
}
