package query

import (
	"slices"
	"strconv"
	"strings"
)

// Node is a parameter, or what parameters with a common prefix have in common.
type Node struct {
	name  string // of this step; the root has none
	up    *Node
	value string
	set   bool // a parameter of exactly this name was sent
	read  bool // a decoder has taken the value
	kids  map[string]*Node
	order []*Node // the kids as they came, so that errors do not depend on the order of a map
}

func (n *Node) add(name, value string) error {
	if len(name) > MaxName {
		return malformed("the name %q is too long", name[:32])
	}
	if strings.Count(name, ".") >= MaxDepth {
		return malformed("the name %q has too many parts", name)
	}
	at := n
	for rest := name; ; {
		step, more, nested := strings.Cut(rest, ".")
		if step == "" {
			return malformed("the name %q has an empty part", name)
		}
		kid := at.kids[step]
		if kid == nil {
			kid = &Node{name: step, up: at}
			if at.kids == nil {
				at.kids = make(map[string]*Node)
			}
			at.kids[step] = kid
			at.order = append(at.order, kid)
		}
		at = kid
		if !nested {
			break
		}
		rest = more
	}
	if at.set && at.value != value {
		return malformed("the parameter %s was sent twice with different values", name)
	}
	at.value, at.set = value, true
	return nil
}

// path is the full name of the node.
func (n *Node) path() string {
	if n.up == nil {
		return ""
	}
	if p := n.up.path(); p != "" {
		return p + "." + n.name
	}
	return n.name
}

// members are the kids of a list by their numbers; ok is false when one has no number.
func (n *Node) members() (list []*Node, bad *Node) {
	type numbered struct {
		i   int
		kid *Node
	}
	all := make([]numbered, 0, len(n.order))
	for _, kid := range n.order {
		i, err := strconv.ParseUint(kid.name, 10, 31)
		if err != nil {
			return nil, kid
		}
		all = append(all, numbered{int(i), kid})
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return a.i - b.i })
	list = make([]*Node, len(all))
	for i := range all {
		list[i] = all[i].kid
	}
	return list, nil
}

// unread finds a parameter that nobody has taken.
func (n *Node) unread() *Node {
	if n.set && !n.read && n.up != nil {
		return n
	}
	for _, kid := range n.order {
		if u := kid.unread(); u != nil {
			return u
		}
	}
	return nil
}
