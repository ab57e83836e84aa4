// Package filter decides which items of a list a request's filters let through.
//
// Values of one filter are alternatives, filters narrow each other down; * stands for any characters and ? for one, unless a
// backslash goes before them; case matters. tag:KEY looks at the value of a tag, tag-key at the keys, tag-value at the
// values. It knows no resource: what an attribute's values are is told by a [Set].
package filter

import (
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// Limits of AWS.
const (
	MaxFilters = 50
	MaxValues  = 200
)

// Set tells what can be filtered.
type Set[T any] struct {
	// Fields gives the values of each attribute of an item. Nil stands for an attribute that no item has.
	Fields map[string]func(*T) []string
	// Tags are an item's tags; nil when the items have none.
	Tags func(*T) map[string]string
}

// condition is one filter, ready to use.
type condition[T any] struct {
	values func(*T) []string
	any    []pattern
}

// Matcher lets items through.
type Matcher[T any] struct{ all []condition[T] }

// Compile makes a matcher of a request's filters.
func (s Set[T]) Compile(filters []model.Filter) (Matcher[T], error) {
	var m Matcher[T]
	if len(filters) > MaxFilters {
		return m, ec2err.New("FilterLimitExceeded", "The request has more than %d filters.", MaxFilters)
	}
	for i := range filters {
		f := &filters[i]
		name := model.Val(f.Name)
		values, ok := s.values(name)
		switch {
		case !ok:
			return m, Invalid(name)
		case len(f.Values) > MaxValues:
			return m, ec2err.New("FilterLimitExceeded", "The filter '%s' has more than %d values.", ec2err.Clip(name), MaxValues)
		case len(f.Values) == 0:
			return m, ec2err.New(ec2err.InvalidParameterValue, "The filter '%s' has no values.", ec2err.Clip(name))
		}
		c := condition[T]{values: values, any: make([]pattern, len(f.Values))}
		for i, v := range f.Values {
			c.any[i] = compile(v)
		}
		m.all = append(m.all, c)
	}
	return m, nil
}

// Invalid is the error of a filter that there is not.
func Invalid(name string) error {
	return ec2err.New(ec2err.InvalidParameterValue, "The filter '%s' is invalid", ec2err.Clip(name))
}

func (s Set[T]) values(name string) (func(*T) []string, bool) {
	if f, ok := s.Fields[name]; ok {
		if f == nil {
			f = func(*T) []string { return nil }
		}
		return f, true
	}
	if s.Tags == nil {
		return nil, false
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok && key != "" {
		return func(t *T) []string {
			if v, ok := s.Tags(t)[key]; ok {
				return []string{v}
			}
			return nil
		}, true
	}
	pairs := func(pick func(k, v string) string) func(*T) []string {
		return func(t *T) []string {
			var out []string
			for k, v := range s.Tags(t) {
				out = append(out, pick(k, v))
			}
			return out
		}
	}
	switch name {
	case "tag-key":
		return pairs(func(k, _ string) string { return k }), true
	case "tag-value":
		return pairs(func(_, v string) string { return v }), true
	}
	return nil, false
}

// Match reports whether an item passes all filters.
func (m *Matcher[T]) Match(t *T) bool {
	for i := range m.all {
		if !m.all[i].match(t) {
			return false
		}
	}
	return true
}

func (c *condition[T]) match(t *T) bool {
	for _, v := range c.values(t) {
		for i := range c.any {
			if c.any[i].match(v) {
				return true
			}
		}
	}
	return false
}

// Plain tells whether a filter's value stands for itself alone.
func Plain(value string) bool { return !strings.ContainsAny(value, wildcards) }

// Select returns the items that pass.
func (s Set[T]) Select(items []T, filters []model.Filter) ([]T, error) {
	m, err := s.Compile(filters)
	if err != nil || len(m.all) == 0 {
		return items, err
	}
	out := make([]T, 0, len(items))
	for i := range items {
		if m.Match(&items[i]) {
			out = append(out, items[i])
		}
	}
	return out, nil
}

// CheckNames refuses filters that an action does not document; "tag" among the names stands for tag:KEY.
func CheckNames(filters []model.Filter, names []string) error {
	for i := range filters {
		name := model.Val(filters[i].Name)
		switch {
		case name == "":
			return ec2err.Missing("Filter.Name")
		case name != "tag" && slices.Contains(names, name):
		case strings.HasPrefix(name, "tag:") && len(name) > len("tag:") && tagged(names):
		case name == "tag-key" || name == "tag-value":
			if !tagged(names) && !slices.Contains(names, "tag-key") {
				return Invalid(name)
			}
		default:
			return Invalid(name)
		}
	}
	return nil
}

// tagged tells whether an action documents filters by tags, which its documentation writes in two ways.
func tagged(names []string) bool {
	return slices.Contains(names, "tag") || slices.Contains(names, "tag:<key>")
}
