package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Config is what a Service is made of.
type Config struct {
	Store  kv.Store
	Logger *slog.Logger // nil discards
	Region string
	Zones  []Zone
	// PublicPool are the ranges that public addresses come from. The first and last address of each stay unused.
	PublicPool []netip.Prefix
	// PublicDomain is the domain of public host names; empty: public addresses have no name, since tools that are
	// given one try to resolve it.
	PublicDomain string
	Limits       Limits
}

// Zone is an availability zone.
type Zone struct {
	Name string // us-east-1a
	ID   string // use1-az1
}

// Limits are the quotas of every account.
type Limits struct {
	VPCs              int
	CIDRsPerVPC       int
	SubnetsPerVPC     int
	GroupsPerVPC      int
	RulesPerGroup     int // per direction and address family
	GroupsPerNIC      int
	Interfaces        int
	AddressesPerNIC   int
	ElasticIPs        int
	Gateways          int
	RouteTablesPerVPC int
	RoutesPerTable    int
	ACLsPerVPC        int
	EntriesPerACL     int // per direction
	DHCPOptions       int
}

// DefaultLimits are those that EC2 begins with, but for interfaces, of which a private cloud is generous.
func DefaultLimits() Limits {
	return Limits{
		VPCs: 5, CIDRsPerVPC: 5, SubnetsPerVPC: 200, GroupsPerVPC: 2500, RulesPerGroup: 60, GroupsPerNIC: 5, Interfaces: 10_000,
		AddressesPerNIC: 50, ElasticIPs: 5, Gateways: 5, RouteTablesPerVPC: 200, RoutesPerTable: 500, ACLsPerVPC: 200,
		EntriesPerACL: 20, DHCPOptions: 100,
	}
}

// Validate reports what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Store == nil:
		return errors.New("network: no store")
	case c.Region == "":
		return errors.New("network: no region")
	case len(c.Zones) == 0 || len(c.Zones) > maxZones:
		return fmt.Errorf("network: %d zones; a region has 1 to %d", len(c.Zones), maxZones)
	case c.Limits == Limits{}:
		return errors.New("network: no limits")
	}
	for i, p := range c.PublicPool {
		if !p.IsValid() || !p.Addr().Is4() || p != p.Masked() || p.Bits() > 30 || p.Bits() < 8 {
			return fmt.Errorf("network: public pool %s: want an IPv4 range of /8 to /30", p)
		}
		if slices.ContainsFunc(c.PublicPool[:i], p.Overlaps) {
			return fmt.Errorf("network: public pool %s overlaps another", p)
		}
	}
	return nil
}

// maxZones is how many /20 subnets fit into the default VPC.
const maxZones = 16

// Service is the network of the cloud. It is safe for concurrent use. Close it before its store.
type Service struct {
	store kv.Store
	log   *slog.Logger
	conf  Config
	limit Limits

	rows *rows.Follower

	mu struct {
		sync.RWMutex
		state   *state
		applied kv.Index      // state holds every commit up to here
		changed chan struct{} // closed and replaced when the network differs from before
		version uint64        // how often that was
	}
}

// Open reads the state and follows the store from then on.
func Open(ctx context.Context, c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{store: c.Store, log: c.Logger, conf: c, limit: c.Limits}
	s.mu.changed = make(chan struct{})
	var err error
	s.rows, err = rows.Follow(ctx, c.Store, c.Logger, rows.Memory{Prefix: rowPrefix, What: "networks", Load: s.load, Apply: s.apply})
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return s, nil
}

// Close stops following the store. Reads go on with what is known.
func (s *Service) Close() { s.rows.Close() }

// Changed returns a channel that is closed at the next change of the network.
func (s *Service) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.changed
}

// Version is a number that grows whenever the network changes. It begins anew, above 0, with the process.
func (s *Service) Version() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.version
}

// Limits are the quotas.
func (s *Service) Limits() Limits { return s.limit }

// Zones are the zones, in order.
func (s *Service) Zones() []Zone { return s.conf.Zones }

// ZoneID is the id of a zone, or empty.
func (s *Service) ZoneID(name string) string {
	for _, z := range s.conf.Zones {
		if z.Name == name {
			return z.ID
		}
	}
	return ""
}

// PrivateName is the host name of a private address: ip-172-31-0-5.ec2.internal.
func (s *Service) PrivateName(a netip.Addr) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + s.PrivateDomain()
}

// PrivateDomain is the domain of private host names.
func (s *Service) PrivateDomain() string {
	if s.conf.Region == "us-east-1" {
		return "ec2.internal"
	}
	return s.conf.Region + ".compute.internal"
}

// PublicName is the host name of a public address, or empty.
func (s *Service) PublicName(a netip.Addr) string {
	if s.conf.PublicDomain == "" || !a.IsValid() {
		return ""
	}
	return "ec2-" + strings.ReplaceAll(a.String(), ".", "-") + "." + s.conf.PublicDomain
}

// lookUp returns a record of whatever account, nil when there is none.
func lookUp[T any](s *Service, id string, t func(*state) *table[T]) *T {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return t(s.mu.state).get(id)
}

// Interface returns an interface of whatever account; nil when there is none.
func (s *Service) Interface(id string) *Interface {
	return lookUp(s, id, func(st *state) *table[Interface] { return st.interfaces })
}

// Group returns a security group of whatever account; nil when there is none.
func (s *Service) Group(id string) *Group {
	return lookUp(s, id, func(st *state) *table[Group] { return st.groups })
}

// Subnet returns a subnet of whatever account; nil when there is none.
func (s *Service) Subnet(id string) *Subnet {
	return lookUp(s, id, func(st *state) *table[Subnet] { return st.subnets })
}

// VPC returns a VPC of whatever account; nil when there is none.
func (s *Service) VPC(id string) *VPC {
	return lookUp(s, id, func(st *state) *table[VPC] { return st.vpcs })
}

// InterfacesOf returns the interfaces of an instance by device index.
func (s *Service) InterfacesOf(instance string) []*Interface {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.interfacesOf(instance)
}

func (st *state) interfacesOf(instance string) []*Interface {
	found := st.interfaces.pick(st.ofInstance.ids(instance))
	slices.SortFunc(found, func(a, b *Interface) int { return a.Attachment.DeviceIndex - b.Attachment.DeviceIndex })
	return found
}
