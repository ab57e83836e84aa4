package netfw

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/netfw/imds"
	"github.com/aureole-cloud/aureole/netfw/link"
	"github.com/aureole-cloud/aureole/netfw/nft"
)

// tableName is the firewall's table in the namespace of a network.
const tableName = "aureole"

// A Host is the network of one host. Its methods may be called by several goroutines; those for one network wait for each other.
type Host struct {
	cfg     Config
	log     *slog.Logger
	outside *nft.Table
	// done ends when the host is closed, and with it the services.
	done context.Context
	stop context.CancelFunc
	mu   struct {
		sync.Mutex
		closed   bool
		prepared bool // the host's own namespace is set up
		networks map[string]*network
	}
	// allocate is held while a network looks for an address of its own, or gets the routes of its public ones. It guards what was
	// promised to whom, and to which network the host's routes lead.
	allocate sync.Mutex
	promised map[netip.Addr]string
	routed   map[netip.Addr]string
}

// Open looks whether the process may do what is needed, and changes nothing.
func Open(ctx context.Context, cfg Config) (*Host, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "au"
	}
	if !validPrefix.MatchString(cfg.Prefix) {
		return nil, fmt.Errorf("%w: prefix %q", ErrInvalid, cfg.Prefix)
	}
	if !cfg.Uplinks.IsValid() {
		cfg.Uplinks = netip.MustParsePrefix("100.64.0.0/16")
	}
	if !cfg.Uplinks.Addr().Is4() {
		return nil, fmt.Errorf("%w: block of uplinks %s", ErrInvalid, cfg.Uplinks)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.TokenKey) == 0 {
		cfg.TokenKey = imds.NewTokenKey()
	}
	if err := privileged(); err != nil {
		return nil, err
	}
	h := &Host{cfg: cfg, log: cfg.Log, outside: nft.New(tableName+"_"+cfg.Prefix, 0)}
	if _, err := h.outside.Exists(); err != nil {
		if errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("%w: nftables: %w", ErrPrivilege, err)
		}
		return nil, fmt.Errorf("%w: nftables: %w", ErrUnsupported, err)
	}
	h.done, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.mu.networks, h.promised, h.routed = map[string]*network{}, map[netip.Addr]string{}, map[netip.Addr]string{}
	return h, nil
}

// needed are the capabilities without which nothing works: to change links, rules and settings, to make and enter namespaces, and
// to answer at the ports of DHCP, DNS and HTTP.
func needed() map[int]string {
	return map[int]string{unix.CAP_NET_ADMIN: "CAP_NET_ADMIN", unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN", unix.CAP_NET_BIND_SERVICE: "CAP_NET_BIND_SERVICE"}
}

// privileged looks whether the process may do what is needed, and says all that it may not.
func privileged() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	var lacks []string
	for c, name := range needed() {
		if data[0].Effective&(1<<c) == 0 {
			lacks = append(lacks, "it lacks "+name)
		}
	}
	slices.Sort(lacks)
	if err := link.MayName(); err != nil {
		lacks = append(lacks, err.Error())
	}
	tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	switch {
	case err == nil:
		_ = tun.Close()
	case errors.Is(err, fs.ErrPermission):
		lacks = append(lacks, err.Error())
	default:
		return fmt.Errorf("%w: tun: %w", ErrUnsupported, err)
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%w: %s; run it as root", ErrPrivilege, strings.Join(lacks, ", "))
	}
	return nil
}

// Close stops the services and leaves the kernel's state as it is.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.mu.closed {
		h.mu.Unlock()
		return nil
	}
	h.mu.closed = true
	networks := h.mu.networks
	h.mu.networks = map[string]*network{}
	h.mu.Unlock()
	h.stop()
	for _, n := range networks {
		n.mu.Lock()
		n.close()
		n.mu.Unlock()
	}
	h.outside.Close()
	return nil
}

// network finds an applied network; with make it adds one.
func (h *Host) network(id string, add bool) (*network, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.closed {
		return nil, ErrClosed
	}
	n, ok := h.mu.networks[id]
	if !ok {
		if !add {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
		}
		n = newNetwork(h, id)
		h.mu.networks[id] = n
	}
	return n, nil
}

// prepare sets up the host's own namespace, once.
func (h *Host) prepare() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.prepared {
		return nil
	}
	err := h.outside.ApplyOutside(nft.Outside{Taps: h.cfg.Prefix + "t", Uplinks: h.cfg.Prefix + "u", Masquerade: h.cfg.Masquerade})
	if err != nil {
		return fmt.Errorf("firewall of the host: %w", err)
	}
	if !h.cfg.Isolated {
		if err := link.AllowForwarding(); err != nil {
			return err
		}
	}
	h.mu.prepared = true
	return nil
}
