package s3xml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Element describes an element of a document that is kept as it was sent, once it is known to be well-formed in every part.
type Element struct {
	Name     string
	Must     bool // it has to be there
	Many     bool // it may be there more than once
	Type     Type
	Enum     []string // of a Text: what it may be
	Children []Element
}

// Type is what an element without children holds.
type Type uint8

// The types.
const (
	Text    Type = iota // any
	Filled              // any but nothing
	Integer             // a decimal number
	Boolean             // true or false
)

// Node is an element of a checked document.
type Node struct {
	Name     string
	Value    string // of an element without children
	Children []*Node
}

// Parse reads data as a document of root and checks it. The children of each node are in the order of the description.
func Parse(data []byte, root Element) (*Node, error) {
	g := &guard{d: newDecoder(data), root: root.Name, text: maxText}
	for {
		t, err := g.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if _, ok := t.(xml.StartElement); ok {
			break
		}
	}
	n, err := root.parse(g)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for {
		switch t, err := g.d.Token(); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		default:
			if text, ok := t.(xml.CharData); ok && strings.TrimSpace(string(text)) == "" {
				continue
			}
			if _, ok := t.(xml.Comment); ok {
				continue
			}
			return nil, fmt.Errorf("%w: content behind the root element", ErrMalformed)
		}
	}
}

// parse reads what follows the start of e, up to its end.
func (e *Element) parse(g *guard) (*Node, error) {
	n := &Node{Name: e.Name}
	var text strings.Builder
	for {
		t, err := g.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
			if text.Len() > maxText {
				return nil, errors.New("text too long")
			}
		case xml.StartElement:
			i := slices.IndexFunc(e.Children, func(c Element) bool { return c.Name == t.Name.Local })
			if i < 0 {
				return nil, fmt.Errorf("element %q in %q", clip(t.Name.Local), e.Name)
			}
			c, err := e.Children[i].parse(g)
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, c)
		case xml.EndElement:
			return n, e.check(n, text.String())
		}
	}
}

// check completes n at its end.
func (e *Element) check(n *Node, text string) error {
	if e.Children != nil {
		if strings.TrimSpace(text) != "" {
			return fmt.Errorf("text in %q", e.Name)
		}
		order := func(name string) int {
			return slices.IndexFunc(e.Children, func(c Element) bool { return c.Name == name })
		}
		slices.SortStableFunc(n.Children, func(a, b *Node) int { return order(a.Name) - order(b.Name) })
		for i := range e.Children {
			c := &e.Children[i]
			switch count := len(n.All(c.Name)); {
			case count == 0 && c.Must, count > 1 && !c.Many:
				return fmt.Errorf("%d of %q in %q", count, c.Name, e.Name)
			}
		}
		return nil
	}
	n.Value = text
	switch e.Type {
	case Filled:
		if text == "" {
			return fmt.Errorf("empty %q", e.Name)
		}
	case Integer:
		n.Value = strings.TrimSpace(text)
		if _, err := strconv.ParseInt(n.Value, 10, 32); err != nil {
			return fmt.Errorf("number in %q", e.Name)
		}
	case Boolean:
		n.Value = strings.TrimSpace(text)
		if n.Value != "true" && n.Value != "false" {
			return fmt.Errorf("truth in %q", e.Name)
		}
	}
	if e.Enum != nil && !slices.Contains(e.Enum, n.Value) {
		return fmt.Errorf("value of %q", e.Name)
	}
	return nil
}

// All is the children of n of a name.
func (n *Node) All(name string) []*Node {
	if n == nil {
		return nil
	}
	var out []*Node
	for _, c := range n.Children {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Child is the first child of n on a path of names; nil if there is none.
func (n *Node) Child(path ...string) *Node {
	for _, name := range path {
		all := n.All(name)
		if len(all) == 0 {
			return nil
		}
		n = all[0]
	}
	return n
}

// Text is the value of the child on a path of names, or empty.
func (n *Node) Text(path ...string) string {
	if c := n.Child(path...); c != nil {
		return c.Value
	}
	return ""
}

// Int is Text as a number that Parse has checked.
func (n *Node) Int(path ...string) int {
	v, _ := strconv.Atoi(n.Text(path...))
	return v
}

// AppendTo writes the children of n to d.
func (n *Node) AppendTo(d *Doc) {
	for _, c := range n.Children {
		if c.Children == nil {
			d.Text(c.Name, c.Value)
			continue
		}
		d.Open(c.Name)
		c.AppendTo(d)
		d.Close(c.Name)
	}
}

// Fragment is the children of n as they are written into a document.
func (n *Node) Fragment() []byte {
	d := &Doc{}
	n.AppendTo(d)
	return d.b
}

// Raw writes a fragment.
func (d *Doc) Raw(fragment []byte) { d.b = append(d.b, fragment...) }

// Set gives n a child with a value, in front of the others, in place of those of its name.
func (n *Node) Set(name, value string) {
	kept := []*Node{{Name: name, Value: value}}
	for _, c := range n.Children {
		if c.Name != name {
			kept = append(kept, c)
		}
	}
	n.Children = kept
}
