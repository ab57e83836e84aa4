package s3select

import (
	"strings"
	"time"
)

// layouts are the forms of a timestamp, from ISO 8601: a date may end early, and midnight is then meant.
var layouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02T", "2006-01-02", "2006-01T", "2006T", "2006-01-02 15:04:05"}

func asTime(v value) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		if len(v) > 64 {
			return time.Time{}, false
		}
		for _, l := range layouts {
			if t, err := time.Parse(l, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

func formatTime(t time.Time) string { return t.Format(time.RFC3339Nano) }

// patternParts are the letters of date patterns with Go's form of them, longer ones first.
var patternParts = [...]struct{ pattern, layout string }{
	{"yyyy", "2006"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"XXXXX", "Z07:00"}, {"XXXX", "Z0700"}, {"XXX", "Z07:00"}, {"xxxxx", "-07:00"},
	{"xxxx", "-0700"}, {"xxx", "-07:00"}, {"yy", "06"}, {"MM", "01"}, {"dd", "02"}, {"hh", "03"}, {"HH", "15"}, {"mm", "04"}, {"ss", "05"},
	{"XX", "Z0700"}, {"xx", "-0700"}, {"y", "2006"}, {"M", "1"}, {"d", "2"}, {"h", "3"}, {"H", "15"}, {"m", "4"}, {"s", "5"}, {"a", "PM"},
	{"X", "Z07"}, {"x", "-07"},
}

// layoutOf is Go's layout of a pattern such as yyyy-MM-dd'T'HH:mm:ss.
func layoutOf(pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			s, n, ok := quoted(pattern[i:], c)
			if !ok || digitsOrNames(s) {
				return "", fail(codeInvalidTime, "The quote in the pattern is not closed, or holds what cannot be quoted")
			}
			b.WriteString(s)
			i += n
		case c == 'S': // fractions of a second follow a point
			n := 1
			for i+n < len(pattern) && pattern[i+n] == 'S' {
				n++
			}
			if n > 9 || !strings.HasSuffix(b.String(), ".") {
				return "", fail(codeTimestamp, "Fractions of a second follow a point and have at most 9 digits")
			}
			b.WriteString(strings.Repeat("0", n))
			i += n
		case isLetter(c):
			n := 0
			for _, p := range patternParts {
				if strings.HasPrefix(pattern[i:], p.pattern) {
					b.WriteString(p.layout)
					n = len(p.pattern)
					break
				}
			}
			if n == 0 {
				return "", fail(codeTimestamp, "The pattern holds %q, which is not known", c)
			}
			i += n
		case isDigit(c) || c == '_':
			return "", fail(codeTimestamp, "The pattern holds %q, which must be quoted", c)
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), nil
}

// digitsOrNames reports whether Go would take a quoted text for a part of its own layout.
func digitsOrNames(s string) bool {
	return s != "" && s != time.Time{}.Format(s)
}

func parseByPattern(s, pattern string) (value, error) {
	layout, err := layoutOf(pattern)
	if err != nil {
		return nil, err
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return nil, fail(codeCast, "Attempt to convert %.64q to a timestamp failed", s)
	}
	return t, nil
}

func formatByPattern(t time.Time, pattern string) (value, error) {
	layout, err := layoutOf(pattern)
	if err != nil {
		return nil, err
	}
	return t.Format(layout), nil
}
