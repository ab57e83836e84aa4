package libvirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	lv "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// The daemon's drivers.
const (
	QEMU = "qemu:///system"
	Test = "test:///default"
)

// DefaultSocket is where libvirtd, and virtqemud behind its proxy, listen.
const DefaultSocket = "/var/run/libvirt/libvirt-sock"

// Config of a driver. The zero value of a field takes the default.
type Config struct {
	// URI is QEMU (the default) or Test.
	URI string
	// Socket is the daemon's UNIX socket.
	Socket string
	// Owner marks the machines of this driver; required. Drivers of different owners share a daemon without seeing each
	// other's machines.
	Owner string
	// Accel forces how guests execute; empty: KVM where it works, else TCG.
	Accel hypervisor.Accel
	// Connections for calls, besides that for events.
	Connections int
	// CallLimit is how long a call of the protocol may take before its connection is cut.
	CallLimit time.Duration
	// SparePorts is how many devices can be plugged into a running machine.
	SparePorts int
	// TranslationCache is the size of TCG's code cache in MiB: the largest part of a small guest's footprint.
	TranslationCache int
	// Log takes what no caller hears of: lost connections and the like.
	Log *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.URI == "" {
		c.URI = QEMU
	}
	if c.URI != QEMU && c.URI != Test {
		return c, fmt.Errorf("libvirt: URI %q: want %s or %s", c.URI, QEMU, Test)
	}
	if c.Owner == "" || len(c.Owner) > 128 || strings.ContainsFunc(c.Owner, func(r rune) bool { return r < '!' || r > '~' }) {
		return c, fmt.Errorf("libvirt: owner %q: 1 to 128 visible ASCII characters", c.Owner)
	}
	switch c.Accel {
	case "", hypervisor.AccelKVM, hypervisor.AccelTCG:
	default:
		return c, fmt.Errorf("libvirt: acceleration %q: want kvm or tcg", c.Accel)
	}
	if c.Socket == "" {
		c.Socket = DefaultSocket
	}
	if c.Connections <= 0 {
		c.Connections = 4
	}
	if c.CallLimit <= 0 {
		c.CallLimit = 3 * time.Minute
	}
	if c.SparePorts <= 0 {
		c.SparePorts = 8
	}
	if c.TranslationCache <= 0 {
		c.TranslationCache = 32
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Driver is a connection to one libvirt daemon.
type Driver struct {
	cfg  Config
	test bool
	host host // what Open found; constant
	pool *pool
	hub  *hub

	mu struct {
		sync.Mutex
		owned    map[lv.UUID]string   // owner by domain, "" for foreign ones
		mine     map[string]lv.Domain // those of our own by name
		consoles map[string]*console
	}
}

var _ hypervisor.Driver = (*Driver)(nil)

// Open connects to the daemon and looks at the host. An error that is ErrUnavailable means that there is no daemon,
// or none that can run machines; the text says which.
func Open(ctx context.Context, cfg Config) (*Driver, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, test: cfg.URI == Test}
	d.mu.owned, d.mu.mine = map[lv.UUID]string{}, map[string]lv.Domain{}
	d.mu.consoles = map[string]*console{}
	d.pool = newPool(cfg)
	if d.host, err = d.probe(ctx); err != nil {
		d.pool.close()
		return nil, err
	}
	d.hub = newHub(d)
	return d, nil
}

// Close ends watchers and connections and waits for them. Machines run on.
func (d *Driver) Close() error {
	d.hub.close()
	d.mu.Lock()
	open := d.mu.consoles
	d.mu.consoles = map[string]*console{}
	d.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	d.pool.close()
	return nil
}

// call runs fn on a connection, and gives its error the operation, the machine and a class.
func (d *Driver) call(ctx context.Context, op, name string, fn func(*lv.Libvirt) error) error {
	if err := d.pool.do(ctx, fn); err != nil {
		if name != "" {
			op += " " + name
		}
		return fmt.Errorf("%s: %w", op, classify(err))
	}
	return nil
}

// on is call with the machine's domain looked up and its owner checked. A domain that was found before is taken for the one of
// its name: the daemon finds it by its UUID, and says when it is gone.
func (d *Driver) on(ctx context.Context, op, name string, fn func(*lv.Libvirt, lv.Domain) error) error {
	return d.call(ctx, op, name, func(l *lv.Libvirt) error {
		d.mu.Lock()
		dom, ok := d.mu.mine[name]
		d.mu.Unlock()
		if ok {
			if err := fn(l, dom); !isCode(err, lv.ErrNoDomain) {
				return err
			}
			d.mu.Lock()
			delete(d.mu.mine, name) // whose it was is still needed, by the event that tells of its end
			d.mu.Unlock()
		}
		dom, err := d.lookup(l, name)
		if err != nil {
			return err
		}
		return fn(l, dom)
	})
}

func (d *Driver) lookup(l *lv.Libvirt, name string) (lv.Domain, error) {
	dom, err := l.DomainLookupByName(name)
	if err != nil {
		return dom, err
	}
	owner, err := d.owner(l, dom)
	if err != nil {
		return dom, err
	}
	if owner != d.cfg.Owner {
		return dom, hypervisor.ErrForeign
	}
	d.mu.Lock()
	d.mu.mine[name] = dom
	d.mu.Unlock()
	return dom, nil
}

// owner reads the mark of a domain, once.
func (d *Driver) owner(l *lv.Libvirt, dom lv.Domain) (string, error) {
	d.mu.Lock()
	owner, ok := d.mu.owned[dom.UUID]
	d.mu.Unlock()
	if ok {
		return owner, nil
	}
	xml, err := l.DomainGetMetadata(dom, int32(lv.DomainMetadataElement), lv.OptString{markNamespace}, lv.DomainAffectCurrent)
	if err != nil && !isCode(err, lv.ErrNoDomainMetadata) {
		return "", err
	}
	owner = parseMark(xml)
	d.mu.Lock()
	d.mu.owned[dom.UUID] = owner
	d.mu.Unlock()
	return owner, nil
}

func (d *Driver) forget(dom lv.Domain) {
	d.mu.Lock()
	delete(d.mu.owned, dom.UUID)
	if d.mu.mine[dom.Name].UUID == dom.UUID {
		delete(d.mu.mine, dom.Name)
	}
	d.mu.Unlock()
}

// Define makes a machine known.
func (d *Driver) Define(ctx context.Context, s *hypervisor.Spec) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("define: %w", err)
	}
	xml, err := d.domainXML(s)
	if err != nil {
		return fmt.Errorf("define %s: %w", s.Name, err)
	}
	return d.call(ctx, "define", s.Name, func(l *lv.Libvirt) error {
		dom, err := d.lookup(l, s.Name)
		switch {
		case err == nil && formatUUID(dom.UUID) != s.UUID:
			return fmt.Errorf("%w: the machine has the UUID %s, not %s", hypervisor.ErrInvalid, formatUUID(dom.UUID), s.UUID)
		case err != nil && !isCode(err, lv.ErrNoDomain):
			return err
		}
		dom, err = l.DomainDefineXMLFlags(xml, 0)
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.mu.owned[dom.UUID], d.mu.mine[dom.Name] = d.cfg.Owner, dom
		d.mu.Unlock()
		return nil
	})
}

// Undefine forgets a machine that is off.
func (d *Driver) Undefine(ctx context.Context, name string) error {
	flags := lv.DomainUndefineManagedSave | lv.DomainUndefineSnapshotsMetadata
	if !d.test {
		flags |= lv.DomainUndefineNvram | lv.DomainUndefineCheckpointsMetadata
	}
	err := d.on(ctx, "undefine", name, func(l *lv.Libvirt, dom lv.Domain) error {
		m, err := machine(l, dom)
		if err != nil {
			return err
		}
		if m.State.On() {
			return fmt.Errorf("%w: the machine is %s", hypervisor.ErrState, m.State)
		}
		if err := l.DomainUndefineFlags(dom, flags); err != nil {
			return err
		}
		return nil
	})
	if errors.Is(err, hypervisor.ErrNotFound) {
		return nil
	}
	return err
}

// Get returns one machine.
func (d *Driver) Get(ctx context.Context, name string) (hypervisor.Machine, error) {
	var m hypervisor.Machine
	err := d.on(ctx, "get", name, func(l *lv.Libvirt, dom lv.Domain) (err error) {
		got, err := machine(l, dom)
		if err == nil {
			m = got
		}
		return err
	})
	return m, err
}

// inactive returns the description that the next start takes, and live that of the machine that is on.
func inactive(l *lv.Libvirt, dom lv.Domain) (*libvirtxml.Domain, error) {
	return readXML(l, dom, lv.DomainXMLInactive|lv.DomainXMLSecure)
}

func live(l *lv.Libvirt, dom lv.Domain) (*libvirtxml.Domain, error) {
	return readXML(l, dom, 0)
}

func readXML(l *lv.Libvirt, dom lv.Domain, flags lv.DomainXMLFlags) (*libvirtxml.Domain, error) {
	text, err := l.DomainGetXMLDesc(dom, flags)
	if err != nil {
		return nil, err
	}
	var x libvirtxml.Domain
	if err := x.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("read the machine's XML: %w", err)
	}
	return &x, nil
}
