package s3xml

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// shape is what an element may hold, as the type says that it is read into. An element that nobody reads is refused, and so is a
// second one where one is read: Amazon holds documents against a schema, and what a client asks for must not be lost.
type shape struct {
	children []child
	number   bool
	any      bool
}

// Unread is an element of which only matters whether it is there.
type Unread struct{}

type child struct {
	name string
	many bool
	of   *shape
}

// shapeOf reads the rules of encoding/xml for t, as far as the types of this package use them.
func shapeOf(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Unread]() {
		return &shape{any: true}
	}
	s := &shape{}
	switch t.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		s.number = true
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			path, option, _ := strings.Cut(f.Tag.Get("xml"), ",")
			if option == "attr" || path == "" {
				continue
			}
			at := s
			names := strings.Split(path, ">")
			for _, name := range names[:len(names)-1] {
				at = at.add(name, false, &shape{})
			}
			ft, many := f.Type, f.Type.Kind() == reflect.Slice
			if many {
				ft = ft.Elem()
			}
			at.add(names[len(names)-1], many, shapeOf(ft))
		}
	}
	return s
}

// add is the child of a name: the one that is there, or of.
func (s *shape) add(name string, many bool, of *shape) *shape {
	for i := range s.children {
		if s.children[i].name == name {
			return s.children[i].of
		}
	}
	s.children = append(s.children, child{name, many, of})
	return of
}

// inside is an element that has begun.
type inside struct {
	*shape
	name string
	seen uint64 // children that have been there, by their place
	text bool
}

// begin holds the start of an element against the shape of the one around it.
func (g *guard) begin(name string) error {
	if g.shape == nil {
		return nil
	}
	of := g.shape
	if len(g.open) > 0 && g.open[len(g.open)-1].any {
		of = g.open[len(g.open)-1].shape
	} else if len(g.open) > 0 {
		at := &g.open[len(g.open)-1]
		i := 0
		for i < len(at.children) && at.children[i].name != name {
			i++
		}
		if i == len(at.children) {
			return fmt.Errorf("element %q in %q", clip(name), at.name)
		}
		if at.seen&(1<<i) != 0 && !at.children[i].many {
			return fmt.Errorf("another %q in %q", name, at.name)
		}
		at.seen |= 1 << i
		of = at.children[i].of
	}
	g.open = append(g.open, inside{shape: of, name: name})
	return nil
}

// within holds text against the element that it is in.
func (g *guard) within(text []byte) error {
	if len(g.open) == 0 || len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	at := &g.open[len(g.open)-1]
	at.text = true
	if at.children != nil {
		return fmt.Errorf("text in %q", at.name)
	}
	return nil
}

// end holds an element that is complete against its shape.
func (g *guard) end() error {
	if len(g.open) == 0 {
		return nil
	}
	at := g.open[len(g.open)-1]
	g.open = g.open[:len(g.open)-1]
	if at.number && !at.text {
		return errors.New("no number in " + at.name)
	}
	return nil
}
