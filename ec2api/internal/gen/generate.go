package main

import (
	"fmt"
	"slices"
	"strings"
)

// openEnums are enumerations that the server extends, or whose values handlers judge with a code of their own.
var openEnums = map[string]bool{
	"InstanceType":         true, // the catalogue can be extended by configuration
	"VolumeType":           true,
	"PermissionGroup":      true,
	"ResourceType":         true, // a tag specification for another type has its own sentence
	"RegionName":           true,
	"AccountAttributeName": true,
}

// generator knows which shapes are needed, and for what.
type generator struct {
	*apiModel
	full, empty []string
	in, out     map[string]bool // structures to decode, to encode
	structs     []string        // all, sorted
	enumNames   []string        // those that requests are checked against
}

func newGenerator(m *apiModel, full, empty []string) (*generator, error) {
	g := &generator{apiModel: m, full: full, empty: empty, in: map[string]bool{}, out: map[string]bool{}}
	for _, a := range slices.Concat(full, empty) {
		op, ok := m.Operations[a]
		if !ok {
			return nil, fmt.Errorf("the model has no action %s", a)
		}
		g.reach(op.Input.Shape, g.in)
	}
	for _, a := range full {
		if out := m.Operations[a].Output; out != nil {
			g.reach(out.Shape, g.out)
		}
	}
	for name := range g.Shapes {
		switch s := g.Shapes[name]; {
		case s.Type == "structure" && (g.in[name] || g.out[name]):
			g.structs = append(g.structs, name)
		case s.Type == "string" && len(s.Enum) > 0 && g.in[name] && !openEnums[name]:
			g.enumNames = append(g.enumNames, name)
		}
	}
	slices.Sort(g.structs)
	slices.Sort(g.enumNames)
	return g, nil
}

func (g *generator) reach(name string, set map[string]bool) {
	if set[name] {
		return
	}
	set[name] = true
	s := g.Shapes[name]
	for i := range s.Members {
		g.reach(s.Members[i].Shape, set)
	}
	if s.Member != nil {
		g.reach(s.Member.Shape, set)
	}
}

// goType is the type of a member: lists of values, pointers to everything else, so that what is absent can be told.
func (g *generator) goType(name string) string {
	s := g.Shapes[name]
	switch s.Type {
	case "structure":
		return "*" + name
	case "list":
		if e := g.Shapes[s.Member.Shape]; e.Type == "structure" {
			return "[]" + s.Member.Shape
		}
		return "[]" + strings.TrimPrefix(g.goType(s.Member.Shape), "*")
	case "blob":
		return "[]byte"
	}
	return "*" + map[string]string{"string": "string", "boolean": "bool", "integer": "int", "long": "int64", "double": "float64",
		"float": "float64", "timestamp": "time.Time"}[s.Type]
}

func (g *generator) requests() string { return g.types(func(n string) bool { return g.in[n] }) }

func (g *generator) results() string {
	return g.types(func(n string) bool { return !g.in[n] })
}

func (g *generator) types(want func(string) bool) string {
	var b strings.Builder
	for _, name := range g.structs {
		if !want(name) {
			continue
		}
		fmt.Fprintf(&b, "// %s is the structure of that name in the API model.\ntype %s struct {\n", name, name)
		for _, m := range g.Shapes[name].Members {
			fmt.Fprintf(&b, "%s %s\n", upper(m.name), g.goType(m.Shape))
		}
		b.WriteString("}\n\n")
	}
	return withImports(b.String(), "time")
}

// withImports adds the imports that the text uses.
func withImports(body string, pkgs ...string) string {
	var b strings.Builder
	b.WriteString("import (\n")
	for _, p := range pkgs {
		if strings.Contains(body, p[strings.LastIndexByte(p, '/')+1:]+".") {
			fmt.Fprintf(&b, "%q\n", p)
		}
	}
	b.WriteString(")\n\n")
	return b.String() + body
}

// common writes what the front end reads of every request.
func (g *generator) common() string {
	var b strings.Builder
	for _, a := range slices.Concat(g.full, g.empty) {
		name := g.Operations[a].Input.Shape
		fmt.Fprintf(&b, "// Common returns the parameters that mean the same in every action.\nfunc (v *%s) Common() Common {\nreturn Common{", name)
		var fields []string
		for _, m := range g.Shapes[name].Members {
			switch n := upper(m.name); n {
			case "DryRun", "ClientToken", "MaxResults", "NextToken", "Filters", "TagSpecifications":
				if n == "Filters" && g.goType(m.Shape) != "[]Filter" || n == "MaxResults" && g.goType(m.Shape) != "*int" ||
					n == "TagSpecifications" && g.goType(m.Shape) != "[]TagSpecification" {
					continue
				}
				fields = append(fields, n+": v."+n)
			case "Filter":
				if g.goType(m.Shape) == "[]Filter" {
					fields = append(fields, "Filters: v.Filter")
				}
			}
		}
		b.WriteString(strings.Join(fields, ", ") + "}\n}\n\n")
	}
	return b.String()
}

// enums writes the checks of enumerations, and constants for those that are short enough to be of use.
func (g *generator) enums() string {
	var b strings.Builder
	var names []string
	for name, s := range g.Shapes {
		if s.Type == "string" && len(s.Enum) > 0 && len(s.Enum) <= 40 && (g.in[name] || g.out[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "// Values of %s.\nconst (\n", name)
		seen := map[string]bool{}
		for _, v := range g.Shapes[name].Enum {
			id := name + camel(v)
			if seen[id] || g.Shapes[id] != nil {
				continue
			}
			seen[id] = true
			fmt.Fprintf(&b, "%s = %q\n", id, v)
		}
		b.WriteString(")\n\n")
	}
	for _, name := range g.enumNames {
		fmt.Fprintf(&b, "func is%s(s string) bool {\nswitch s {\ncase ", name)
		quoted := make([]string, len(g.Shapes[name].Enum))
		for i, v := range g.Shapes[name].Enum {
			quoted[i] = fmt.Sprintf("%q", v)
		}
		b.WriteString(strings.Join(quoted, ", ") + ":\nreturn true\n}\nreturn false\n}\n\n")
	}
	return b.String()
}

// camel makes an identifier of a value: "shutting-down" is ShuttingDown.
func camel(v string) string {
	var b strings.Builder
	capital := true
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z' && capital:
			b.WriteRune(c - 'a' + 'A')
			capital = false
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			b.WriteRune(c)
			capital = false
		default:
			capital = true
		}
	}
	return b.String()
}

// actions writes the names of all actions of the model, and of the filters that they document.
func (g *generator) actions(filters map[string][]string) string {
	var b strings.Builder
	names := make([]string, 0, len(g.Operations))
	for a := range g.Operations {
		names = append(names, a)
	}
	names = append(names, g.newer...)
	slices.Sort(names)
	names = slices.Compact(names)
	b.WriteString("// Actions lists all actions of the API model, and those that are newer.\nfunc Actions() []string {\nreturn []string{\n")
	for _, a := range names {
		fmt.Fprintf(&b, "%q,\n", a)
	}
	b.WriteString("}\n}\n\n// FilterNames lists the filters that an action documents; \"tag\" stands for tag:KEY.\nfunc FilterNames(action string) []string {\nswitch action {\n")
	for _, a := range slices.Sorted(slices.Values(slices.Concat(g.full, g.empty))) {
		if f := filters[a]; len(f) > 0 {
			fmt.Fprintf(&b, "case %q:\nreturn []string{", a)
			for i, n := range f {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%q", n)
			}
			b.WriteString("}\n")
		}
	}
	b.WriteString("}\nreturn nil\n}\n")
	return b.String()
}
