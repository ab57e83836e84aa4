// Package ec2xml writes the documents of the Query protocol: elements without attributes, but for the namespace of the root.
//
// It guarantees well-formed UTF-8 XML 1.0 whatever the text: characters that XML cannot carry become U+FFFD. It knows no
// schema; names come from the caller and are not checked.
package ec2xml

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// TimeFormat is that of all timestamps.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// Writer appends elements to a buffer. Its methods for pointers write nothing for nil.
type Writer struct{ b []byte }

// NewWriter makes a writer that appends to b.
func NewWriter(b []byte) *Writer { return &Writer{b} }

// Bytes is what has been written.
func (w *Writer) Bytes() []byte { return w.b }

// Len is how many bytes have been written.
func (w *Writer) Len() int { return len(w.b) }

// Grow makes room for n more bytes at once.
func (w *Writer) Grow(n int) { w.b = slices.Grow(w.b, n) }

// Raw writes what was written before, elements and all.
func (w *Writer) Raw(xml []byte) { w.b = append(w.b, xml...) }

// Header writes the XML declaration.
func (w *Writer) Header() { w.b = append(w.b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...) }

// Open writes a start tag.
func (w *Writer) Open(name string) {
	const room = 1 << 10
	if cap(w.b)-len(w.b) < room {
		// A large document that doubles its memory is copied once on average; append would grow it by a quarter, and copy it
		// four times.
		w.b = append(make([]byte, 0, 2*cap(w.b)+room), w.b...)
	}
	w.b = append(append(append(w.b, '<'), name...), '>')
}

// OpenRoot writes the start tag of the root with its namespace.
func (w *Writer) OpenRoot(name, namespace string) {
	w.b = append(append(append(w.b, '<'), name...), ` xmlns="`...)
	w.escape(namespace)
	w.b = append(w.b, `">`...)
}

// Close writes an end tag.
func (w *Writer) Close(name string) { w.b = append(append(append(w.b, '<', '/'), name...), '>') }

// Empty writes an element without content.
func (w *Writer) Empty(name string) { w.b = append(append(append(w.b, '<'), name...), '/', '>') }

// Text writes an element with text.
func (w *Writer) Text(name, text string) {
	if text == "" {
		w.Empty(name)
		return
	}
	w.Open(name)
	w.escape(text)
	w.Close(name)
}

// Str writes a string.
func (w *Writer) Str(name string, v *string) {
	if v != nil {
		w.Text(name, *v)
	}
}

// Bool writes a boolean.
func (w *Writer) Bool(name string, v *bool) {
	if v != nil {
		w.Open(name)
		w.b = strconv.AppendBool(w.b, *v)
		w.Close(name)
	}
}

// Int writes an integer.
func (w *Writer) Int(name string, v *int) {
	if v != nil {
		w.Open(name)
		w.b = strconv.AppendInt(w.b, int64(*v), 10)
		w.Close(name)
	}
}

// Long writes a 64-bit integer.
func (w *Writer) Long(name string, v *int64) {
	if v != nil {
		w.Open(name)
		w.b = strconv.AppendInt(w.b, *v, 10)
		w.Close(name)
	}
}

// Float writes a number as AWS does: with a fraction always, never with an exponent.
func (w *Writer) Float(name string, v *float64) {
	if v == nil {
		return
	}
	w.Open(name)
	n := len(w.b)
	w.b = strconv.AppendFloat(w.b, *v, 'f', -1, 64)
	fraction := false
	for _, c := range w.b[n:] {
		fraction = fraction || c == '.'
	}
	if !fraction {
		w.b = append(w.b, '.', '0')
	}
	w.Close(name)
}

// Time writes a timestamp.
func (w *Writer) Time(name string, v *time.Time) {
	if v != nil {
		w.Open(name)
		w.b = v.UTC().AppendFormat(w.b, TimeFormat)
		w.Close(name)
	}
}

// Blob writes bytes in base64.
func (w *Writer) Blob(name string, v []byte) {
	if v != nil {
		w.Open(name)
		w.b = base64.StdEncoding.AppendEncode(w.b, v)
		w.Close(name)
	}
}

// Strings writes a list of strings; nil is nothing, empty an empty element.
func (w *Writer) Strings(name, item string, list []string) {
	if list == nil {
		return
	}
	if len(list) == 0 {
		w.Empty(name)
		return
	}
	w.Open(name)
	for _, s := range list {
		w.Text(item, s)
	}
	w.Close(name)
}

func (w *Writer) escape(s string) {
	b := w.b
	last := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				b = append(append(b, s[last:i]...), "\uFFFD"...)
				last = i + n
			}
			i += n
			continue
		}
		var esc string
		switch {
		case c == '&':
			esc = "&amp;"
		case c == '<':
			esc = "&lt;"
		case c == '>':
			esc = "&gt;"
		case c == '"':
			esc = "&quot;"
		case c == '\r':
			esc = "&#xD;"
		case c == '\t' || c == '\n' || c >= ' ':
			i++
			continue
		default:
			esc = "\uFFFD"
		}
		b = append(append(b, s[last:i]...), esc...)
		i++
		last = i
	}
	w.b = append(b, s[last:]...)
}
