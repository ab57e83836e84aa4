package server

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/rehearsal"
)

// openNetwork opens the virtual networks and makes those that the root account begins with.
func (s *Server) openNetwork(ctx context.Context) (err error) {
	c := network.Config{Store: rehearsal.Store(s.store), Logger: s.log.With("part", "network"), Region: s.cfg.Region}
	if c.Limits, err = networkLimits(s.cfg.Quotas); err != nil {
		return err
	}
	for i, name := range s.cfg.ZoneNames() {
		c.Zones = append(c.Zones, network.Zone{Name: name, ID: ec2ZoneID(s.cfg.Region, i)})
	}
	for _, a := range s.cfg.PublicAddresses {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			return err // Validate has refused it
		}
		c.PublicPool = append(c.PublicPool, p)
	}
	if s.networks, err = network.Open(ctx, c); err != nil {
		return err
	}
	s.onClose("networks", func() error { s.networks.Close(); return nil })
	_, root := s.iam.Root()
	return s.networks.Ensure(ctx, root.Principal.AccountID)
}

// openCompute opens the instances and images.
func (s *Server) openCompute(ctx context.Context) error {
	var err error
	if s.types, err = openTypes(s.cfg.InstanceTypes); err != nil {
		return err
	}
	if err := os.RemoveAll(s.scratchFolder()); err != nil {
		return fmt.Errorf("images that a crash cut off: %w", err)
	}
	images, err := openSystemObjects(ctx, s.objects)
	if err != nil {
		return err
	}
	s.images = images
	c := compute.Config{
		Store: rehearsal.Store(s.store), Network: s.networks, IAM: s.iam, Objects: images, Inspector: inspector{}, Logger: s.log.With("part", "compute"),
		Scratch: s.scratchFolder(), Quotas: compute.Quotas{Instances: int64(s.cfg.QuotaInstances), VCPUs: int64(s.cfg.QuotaVCPUs), Volumes: int64(s.cfg.QuotaVolumes)},
		Visible: s.cfg.TerminatedFor, Types: typesOf(s.types), Keys: keyPair,
	}
	c.Disabled = s.machines.problem
	if s.cfg.Hypervisor != "off" {
		c.Console = s.machines.console
	}
	if s.compute, err = compute.Open(ctx, c); err != nil {
		return err
	}
	s.onClose("instances", func() error { s.compute.Close(); return nil })
	return nil
}

// ec2ZoneID is the name of a zone that does not differ between accounts: use1-az1 for us-east-1a.
func ec2ZoneID(region string, i int) string {
	var b strings.Builder
	for n, part := range strings.Split(region, "-") {
		switch {
		case n == 0 || part == "":
			b.WriteString(part)
		case len(part) == len("northeast") && (strings.HasPrefix(part, "north") || strings.HasPrefix(part, "south")):
			b.WriteString(part[:1] + part[5:6])
		default:
			b.WriteString(part[:1])
		}
	}
	return b.String() + "-az" + string(rune('1'+i))
}
