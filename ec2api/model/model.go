// Package model is the types of the EC2 API: requests that read themselves from a form and check themselves, results that
// write themselves as XML. All but this file is generated from the API model; the generator is in ec2api/internal/gen.
//
// It guarantees the names, enumerations, bounds and required members of the model. Scalars are pointers and nil is absent;
// members of lists are values. It knows no rule that the model does not state.
package model

import (
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

//go:generate go run ../internal/gen

// Common is the parameters that mean the same in every action that has them.
type Common struct {
	DryRun            *bool
	ClientToken       *string
	MaxResults        *int
	NextToken         *string
	Filters           []Filter
	TagSpecifications []TagSpecification
}

// Done is the result of actions that have nothing to tell but success.
type Done struct{}

// EncodeXML writes <return>true</return>.
func (*Done) EncodeXML(w *ec2xml.Writer) { w.Text("return", "true") }

// Val is what p points to, or the zero value.
func Val[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

type decodes[T any] interface {
	*T
	DecodeQuery(*query.Decoder, *query.Node)
}

// object reads a structure; nil when no parameter of it was sent.
func object[T any, P decodes[T]](d *query.Decoder, n *query.Node, name string) *T {
	kid := d.Struct(n, name)
	if kid == nil {
		return nil
	}
	v := new(T)
	P(v).DecodeQuery(d, kid)
	return v
}

// list reads a list of structures.
func list[T any, P decodes[T]](d *query.Decoder, n *query.Node, name string) []T {
	kids := d.List(n, name)
	if len(kids) == 0 {
		return nil
	}
	l := make([]T, len(kids))
	for i, kid := range kids {
		P(&l[i]).DecodeQuery(d, kid)
	}
	return l
}

type encodes[T any] interface {
	*T
	EncodeXML(*ec2xml.Writer)
}

// writeList writes a list of structures; nil is nothing, empty an empty element.
func writeList[T any, P encodes[T]](w *ec2xml.Writer, name, item string, l []T) {
	if l == nil {
		return
	}
	if len(l) == 0 {
		w.Empty(name)
		return
	}
	w.Open(name)
	for i := range l {
		w.Open(item)
		P(&l[i]).EncodeXML(w)
		w.Close(item)
	}
	w.Close(name)
}

func writeInts(w *ec2xml.Writer, name, item string, l []int) {
	if l == nil {
		return
	}
	w.Open(name)
	for i := range l {
		w.Int(item, &l[i])
	}
	w.Close(name)
}
