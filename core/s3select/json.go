package s3select

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonReader reads the values of an object of JSON, which follow each other.
type jsonReader struct {
	dec   *json.Decoder
	src   *budget
	limit int64 // bytes of one value
}

// budget ends a reader that gives too much for one value.
type budget struct {
	src  io.Reader
	left int64
}

var errBudget = errors.New("s3select: value too large")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func newJSONReader(src io.Reader, limit int64) *jsonReader {
	b := &budget{src: src}
	return &jsonReader{dec: json.NewDecoder(b), src: b, limit: limit}
}

// read returns the next value, and the offset behind it.
func (j *jsonReader) read() (value, int64, error) {
	j.src.left = j.limit
	var raw json.RawMessage
	err := j.dec.Decode(&raw)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
	case err == io.EOF:
		return nil, 0, err
	case errors.Is(err, errBudget):
		return nil, 0, fail(codeRecordSize, "A value of JSON is longer than %d bytes", j.limit)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, 0, fail(codeJSON, "The object is not JSON: %v", err)
	default:
		return nil, 0, err
	}
	p := jsonParser{b: raw}
	v, err := p.value(0)
	return v, j.dec.InputOffset(), err
}

// jsonParser makes a value of text that has been found to be JSON. Unlike package json it keeps the order of fields, and
// numbers as they are.
type jsonParser struct {
	b []byte
	i int
}

func (p *jsonParser) space() byte {
	for p.b[p.i] == ' ' || p.b[p.i] == '\t' || p.b[p.i] == '\n' || p.b[p.i] == '\r' {
		p.i++
	}
	return p.b[p.i]
}

func (p *jsonParser) value(depth int) (value, error) {
	if depth > maxDepth {
		return nil, fail(codeJSON, "The JSON is nested deeper than %d", maxDepth)
	}
	switch c := p.space(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.list(depth)
	case '"':
		return p.text()
	case 't':
		p.i += len("true")
		return true, nil
	case 'f':
		p.i += len("false")
		return false, nil
	case 'n':
		p.i += len("null")
		return nil, nil
	}
	start := p.i
	for p.i < len(p.b) && bytes.IndexByte([]byte("+-.eE0123456789"), p.b[p.i]) >= 0 {
		p.i++
	}
	s := string(p.b[start:p.i])
	if v, ok := parseNumber(s); ok {
		return v, nil
	}
	return nil, fail(codeJSON, "The number %.64s cannot be represented", s)
}

func (p *jsonParser) object(depth int) (value, error) {
	o := &object{}
	p.i++
	for p.space() != '}' {
		if p.b[p.i] == ',' {
			p.i++
			p.space()
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		p.space()
		p.i++ // the colon
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.names, o.values = append(o.names, name), append(o.values, v)
	}
	p.i++
	return o, nil
}

func (p *jsonParser) list(depth int) (value, error) {
	l := []value{}
	p.i++
	for p.space() != ']' {
		if p.b[p.i] == ',' {
			p.i++
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	p.i++
	return l, nil
}

func (p *jsonParser) text() (string, error) {
	start := p.i
	escaped := false
	for p.i++; p.b[p.i] != '"'; p.i++ {
		if p.b[p.i] == '\\' {
			escaped = true
			p.i++
		}
	}
	p.i++
	if !escaped && utf8.Valid(p.b[start:p.i]) {
		return string(p.b[start+1 : p.i-1]), nil
	}
	var s string
	if err := json.Unmarshal(p.b[start:p.i], &s); err != nil {
		return "", fail(codeJSON, "The object is not JSON: %v", err)
	}
	return s, nil
}

// appendJSON writes a value as JSON.
func appendJSON(b []byte, v value) []byte {
	switch v := v.(type) {
	case nil, missing:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return append(b, formatFloat(v)...)
	case string:
		return appendJSONText(b, v)
	case time.Time:
		return appendJSONText(b, formatTime(v))
	case []value:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v[i])
		}
		return append(b, ']')
	case *object:
		b = append(b, '{')
		for i := range v.values {
			b = appendField(b, i == 0, v.names[i], v.values[i])
		}
		return append(b, '}')
	case *csvRecord:
		b = append(b, '{')
		for i := range v.fields {
			b = appendField(b, i == 0, v.name(i), v.fields[i])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendField(b []byte, first bool, name string, v value) []byte {
	if !first {
		b = append(b, ',')
	}
	b = appendJSONText(b, name)
	b = append(b, ':')
	return appendJSON(b, v)
}

func appendJSONText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // what is no UTF-8 becomes U+FFFD
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}
