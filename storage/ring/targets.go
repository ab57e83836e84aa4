package ring

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// tier is a node of the failure-domain tree: the cluster, a zone, a machine or a device.
type tier struct {
	children []*tier
	parent   *tier
	depth    int // 0 cluster, 1 zone, 2 node, 3 device
	cap      int // devices below that take data
	weight   float64

	weighted float64 // replicas per partition by weight alone
	wanted   float64 // replicas per partition for the best dispersion
	share    float64 // what overload makes of the two
	current  int     // replicas held now
	target   int     // replicas to hold, over all partitions

	lower, upper int // replicas of one partition
	index        int // zone, node or device number
}

// tree builds the tiers of the devices in a fixed order and returns the root and the leaves by device index.
func tree(devices []Device, counts map[blobref.DeviceID]int) (root *tier, zones, nodes, leaves []*tier) {
	root = &tier{}
	order := make([]int, len(devices))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &devices[a], &devices[b]
		return cmp.Or(strings.Compare(x.Zone, y.Zone), strings.Compare(x.Node, y.Node), cmp.Compare(x.ID, y.ID))
	})
	leaves = make([]*tier, len(devices))
	for k, i := range order {
		d := &devices[i]
		newZone := k == 0 || devices[order[k-1]].Zone != d.Zone
		if newZone {
			zones = append(zones, &tier{parent: root, depth: 1, index: len(zones)})
			root.children = append(root.children, zones[len(zones)-1])
		}
		zone := zones[len(zones)-1]
		if newZone || devices[order[k-1]].Node != d.Node {
			nodes = append(nodes, &tier{parent: zone, depth: 2, index: len(nodes)})
			zone.children = append(zone.children, nodes[len(nodes)-1])
		}
		node := nodes[len(nodes)-1]
		leaf := &tier{parent: node, depth: 3, index: i}
		node.children = append(node.children, leaf)
		leaves[i] = leaf
		for t := leaf; t != nil; t = t.parent {
			t.current += counts[d.ID]
			if d.takes() {
				t.cap++
				t.weight += d.Weight
			}
		}
	}
	return root, zones, nodes, leaves
}

// setTargets decides how many replicas every tier holds of all and of each partition.
func setTargets(root *tier, leaves []*tier, parts, width int, overload float64) {
	// By weight alone: no device holds more than one replica of a partition, what it cannot hold goes to the others.
	spread(float64(width), leaves,
		func(t *tier) (float64, float64, float64) { return t.weight, 0, float64(t.cap) },
		func(t *tier, x float64) {
			for ; t != nil; t = t.parent {
				t.weighted += x
			}
		})
	// For dispersion: at every tier as even as it can be.
	root.wanted = float64(width)
	disperseShares(root)
	// The overload that full dispersion needs, and the point between the two that the given overload allows.
	required := 0.0
	for _, t := range leaves {
		if t.weighted > 0 {
			required = max(required, t.wanted/t.weighted-1)
		}
	}
	ratio := 1.0
	if overload < required {
		ratio = overload / required
	}
	var blend func(t *tier)
	blend = func(t *tier) {
		t.share = t.weighted + (t.wanted-t.weighted)*ratio
		for _, c := range t.children {
			blend(c)
		}
	}
	blend(root)
	root.target = parts * width
	apportion(root, parts)
}

// disperseShares sets the wanted share of the children of t so that each partition can have between l and h replicas in
// each of them, where l is as high and h as low as possible; between those bounds weights rule.
func disperseShares(t *tier) {
	if len(t.children) == 0 {
		return
	}
	fits := func(n int) (sum int) {
		for _, c := range t.children {
			sum += min(n, c.cap)
		}
		return sum
	}
	const eps = 1e-9
	h := 0
	for want := min(int(math.Ceil(t.wanted-eps)), t.cap); fits(h) < want; {
		h++
	}
	l := 0
	for have := int(math.Floor(t.wanted + eps)); l < h && fits(l+1) <= have; {
		l++
	}
	spread(t.wanted, t.children,
		func(c *tier) (float64, float64, float64) {
			return c.weighted, float64(min(l, c.cap)), float64(min(h, c.cap))
		},
		func(c *tier, x float64) { c.wanted = x })
	for _, c := range t.children {
		disperseShares(c)
	}
}

// spread divides total over the tiers in proportion to their weight, but within their bounds. The
// answer is clamp(f*weight, low, high) for the one factor f that makes the sum right.
func spread(total float64, ts []*tier, item func(*tier) (weight, low, high float64), set func(*tier, float64)) {
	at := func(f float64, t *tier) float64 {
		w, lo, hi := item(t)
		return min(max(f*w, lo), hi)
	}
	lo, hi := 0.0, 0.0
	for _, t := range ts {
		if w, _, h := item(t); w > 0 {
			hi = max(hi, h/w)
		}
	}
	for range 200 {
		f, sum := (lo+hi)/2, 0.0
		for _, t := range ts {
			sum += at(f, t)
		}
		if sum < total {
			lo = f
		} else {
			hi = f
		}
	}
	for _, t := range ts {
		set(t, at(hi, t))
	}
}

// apportion rounds the shares to whole replicas from the top down: each tier gets the floor or the ceiling of its exact
// share, and the children of a tier sum up to it. The ceiling goes first to those who hold that much
// already, so that rounding moves nothing.
func apportion(t *tier, parts int) {
	t.lower = t.target / parts
	t.upper = (t.target + parts - 1) / parts
	if len(t.children) == 0 {
		return
	}
	const eps = 1e-6 // shares are sums of floats; a whole number must be seen as one
	type part struct {
		t    *tier
		frac float64
		ceil int
	}
	var open []part
	left := t.target
	for _, c := range t.children {
		x := c.share * float64(parts)
		lo, hi := int(math.Floor(x+eps)), int(math.Ceil(x-eps))
		c.target = lo
		left -= lo
		if hi > lo {
			open = append(open, part{c, x - float64(lo), hi})
		}
	}
	slices.SortStableFunc(open, func(a, b part) int {
		if x, y := a.t.current >= a.ceil, b.t.current >= b.ceil; x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.frac, a.frac)
	})
	for i := 0; i < len(open) && left > 0; i++ {
		open[i].t.target++
		left--
	}
	// Rounding errors of the floats can leave a replica or two; give or take them where there is room.
	for _, c := range t.children {
		for left > 0 && c.target < c.cap*parts {
			c.target++
			left--
		}
		for left < 0 && c.target > 0 {
			c.target--
			left++
		}
	}
	for _, c := range t.children {
		apportion(c, parts)
	}
}
