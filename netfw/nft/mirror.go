package nft

import "maps"

// A mirror is what the kernel has: texts of the rules by chain, and values by key by set.
type mirror struct {
	chains map[object][]string
	sets   map[object]map[string]string
	// foreign: the rules are those of another version.
	foreign bool
}

func newMirror() *mirror {
	return &mirror{chains: map[object][]string{}, sets: map[object]map[string]string{}}
}

// kind tells things of the same name apart.
type kind byte

const (
	ofChain kind = iota
	ofSet
	ofElement
)

// A thing is anything in the table that several units may want.
type thing struct {
	kind kind
	object
	key string // of an element
}

// uses counts how many units want a thing. What nobody wants any more goes.
type uses map[thing]int

// things calls f for all that a unit wants, maybe more than once.
func (u *unit) things(f func(thing)) {
	for _, c := range u.chains {
		f(thing{ofChain, c.object, ""})
	}
	for _, s := range u.sets {
		f(thing{ofSet, s, ""})
	}
	for _, e := range u.elements {
		f(thing{ofSet, e.set, ""})
		f(thing{ofElement, e.set, e.key})
	}
}

func (n uses) add(u *unit, by int) {
	u.things(func(t thing) {
		if n[t] += by; n[t] == 0 {
			delete(n, t)
		}
	})
}

// adopt finds what the kernel has and nobody wants, so that it goes with the first transaction.
func (p *plan) adopt(t *Table) {
	wanted := uses{}
	for _, c := range p.changes {
		if c.next != nil {
			wanted.add(c.next, 1)
		}
	}
	var u unit
	k := t.mu.kernel
	for o := range k.chains {
		if wanted[thing{ofChain, o, ""}] == 0 {
			u.chains = append(u.chains, chain{object: o})
		}
	}
	for o, elements := range k.sets {
		if wanted[thing{ofSet, o, ""}] == 0 {
			u.sets = append(u.sets, o)
			continue // its elements go with it
		}
		for key, val := range elements {
			if wanted[thing{ofElement, o, key}] == 0 {
				u.elements = append(u.elements, element{o, key, val})
			}
		}
	}
	if len(u.chains)+len(u.sets)+len(u.elements) > 0 {
		p.stale = &u
	}
}

// learn notes what a transaction did.
func (b *batch) learn(m *mirror) {
	for _, c := range b.fill {
		m.chains[c.object] = texts(c.rules)
	}
	for _, o := range b.delChains {
		delete(m.chains, o)
	}
	for _, o := range b.newSets {
		m.sets[o] = map[string]string{}
	}
	for o, elements := range b.delElements {
		for key := range elements {
			delete(m.sets[o], key)
		}
	}
	for o, elements := range b.newElements {
		maps.Copy(m.sets[o], elements)
	}
	for _, o := range b.delSets {
		delete(m.sets, o)
	}
}
