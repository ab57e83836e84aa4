package s3api

import "strings"

// param is one parameter of a query, decoded.
type param struct{ name, value string }

// query is a parsed query string. It keeps the order and the repetitions of what was sent.
type query []param

// maxParams bounds what a query can make us keep; S3 itself knows some sixty parameters.
const maxParams = 256

// parseQuery splits and decodes raw into q's memory. A parameter without "=" has an empty value, which is how S3 reads
// sub-resources. A plus is a space, and a broken escape stays as it was sent.
func parseQuery(q query, raw string) (query, bool) {
	q = q[:0]
	for raw != "" {
		var item string
		item, raw, _ = strings.Cut(raw, "&")
		if item == "" {
			continue
		}
		if len(q) == maxParams {
			return q, false
		}
		name, value, _ := strings.Cut(item, "=")
		q = append(q, param{unescape(name, true), unescape(value, true)})
	}
	return q, true
}

// get is the first value of name.
func (q query) get(name string) string {
	for i := range q {
		if q[i].name == name {
			return q[i].value
		}
	}
	return ""
}

// has reports whether name is there, with or without a value.
func (q query) has(name string) bool {
	for i := range q {
		if q[i].name == name {
			return true
		}
	}
	return false
}

// lookup is get and has at once.
func (q query) lookup(name string) (string, bool) {
	for i := range q {
		if q[i].name == name {
			return q[i].value, true
		}
	}
	return "", false
}

// unescape undoes percent-encoding exactly once. A percent sign that starts no escape is kept; a plus becomes a space
// only where plus is set (queries, not paths).
func unescape(s string, plus bool) string {
	i := 0
	for i < len(s) && s[i] != '%' && (!plus || s[i] != '+') {
		i++
	}
	if i == len(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	b = append(b, s[:i]...)
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case c == '+' && plus:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
