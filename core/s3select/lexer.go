package s3select

import (
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	tokEnd    kind = iota
	tokWord        // keyword or name
	tokQuoted      // "name"
	tokString      // 'text'
	tokNumber      // 12, 1.5, 1e3
	tokSymbol      // operator or punctuation
)

type token struct {
	kind kind
	text string // of words as written, of quoted ones and strings without their quotes
	at   int    // offset in the statement
}

// is reports whether the token is this keyword or symbol.
func (t token) is(text string) bool {
	switch t.kind {
	case tokWord:
		return strings.EqualFold(t.text, text)
	case tokSymbol:
		return t.text == text
	}
	return false
}

// lex splits a statement into tokens.
func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		start := i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.HasPrefix(s[i:], "--"):
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				n = len(s) - i
			}
			i += n
		case c == '\'' || c == '"':
			text, n, ok := quoted(s[i:], c)
			if !ok {
				return nil, fail(codeLexer, "The quote at position %d is not closed", i)
			}
			k := tokString
			if c == '"' {
				k = tokQuoted
			}
			i += n
			out = append(out, token{k, text, start})
		case isDigit(c) || c == '.' && i+1 < len(s) && isDigit(s[i+1]) && !follows(out):
			i += number(s[i:])
			out = append(out, token{tokNumber, s[start:i], start})
		case isLetter(c) || c == '_' || c >= utf8.RuneSelf:
			for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '_' || s[i] == '$' || s[i] >= utf8.RuneSelf) {
				i++
			}
			out = append(out, token{tokWord, s[start:i], start})
		default:
			n := symbol(s[i:])
			if n == 0 {
				return nil, fail(codeLexer, "The character %q at position %d is not part of any expression", c, i)
			}
			i += n
			out = append(out, token{tokSymbol, s[start:i], start})
		}
	}
	return append(out, token{kind: tokEnd, at: len(s)}), nil
}

// follows reports whether a dot continues a path: s._1.5 is no number.
func follows(out []token) bool {
	if len(out) == 0 {
		return false
	}
	last := out[len(out)-1]
	return last.kind == tokWord || last.kind == tokQuoted || last.is("]")
}

// quoted reads a text between quotes, of which two stand for one inside.
func quoted(s string, q byte) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			b.WriteByte(q)
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

// number is the length of the number that s begins with.
func number(s string) int {
	i := 0
	digits := func() {
		for i < len(s) && isDigit(s[i]) {
			i++
		}
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if i == len(s) || !isDigit(s[i]) {
			return j
		}
		digits()
	}
	return i
}

func symbol(s string) int {
	for _, two := range [...]string{"<>", "!=", "<=", ">=", "||"} {
		if strings.HasPrefix(s, two) {
			return 2
		}
	}
	if strings.IndexByte("=<>+-*/%(),.[];", s[0]) >= 0 {
		return 1
	}
	return 0
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
