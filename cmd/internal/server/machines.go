package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aureole-cloud/aureole/core/agent"
	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
	"github.com/aureole-cloud/aureole/netfw"
)

// machinesFolder is where instances have their disks.
func (s *Server) machinesFolder() string {
	if s.cfg.InstanceFolder != "" {
		return s.cfg.InstanceFolder
	}
	return s.dir.Machines()
}

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

// openMachines begins to run instances on this host.
func (s *Server) openMachines(ctx context.Context) error {
	if s.cfg.Hypervisor == "off" {
		return nil
	}
	uri := map[string]string{"libvirt": libvirt.QEMU, "test": libvirt.Test}[s.cfg.Hypervisor]
	driver, err := libvirt.Open(ctx, libvirt.Config{URI: uri, Owner: s.dir.ID(), Log: s.log.With("part", "hypervisor")})
	if err != nil {
		return fmt.Errorf("hypervisor %s: %w", s.cfg.Hypervisor, err)
	}
	s.onClose("hypervisor", driver.Close)
	folder := s.machinesFolder()
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return fmt.Errorf("folder of instances: %w", err)
	}
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
	if s.agent, err = agent.Open(ctx, c); err != nil {
		return err
	}
	s.onClose("machines of this host", s.agent.Close)
	return nil
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
		return netfw.Open(ctx, netfw.Config{
			Prefix: s.cfg.HostPrefix, Metadata: metadata, TokenKey: tokens.Sum(nil), Masquerade: true, Log: s.log.With("part", "netfw"),
		})
	}
}

var _ hypervisor.Driver = (*libvirt.Driver)(nil)
