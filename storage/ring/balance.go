package ring

import "slices"

// disperse moves one replica of each partition whose replicas stand too close, where that helps, and
// chooses the move that also helps balance most.
func (l *layout) disperse() {
	for _, p := range l.rng.Perm(l.parts) {
		if l.frozen[p] {
			continue
		}
		row := l.row(p)
		l.look(row)
		if l.penalty() > 0 {
			l.disperseOne(p, row)
		}
		l.unlook(row)
	}
}

func (l *layout) disperseOne(p int, row []int32) {
	slot, to := -1, int32(none)
	bestDelta, bestGain := 0, 0
	for i, a := range row {
		for b := range l.devices {
			b := int32(b)
			if !l.devices[b].takes() || has(row, b) {
				continue
			}
			delta := l.delta(a, b)
			if delta >= 0 {
				continue
			}
			gain := l.over(a) - l.over(b)
			if slot < 0 || delta < bestDelta || delta == bestDelta && gain > bestGain {
				slot, to, bestDelta, bestGain = i, b, delta, gain
			}
		}
	}
	if slot < 0 {
		return
	}
	l.unlook(row)
	l.set(row, slot, to)
	l.frozen[p] = true
}

// balance moves replicas from devices over their target to devices below theirs: directly where a partition
// allows it, else over a chain of devices.
func (l *layout) balance() {
	held := make([][]int32, len(l.devices)) // partitions of a device; entries may be stale
	for p := range l.parts {
		for _, d := range l.row(p) {
			held[d] = append(held[d], int32(p))
		}
	}
	l.direct(held)
	l.chains(held)
	l.evacuate(held)
}

// direct gives away what devices have too much, in one move each.
func (l *layout) direct(held [][]int32) {
	var givers []int32
	for d := range l.devices {
		if l.over(int32(d)) > 0 {
			givers = append(givers, int32(d))
		}
	}
	slices.SortStableFunc(givers, func(a, b int32) int { return l.over(b) - l.over(a) })
	for _, a := range givers {
		ps := held[a]
		l.rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		for i := 0; i < len(ps) && l.over(a) > 0; i++ {
			p := int(ps[i])
			if l.frozen[p] {
				continue
			}
			row := l.row(p)
			l.look(row)
			best, bestDelta := int32(none), 0
			for b := range l.devices {
				b := int32(b)
				if l.over(b) >= 0 || has(row, b) {
					continue
				}
				delta := l.delta(a, b)
				if delta > 0 {
					continue
				}
				if best == none || delta < bestDelta || delta == bestDelta && l.over(b) < l.over(best) {
					best, bestDelta = b, delta
				}
			}
			l.unlook(row)
			if best != none {
				l.move(held, p, a, best)
			}
		}
	}
}

// move replaces device a by b in partition p.
func (l *layout) move(held [][]int32, p int, a, b int32) {
	row := l.row(p)
	l.set(row, slotOf(row, a), b)
	held[b] = append(held[b], int32(p))
	l.frozen[p] = !l.isFresh
}

// step is how breadth-first search reached a device: partition p gives up from and takes the device.
type step struct {
	from int32
	p    int32
}

// chains mends what direct moves cannot. In a ring that is in use a chain costs a move per link, so there it
// starts or ends at a device that is off its target by more than tolerance.
func (l *layout) chains(held [][]int32) {
	l.chainsBetween(held, l.tolerance, func(int32) int { return 0 })
	if !l.isFresh {
		l.chainsBetween(held, func(int32) int { return 0 }, l.tolerance)
	}
}

// tolerance is how many replicas a device may be off its target before it is worth a chain.
func (l *layout) tolerance(d int32) int {
	if l.isFresh || !l.devices[d].takes() {
		return 0
	}
	return max(1, l.leaf[d].target/500)
}

// chainsBetween runs chains from devices that are over their target by more than give to such as are
// below it by more than take.
func (l *layout) chainsBetween(held [][]int32, give, take func(int32) int) {
	short := false
	for d := range l.devices {
		short = short || -l.over(int32(d)) > take(int32(d))
	}
	if !short {
		return
	}
	closed := make([]bool, len(l.devices)) // devices from which no goal can be reached
	for d := range l.devices {
		a := int32(d)
		for l.over(a) > give(a) && !closed[a] {
			l.augment(held, a, closed, take)
		}
	}
}

// augment searches the shortest chain from a to a device below its target by more than take and makes its moves; without one it
// closes all it has seen.
func (l *layout) augment(held [][]int32, a int32, closed []bool, take func(int32) int) {
	came := make([]step, len(l.devices))
	seen := make([]bool, len(l.devices))
	seen[a] = true
	queue := []int32{a}
	var open []int32 // devices not seen yet
	for d := range l.devices {
		if b := int32(d); b != a && l.devices[b].takes() && !closed[b] {
			open = append(open, b)
		}
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, p := range held[x] {
			if l.frozen[p] || !has(l.row(int(p)), x) || used(came, a, x, p) {
				continue
			}
			row := l.row(int(p))
			l.look(row)
			rest := open[:0]
			goal := int32(none)
			for _, b := range open {
				if goal != none || has(row, b) || l.delta(x, b) > 0 {
					rest = append(rest, b)
					continue
				}
				seen[b], came[b] = true, step{x, p}
				queue = append(queue, b)
				if -l.over(b) > take(b) {
					goal = b
				}
			}
			open = rest
			l.unlook(row)
			if goal != none {
				for b := goal; b != a; {
					s := came[b]
					l.move(held, int(s.p), s.from, b)
					b = s.from
				}
				return
			}
			if len(open) == 0 {
				break
			}
		}
	}
	for d := range seen {
		closed[d] = closed[d] || seen[d]
	}
}

// used reports whether the chain from a to x already changes partition p.
func used(came []step, a, x, p int32) bool {
	for x != a {
		if came[x].p == p {
			return true
		}
		x = came[x].from
	}
	return false
}

// evacuate empties devices that take no data of what no chain could bring away without hurting dispersion: to be
// drained is worth more than to lie apart.
func (l *layout) evacuate(held [][]int32) {
	for d := range l.devices {
		a := int32(d)
		if l.devices[d].takes() {
			continue
		}
		for i := 0; i < len(held[a]) && l.over(a) > 0; i++ {
			p := int(held[a][i])
			row := l.row(p)
			if l.frozen[p] || !has(row, a) {
				continue
			}
			l.look(row)
			best, bestDelta := int32(none), 0
			for b := range l.devices {
				b := int32(b)
				if !l.devices[b].takes() || has(row, b) {
					continue
				}
				delta := l.delta(a, b)
				if best == none || delta < bestDelta || delta == bestDelta && l.over(b) < l.over(best) {
					best, bestDelta = b, delta
				}
			}
			l.unlook(row)
			if best != none {
				l.move(held, p, a, best)
			}
		}
	}
}
