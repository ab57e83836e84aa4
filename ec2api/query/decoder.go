package query

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
)

// Decoder reads typed values from a form. It keeps the first error and goes on, so that decoders need no branches.
type Decoder struct {
	form *Form
	err  *ec2err.Error
}

// NewDecoder makes a decoder of f.
func NewDecoder(f *Form) *Decoder { return &Decoder{form: f} }

// Root is where the names of an action's parameters begin.
func (d *Decoder) Root() *Node { return &d.form.root }

// Err is the first thing that was wrong, else a parameter that was not read: it is none of the action's.
func (d *Decoder) Err() error {
	if d.err != nil {
		return d.err
	}
	if u := d.form.root.unread(); u != nil {
		return ec2err.New(ec2err.UnknownParameter, "The parameter %s is not recognized", ec2err.Clip(u.path()))
	}
	return nil
}

func (d *Decoder) fail(e *ec2err.Error) {
	if d.err == nil {
		d.err = e
	}
}

// take returns the value of the parameter name below n.
func (d *Decoder) take(n *Node, name string) (*Node, bool) {
	kid := n.kids[name]
	if kid == nil || !kid.set {
		return nil, false
	}
	kid.read = true
	return kid, true
}

// String reads a string.
func (d *Decoder) String(n *Node, name string) *string {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	return d.text(kid)
}

func (d *Decoder) text(kid *Node) *string {
	if !utf8.ValidString(kid.value) {
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "The value of parameter %s is not valid UTF-8.", kid.path()))
	}
	return &kid.value
}

// Enum reads a string that is one of some.
func (d *Decoder) Enum(n *Node, name string, valid func(string) bool) *string {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	return d.enum(kid, valid)
}

func (d *Decoder) enum(kid *Node, valid func(string) bool) *string {
	if !valid(kid.value) {
		d.fail(ec2err.Value(kid.path(), kid.value))
	}
	return &kid.value
}

// Sized reads a string of so many characters.
func (d *Decoder) Sized(n *Node, name string, least, most int) *string {
	s := d.String(n, name)
	if s != nil {
		if l := utf8.RuneCountInString(*s); l < least || l > most {
			d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. It must have between %d and %d characters.",
				ec2err.Clip(*s), ec2err.Name(n.kids[name].path()), least, most))
		}
	}
	return s
}

// Bool reads a boolean.
func (d *Decoder) Bool(n *Node, name string) *bool {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	switch {
	case strings.EqualFold(kid.value, "true"):
		return new(true)
	case strings.EqualFold(kid.value, "false"):
		return new(false)
	}
	d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected true or false.",
		ec2err.Clip(kid.value), ec2err.Name(kid.path())))
	return nil
}

// Int reads an integer of 32 bits.
func (d *Decoder) Int(n *Node, name string) *int {
	return d.IntIn(n, name, math.MinInt32, math.MaxInt32)
}

// IntIn reads an integer within bounds.
func (d *Decoder) IntIn(n *Node, name string, least, most int) *int {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	return d.integer(kid, least, most)
}

func (d *Decoder) integer(kid *Node, least, most int) *int {
	v, err := strconv.ParseInt(kid.value, 10, 32)
	switch {
	case err != nil:
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected an integer.",
			ec2err.Clip(kid.value), ec2err.Name(kid.path())))
		return nil
	case int(v) < least:
		d.fail(ec2err.Low(kid.path(), int(v), least))
	case int(v) > most:
		d.fail(ec2err.High(kid.path(), int(v), most))
	}
	return new(int(v))
}

// Long reads an integer of 64 bits.
func (d *Decoder) Long(n *Node, name string) *int64 {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	v, err := strconv.ParseInt(kid.value, 10, 64)
	if err != nil {
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected an integer.",
			ec2err.Clip(kid.value), ec2err.Name(kid.path())))
		return nil
	}
	return &v
}

// Float reads a number.
func (d *Decoder) Float(n *Node, name string) *float64 {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	v, err := strconv.ParseFloat(kid.value, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected a number.",
			ec2err.Clip(kid.value), ec2err.Name(kid.path())))
		return nil
	}
	return &v
}

// timeLayouts are the forms of ISO 8601 that clients send.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
	"20060102T150405Z"}

// Time reads a timestamp.
func (d *Decoder) Time(n *Node, name string) *time.Time {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, kid.value); err == nil {
			return new(t.UTC())
		}
	}
	d.fail(ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected a timestamp in ISO 8601 format.",
		ec2err.Clip(kid.value), ec2err.Name(kid.path())))
	return nil
}

// Blob reads bytes in base64.
func (d *Decoder) Blob(n *Node, name string) []byte {
	kid, ok := d.take(n, name)
	if !ok {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(kid.value) // line breaks are ignored
	if err != nil {
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "The value of parameter %s is not valid base64.", kid.path()))
		return nil
	}
	return b
}

// List returns the members of a list by their numbers, nil when it was not sent.
func (d *Decoder) List(n *Node, name string) []*Node {
	kid := n.kids[name]
	if kid == nil {
		return nil
	}
	if kid.set && kid.value == "" {
		kid.read = true // how some clients spell an empty list
	}
	list, _ := kid.members() // what has no number stays unread
	return list
}

// Strings reads a list of strings.
func (d *Decoder) Strings(n *Node, name string) []string { return d.strings(n, name, d.text) }

// Enums reads a list of strings that are of some.
func (d *Decoder) Enums(n *Node, name string, valid func(string) bool) []string {
	return d.strings(n, name, func(kid *Node) *string { return d.enum(kid, valid) })
}

func (d *Decoder) strings(n *Node, name string, read func(*Node) *string) []string {
	list := d.List(n, name)
	if len(list) == 0 {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, kid := range list {
		if kid.set {
			kid.read = true
			out = append(out, *read(kid))
		}
	}
	return out
}

// Ints reads a list of integers.
func (d *Decoder) Ints(n *Node, name string) []int {
	var out []int
	for _, kid := range d.List(n, name) {
		if kid.set {
			kid.read = true
			if v := d.integer(kid, math.MinInt32, math.MaxInt32); v != nil {
				out = append(out, *v)
			}
		}
	}
	return out
}

// Struct returns where the members of a structure begin, nil when none was sent.
func (d *Decoder) Struct(n *Node, name string) *Node {
	kid := n.kids[name]
	if kid == nil {
		return nil
	}
	if kid.set && kid.value == "" {
		kid.read = true
	}
	if len(kid.order) == 0 {
		return nil
	}
	return kid
}

// Required complains when a parameter that must be there is not.
func (d *Decoder) Required(n *Node, name string, there bool) {
	if !there {
		path := n.path()
		if path != "" {
			path += "."
		}
		d.fail(ec2err.Missing(path + name))
	}
}

// AtMost complains about a list with too many members.
func (d *Decoder) AtMost(n *Node, name string, have, most int) {
	if have > most {
		d.fail(ec2err.New(ec2err.InvalidParameterValue, "The parameter %s has %d values; it may have at most %d.", name, have, most))
	}
}
