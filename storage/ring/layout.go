package ring

import (
	"math/rand/v2"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// none marks a slot of the table that has no device yet.
const none = -1

// layout is a table under construction. Devices are numbered by their place in Builder.devices.
//
// The penalty of a partition is how far the numbers of its replicas per zone and node are outside the bounds that
// the targets set: 0 is the best dispersion. No phase ever makes the penalty of a partition worse by a move.
type layout struct {
	parts, width int
	devices      []Device
	leaf         []*tier
	zone, node   []*tier
	zoneOf       []int32
	nodeOf       []int32
	count        []int   // replicas on a device now
	table        []int32 // partition p: table[p*width : (p+1)*width]
	frozen       []bool  // partitions that must not move in this step
	isFresh      bool    // nothing is placed yet: moves cost nothing
	rng          *rand.Rand

	// The partition that is looked at: replicas per zone and node.
	inZone, inNode []int
}

func newLayout(parts, replicas int, devices []Device, overload float64, rng *rand.Rand, counts map[blobref.DeviceID]int) *layout {
	l := &layout{
		parts: parts, devices: devices, rng: rng,
		zoneOf: make([]int32, len(devices)), nodeOf: make([]int32, len(devices)),
		count: make([]int, len(devices)), frozen: make([]bool, parts),
	}
	root, zones, nodes, leaves := tree(devices, counts)
	l.width = min(replicas, root.cap)
	l.leaf, l.zone, l.node = leaves, zones, nodes
	for i, t := range leaves {
		l.nodeOf[i] = int32(t.parent.index)
		l.zoneOf[i] = int32(t.parent.parent.index)
	}
	setTargets(root, leaves, parts, l.width, overload)
	l.table = make([]int32, parts*l.width)
	for i := range l.table {
		l.table[i] = none
	}
	l.inZone, l.inNode = make([]int, len(zones)), make([]int, len(nodes))
	return l
}

// row is the slots of a partition.
func (l *layout) row(p int) []int32 { return l.table[p*l.width : (p+1)*l.width : (p+1)*l.width] }

// over is how many replicas a device holds beyond its target; negative when it is short of them.
func (l *layout) over(d int32) int { return l.count[d] - l.leaf[d].target }

// set puts device d into a slot of a partition.
func (l *layout) set(row []int32, slot int, d int32) {
	if old := row[slot]; old != none {
		l.count[old]--
	}
	row[slot] = d
	if d != none {
		l.count[d]++
	}
}

// look counts the replicas per zone and node of a partition; unlook forgets them.
func (l *layout) look(row []int32) {
	for _, d := range row {
		if d != none {
			l.inZone[l.zoneOf[d]]++
			l.inNode[l.nodeOf[d]]++
		}
	}
}

func (l *layout) unlook(row []int32) {
	for _, d := range row {
		if d != none {
			l.inZone[l.zoneOf[d]] = 0
			l.inNode[l.nodeOf[d]] = 0
		}
	}
}

// A zone counts more than any number of nodes.
const zonePenalty = 2 * MaxReplicas

// penaltyOf n replicas in a tier: one for each that is missing or too many.
func penaltyOf(t *tier, n int) int { return max(0, n-t.upper) + max(0, t.lower-n) }

// delta is the change of penalty of the partition looked at when device b takes the place of device a; none as a
// means that b is added, none as b that a is dropped.
func (l *layout) delta(a, b int32) int {
	zone := func(z int32, by int) int {
		n := l.inZone[z]
		return zonePenalty * (penaltyOf(l.zone[z], n+by) - penaltyOf(l.zone[z], n))
	}
	node := func(m int32, by int) int {
		n := l.inNode[m]
		return penaltyOf(l.node[m], n+by) - penaltyOf(l.node[m], n)
	}
	d := 0
	switch {
	case a == none:
		d = zone(l.zoneOf[b], +1) + node(l.nodeOf[b], +1)
	case b == none:
		d = zone(l.zoneOf[a], -1) + node(l.nodeOf[a], -1)
	default:
		if za, zb := l.zoneOf[a], l.zoneOf[b]; za != zb {
			d += zone(za, -1) + zone(zb, +1)
		}
		if na, nb := l.nodeOf[a], l.nodeOf[b]; na != nb {
			d += node(na, -1) + node(nb, +1)
		}
	}
	return d
}

// penalty of the partition looked at. Tiers that must have a replica in every partition are few, so
// going through all of them is not worth avoiding.
func (l *layout) penalty() int {
	sum := 0
	for i, t := range l.zone {
		sum += zonePenalty * penaltyOf(t, l.inZone[i])
	}
	for i, t := range l.node {
		sum += penaltyOf(t, l.inNode[i])
	}
	return sum
}

func has(row []int32, d int32) bool {
	for _, x := range row {
		if x == d {
			return true
		}
	}
	return false
}

// fresh fills an empty table by systematic sampling: the devices lie on a line in an order that keeps zones and nodes
// together and is shuffled for each partition, each as long as its target; a comb with a random offset and teeth at
// the distance of one replica picks the devices. By construction each tier gets the floor or the ceiling of its share, so
// dispersion is the best there is; counts are right on average, and balance mends the rest.
func (l *layout) fresh() {
	l.isFresh = true
	root := l.zone[0].parent
	for p := range l.parts {
		row := l.row(p)
		tooth, pos, slot := l.rng.IntN(l.parts), 0, 0
		var walk func(t *tier)
		walk = func(t *tier) {
			if pos+t.target <= tooth || slot == len(row) { // no tooth falls into this tier
				pos += t.target
				return
			}
			if len(t.children) == 0 {
				l.set(row, slot, int32(t.index))
				slot++
				tooth += l.parts
				pos += t.target
				return
			}
			c := t.children
			l.rng.Shuffle(len(c), func(i, j int) { c[i], c[j] = c[j], c[i] })
			for _, c := range c {
				walk(c)
			}
		}
		walk(root)
		l.rng.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
	}
}

// load copies the previous ring's table, dropping devices that are gone and replicas beyond the width.
// Partitions with a time in moved are frozen, and so are those that drop a replica: one change at a time.
func (l *layout) load(prev *Ring, moved []uint32) {
	index := make(map[blobref.DeviceID]int32, len(l.devices))
	for i := range l.devices {
		if l.devices[i].State != Failed {
			index[l.devices[i].ID] = int32(i)
		}
	}
	kept := make([]int32, 0, MaxReplicas)
	for p := range l.parts {
		l.frozen[p] = moved[p] != 0
		kept = kept[:0]
		for _, id := range prev.Devices(blobref.Partition(p)) {
			d, ok := index[id]
			if !ok {
				d = none
			}
			kept = append(kept, d)
		}
		row := l.row(p)
		// Keep every replica in its slot: fill the row with the first ones, and let the others take the holes.
		n := copy(row, kept)
		for _, d := range kept[n:] {
			if i := slotOf(row, none); d != none && i >= 0 {
				row[i], d = d, none
			}
			if d != none {
				l.squeeze(row, d)
				l.frozen[p] = true
			}
		}
		for _, d := range row {
			if d != none {
				l.count[d]++
			}
		}
	}
}

// squeeze drops the worst of the replicas in row and d, when R has become smaller: first those that are to be
// drained, then those that stand too close, then those on the devices that hold too much.
func (l *layout) squeeze(row []int32, d int32) {
	all := append(append(make([]int32, 0, MaxReplicas+1), row...), d)
	l.look(all)
	defer l.unlook(all)
	worst, worstKey := 0, [3]int{}
	for i, x := range all {
		key := [3]int{0, -l.delta(x, none), l.leaf[x].current - l.leaf[x].target}
		if !l.devices[x].takes() {
			key[0] = 1
		}
		if i == 0 || greater(key, worstKey) {
			worst, worstKey = i, key
		}
	}
	l.leaf[all[worst]].current--
	if worst < len(row) {
		row[worst] = d
	}
}

func greater(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

func slotOf(row []int32, d int32) int {
	for i, x := range row {
		if x == d {
			return i
		}
	}
	return -1
}

// replaceGone fills the empty slots: each with the device that disperses best, among those the one that is
// furthest below its target. A partition that was filled is frozen for this step.
func (l *layout) replaceGone() {
	for _, p := range l.rng.Perm(l.parts) {
		row := l.row(p)
		for slot, old := range row {
			if old != none {
				continue
			}
			l.look(row)
			best, bestDelta := int32(none), 0
			for d := range l.devices {
				d := int32(d)
				if !l.devices[d].takes() || has(row, d) {
					continue
				}
				delta := l.delta(none, d)
				if best == none || delta < bestDelta || delta == bestDelta && l.over(d) < l.over(best) {
					best, bestDelta = d, delta
				}
			}
			l.unlook(row)
			l.set(row, slot, best)
			l.frozen[p] = true
		}
	}
}

// ids is the table with the devices' real IDs.
func (l *layout) ids() []blobref.DeviceID {
	t := make([]blobref.DeviceID, len(l.table))
	for i, d := range l.table {
		t[i] = l.devices[d].ID
	}
	return t
}

// pending counts the replicas that are not where the targets want them.
func (l *layout) pending() int {
	n := 0
	for d := range l.devices {
		n += max(0, l.over(int32(d)))
	}
	crowded := 0
	for p := range l.parts {
		row := l.row(p)
		l.look(row)
		if l.penalty() > 0 {
			crowded++
		}
		l.unlook(row)
	}
	return max(n, crowded)
}
