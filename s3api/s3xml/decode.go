package s3xml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Bounds of one document.
const (
	maxDepth    = 16
	maxElements = 70_000 // 10,000 parts with six elements each
	maxText     = 64 << 10
)

// Roomy is a document with a longer text than others have.
type Roomy interface {
	// MaxText is the bound of one text in bytes.
	MaxText() int
}

// ErrMalformed is wrapped by every failure of Decode.
var ErrMalformed = errors.New("s3xml: malformed document")

// Decode reads data, one document whose root is the element root, into v by the rules of encoding/xml. Namespaces are
// not looked at, since clients differ in them. Elements that v has no place for are refused, and so is anything behind the root
// but white space and comments.
func Decode(data []byte, root string, v any) error {
	g := &guard{d: newDecoder(data), root: root, text: maxText, shape: shapeOf(reflect.TypeOf(v))}
	if r, ok := v.(Roomy); ok {
		g.text = r.MaxText()
	}
	d := xml.NewTokenDecoder(g)
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for {
		switch t, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		default:
			if text, ok := t.(xml.CharData); ok && len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			if _, ok := t.(xml.Comment); ok {
				continue
			}
			return fmt.Errorf("%w: content behind the root element", ErrMalformed)
		}
	}
}

func newDecoder(data []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = true
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii") {
			return in, nil
		}
		return nil, fmt.Errorf("charset %q", charset)
	}
	return d
}

// guard passes tokens on and refuses the ones a request has no use for.
type guard struct {
	d        *xml.Decoder
	root     string
	text     int // bytes that a text may have
	seen     bool
	depth    int
	elements int
	shape    *shape // of the document; nil when its reader looks itself
	open     []inside
}

// Token is the next token of the document, without its namespaces.
func (g *guard) Token() (xml.Token, error) {
	t, err := g.d.Token()
	if err != nil {
		return t, err
	}
	switch e := t.(type) {
	case xml.Directive:
		return nil, errors.New("document type declaration")
	case xml.ProcInst:
		if e.Target != "xml" || g.seen {
			return nil, errors.New("processing instruction")
		}
	case xml.CharData:
		if len(e) > g.text {
			return nil, errors.New("text too long")
		}
		if err := g.within(e); err != nil {
			return nil, err
		}
	case xml.StartElement:
		if !g.seen && e.Name.Local != g.root {
			return nil, fmt.Errorf("root element %q, want %q", clip(e.Name.Local), g.root)
		}
		g.seen = true
		g.depth++
		g.elements++
		if g.depth > maxDepth || g.elements > maxElements {
			return nil, errors.New("too many elements")
		}
		if err := g.begin(e.Name.Local); err != nil {
			return nil, err
		}
		e.Name.Space = ""
		attrs := e.Attr[:0:0]
		for _, a := range e.Attr {
			if a.Name.Local == "type" { // xsi:type of a grantee
				attrs = append(attrs, xml.Attr{Name: xml.Name{Local: "type"}, Value: a.Value})
			}
		}
		e.Attr = attrs
		return e, nil
	case xml.EndElement:
		g.depth--
		if err := g.end(); err != nil {
			return nil, err
		}
		e.Name.Space = ""
		return e, nil
	}
	return t, nil
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}
