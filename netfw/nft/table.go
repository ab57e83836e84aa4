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
		kernel  *mirror // what the kernel has, as far as is known; nil: has to be read
		base    *Firewall
		places  int // in taps' lists of groups, that the base looks at
		groups  map[string]*seen[Group]
		taps    map[string]*seen[Tap]
		numbers numbers         // of groups
		round   uint64          // of comparing, by which what is not wanted any more is told
		clean   bool            // the last round found nothing wrong: every tap is in groups that are there
		units   map[string]unit // what was applied, by key
		uses    uses            // how many of the units want a thing
		conn    *nftables.Conn
		socket  *netlink.Conn // that of conn
		lost    int           // transactions whose answers were lost
	}
}

// seen is a group or tap that was applied, and the last round in which it was wanted.
type seen[T any] struct {
	is    T
	round uint64
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
	t.mu.clean = len(errs) == 0
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
	t.mu.kernel, t.mu.base, t.mu.clean = m, nil, false
	t.mu.groups, t.mu.taps, t.mu.units = map[string]*seen[Group]{}, map[string]*seen[Tap]{}, map[string]unit{}
	t.mu.uses, t.mu.numbers = uses{}, m.numbers()
	return nil
}

// run brings a plan to the kernel. The first one of a table also takes away what an earlier process left and nobody wants.
func (t *Table) run(p *plan) error {
	if len(t.mu.units) == 0 {
		p.adopt(t)
		if t.mu.kernel.foreign && len(p.changes) > 0 && p.changes[0].key == "base" {
			// Rules of another version hold until all is there that those of this one look at.
			p.changes = append(p.changes[1:], p.changes[0])
		}
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
	p := &plan{}
	t.mu.round++
	places := places(f.Taps)
	if b := t.mu.base; b == nil || b.Uplink != f.Uplink || b.Metadata != f.Metadata || !slices.Equal(b.DNS, f.DNS) || t.mu.places != places {
		u := compileBase(f, places)
		base := Firewall{Uplink: f.Uplink, Metadata: f.Metadata, DNS: slices.Clone(f.DNS)}
		p.changes = append(p.changes, change{"base", &u, func() { t.mu.base, t.mu.places = &base, places }})
	}
	errs := t.groupChanges(p, f.Groups)
	errs = append(errs, t.tapChanges(p, f.Taps)...)
	// Taps go before the groups that their elements lead to.
	for name, had := range t.mu.taps {
		if p.keptTaps == len(t.mu.taps) {
			break
		}
		if had.round != t.mu.round {
			p.changes = append(p.changes, change{"tap " + name, nil, func() { delete(t.mu.taps, name) }})
		}
	}
	for id, had := range t.mu.groups {
		if p.keptGroups == len(t.mu.groups) {
			break
		}
		if had.round != t.mu.round {
			p.changes = append(p.changes, change{"group " + id, nil, func() {
				delete(t.mu.groups, id)
				t.mu.numbers.drop(id)
			}})
		}
	}
	return p, errs
}

// groupChanges adds the groups that differ to the plan, and notes which are wanted.
func (t *Table) groupChanges(p *plan, want []Group) []error {
	var errs []error
	var fresh map[string]bool // those that were not there before
	for k := range want {
		g := &want[k]
		had := t.mu.groups[g.ID]
		if had != nil && had.round == t.mu.round || fresh[g.ID] {
			errs = append(errs, fmt.Errorf("%w: group %s comes twice", ErrInvalid, g.ID))
			continue
		}
		if had != nil {
			had.round = t.mu.round
			p.keptGroups++
			if had.is.equal(g) {
				continue
			}
		}
		next := g.clone()
		if err := g.validate(); err != nil {
			errs = append(errs, err)
			if had != nil || !validName(g.ID) {
				continue
			}
			// Fail closed: whoever is in a group that makes no sense gets nothing by it.
			next = Group{ID: g.ID}
		}
		if had == nil {
			if fresh == nil {
				fresh = map[string]bool{}
			}
			fresh[g.ID] = true
		}
		u := compileGroup(next)
		p.changes = append(p.changes, change{"group " + g.ID, &u, func() { t.mu.groups[next.ID] = &seen[Group]{next, t.mu.round} }})
	}
	p.fresh = fresh
	return errs
}

// tapChanges adds the taps that differ to the plan, and notes which are wanted.
func (t *Table) tapChanges(p *plan, want []Tap) []error {
	var errs []error
	// When all was well and no group goes, the groups of a tap that stays as it is need not be looked up.
	settled := t.mu.clean && p.keptGroups == len(t.mu.groups)
	var differ []*Tap
	claim := !settled // whether somebody may claim what is another's
	for k := range want {
		tap := &want[k]
		had := t.mu.taps[tap.Name]
		if had != nil && had.round == t.mu.round {
			errs = append(errs, twice(tap))
			continue
		}
		if had != nil {
			had.round = t.mu.round
			p.keptTaps++
			if had.is.equal(tap) && (settled || t.wanted(tap.Groups, p.fresh)) {
				continue
			}
		}
		claim = claim || had == nil || !slices.Equal(had.is.Addrs, tap.Addrs)
		differ = append(differ, tap)
	}
	var owners map[netip.Addr]string // most changes are of groups
	if claim && len(differ) > 0 {
		owners = claims(want)
	}
	fresh := map[string]bool{}
	for _, tap := range differ {
		if fresh[tap.Name] {
			errs = append(errs, twice(tap))
			continue
		}
		err := tap.validate()
		if owners != nil {
			err = errors.Join(err, claimed(owners, tap))
		}
		if !t.wanted(tap.Groups, p.fresh) {
			err = errors.Join(err, fmt.Errorf("%w: tap %s is in groups %v, of which one is not there", ErrInvalid, tap.Name, tap.Groups))
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fresh[tap.Name] = true
		next := tap.clone()
		u := compileTap(next, t.mu.numbers)
		p.changes = append(p.changes, change{"tap " + tap.Name, &u, func() { t.mu.taps[next.Name] = &seen[Tap]{next, t.mu.round} }})
	}
	return errs
}

func twice(tap *Tap) error { return fmt.Errorf("%w: tap %s comes twice", ErrInvalid, tap.Name) }

// wanted tells whether groups were among those of this round.
func (t *Table) wanted(groups []string, fresh map[string]bool) bool {
	for _, g := range groups {
		if had := t.mu.groups[g]; (had == nil || had.round != t.mu.round) && !fresh[g] {
			return false
		}
	}
	return true
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

func claimed(owners map[netip.Addr]string, tap *Tap) error {
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
	fresh   map[string]bool // groups that come

	keptGroups, keptTaps int // how many of those that were applied are wanted still
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
