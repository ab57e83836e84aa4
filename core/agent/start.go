package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/hypervisor"
)

// start brings a machine up and reports it running. Whatever an earlier try got done is found done.
func (a *Agent) start(ctx context.Context, i *compute.Instance, m *hypervisor.Machine) error {
	if m != nil && (m.State == hypervisor.StateRunning || m.State == hypervisor.StateShuttingDown) {
		return a.report(ctx, i, compute.Sight{Seen: compute.SeenRunning})
	}
	if m != nil && m.State == hypervisor.StateCrashed {
		if err := a.hv.Destroy(ctx, i.ID); err != nil {
			return err
		}
		m.State = hypervisor.StateOff
	}
	off := m == nil || m.State == hypervisor.StateOff
	if off {
		now, err := a.takePlace(ctx, i)
		switch {
		case hopeless(err):
			return a.refuse(ctx, i, err)
		case err != nil, now == nil:
			return err
		}
		i = now
	}
	began := time.Now()
	waited := began.Sub(compute.Time(i.Launched)) // of wall clocks, which may be set meanwhile; the rest is not
	took := steps{last: began, list: []slog.Attr{slog.Duration("waited", waited)}}
	if off {
		err := a.bringUp(ctx, i, &took)
		switch {
		case err == nil:
		case hopeless(err):
			return a.refuse(ctx, i, err)
		default:
			return err
		}
	}
	// From here on the machine is there, paused.
	if err := a.plug(ctx, i.ID); err != nil {
		return err
	}
	took.done("plug")
	if err := a.hv.Resume(ctx, i.ID); err != nil {
		return err
	}
	took.done("resume")
	if err := a.report(ctx, i, compute.Sight{Seen: compute.SeenRunning}); err != nil {
		return err
	}
	took.done("report")
	a.log.LogAttrs(ctx, slog.LevelDebug, "an instance runs", append(took.list, slog.String("instance", i.ID),
		slog.Duration("all", waited+took.last.Sub(began)))...)
	return nil
}

// takePlace fetches what an instance boots from and waits for a place among those that come up: neither a large image nor
// machines that come up slowly keep others from being stopped, ended or looked after. It returns the instance as it is
// after that; nil when it is not to start any more, which the change of its row has looked at.
func (a *Agent) takePlace(ctx context.Context, i *compute.Instance) (*compute.Instance, error) {
	fetch := a.cfg.Disks != nil && !a.cache.has(i.Source.Disk, i.Source.Kernel, i.Source.Initrd)
	if fetch {
		err := a.queue.idle(i.ID, func() error {
			for _, b := range []compute.Blob{i.Source.Disk, i.Source.Kernel, i.Source.Initrd} {
				if b.Key == "" {
					continue
				}
				if _, err := a.cache.file(ctx, b); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	waited, err := a.queue.slowly(i.ID)
	if err != nil || !waited && !fetch {
		return i, err
	}
	now, err := a.cfg.Compute.Get(ctx, a.cfg.Host, i.ID)
	if err != nil || now == nil || now.Desired != compute.Running || now.Boot != i.Boot {
		return nil, err
	}
	return now, nil
}

// steps is how long the parts of a start took.
type steps struct {
	last time.Time
	list []slog.Attr
}

func (s *steps) done(what string) {
	now := time.Now()
	s.list = append(s.list, slog.Duration(what, now.Sub(s.last)))
	s.last = now
}

// bringUp makes the machine and all it stands on, and starts it paused.
func (a *Agent) bringUp(ctx context.Context, i *compute.Instance, took *steps) error {
	spec := &hypervisor.Spec{
		Name: i.ID, UUID: hypervisor.UUIDFor("ec2", i.ID), VCPUs: i.VCPUs, Memory: int64(i.MemoryMiB) << 20,
		Identity: hypervisor.Identity{Manufacturer: "Amazon EC2", Product: i.Type, Asset: i.ID},
	}
	if a.cfg.Disks != nil {
		if err := a.makeDisks(ctx, i, spec); err != nil {
			return err
		}
	}
	took.done("disks")
	if a.net != nil {
		if err := a.prepareTaps(ctx, i.ID, spec); err != nil {
			return err
		}
	}
	took.done("network")
	if err := a.hv.Define(ctx, spec); err != nil {
		return fmt.Errorf("define the machine: %w", err)
	}
	took.done("define")
	if err := a.hv.Start(ctx, i.ID); err != nil {
		return fmt.Errorf("start the machine: %w", err)
	}
	took.done("start")
	return nil
}

// makeDisks fetches what the machine boots from and makes its disks.
func (a *Agent) makeDisks(ctx context.Context, i *compute.Instance, spec *hypervisor.Spec) error {
	if err := a.makeDir(i.ID); err != nil {
		return err
	}
	spec.ConsoleLog = a.consolePath(i.ID)
	src := &i.Source
	var err error
	if src.Kernel.Key != "" {
		if spec.Boot.Kernel, err = a.cache.file(ctx, src.Kernel); err != nil {
			return err
		}
		if src.Initrd.Key != "" {
			if spec.Boot.Initrd, err = a.cache.file(ctx, src.Initrd); err != nil {
				return err
			}
		}
		spec.Boot.Cmdline = src.Cmdline
	}
	spec.Boot.UEFI = src.UEFI
	for n, d := range i.Disks {
		disk := hypervisor.Disk{
			Serial: strings.ReplaceAll(d.Volume, "-", ""), Path: a.volumePath(i.ID, d.Volume), Format: hypervisor.QCOW2,
		}
		if n == 0 && src.Disk.Key != "" {
			base, err := a.cache.file(ctx, src.Disk)
			if err != nil {
				return err
			}
			disk.Backing = &hypervisor.Backing{Path: base, Format: hypervisor.Format(src.Format)}
		}
		if err := a.makeDisk(ctx, i.ID, &disk, int64(d.SizeGiB)<<30); err != nil {
			return err
		}
		spec.Disks = append(spec.Disks, disk)
	}
	return nil
}

// makeDisk makes the file of a disk in the instance's folder and moves it to its place when it is whole. One that is there is
// kept: it holds the guest's data.
func (a *Agent) makeDisk(ctx context.Context, id string, d *hypervisor.Disk, size int64) error {
	if exists(d.Path) {
		return nil
	}
	made := filepath.Join(a.dir(id), filepath.Base(d.Path)+half)
	err := dropHalves(a.dir(id)) // of a try that a crash cut off
	switch {
	case err != nil:
	case d.Backing != nil:
		err = a.cfg.Disks.CreateOverlay(ctx, made, d.Backing.Path, string(d.Backing.Format), size)
	default:
		err = a.cfg.Disks.CreateEmpty(ctx, made, size)
	}
	if err != nil {
		return fmt.Errorf("make a disk: %w", err)
	}
	return moveDurably(made, d.Path)
}

// hopeless tells whether trying again later would fail the same way. An owner is told at once then.
func hopeless(err error) bool {
	return errors.Is(err, hypervisor.ErrInvalid) || errors.Is(err, hypervisor.ErrNoCapacity) || errors.Is(err, hypervisor.ErrForeign) ||
		errors.Is(err, errImage)
}
