package main

import (
	"fmt"
	"strings"
)

// decoders writes what reads structures from a form.
func (g *generator) decoders() string {
	var b strings.Builder
	for _, name := range g.structs {
		if !g.in[name] {
			continue
		}
		s := g.Shapes[name]
		fmt.Fprintf(&b, "// DecodeQuery reads the structure from a form.\nfunc (v *%s) DecodeQuery(d *query.Decoder, n *query.Node) {\n", name)
		for i := range s.Members {
			g.decodeMember(&b, s, &s.Members[i])
		}
		b.WriteString("}\n\n")
	}
	return withImports(b.String(), "github.com/aureole-cloud/aureole/ec2api/query")
}

func (g *generator) decodeMember(b *strings.Builder, s *shape, m *member) {
	field, q := "v."+upper(m.name), m.queryName()
	t := g.Shapes[m.Shape]
	switch t.Type {
	case "structure":
		fmt.Fprintf(b, "%s = object[%s](d, n, %q)\n", field, m.Shape, q)
	case "list":
		e := g.Shapes[t.Member.Shape]
		switch {
		case e.Type == "structure":
			fmt.Fprintf(b, "%s = list[%s](d, n, %q)\n", field, t.Member.Shape, q)
		case e.Type == "integer":
			fmt.Fprintf(b, "%s = d.Ints(n, %q)\n", field, q)
		case len(e.Enum) > 0 && !openEnums[t.Member.Shape]:
			fmt.Fprintf(b, "%s = d.Enums(n, %q, is%s)\n", field, q, t.Member.Shape)
		default:
			fmt.Fprintf(b, "%s = d.Strings(n, %q)\n", field, q)
		}
		if t.Max != nil {
			fmt.Fprintf(b, "d.AtMost(n, %q, len(%s), %d)\n", q, field, int(*t.Max))
		}
	case "string":
		switch {
		case len(t.Enum) > 0 && !openEnums[m.Shape]:
			fmt.Fprintf(b, "%s = d.Enum(n, %q, is%s)\n", field, q, m.Shape)
		case t.Max != nil && t.Min != nil:
			fmt.Fprintf(b, "%s = d.Sized(n, %q, %d, %d)\n", field, q, int(*t.Min), int(*t.Max))
		default:
			fmt.Fprintf(b, "%s = d.String(n, %q)\n", field, q)
		}
	case "integer":
		if t.Min == nil && t.Max == nil {
			fmt.Fprintf(b, "%s = d.Int(n, %q)\n", field, q)
			break
		}
		least, most := "math.MinInt32", "math.MaxInt32"
		if t.Min != nil {
			least = fmt.Sprint(int(*t.Min))
		}
		if t.Max != nil {
			most = fmt.Sprint(int(*t.Max))
		}
		fmt.Fprintf(b, "%s = d.IntIn(n, %q, %s, %s)\n", field, q, strings.ReplaceAll(least, "math.MinInt32", "-1<<31"),
			strings.ReplaceAll(most, "math.MaxInt32", "1<<31-1"))
	default:
		method := map[string]string{"boolean": "Bool", "long": "Long", "double": "Float", "float": "Float", "timestamp": "Time", "blob": "Blob"}[t.Type]
		fmt.Fprintf(b, "%s = d.%s(n, %q)\n", field, method, q)
	}
	if s.requires(m.name) {
		there := field + " != nil"
		if t.Type == "string" {
			there += " && *" + field + ` != ""`
		}
		fmt.Fprintf(b, "d.Required(n, %q, %s)\n", q, there)
	}
}

// encoders writes what writes structures into an answer.
func (g *generator) encoders() string {
	var b strings.Builder
	for _, name := range g.structs {
		if !g.out[name] {
			continue
		}
		fmt.Fprintf(&b, "// EncodeXML writes the members of the structure.\nfunc (v *%s) EncodeXML(w *ec2xml.Writer) {\n", name)
		top := strings.HasPrefix(name, "Describe") && strings.HasSuffix(name, "Result") && !strings.HasSuffix(name, "AttributeResult")
		for _, m := range g.Shapes[name].Members {
			g.encodeMember(&b, &m, top)
		}
		b.WriteString("}\n\n")
	}
	return withImports(b.String(), "github.com/aureole-cloud/aureole/ec2api/ec2xml")
}

func (g *generator) encodeMember(b *strings.Builder, m *member, top bool) {
	field, name := "v."+upper(m.name), m.element()
	t := g.Shapes[m.Shape]
	switch t.Type {
	case "structure":
		fmt.Fprintf(b, "if %s != nil {\nw.Open(%q)\n%s.EncodeXML(w)\nw.Close(%q)\n}\n", field, name, field, name)
	case "list":
		item := t.Member.LocationName
		if item == "" {
			item = "member"
		}
		if top {
			fmt.Fprintf(b, "if len(%s) == 0 {\nw.Empty(%q)\n} else {\n", field, name)
		}
		switch e := g.Shapes[t.Member.Shape]; e.Type {
		case "structure":
			fmt.Fprintf(b, "writeList(w, %q, %q, %s)\n", name, item, field)
		case "integer":
			fmt.Fprintf(b, "writeInts(w, %q, %q, %s)\n", name, item, field)
		case "double":
			fmt.Fprintf(b, "writeFloats(w, %q, %q, %s)\n", name, item, field)
		default:
			fmt.Fprintf(b, "w.Strings(%q, %q, %s)\n", name, item, field)
		}
		if top {
			b.WriteString("}\n")
		}
	default:
		method := map[string]string{"string": "Str", "boolean": "Bool", "integer": "Int", "long": "Long", "double": "Float", "float": "Float",
			"timestamp": "Time", "blob": "Blob"}[t.Type]
		fmt.Fprintf(b, "w.%s(%q, %s)\n", method, name, field)
	}
}
