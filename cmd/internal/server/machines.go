package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/core/agent"
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/imds"
)

// machines is what runs instances on this host. It is opened in the background, for a hypervisor may take its time or not
// be there yet, and S3 does not wait for it.
type machines struct {
	mu     sync.Mutex
	agent  *agent.Agent    // nil until it is open
	driver *libvirt.Driver // the agent's
	why    string          // there is no agent
	tried  bool            // to open it, once
	since  time.Time       // when that began

	stop context.CancelFunc
	work sync.WaitGroup
}

// Bounds of the time between two tries to open the machines.
const (
	firstReopen = 250 * time.Millisecond
	lastReopen  = 2 * time.Second
)

// readyAfter is how long the first try may keep the server from being ready: a daemon that hangs is none of S3's business.
const readyAfter = 30 * time.Second

// problem says why there are no machines; empty when there are.
func (m *machines) problem() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.why
}

// limits says what does not work of the machines now, for people; empty when all does.
func (m *machines) limits() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.driver != nil {
		if err := m.driver.Down(); err != nil {
			return err.Error()
		}
		return ""
	}
	return m.why
}

// opening tells that nobody knows yet whether there will be machines, and that it is worth waiting.
func (m *machines) opening() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.tried && time.Since(m.since) < readyAfter
}

func (m *machines) set(a *agent.Agent, d *libvirt.Driver, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.agent, m.driver, m.why, m.tried = a, d, why, true
}

// console implements compute.Config.Console.
func (m *machines) console(ctx context.Context, _, instance string, most int) (compute.Console, error) {
	m.mu.Lock()
	a, why := m.agent, m.why
	m.mu.Unlock()
	if a == nil {
		return compute.Console{}, &errs.E{Kind: errs.Unavailable, Reason: compute.Unavailable, Msg: "The console cannot be read: " + why + "."}
	}
	return a.Console(ctx, instance, most)
}

// close ends the work, with what was opened.
func (m *machines) close() error {
	m.stop()
	m.work.Wait()
	m.mu.Lock()
	a, d := m.agent, m.driver
	m.mu.Unlock()
	if a == nil {
		return nil
	}
	return errors.Join(a.Close(), d.Close())
}

// machinesFolder is where instances have their disks.
func (s *Server) machinesFolder() string {
	if s.cfg.InstanceFolder != "" {
		return s.cfg.InstanceFolder
	}
	return s.dir.Machines()
}

// RunsMachines reports whether instances with guests can be run.
func (s *Server) RunsMachines() bool { return s.cfg.Hypervisor == "libvirt" }

// Machines says, for people, what runs instances.
func (s *Server) Machines() string {
	switch s.cfg.Hypervisor {
	case "libvirt":
		return "libvirt, in " + s.machinesFolder()
	case "test":
		return "libvirt's test driver: instances without guests"
	}
	return "off   (--hypervisor libvirt, as root, runs instances)"
}

// scratchFolder is where images are while they are taken in. What a crash left there goes when the instances are opened.
func (s *Server) scratchFolder() string { return filepath.Join(s.dir.Path(), "scratch") }

// openMachines begins to run instances on this host, as soon as its hypervisor is there.
func (s *Server) openMachines(ctx context.Context) error {
	if s.cfg.Hypervisor == "off" {
		s.machines.set(nil, nil, "it was started with --hypervisor off")
		return nil
	}
	folder := s.machinesFolder()
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return fmt.Errorf("folder of instances: %w", err)
	}
	s.machines.why, s.machines.since = "they are being opened", time.Now()
	ctx, s.machines.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.onClose("machines of this host", s.machines.close)
	s.machines.work.Go(func() { s.keepOpening(ctx, folder) })
	return nil
}

// keepOpening tries to open the machines until they are open or ctx ends.
func (s *Server) keepOpening(ctx context.Context, folder string) {
	told := ""
	for wait := firstReopen; ; wait = min(2*wait, lastReopen) {
		a, d, err := s.openAgent(ctx, folder)
		if err == nil {
			s.machines.set(a, d, "")
			if told != "" {
				s.log.Info("instances can be run now")
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		why := err.Error()
		s.machines.set(nil, nil, why)
		if why != told {
			s.log.Error("no instances can be run yet; trying again", "error", err, "advice", advice(err))
			told = why
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// advice says what an operator can do about machines that do not open.
func advice(err error) string {
	switch {
	case os.Geteuid() != 0:
		return "run the server as root, or with --hypervisor off"
	case errors.Is(err, hypervisor.ErrUnavailable):
		return "install and start libvirtd and qemu (Debian: libvirt-daemon-system, qemu-system-x86), or name its socket by --libvirt-socket"
	}
	return "see docs/operations.md, or run with --hypervisor off"
}

// openAgent connects to the hypervisor and opens the agent on it.
func (s *Server) openAgent(ctx context.Context, folder string) (_ *agent.Agent, _ *libvirt.Driver, err error) {
	uri := map[string]string{"libvirt": libvirt.QEMU, "test": libvirt.Test}[s.cfg.Hypervisor]
	driver, err := libvirt.Open(ctx, libvirt.Config{
		URI: uri, Socket: s.cfg.LibvirtSocket, Owner: s.dir.ID(), Log: s.log.With("part", "hypervisor"),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("hypervisor %s: %w", s.cfg.Hypervisor, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, driver.Close())
		}
	}()
	c := agent.Config{
		Host: s.dir.ID(), Zones: s.cfg.ZoneNames(), Region: s.cfg.Region, Folder: folder, Store: s.store, Compute: s.compute,
		Network: s.networks, Hypervisor: driver, Objects: s.images, Logger: s.log.With("part", "agent"), Kind: s.cfg.Hypervisor,
		MemoryMiB: s.cfg.HostMemory >> 20, Overcommit: s.cfg.VCPUOvercommit,
	}
	switch s.cfg.Hypervisor {
	case "libvirt":
		c.Disks = disks{}
		c.Net = s.openHostNetwork(ctx)
	case "test": // its instances have no guests, which need neither memory nor processors
		c.VCPUs, c.MemoryMiB = 1<<20, 1<<30
	}
	a, err := agent.Open(ctx, c)
	return a, driver, err
}

// openHostNetwork opens the host's network for an agent.
func (s *Server) openHostNetwork(ctx context.Context) func(agent.Metadata) (agent.HostNetwork, error) {
	return func(metadata agent.Metadata) (agent.HostNetwork, error) {
		key, err := s.dir.NodeKey()
		if err != nil {
			return nil, err
		}
		// Tokens that guests hold stay good when the server is restarted.
		tokens := hmac.New(sha256.New, key)
		tokens.Write([]byte("tokens of the metadata service"))
		signer, err := s.instanceIdentity()
		if err != nil {
			return nil, fmt.Errorf("the key that signs instance identity documents: %w", err)
		}
		return netfw.Open(ctx, netfw.Config{
			Prefix: s.cfg.HostPrefix, Metadata: metadata, Identity: signer, TokenKey: tokens.Sum(nil), Masquerade: true, Log: s.log.With("part", "netfw"),
		})
	}
}

// instanceIdentity is what signs the identity documents of instances, made when there is none. Whoever trusts its certificate goes on to
// do so: it is kept.
func (s *Server) instanceIdentity() (*imds.Identity, error) {
	b, err := os.ReadFile(s.dir.InstanceIdentity())
	if err == nil {
		return imds.ParseIdentity(b)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	id, err := imds.NewIdentity()
	if err != nil {
		return nil, err
	}
	if b, err = id.PEM(); err != nil {
		return nil, err
	}
	return id, datadir.WriteFile(s.dir.InstanceIdentity(), b, 0o600)
}

var _ hypervisor.Driver = (*libvirt.Driver)(nil)
