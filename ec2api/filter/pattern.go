package filter

// pattern is a filter's value: plain text, or characters of which some stand for others.
type pattern struct {
	plain string
	wild  []token // nil for plain text
}

type token struct {
	r    rune
	kind byte // 0 is r itself, '?' any one, '*' any number
}

// wildcards are the characters that do not stand for themselves.
const wildcards = `*?\`

func compile(s string) pattern {
	if Plain(s) {
		return pattern{plain: s}
	}
	p := pattern{wild: []token{}}
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			p.wild = append(p.wild, token{r: r})
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			if n := len(p.wild); n == 0 || p.wild[n-1].kind != '*' {
				p.wild = append(p.wild, token{kind: '*'})
			}
		case r == '?':
			p.wild = append(p.wild, token{kind: '?'})
		default:
			p.wild = append(p.wild, token{r: r})
		}
	}
	if escaped {
		p.wild = append(p.wild, token{r: '\\'})
	}
	return p
}

// match compares in time linear in the text times the stars that have to be tried again, which is one at a time.
func (p *pattern) match(s string) bool {
	if p.wild == nil {
		return p.plain == s
	}
	text := []rune(s)
	t, w := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case w < len(p.wild) && p.wild[w].kind == '*':
			star, mark = w, t
			w++
		case w < len(p.wild) && (p.wild[w].kind == '?' || p.wild[w].kind == 0 && p.wild[w].r == text[t]):
			t++
			w++
		case star >= 0:
			mark++
			t, w = mark, star+1
		default:
			return false
		}
	}
	for w < len(p.wild) && p.wild[w].kind == '*' {
		w++
	}
	return w == len(p.wild)
}
