package s3xml

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Header starts every document.
const Header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Namespace is that of S3's answers.
const Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// TimeFormat is how S3 writes times in bodies: UTC with milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// AppendElement writes <name>value</name> with value escaped.
func AppendElement(b []byte, name, value string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	b = append(b, '>')
	b = AppendText(b, value)
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// AppendInt writes <name>n</name>.
func AppendInt(b []byte, name string, n int64) []byte {
	b = append(b, '<')
	b = append(b, name...)
	b = append(b, '>')
	b = strconv.AppendInt(b, n, 10)
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// AppendBool writes <name>true</name> or false.
func AppendBool(b []byte, name string, v bool) []byte {
	return AppendElement(b, name, strconv.FormatBool(v))
}

// AppendTime writes <name>t</name> in TimeFormat.
func AppendTime(b []byte, name string, t time.Time) []byte {
	b = append(b, '<')
	b = append(b, name...)
	b = append(b, '>')
	b = appendTime(b, t)
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// appendTime writes TimeFormat with whole seconds, as S3 knows them, without AppendFormat: a listing needs it a thousand times.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.Truncate(time.Second).AppendFormat(b, TimeFormat)
	}
	b = append(b, digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T')
	hour, minute, sec := t.Clock()
	return appendClock(b, hour, minute, sec)
}

// appendClock leaves the fraction of a second out: S3 does not know it.
func appendClock(b []byte, hour, minute, sec int) []byte {
	return append(b, digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':', digit(sec/10), digit(sec), '.', '0', '0', '0', 'Z')
}

// digit is the last digit of n.
func digit(n int) byte { return '0' + byte(n%10) }

// special marks the bytes that AppendText has to look at.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 && c != '\t' && c != '\n' || c >= utf8.RuneSelf || c == '&' || c == '<' || c == '>' || c == '"'
	}
	return t
}()

// AppendText escapes s as character data.
func AppendText(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] {
			i++
			continue
		}
		esc, width := escape(s[i:])
		if esc != "" {
			b = append(b, s[start:i]...)
			b = append(b, esc...)
			start = i + width
		}
		i += width
	}
	return append(b, s[start:]...)
}

// escape is what stands for the first character of s, or empty when it stands for itself, and its length.
func escape(s string) (string, int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '"':
		return "&quot;", 1
	case c == '\r':
		return "&#13;", 1
	case c < 0x20:
		// Not a character of XML 1.0. S3 writes the reference all the same; clients avoid it with encoding-type=url.
		return "&#x" + strconv.FormatUint(uint64(c), 16) + ";", 1
	}
	r, width := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && width == 1 {
		return "\uFFFD", 1
	}
	return "", width
}

// AppendURLText writes s as encoding-type=url asks: everything but unreserved characters and the slash is percent-encoded. A
// space, too: Amazon makes a plus of it, which not all clients undo, while all undo %20. The result needs no escaping.
func AppendURLText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	start := 0
	for i := range len(s) {
		if c := s[i]; !unreserved[c] {
			b = append(b, s[start:i]...)
			b = append(b, '%', hex[c>>4], hex[c&15])
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}

// unreserved marks the bytes that AppendURLText leaves as they are.
var unreserved = func() (t [256]bool) {
	for c := range t {
		c := byte(c)
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '*' || c == '/'
	}
	return t
}()
