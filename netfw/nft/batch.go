package nft

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
)

// errNoAnswer: the kernel did not answer in time. It may have done what was asked.
var errNoAnswer = errors.New("no answer from the kernel")

// patience is how long a transaction may take: thousands of chains on a busy machine take some seconds.
const patience = time.Minute

// A batch is one transaction: the difference between what the kernel has and what some units want.
type batch struct {
	newSets, delSets         []object
	newChains                []chain
	delChains                []object
	fill                     []chain // chains whose rules become others
	newElements, delElements map[object]map[string]string
}

func (b *batch) empty() bool {
	return len(b.newSets)+len(b.delSets)+len(b.newChains)+len(b.delChains)+
		len(b.fill)+len(b.newElements)+len(b.delElements) == 0
}

// batch compares what the changes lead to with the kernel's state.
func (t *Table) batch(changes []change) *batch {
	k := t.mu.kernel
	b := &batch{newElements: map[object]map[string]string{}, delElements: map[object]map[string]string{}}
	// delta is how the changes alter the number of units that want a thing.
	delta := uses{}
	vals := map[thing]string{}
	for _, c := range changes {
		if old, ok := t.mu.units[c.key]; ok {
			old.things(func(th thing) { delta[th]-- })
		}
		if c.next == nil {
			continue
		}
		c.next.things(func(th thing) { delta[th]++ })
		for _, e := range c.next.elements {
			vals[thing{ofElement, e.set, e.key}] = e.val
		}
		for _, ch := range c.next.chains {
			have, ok := k.chains[ch.object]
			if !ok {
				b.newChains = append(b.newChains, ch)
			}
			if !ok || !slices.Equal(have, texts(ch.rules)) {
				b.fill = append(b.fill, ch)
			}
		}
	}
	for th, d := range delta {
		wanted := t.mu.uses[th]+d > 0
		switch th.kind {
		case ofChain:
			if _, ok := k.chains[th.object]; ok && !wanted {
				b.delChains = append(b.delChains, th.object)
			}
		case ofSet:
			if _, ok := k.sets[th.object]; ok && !wanted {
				b.delSets = append(b.delSets, th.object)
			} else if !ok && wanted {
				b.newSets = append(b.newSets, th.object)
			}
		case ofElement:
			b.element(k, th, vals, wanted, t.mu.uses[thing{ofSet, th.object, ""}]+delta[thing{ofSet, th.object, ""}] > 0)
		}
	}
	order := func(a, b object) int { return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.name, b.name)) }
	for _, list := range [][]object{b.newSets, b.delSets, b.delChains} {
		slices.SortFunc(list, order)
	}
	return b
}

// element decides what becomes of one element: an element with another value is deleted and added, which for elements a packet
// cannot see.
func (b *batch) element(k *mirror, th thing, vals map[thing]string, wanted, setWanted bool) {
	have, has := k.sets[th.object][th.key]
	val, given := vals[th]
	put := func(to map[object]map[string]string, v string) {
		if to[th.object] == nil {
			to[th.object] = map[string]string{}
		}
		to[th.object][th.key] = v
	}
	if has && setWanted && (!wanted || given && val != have) {
		put(b.delElements, have)
	}
	if wanted && given && (!has || val != have) {
		put(b.newElements, val)
	}
}

func texts(rules []rule) []string {
	out := make([]string, len(rules))
	for i, r := range rules {
		out[i] = r.text
	}
	return out
}

// send makes the transaction. The order matters: what is referred to comes first and goes last.
func (b *batch) send(t *Table) error {
	conn, err := t.dial()
	if err != nil {
		return err
	}
	tables := map[nftables.TableFamily]*nftables.Table{}
	for _, fam := range []nftables.TableFamily{inet, arp} {
		tables[fam] = conn.AddTable(&nftables.Table{Family: fam, Name: t.name})
	}
	ref := func(o object) *nftables.Chain { return &nftables.Chain{Name: o.name, Table: tables[o.family]} }
	ids := uint32(0)
	set := func(o object) *nftables.Set {
		// An id of our own: those of the library come from a counter that goroutines would race for.
		ids++
		s := shape(o)
		s.Table, s.Name, s.ID = tables[o.family], o.name, ids
		return s
	}

	for _, o := range b.newSets {
		if err := conn.AddSet(set(o), nil); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	for _, c := range b.newChains {
		nc := ref(c.object)
		if h := c.hook; h != nil {
			nc.Type, nc.Hooknum, nc.Priority, nc.Policy = h.kind, h.num, nftables.ChainPriorityRef(nftables.ChainPriority(h.priority)), &h.policy
		}
		conn.AddChain(nc)
	}
	for _, c := range b.fill {
		nc := ref(c.object)
		conn.FlushChain(nc)
		for _, r := range c.rules {
			for _, sp := range r.sets {
				ids++
				s := &nftables.Set{Table: nc.Table, ID: ids, Name: "__set%d", Anonymous: true, Constant: true, Interval: true, KeyType: sp.key}
				if err := conn.AddSet(s, sp.elements()); err != nil {
					return fmt.Errorf("set of %q: %w", r.text, err)
				}
				sp.lookup.SetID, sp.lookup.SetName = s.ID, s.Name
			}
			conn.AddRule(&nftables.Rule{Table: nc.Table, Chain: nc, Exprs: r.exprs, UserData: userdata.AppendString(nil, userdata.TypeComment, r.text)})
		}
	}
	for o, elements := range b.delElements {
		if err := eachSlice(o, elements, func(part []nftables.SetElement) error { return conn.SetDeleteElements(set(o), part) }); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	for o, elements := range b.newElements {
		if err := eachSlice(o, elements, func(part []nftables.SetElement) error { return conn.SetAddElements(set(o), part) }); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	for _, o := range b.delChains {
		conn.FlushChain(ref(o))
	}
	for _, o := range b.delChains {
		conn.DelChain(ref(o))
	}
	for _, o := range b.delSets {
		conn.DelSet(set(o))
	}
	if err := conn.Flush(); err != nil {
		t.hangUp()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		return err
	}
	return nil
}

// eachSlice hands elements on in parts that fit into one netlink attribute, which holds 64 KiB.
func eachSlice(o object, elements map[string]string, f func([]nftables.SetElement) error) error {
	s := shape(o)
	all := make([]nftables.SetElement, 0, len(elements))
	for key, val := range elements {
		e := nftables.SetElement{Key: []byte(key)}
		switch {
		case s.DataType.Name == nftables.TypeVerdict.Name:
			e.VerdictData = &expr.Verdict{Kind: expr.VerdictJump, Chain: val}
			e.Comment = val[2:] // of which group the chain is
		case s.IsMap:
			e.Val = []byte(val)
		}
		all = append(all, e)
	}
	for part := range slices.Chunk(all, 400) {
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is the name of a set without its place, if it has one.
func kindOf(set string) string {
	for _, kind := range []string{belongs, outgoing, incoming} {
		if strings.HasPrefix(set, kind) {
			return kind
		}
	}
	return set
}

// shape is the type of a set, which its name tells.
func shape(o object) *nftables.Set {
	s := &nftables.Set{}
	switch kindOf(o.name) {
	case outgoing, incoming:
		s.IsMap, s.KeyType, s.DataType = true, nftables.TypeMark, nftables.TypeVerdict
	case belongs:
		s.IsMap, s.KeyType, s.DataType = true, nftables.TypeIFName, nftables.TypeMark
	case spoofed, deniedIn, deniedOut:
		s.KeyType, s.Counter = nftables.TypeIFName, true
	case cards, anySource:
		s.KeyType = concat(nftables.TypeIFName, nftables.TypeEtherAddr)
	case bound6:
		s.KeyType = concat(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIP6Addr)
	case bound:
		s.KeyType = concat(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIPAddr)
		if o.family == arp {
			s.KeyType = concat(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeEtherAddr, nftables.TypeIPAddr)
		}
	case public, leaving:
		s.IsMap, s.KeyType, s.DataType = true, nftables.TypeIPAddr, nftables.TypeIPAddr
	default:
		s.KeyType = addrType(!strings.HasPrefix(o.name, "m6_"))
	}
	if s.KeyType.Name == nftables.TypeIFName.Name {
		// Names of interfaces are strings in the order of the machine; without saying so nft lists them backwards.
		s.KeyByteOrder = binaryutil.NativeEndian
	}
	return s
}

func concat(types ...nftables.SetDatatype) nftables.SetDatatype {
	t, err := nftables.ConcatSetType(types...)
	if err != nil {
		panic(err) // of more than five types, which the cases above are not
	}
	return t
}

// dial returns the table's connection. It is kept: closing a socket makes the kernel wait until what the last transaction deleted
// is out of use, which takes longer than the transaction.
func (t *Table) dial() (*nftables.Conn, error) {
	if t.mu.conn == nil {
		var err error
		if t.mu.conn, err = nftables.New(nftables.WithNetNSFd(t.ns), nftables.AsLasting(), nftables.WithSockOptions(t.tune)); err != nil {
			return nil, err
		}
	}
	return t.mu.conn, t.mu.socket.SetDeadline(time.Now().Add(patience))
}

// tune gives a socket room for the answers to thousands of messages.
func (t *Table) tune(c *netlink.Conn) error {
	t.mu.socket = c
	return errors.Join(c.SetReadBuffer(t.buffer), c.SetWriteBuffer(defaultBuffer))
}

// hangUp closes the connection, so that nothing that a failed transaction left in it is taken for an answer to the next.
func (t *Table) hangUp() {
	if t.mu.conn != nil {
		_ = t.mu.conn.CloseLasting()
		t.mu.conn, t.mu.socket = nil, nil
	}
}

// Close closes the connection and leaves the kernel as it is. The table may be used again.
func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hangUp()
}
