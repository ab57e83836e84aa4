package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Objects opens objects of the system's bucket: the bytes of images.
type Objects interface {
	Get(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
}

// DiskMaker makes the files of disks.
type DiskMaker interface {
	// CreateOverlay makes a disk of size bytes on top of a base that stays as it is.
	CreateOverlay(ctx context.Context, path, base, baseFormat string, size int64) error
	// CreateEmpty makes a disk of size bytes without content.
	CreateEmpty(ctx context.Context, path string, size int64) error
}

// HostNetwork is the network of the host: *netfw.Host, whose comments are the contract.
type HostNetwork interface {
	Apply(ctx context.Context, n netfw.Network) error
	Remove(ctx context.Context, network string) error
	PrepareTap(ctx context.Context, network, iface string) (string, error)
	Plug(ctx context.Context, network, iface string) error
	Sweep(ctx context.Context) ([]netfw.Leftover, error)
	Close() error
}

// Config is what an Agent is made of.
type Config struct {
	Host       string   // its id
	Zones      []string // that it stands for
	Region     string
	Folder     string // for disks, consoles and cached images; absolute
	Store      kv.Store
	Compute    *compute.Service
	Network    *network.Service
	Hypervisor hypervisor.Driver
	// Net is the host's network; nil when machines have none (test instances).
	Net     func(metadata Metadata) (HostNetwork, error)
	Disks   DiskMaker // nil when machines have none
	Objects Objects
	Logger  *slog.Logger
	// Name of the hypervisor, as hosts show it: libvirt or test.
	Kind string
	// VCPUs and MemoryMiB override what may be given out; 0 is what the host has, with Overcommit for vCPUs.
	VCPUs, MemoryMiB int64
	Overcommit       float64
	// Parallel is how many instances come up at a time, and how many others are worked on beside them.
	Parallel int
	// StopGrace is how long a guest may take to shut down, RebootGrace to restart, TerminateGrace to shut down for good.
	StopGrace, RebootGrace, TerminateGrace time.Duration
	// SweepEvery is how often leftovers are looked for.
	SweepEvery time.Duration
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Overcommit == 0 {
		c.Overcommit = 16
	}
	if c.Parallel == 0 {
		c.Parallel = 8
	}
	if c.StopGrace == 0 {
		c.StopGrace = 2 * time.Minute
	}
	if c.RebootGrace == 0 {
		c.RebootGrace = 2 * time.Minute
	}
	if c.TerminateGrace == 0 {
		c.TerminateGrace = 10 * time.Second
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Minute
	}
}

// Agent looks after the instances of one host. Close it before the services it stands on; the machines run on.
type Agent struct {
	cfg   Config
	log   *slog.Logger
	hv    hypervisor.Driver
	net   HostNetwork // nil: none
	cache *cache
	queue *queue
	wires wires

	rebooted bool            // the host was restarted since it was last seen: its machines are to be started again
	life     context.Context // ends with Close: for what is done on behalf of many
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// Open takes stock of the host, adopts what runs, and begins to work.
func Open(ctx context.Context, c Config) (_ *Agent, err error) {
	c.setDefaults()
	a := &Agent{cfg: c, log: c.Logger, hv: c.Hypervisor}
	a.wires.on = map[string]bool{}
	a.wires.applied = map[string]*appliedVPC{}
	for _, dir := range []string{a.instancesDir(), a.volumesDir(), a.imagesDir()} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("agent: %w", err)
		}
		if err := a.hv.Prepare(ctx, dir); err != nil {
			return nil, fmt.Errorf("agent: folder for machines: %w", err)
		}
	}
	if err := os.MkdirAll(a.consolesDir(), 0o700); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a.cache = newCache(a.imagesDir(), c.Objects)
	if err := a.cache.dropHalves(); err != nil {
		return nil, fmt.Errorf("agent: images that a crash cut off: %w", err)
	}
	if c.Net != nil {
		if a.net, err = c.Net(a.metadata); err != nil {
			return nil, fmt.Errorf("agent: network: %w", err)
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, a.net.Close())
			}
		}()
	}
	if err := a.introduce(ctx); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.life, a.stop = background, stop
	a.queue = newQueue(background, c.Parallel, a.reconcile, a.log)
	defer func() {
		if err != nil { // before the network is closed
			a.end()
		}
	}()
	watch, err := rows.Watch(background, c.Store)
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	if err := a.adopt(ctx); err != nil {
		watch.Close()
		return nil, err
	}
	a.work.Go(func() { a.followStore(background, watch) })
	a.work.Go(func() { a.followMachines(background) })
	a.work.Go(func() { a.followNetwork(background) })
	a.work.Go(func() { a.sweepNowAndThen(background) })
	return a, nil
}

// Close stops the work where it is and waits for that. The machines and their network stay as they are.
func (a *Agent) Close() error {
	a.end()
	if a.net != nil {
		return a.net.Close()
	}
	return nil
}

// end stops the work and waits for it. What the queue works on begins work of its own, so the queue ends first.
func (a *Agent) end() {
	a.stop()
	a.queue.wait()
	a.work.Wait()
}

// introduce tells the cloud what the host has.
func (a *Agent) introduce(ctx context.Context) error {
	have, err := a.hv.Capacity(ctx)
	if err != nil {
		return fmt.Errorf("agent: capacity of the host: %w", err)
	}
	h := compute.Host{
		ID: a.cfg.Host, Zones: a.cfg.Zones, Architecture: architecture(have.Arch), Hypervisor: a.cfg.Kind, State: compute.HostUp,
		VCPUs: a.cfg.VCPUs, MemoryMiB: a.cfg.MemoryMiB, BootID: bootID(),
	}
	if h.VCPUs == 0 {
		h.VCPUs = int64(float64(have.VCPUs) * a.cfg.Overcommit)
	}
	if h.MemoryMiB == 0 {
		h.MemoryMiB = have.Memory >> 20
	}
	before, err := a.cfg.Compute.SetHost(ctx, h)
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	a.rebooted = before.BootID != "" && before.BootID != h.BootID
	a.log.Info("host", "id", h.ID, "hypervisor", have.Version, "execution", have.Accel, "vcpus", h.VCPUs, "memory_mib", h.MemoryMiB)
	return nil
}

// architecture is EC2's name of one.
func architecture(name string) string {
	if name == "aarch64" {
		return "arm64"
	}
	return name
}

// bootID changes with every start of the kernel.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (a *Agent) instancesDir() string { return filepath.Join(a.cfg.Folder, "instances") }
func (a *Agent) volumesDir() string   { return filepath.Join(a.cfg.Folder, "volumes") }
func (a *Agent) imagesDir() string    { return filepath.Join(a.cfg.Folder, "images") }
func (a *Agent) consolesDir() string  { return filepath.Join(a.cfg.Folder, "consoles") }

// dir is the folder of an instance.
func (a *Agent) dir(id string) string         { return filepath.Join(a.instancesDir(), id) }
func (a *Agent) consolePath(id string) string { return filepath.Join(a.dir(id), "console.log") }

// followStore puts instances to work whose rows were written.
func (a *Agent) followStore(ctx context.Context, w kv.Watcher) {
	for {
		err := a.takeEvents(ctx, w)
		w.Close()
		for {
			if ctx.Err() != nil || errors.Is(err, kv.ErrClosed) {
				return
			}
			a.log.Warn("watch of instances ended; listing again", "error", err)
			if w, err = rows.Watch(ctx, a.cfg.Store); err == nil {
				if err = a.enqueueAll(ctx, a.queue.hurry); err == nil {
					break
				}
				w.Close()
			}
			if !sleep(ctx, time.Second) {
				return
			}
		}
	}
}

func (a *Agent) takeEvents(ctx context.Context, w kv.Watcher) error {
	for {
		ev, err := w.Next(ctx)
		if err != nil {
			return err
		}
		for _, p := range ev.Puts {
			if id, ok := compute.BoundTo(a.cfg.Host, p.Key); ok {
				a.queue.hurry(id)
			} else if id, ok := compute.DoomedOn(a.cfg.Host, p.Key); ok {
				a.queue.hurry(id)
			}
		}
	}
}

// enqueueAll has all instances looked at but those that obviously run as they should, all machines that belong to none, and all
// volumes that are to go.
func (a *Agent) enqueueAll(ctx context.Context, add func(id string)) error {
	bound, err := a.cfg.Compute.Bound(ctx, a.cfg.Host)
	if err != nil {
		return err
	}
	machines, err := a.hv.List(ctx)
	if err != nil {
		return err
	}
	doomed, err := a.cfg.Compute.Doomed(ctx, a.cfg.Host)
	if err != nil {
		return err
	}
	for _, id := range doomed {
		add(id)
	}
	at := make(map[string]hypervisor.State, len(machines)) // instances of machines that were not passed yet
	for _, m := range machines {
		at[m.Name] = m.State
	}
	for _, i := range bound {
		state, ok := at[i.ID]
		if !ok || !runsAsItShould(i, state) {
			add(i.ID)
		}
		delete(at, i.ID)
	}
	for id := range at {
		add(id)
	}
	return nil
}

// runsAsItShould tells of an instance that there is nothing to do. Looking at each by itself would tell no more: what comes in
// between is told by the store and by the hypervisor, which are watched.
func runsAsItShould(i *compute.Instance, m hypervisor.State) bool {
	return i.State == compute.Running && i.Desired == compute.Running && i.Reboots == i.Rebooted && m == hypervisor.StateRunning
}

// followMachines puts instances to work whose machines changed.
func (a *Agent) followMachines(ctx context.Context) {
	for ev := range a.hv.Watch(ctx) {
		switch ev.Kind {
		case hypervisor.EventResync:
			for ctx.Err() == nil {
				err := a.enqueueAll(ctx, a.queue.hurry) // what failed may have failed for want of the hypervisor
				if err == nil {
					break
				}
				a.log.Warn("machines cannot be listed", "error", err)
				sleep(ctx, time.Second)
			}
		case hypervisor.EventState, hypervisor.EventUndefined:
			a.queue.add(ev.Machine)
		}
	}
}

// sleep waits; it returns false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
