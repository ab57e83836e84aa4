package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/netfw"
)

// adopt puts the network of all machines that run back in force, as far as it is not still there, and removes what nothing
// needs. Machines are looked at one by one later.
func (a *Agent) adopt(ctx context.Context) error {
	bound, err := a.cfg.Compute.Bound(ctx, a.cfg.Host)
	if err != nil {
		return fmt.Errorf("agent: instances of the host: %w", err)
	}
	machines, err := a.hv.List(ctx)
	if err != nil {
		return fmt.Errorf("agent: machines of the host: %w", err)
	}
	running := map[string]bool{}
	for _, m := range machines {
		running[m.Name] = m.State.On()
	}
	wired := map[string]bool{}
	for _, i := range bound {
		if running[i.ID] || i.Desired == compute.Running {
			wired[i.ID] = true
		}
	}
	err = a.apply(ctx, wired)
	if err != nil {
		// One instance that cannot be put on the network is no reason for the others to be without an agent.
		a.log.Error("a part of the network could not be put in force", "error", err)
	}
	return a.sweep(ctx)
}

// sweepNowAndThen looks for leftovers until ctx ends.
func (a *Agent) sweepNowAndThen(ctx context.Context) {
	for sleep(ctx, a.cfg.SweepEvery) {
		if err := errors.Join(a.enqueueAll(ctx, a.queue.add), a.sweep(ctx)); err != nil && ctx.Err() == nil {
			a.log.Error("leftovers could not be looked for", "error", err)
		}
	}
}

// sweep removes folders, volumes, kept consoles, cached images and parts of the network that nothing needs. Machines without an instance are
// found by enqueueAll and removed by reconcile.
func (a *Agent) sweep(ctx context.Context) error {
	// What exists is listed before what should: what is made in between is then not taken for a leftover.
	entries, err := os.ReadDir(a.instancesDir())
	if err != nil {
		return err
	}
	files, err := os.ReadDir(a.volumesDir())
	if err != nil {
		return err
	}
	consoles, err := os.ReadDir(a.consolesDir())
	if err != nil {
		return err
	}
	bound, err := a.cfg.Compute.Bound(ctx, a.cfg.Host)
	if err != nil {
		return err
	}
	visible, err := a.cfg.Compute.Remembered(ctx) // after what is bound: an instance goes from there to here
	if err != nil {
		return err
	}
	volumes, err := a.cfg.Compute.VolumesOn(ctx, a.cfg.Host)
	if err != nil {
		return err
	}
	mine, images := map[string]bool{}, map[string]bool{}
	for _, i := range bound {
		mine[i.ID], visible[i.ID] = true, true
		for _, b := range []compute.Blob{i.Source.Disk, i.Source.Kernel, i.Source.Initrd} {
			images[b.SHA256] = true
		}
	}
	for _, e := range entries {
		if id := e.Name(); !mine[id] && validID(id) {
			a.log.Info("a folder without an instance is removed", "instance", id)
			a.queue.add(id)
		}
	}
	for _, e := range files {
		if id := strings.TrimSuffix(e.Name(), diskSuffix); volumes[id] == nil && isVolume(id) {
			a.log.Info("the file of a volume that is no more is removed", "volume", id)
			a.queue.add(id)
		}
	}
	for _, v := range volumes {
		images[v.Base.SHA256] = true
	}
	if err := a.sweepConsoles(consoles, visible); err != nil {
		return err
	}
	if err := a.keepImages(ctx, images); err != nil {
		return err
	}
	if a.net == nil {
		return nil
	}
	left, err := a.sweepNetwork(ctx)
	for _, l := range left {
		a.log.Info("a leftover of the network was removed", "kind", l.Kind, "name", l.Name)
	}
	return err
}

func (a *Agent) sweepNetwork(ctx context.Context) ([]netfw.Leftover, error) {
	a.wires.mu.Lock()
	defer a.wires.mu.Unlock()
	return a.net.Sweep(ctx)
}

// keepImages prunes the cache down to what disks on this host lie on and what images could be asked for next.
func (a *Agent) keepImages(ctx context.Context, needed map[string]bool) error {
	all, err := a.cfg.Compute.AllImages(ctx)
	if err != nil {
		return err
	}
	for _, img := range all {
		for _, b := range []compute.Blob{img.Source.Disk, img.Source.Kernel, img.Source.Initrd} {
			needed[b.SHA256] = true
		}
	}
	removed, err := a.cache.prune(needed)
	for _, name := range removed {
		a.log.Info("a cached image that nothing needs was removed", "file", name)
	}
	return err
}
