package netfw

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/aureole-cloud/aureole/netfw/dhcp"
	"github.com/aureole-cloud/aureole/netfw/dns"
	"github.com/aureole-cloud/aureole/netfw/imds"
	"github.com/aureole-cloud/aureole/netfw/nft"
)

// serve starts the services of the network, once. They are opened before any guest is plugged.
func (n *network) serve() error {
	if n.running != nil {
		return nil
	}
	var (
		leases net.PacketConn
		names  dns.Sockets
		meta   net.Listener
	)
	ctx := n.host.done
	err := n.ns.Do(func() (err error) {
		if leases, err = dhcp.Listen(ctx); err != nil {
			return fmt.Errorf("DHCP: %w", err)
		}
		if names, err = dns.Listen(ctx); err != nil {
			return fmt.Errorf("DNS: %w", err)
		}
		if n.host.cfg.Metadata != nil {
			if meta, err = imds.Listen(ctx); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		if leases != nil {
			err = errors.Join(err, leases.Close())
		}
		if names.UDP != nil {
			err = errors.Join(err, names.UDP.Close(), names.TCP.Close())
		}
		return err
	}
	n.run("DHCP", func() error { return dhcp.Serve(leases, n.lease, n.host.log) }, func() { _ = leases.Close() })
	resolver := dns.New(names, func() *dns.Zone { return n.view.Load().zone }, n.host.upstream)
	n.run("DNS", resolver.Serve, resolver.Close)
	if meta != nil {
		s := imds.New(imds.Config{Network: n.id, Source: n.host.cfg.Metadata, Identity: n.host.cfg.Identity, TokenKey: n.host.cfg.TokenKey, Who: n.who, Log: n.host.log})
		n.run("metadata", func() error { return s.Serve(meta) }, func() { _ = s.Close() })
	}
	return nil
}

// run runs a service until stopServices.
func (n *network) run(name string, serve func() error, stop func()) {
	n.running = append(n.running, stop)
	n.wait.Go(func() {
		if err := serve(); err != nil {
			n.host.log.Error("service of a network ended", "service", name, "network", n.id, "err", err)
		}
	})
}

func (n *network) stopServices() {
	for _, stop := range n.running {
		stop()
	}
	n.wait.Wait()
	n.running = nil
}

// lease is what DHCP gives the interface that is plugged as the link of an index.
func (n *network) lease(index int) (dhcp.Lease, bool) {
	v := n.view.Load()
	i, ok := v.interfaces[v.byIndex[index]]
	if !ok {
		return dhcp.Lease{}, false
	}
	s := v.subnets[i.Subnet]
	l := dhcp.Lease{MAC: i.MAC, Addr: i.Addresses[0].IP, Subnet: s.CIDR, Router: gateway(s.CIDR), Domain: v.network.domain(),
		Hostname: i.Hostname, MTU: v.network.mtu(), Metadata: nft.MetadataAddr}
	if !v.network.NoDNS {
		l.DNS = []netip.Addr{v.network.resolver()}
	}
	if l.Hostname == "" {
		l.Hostname = hostLabel(l.Addr)
	}
	return l, true
}

// who finds the interface that has an address, for the metadata service. The firewall vouches for the address.
func (n *network) who(a netip.Addr) (string, bool) {
	id, ok := n.view.Load().byAddr[a]
	return id, ok
}

func (n *Network) domain() string {
	if n.Domain == "" {
		return "internal"
	}
	return strings.ToLower(n.Domain)
}

// hostLabel is the name that an address has within its domain: ip-10-0-0-5.
func hostLabel(a netip.Addr) string {
	return "ip-" + strings.NewReplacer(".", "-", ":", "-").Replace(a.String())
}

// zone is what the resolver knows.
func (n *Network) zone(interfaces map[string]Interface) *dns.Zone {
	z := &dns.Zone{Domain: n.domain(), Names: make(map[string][]netip.Addr, len(interfaces)), Addrs: make(map[netip.Addr]string, len(interfaces)), Blocks: n.CIDRs}
	add := func(name string, a netip.Addr) string {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		z.Names[name] = append(z.Names[name], a)
		return name
	}
	add("instance-data."+z.Domain, nft.MetadataAddr)
	for _, r := range n.Records {
		for _, a := range r.Addresses {
			add(r.Name, a)
		}
	}
	for _, i := range interfaces {
		for _, a := range i.Addresses {
			name := a.Name
			if name == "" {
				name = hostLabel(a.IP) + "." + z.Domain
			}
			z.Addrs[a.IP] = add(name, a.IP)
			if a.PublicName != "" {
				add(a.PublicName, a.IP)
			}
		}
	}
	return z
}

// upstream are the resolvers to ask for what no network knows.
func (h *Host) upstream() []string {
	if h.cfg.Resolvers == nil {
		return dns.System("/etc/resolv.conf")
	}
	out := make([]string, len(h.cfg.Resolvers))
	for i, a := range h.cfg.Resolvers {
		out[i] = a.String()
	}
	return out
}
