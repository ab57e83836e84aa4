package nft

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Table is the firewall of one namespace.
type Table struct {
	name   string
	ns     int
	buffer int // bytes of the sockets' buffers
	limit  int // units in one transaction
	mu     struct {
		sync.Mutex
		kernel *mirror // what the kernel has, as far as is known; nil: has to be read
		base   *Firewall
		groups map[string]Group
		taps   map[string]Tap
		units  map[string]unit // what was applied, by key
		uses   uses            // how many of the units want a thing
		conn   *nftables.Conn
		socket *netlink.Conn // that of conn
		lost   int           // transactions whose answers were lost
	}
}

const (
	defaultBuffer = 32 << 20
	defaultLimit  = 200
)

// New makes a Table of the given name in the namespace of the descriptor, which must stay open. It changes nothing.
func New(name string, ns int) *Table {
	return &Table{name: name, ns: ns, buffer: defaultBuffer, limit: defaultLimit}
}

// Apply makes the firewall what f says. Groups and taps that are invalid, or that the kernel refuses, keep what they had: the
// errors come joined, everything else is in force. Apply without an error means that the kernel has all of f and nothing else.
func (t *Table) Apply(f Firewall) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.apply(f)
}

// Forget makes the next Apply read the kernel's state again, and put right what others changed.
func (t *Table) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.kernel = nil
}

func (t *Table) apply(f Firewall) error {
	if err := t.know(); err != nil {
		return err
	}
	p, errs := t.changes(f)
	if err := t.run(p); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// know reads what the kernel has, the first time.
func (t *Table) know() error {
	if t.mu.kernel != nil {
		return nil
	}
	m, err := t.read()
	if err != nil {
		return fmt.Errorf("read the firewall: %w", err)
	}
	t.mu.kernel, t.mu.base = m, nil
	t.mu.groups, t.mu.taps, t.mu.units = map[string]Group{}, map[string]Tap{}, map[string]unit{}
	t.mu.uses = uses{}
	return nil
}

// run brings a plan to the kernel. The first one of a table also takes away what an earlier process left and nobody wants.
func (t *Table) run(p *plan) error {
	if len(t.mu.units) == 0 {
		p.adopt(t)
	}
	return t.commit(p)
}

// A change is what becomes of one unit: gone if next is nil.
type change struct {
	key  string
	next *unit
	done func()
}

// changes compares f with what was applied.
func (t *Table) changes(f Firewall) (*plan, []error) {
	var errs []error
	p := &plan{}
	if b := t.mu.base; b == nil || b.Uplink != f.Uplink || b.Metadata != f.Metadata || !slices.Equal(b.DNS, f.DNS) {
		u := compileBase(f)
		base := Firewall{Uplink: f.Uplink, Metadata: f.Metadata, DNS: slices.Clone(f.DNS)}
		p.changes = append(p.changes, change{"base", &u, func() { t.mu.base = &base }})
	}
	groups := make(map[string]bool, len(f.Groups))
	for _, g := range f.Groups {
		if groups[g.ID] {
			errs = append(errs, fmt.Errorf("%w: group %s comes twice", ErrInvalid, g.ID))
			continue
		}
		groups[g.ID] = true
		if old, ok := t.mu.groups[g.ID]; ok && old.equal(g) {
			continue
		}
		if err := g.validate(); err != nil {
			errs = append(errs, err)
			if _, ok := t.mu.groups[g.ID]; ok {
				continue
			}
			// Fail closed: whoever is in a group that makes no sense gets nothing by it.
			g = Group{ID: g.ID}
			if !validName(g.ID) {
				continue
			}
		}
		g = g.clone()
		u := compileGroup(g)
		p.changes = append(p.changes, change{"group " + g.ID, &u, func() { t.mu.groups[g.ID] = g }})
	}
	taps, terrs := t.tapChanges(p, f.Taps, groups)
	errs = append(errs, terrs...)
	// Taps go before the groups that their chains jump to.
	for name := range t.mu.taps {
		if !taps[name] {
			p.changes = append(p.changes, change{"tap " + name, nil, func() { delete(t.mu.taps, name) }})
		}
	}
	for id := range t.mu.groups {
		if !groups[id] {
			p.changes = append(p.changes, change{"group " + id, nil, func() { delete(t.mu.groups, id) }})
		}
	}
	return p, errs
}

// tapChanges adds the taps that differ to the plan, and tells which taps are wanted.
func (t *Table) tapChanges(p *plan, want []Tap, groups map[string]bool) (map[string]bool, []error) {
	var errs []error
	taps := make(map[string]bool, len(want))
	var owners map[netip.Addr]string // made when first needed: most changes are of groups
	for _, tap := range want {
		if taps[tap.Name] {
			errs = append(errs, fmt.Errorf("%w: tap %s comes twice", ErrInvalid, tap.Name))
			continue
		}
		taps[tap.Name] = true
		if old, ok := t.mu.taps[tap.Name]; ok && old.equal(tap) && inGroups(tap, groups) {
			continue
		}
		if owners == nil {
			owners = claims(want)
		}
		err := errors.Join(tap.validate(), claimed(owners, tap), known(tap, groups))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		tap = tap.clone()
		u := compileTap(tap)
		p.changes = append(p.changes, change{"tap " + tap.Name, &u, func() { t.mu.taps[tap.Name] = tap }})
	}
	return taps, errs
}

func inGroups(tap Tap, groups map[string]bool) bool {
	for _, g := range tap.Groups {
		if !groups[g] {
			return false
		}
	}
	return true
}

func known(tap Tap, groups map[string]bool) error {
	if !inGroups(tap, groups) {
		return fmt.Errorf("%w: tap %s is in groups %v, of which one is not there", ErrInvalid, tap.Name, tap.Groups)
	}
	return nil
}

// claims notes whose the addresses are: of two taps that claim the same, the first in the list has it.
func claims(taps []Tap) map[netip.Addr]string {
	owners := make(map[netip.Addr]string, 2*len(taps))
	for _, tap := range taps {
		for _, tr := range tap.Addrs {
			for _, a := range []netip.Addr{tr.IP, tr.Public} {
				if _, ok := owners[a]; !ok && a.IsValid() {
					owners[a] = tap.Name
				}
			}
		}
	}
	return owners
}

func claimed(owners map[netip.Addr]string, tap Tap) error {
	for _, tr := range tap.Addrs {
		for _, a := range []netip.Addr{tr.IP, tr.Public} {
			if other := owners[a]; a.IsValid() && other != tap.Name {
				return fmt.Errorf("%w: %s belongs to both %s and %s", ErrInvalid, a, other, tap.Name)
			}
		}
	}
	return nil
}

// A plan is the changes that one call wants, and what an earlier life of the table left over.
type plan struct {
	changes []change
	stale   *unit
}

// commit brings the plan to the kernel, in one transaction if it fits.
func (t *Table) commit(p *plan) error {
	if p.stale != nil {
		// What is left over counts as a unit of its own, so that it goes like any other.
		t.mu.units["stale"] = *p.stale
		t.mu.uses.add(p.stale, 1)
		p.changes = append(p.changes, change{"stale", nil, func() {}})
	}
	var errs []error
	for chunk := range slices.Chunk(p.changes, t.limit) {
		if err := t.transact(chunk); err != nil {
			errs = append(errs, t.oneByOne(chunk, err)...)
		}
	}
	return errors.Join(errs...)
}

// oneByOne finds the unit that made a transaction fail, and brings the others to the kernel.
func (t *Table) oneByOne(chunk []change, err error) []error {
	if len(chunk) == 1 {
		return []error{fmt.Errorf("%s: %w", chunk[0].key, err)}
	}
	var errs []error
	for i := range chunk {
		if err := t.transact(chunk[i : i+1]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", chunk[i].key, err))
		}
	}
	return errs
}

// transact makes one transaction of some changes. When the answer of the kernel was lost it asks what the kernel has.
func (t *Table) transact(chunk []change) error {
	const attempts = 4
	for attempt := 1; ; attempt++ {
		b := t.batch(chunk)
		var err error
		if !b.empty() {
			err = b.send(t)
		}
		if err == nil {
			b.learn(t.mu.kernel)
			for _, c := range chunk {
				if old, ok := t.mu.units[c.key]; ok {
					t.mu.uses.add(&old, -1)
					delete(t.mu.units, c.key)
				}
				if c.next != nil {
					t.mu.uses.add(c.next, 1)
					t.mu.units[c.key] = *c.next
				}
				c.done()
			}
			return nil
		}
		if attempt == attempts || !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) && !errors.Is(err, errNoAnswer) {
			return err
		}
		t.mu.lost++
		// The kernel may have committed all the same: read what is true, and send what is missing, if anything is.
		m, rerr := t.read()
		if rerr != nil {
			return errors.Join(err, rerr)
		}
		t.mu.kernel = m
	}
}

// Has tells whether the rules of a tap are in force.
func (t *Table) Has(tap string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.mu.taps[tap]
	return ok && t.mu.kernel != nil
}
